"""Small helpers the line-based formats share."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from mappings.richtext.tree import Block, Code

_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}").fullmatch


def code_block(text: str, language: str = "") -> list[Block]:
    """A code block, unless it would be empty: no blanks at line ends, no empty lines around."""
    text = "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
    return [Code(text, language if _LANGUAGE(language) else "")] if text.strip() else []


def dedented(line: str, blanks: int) -> str:
    """A line without up to so many leading blanks."""
    return line[min(blanks, len(line) - len(line.lstrip(" "))) :]


def next_from(places: Sequence[int], at: int) -> int:
    """The first of these sorted places from ``at`` on, or -1."""
    found = bisect_left(places, at)
    return places[found] if found < len(places) else -1


def numbered(number: int, sign: str) -> str:
    """The mark of an item, counted from 0."""
    return f"{number + 1}{sign} "
