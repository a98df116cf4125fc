"""Plain text: paragraphs are parted by empty lines, and what looks like markup is text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from mappings.richtext.tree import (
    Block,
    Break,
    Code,
    Document,
    Heading,
    Image,
    Inline,
    Listing,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    lines,
    paragraph,
)

_GAP = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def read(text: str) -> Document:
    """Paragraphs of lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return tuple(block for part in _GAP.split(text) for block in paragraph([Span(part)]))


def write(document: Document) -> str:
    """The words, with the lightest of marks: dashes and numbers for lists, ``>`` for quotes, bars for tables."""
    return "\n\n".join("\n".join(part) for part in _blocks(document))


def _blocks(blocks: Iterable[Block]) -> Iterator[list[str]]:
    for block in blocks:
        yield _lines(block)


def _lines(block: Block) -> list[str]:
    if isinstance(block, Paragraph | Heading):
        return _text(block.runs)
    if isinstance(block, Code):
        return block.text.split("\n")
    if isinstance(block, Quote):
        return [f"> {line}".rstrip() for line in _joined(block.blocks)]
    if isinstance(block, Listing):
        return [line for number, item in enumerate(block.items, 1) for line in _item(number, item, block.ordered)]
    if isinstance(block, Table):
        return [" | ".join(" / ".join(_text(cell)) for cell in row).rstrip() for row in block.rows]
    if isinstance(block, Rule):
        return ["---"]
    raise TypeError(block)


def _joined(blocks: Iterable[Block]) -> list[str]:
    found: list[str] = []
    for part in _blocks(blocks):
        found += [*([""] if found else []), *part]
    return found


def _item(number: int, item: tuple[Block, ...], ordered: bool) -> list[str]:
    mark = f"{number}. " if ordered else "- "
    inner = [line for block in item for line in _lines(block)] or [""]
    return [f"{mark if at == 0 else ' ' * len(mark)}{line}".rstrip() for at, line in enumerate(inner)]


def _text(runs: tuple[Inline, ...]) -> list[str]:
    return ["".join(_linked(href, list(group)) for href, group in groupby(line, _href)) for line in lines(runs)]


def _href(part: Inline) -> str:
    return part.href if isinstance(part, Span) else ""


def _linked(href: str, parts: list[Inline]) -> str:
    """Words with the address behind them, unless they are the address."""
    told = "".join(map(_inline, parts))
    shown = href.removeprefix("mailto:").removeprefix("tel:")
    return told if told in ("", href, shown) or not href else f"{told} ({href})"


def _inline(part: Inline) -> str:
    if isinstance(part, Span):
        return part.text
    if isinstance(part, Mention):
        return f"@{part.name}"
    if isinstance(part, Image):
        name = part.src.removeprefix("attachment:") if part.src.startswith("attachment:") else ""
        return f"[{': '.join(dict.fromkeys(word for word in (part.alt, name) if word)) or 'image'}]"
    if isinstance(part, Break):
        return "\n"
    raise TypeError(part)
