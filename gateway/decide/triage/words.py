"""Words that tell what a ticket is about, in any of the languages at once; and how alike two subjects are.

Texts are compared without case and accents. A phrase is words in a row; ``break*`` is any word that begins so; parts
joined by ``+`` stand anywhere in one sentence, in any order (``reset* + password``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.decide.language import Reader, join

LONGEST = 8_000
"""How many characters of a text are looked at."""

LANGUAGES = ("en", "es", "ru")
"""In which Tandem itself speaks; a policy may have others."""

_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")
_SENTENCE = re.compile(r"(?<![.!?;:\n¿¡])[.!?;:\n¿¡]+(?=\s|$)|\n")
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+\*?")
_PREFIX = re.compile(r"\s*((re|fwd?|aw|wg|rv|tr|отв|пер)\s*:|\[[^\]]{0,40}\])\s*", re.IGNORECASE)
_SMALL = frozenset(
    _WORD.findall(
        "a an the and or of to for in on at my our is are it i we with from please still again not no since "
        "el la los las un una de del en mi y o con por para que se es al lo sigue aun "
        "и в на с не у по за к от для мои моя наш это я мы опять снова все еще"
    )
)
_BEGINNING = 24
"""The longest beginning of a word that a phrase is looked for by."""

_STEM = 5
"""How many letters of a word tell it apart: inflected forms of one word are one."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """``text``: its plain words, one space between; ``keys``: each of them, and each beginning of it with ``*``."""

    text: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """``parts``: each a pattern over the words of one sentence; all of them have to be there. ``key``: its first word,
    without which it need not be looked for."""

    source: str
    key: str
    parts: tuple[re.Pattern[str], ...]

    def within(self, sentence: Sentence) -> bool:
        return all(part.search(sentence.text) for part in self.parts)


class Words:
    """Phrases in the order of the policy."""

    def __init__(self, phrases: Iterable[Phrase] = ()) -> None:
        self._by_key: dict[str, list[tuple[int, Phrase]]] = {}
        for place, phrase in enumerate(phrases):
            self._by_key.setdefault(phrase.key, []).append((place, phrase))

    def found(self, said: tuple[Sentence, ...]) -> str:
        """The first phrase that is said in one of the sentences, as it is written in the policy; "" for none."""
        found = [
            (place, phrase.source)
            for sentence in said
            for key in self._by_key.keys() & sentence.keys
            for place, phrase in self._by_key[key]
            if phrase.within(sentence)
        ]
        return min(found)[1] if found else ""


NO_WORDS = Words()


def words(r: Reader, value: Any, path: str) -> Words:
    """``{en: [phrases], es: [...], ...}``."""
    found = []
    for language, phrases in r.table(value, path, ()).items():
        at = join(path, language)
        _spoken(r, language, at)
        found += [_phrase(r, one, place) for place, one in r.items(phrases, at)]
    return Words(one for one in found if one is not None)


def texts(r: Reader, value: Any, path: str, longest: int = 2000) -> dict[str, str]:
    """``{en: text, es: ..., ...}``; one text alone is for every language."""
    if isinstance(value, str):
        return {"": r.text(value, path, longest)}
    found = {}
    for language, one in r.table(value, path, ()).items():
        at = join(path, language)
        _spoken(r, language, at)
        found[language] = r.text(one, at, longest)
    return found


def told(written: Mapping[str, str], language: str) -> str:
    """A text in a language, else in English, else in the first there is; "" where there is none."""
    for one in (language, language.partition("-")[0], "en", ""):
        if one in written:
            return written[one]
    return next(iter(written.values()), "")


def _spoken(r: Reader, language: str, path: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        r.fault(path, "not a language", language, f"Write its short name: {', '.join(LANGUAGES)} ...")


def _phrase(r: Reader, value: Any, path: str) -> Phrase | None:
    source = r.text(value, path, 80)
    parts = [_TOKEN.findall(plainly(part)) for part in source.split("+")]
    if source and not all(parts):
        r.fault(path, "there is no word in a part of it", source, "Write words, with * at the end of a beginning.")
        return None
    if not source:
        return None
    first = parts[0][0]
    key = f"{first[:_BEGINNING].rstrip('*')}*" if first.endswith("*") else first
    return Phrase(source, key, tuple(map(_pattern, parts)))


def _pattern(tokens: list[str]) -> re.Pattern[str]:
    made = " ".join(re.escape(token.rstrip("*")) + (r"\w*" if token.endswith("*") else "") for token in tokens)
    return re.compile(rf"(?<!\w){made}(?!\w)")


def plainly(text: str) -> str:
    """Without case, accents and apostrophes."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[Sentence, ...]:
    """What is said, sentence by sentence."""
    parts = (_WORD.findall(plainly(part)) for part in _SENTENCE.split(text[:LONGEST]))
    return tuple(Sentence(" ".join(tokens), frozenset(_keys(tokens))) for tokens in parts if tokens)


def _keys(tokens: list[str]) -> Iterator[str]:
    for token in set(tokens):
        yield token
        yield from (f"{token[:n]}*" for n in range(1, min(len(token), _BEGINNING) + 1))


def subject(title: str) -> frozenset[str]:
    """What a subject is about: its words that say something, by their beginnings, without ``Re:`` and tags."""
    while before := _PREFIX.match(title):
        title = title[before.end() :]
    tokens = _WORD.findall(plainly(title[:LONGEST]))
    return frozenset(token[:_STEM] for token in tokens if token not in _SMALL)


def alike(one: str, other: str) -> float:
    """From 0 to 1: how many of the words of two subjects are common (Dice)."""
    a, b = subject(one), subject(other)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0
