"""Words that tell what a ticket is about, in any of the languages at once; and how alike two subjects are.

Texts are compared without case and accents. A phrase is words in a row; ``break*`` is any word that begins so; parts
joined by ``+`` stand anywhere in one sentence, in any order (``reset* + password``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.decide.language import Reader, join

LONGEST = 8_000
"""How many characters of a text are looked at."""

LANGUAGES = ("en", "es", "ru")
"""In which Tandem itself speaks; a policy may have others."""

_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")
_SENTENCE = re.compile(r"[.!?;:\n¿¡]+(?=\s|$)|\n")
_WORD = re.compile(r"\w+")
_PREFIX = re.compile(r"\s*((re|fwd?|aw|wg|rv|tr|отв|пер)\s*:|\[[^\]]{0,40}\])\s*", re.IGNORECASE)
_SMALL = frozenset(
    _WORD.findall(
        "a an the and or of to for in on at my our is are it i we with from please still again not no since "
        "el la los las un una de del en mi y o con por para que se es al lo sigue aun "
        "и в на с не у по за к от для мои моя наш это я мы опять снова все еще"
    )
)
_STEM = 5
"""How many letters of a word tell it apart: inflected forms of one word are one."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """``parts``: each a pattern over the words of one sentence; all of them have to be there."""

    source: str
    parts: tuple[re.Pattern[str], ...]

    def within(self, sentence: str) -> bool:
        return all(part.search(sentence) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Words:
    phrases: tuple[Phrase, ...]

    def found(self, sentences: tuple[str, ...]) -> str:
        """The first phrase that is said in one of them, as it is written in the policy; "" for none."""
        for phrase in self.phrases:
            if any(phrase.within(sentence) for sentence in sentences):
                return phrase.source
        return ""


NO_WORDS = Words(())


def words(r: Reader, value: Any, path: str) -> Words:
    """``{en: [phrases], es: [...], ...}``."""
    found = []
    for language, phrases in r.table(value, path, ()).items():
        at = join(path, language)
        _spoken(r, language, at)
        found += [_phrase(r, one, place) for place, one in r.items(phrases, at)]
    return Words(tuple(one for one in found if one is not None))


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
    parts = [_pattern(part) for part in source.split("+")]
    if source and not all(parts):
        r.fault(path, "there is no word in a part of it", source, "Write words, with * at the end of a beginning.")
        return None
    return Phrase(source, tuple(re.compile(part) for part in parts)) if source else None


def _pattern(part: str) -> str:
    tokens = [plainly(token) for token in part.replace("*", "\0").split()]
    made = [re.escape(token.replace("\0", "")) + (r"\w*" if token.endswith("\0") else "") for token in tokens if token]
    return rf"(?<!\w){' '.join(made)}(?!\w)" if made else ""


def plainly(text: str) -> str:
    """Without case, accents and apostrophes."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[str, ...]:
    """What is said, sentence by sentence, as plain words with one space between them."""
    parts = _SENTENCE.split(text[:LONGEST])
    return tuple(said for part in parts if (said := " ".join(_WORD.findall(plainly(part)))))


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
