"""A status told in a mail: by a command in the first line of what somebody wrote, by a header in a mail of ours.

``Status: solved`` or ``#solved``, in any of the words that the manifest lists or an admin declares. Anything else in
that place is text and no more. The last one in a thread counts, theirs or ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connectors.mail.letters import Ends, Letter

HEADER = "X-Tandem-Status"
LINE = re.compile(r"(?:(?:status|estado|статус)\s*[:=]\s*(?P<told>\S.{0,60}?)|#(?P<tag>[\w-]{1,60}))\s*[.!]?", re.I)


def plain(word: str) -> str:
    """A word as it is compared: small letters, single blanks for what parts its words, one letter for ё and е."""
    return re.sub(r"[\s_-]+", " ", word.casefold().replace("ё", "е")).strip()


def table(words: Iterable[str]) -> Mapping[str, str]:
    """The words by how they are compared."""
    return {plain(word): word for word in words}


def command(letter: Letter, words: Mapping[str, str]) -> str | None:
    """The status that the first line of a mail of theirs tells; None where it tells none that we know."""
    first = next((line.strip() for line in letter.own().splitlines() if line.strip()), "")
    found = LINE.fullmatch(first)
    return words.get(plain(found["told"] or found["tag"])) if found else None


def told(letter: Letter, ends: Ends, words: Mapping[str, str]) -> str | None:
    """The status that a mail tells, ours by its header, theirs by its command."""
    if letter.ours(ends):
        return words.get(plain(letter.said(HEADER)))
    return command(letter, words)


def last(talk: Iterable[Letter], ends: Ends, words: Mapping[str, str]) -> tuple[Letter, str] | None:
    """The mail that told the status last, and the status; None where none did."""
    every = [(each, status) for each in talk if (status := told(each, ends, words))]
    return every[-1] if every else None
