"""What wiki markup and Textile share: one sign around words, lists by rows of signs, one line to an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from mappings.richtext.tree import MAX_DEPTH, Block, Break, Inline, Listing, Span, flat, paragraph

OPEN, CLOSE = "\x02", "\x03"
"""Stand before a mark's letter while a line is being written; ``settled`` turns them into the format's own signs."""

_MARKED = re.compile(f"([{OPEN}{CLOSE}].)")
Items = Sequence[tuple[str, tuple[Inline, ...]]]
"""Rows of signs (``*#``) with the words of one item."""


def around(mark: str, inner: str) -> str:
    """Words between the places where a mark begins and ends."""
    return f"{OPEN}{mark}{inner}{CLOSE}{mark}"


def settled(told: str, signs: dict[str, str], brace: Callable[[str], str]) -> str:
    """A written line with its marks as signs, or, where a neighbour would stop the sign from being one, what ``brace``
    makes of it."""
    pieces = _MARKED.split(told)
    if len(pieces) == 1:
        return told
    waiting: list[int] = []
    for at in range(1, len(pieces), 2):
        if pieces[at][0] == OPEN:
            waiting.append(at)
            continue
        start = waiting.pop()
        before, after = "".join(pieces[:start:2])[-1:], "".join(pieces[at + 1 :: 2])[:1]
        sign = signs[pieces[at][1]]
        if before.isalnum() or after.isalnum() or after == sign or before == sign:
            sign = brace(sign)
        pieces[start], pieces[at] = sign, sign
    return "".join(pieces)


def neighbours(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether a sign may open and may close: never between letters, and only towards words."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    opens = bool(after) and not after.isspace() and not before.isalnum()
    return opens, bool(before) and not before.isspace() and not after.isalnum()


def idle(text: str, at: int) -> bool:
    """Whether a sign is only a character here: between letters, or between blanks."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return (before.isalnum() and after.isalnum()) or (before.isspace() and after.isspace())


def href_of(part: Inline) -> str:
    return part.href if isinstance(part, Span) else ""


def by_href(parts: Sequence[Inline]) -> list[tuple[str, list[Inline]]]:
    """Runs in groups of one address."""
    return [(href, list(group)) for href, group in groupby(parts, href_of)]


def listed(block: Listing, above: str) -> Iterator[tuple[str, tuple[Inline, ...]]]:
    """A list as rows: what an item says in one row, its lists in deeper ones."""
    mark = above + ("#" if block.ordered else "*")
    for item in block.items:
        words = flat(each for each in item if not isinstance(each, Listing))
        yield from ((mark, each.runs) for each in paragraph(words))  # type: ignore[union-attr]
        for each in item:
            if isinstance(each, Listing) and len(mark) < MAX_DEPTH:
                yield from listed(each, mark)
            elif isinstance(each, Listing):
                yield from ((mark, deep.runs) for deep in paragraph(flat([each])))  # type: ignore[union-attr]


def item_tree(rows: Items) -> Iterator[Block]:
    """Rows of signs as lists within lists."""
    for sign, group in groupby(rows, lambda row: row[0][0]):
        items: list[tuple[Block, ...]] = []
        for deeper, part in groupby(group, lambda row: len(row[0]) > 1):
            if not deeper:
                items += [found for _, words in part if (found := tuple(paragraph(words)))]
                continue
            inner = tuple(item_tree([(mark[1:], words) for mark, words in part]))
            if items:
                items[-1] += inner
            elif inner:
                items.append(inner)
        if items:
            yield Listing(sign == "#", tuple(items))


def breaks(parts: Sequence[Inline]) -> bool:
    return any(isinstance(part, Break) for part in parts)
