"""The document tree every format is read into and written from: flat blocks, flat runs, nothing active.

A tree is canonical: neighbouring runs with the same marks are one, marks hold no blanks at their ends, lines end
without blanks, nothing is empty. So two trees are equal exactly when they say the same, and writing what was read is a
fixpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mappings.richtext.pictures import MARK, picture

MAX_DEPTH = 16
"""Quotes and lists nested deeper are flattened into the level above."""

MAX_HREF = 2_000

MARKS = "bcisu"
"""b strong, c code, i emphasis, s struck, u underlined; a run's marks are a sorted string of them, c always alone."""

_SAFE = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>\"\\^`{|}\x00-\x20\x7f]+", re.IGNORECASE).fullmatch
_INSIDE = re.compile(r"(?:attachment|cid):[\w.@+=%-]{1,200}").fullmatch


@dataclass(slots=True, unsafe_hash=True)
class Span:
    """A run of text without line breaks. Never changed: it is not frozen because so many are made."""

    text: str
    marks: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A line break inside a paragraph."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody named by the remote's own id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. ``src`` is ``attachment:<id>``, ``cid:<id>`` or a web address (never loaded by what we write)."""

    src: str
    alt: str


Inline = Span | Break | Mention | Image


@dataclass(frozen=True, slots=True)
class Paragraph:
    runs: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    runs: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines kept to the letter."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list; each item is blocks of its own. Numbers start at 1."""

    ordered: bool
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; ``header`` tells that the first row is one. Every row has as many cells as the first."""

    header: bool
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


Block = Paragraph | Heading | Code | Quote | Listing | Table | Rule
Document = tuple[Block, ...]


def safe_href(href: str) -> str:
    """The address if it is one a person may be sent to (http, https, mailto, tel), else nothing."""
    href = href.strip()
    return href if len(href) <= MAX_HREF and _SAFE(href) else ""


def safe_src(src: str) -> str:
    """The source of a picture: one of our attachments (a ``data:`` address is about to become one), a part of the same
    mail, or a web address."""
    src = src.strip()
    if src[:11].lower() == MARK:
        inside = picture(src)
        return f"attachment:{inside.name}" if inside is not None else ""
    return src if _INSIDE(src) else safe_href(src)


def runs(parts: Iterable[Inline]) -> tuple[Inline, ...]:
    """The canonical form of one line of text after another."""
    parts = parts if type(parts) is list else list(parts)
    if len(parts) == 1 and type(parts[0]) is Span:
        part = parts[0]
        if not part.marks and not part.href and not _ODD(part.text):
            text = part.text.rstrip()
            return () if not text else (part,) if text == part.text else (Span(text),)
    found, loose, broken = _merged(parts)
    for attribute in sorted({attribute for part in loose for attribute in _attributes(part)}):
        found = _joined(_trimmed(found, attribute))
    if not broken:
        _rstrip(found)
        return tuple(found)
    lined: list[Inline] = []
    for one in found:
        if isinstance(one, Break):
            _rstrip(lined)
        lined.append(one)
    _rstrip(lined)
    while lined and isinstance(lined[-1], Break):
        lined.pop()
        _rstrip(lined)
    first = next((at for at, part in enumerate(lined) if not isinstance(part, Break)), len(lined))
    return tuple(lined[first:])


def blank_ends(text: str) -> bool:
    """Whether text begins or ends with a blank."""
    return text[0].isspace() or text[-1].isspace()


def _merged(parts: Iterable[Inline]) -> tuple[list[Inline], list[Span], bool]:
    """The parts without line breaks and odd signs in their spans, of which neighbours with the same marks and address
    are one; those of them that begin or end with a blank inside a mark; and whether there are breaks."""
    found: list[Inline] = []
    loose: list[Span] = []
    same: list[str] = []
    broken = False
    marks = href = ""
    for part in _whole(parts):
        if type(part) is Span:
            if same and (part.marks != marks or part.href != href):
                _end(found, loose, same, marks, href)
                same = []
            marks, href = part.marks, part.href
            same.append(part.text)
            continue
        if same:
            _end(found, loose, same, marks, href)
            same = []
        broken = broken or isinstance(part, Break)
        found.append(part)
    if same:
        _end(found, loose, same, marks, href)
    return found, loose, broken


def _end(found: list[Inline], loose: list[Span], same: list[str], marks: str, href: str) -> None:
    text = same[0] if len(same) == 1 else "".join(same)
    span = Span(text, marks, href)
    found.append(span)
    if (marks or href) and (text[0].isspace() or text[-1].isspace()):
        loose.append(span)


def _whole(parts: Iterable[Inline]) -> Iterator[Inline]:
    for part in parts:
        if type(part) is not Span:
            yield part
        elif _ODD(part.text) or (len(part.marks) > 1 and "c" in part.marks):
            yield from _split(part)
        elif part.text:
            yield part


def _joined(parts: Iterable[Inline]) -> list[Inline]:
    return _merged(parts)[0]


def _attributes(part: Span) -> str:
    return part.marks + "@" if part.href else part.marks


def _without(part: Span, attribute: str, text: str) -> Span:
    if attribute == "@":
        return Span(text, part.marks)
    return Span(text, part.marks.replace(attribute, ""), part.href)


def _trimmed(parts: list[Inline], attribute: str) -> Iterator[Inline]:
    """No stretch with this mark (or address, ``@``) begins or ends with blanks."""
    at = 0
    while at < len(parts):
        end = at
        stretch: list[Span] = []
        while end < len(parts):
            part = parts[end]
            if not isinstance(part, Span) or attribute not in _attributes(part):
                break
            stretch.append(part)
            end += 1
            if attribute == "c":  # code is written one span at a time
                break
        if not stretch:
            yield parts[at]
            at += 1
            continue
        yield from edges(stretch, attribute)
        at = end


def edges(stretch: list[Span], attribute: str) -> Iterator[Span]:
    """Spans that share a mark, without it on the blanks at the stretch's ends."""
    first = next((at for at, part in enumerate(stretch) if part.text.strip()), len(stretch))
    last = next((at for at in range(len(stretch) - 1, -1, -1) if stretch[at].text.strip()), -1)
    for at, part in enumerate(stretch):
        if at < first or at > last:
            yield _without(part, attribute, part.text)
            continue
        text, after = part.text, ""
        if at == first and text[0].isspace():
            bare = text.lstrip()
            yield _without(part, attribute, text[: len(text) - len(bare)])
            text = bare
        if at == last and text[-1].isspace():
            bare = text.rstrip()
            text, after = bare, text[len(bare) :]
        yield Span(text, part.marks, part.href)
        if after:
            yield _without(part, attribute, after)


def _rstrip(found: list[Inline]) -> None:
    while found:
        last = found[-1]
        if not isinstance(last, Span):
            return
        text = last.text.rstrip()
        if text:
            if text != last.text:
                found[-1] = Span(text, last.marks, last.href)
            return
        found.pop()


_LINES = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f\ufeff]")
_ODD = re.compile(r"[\x00-\x1f\x7f\x85\xa0\u2028\u2029\ufeff]").search


def _split(part: Span) -> Iterator[Inline]:
    """A span without line breaks, tabs, hard blanks and control characters."""
    marks = "c" if "c" in part.marks else part.marks
    text = _CONTROL.sub("", part.text).replace("\t", "    ").replace("\xa0", " ")
    for at, line in enumerate(_LINES.split(text)):
        if at:
            yield Span(" ") if marks == "c" else Break()
        if line:
            yield Span(line, marks, part.href)


def paragraph(parts: Iterable[Inline]) -> Iterator[Block]:
    """A paragraph, unless it would be empty."""
    found = runs(parts)
    if found:
        yield Paragraph(found)


def table(rows: Iterable[Iterable[Iterable[Inline]]], header: bool) -> Iterator[Block]:
    """A table with rows of equal length and none of them empty, unless all would be."""
    cells = [[runs(cell) for cell in row] for row in rows]
    header = header and bool(cells) and any(cells[0])
    cells = [row for row in cells if any(row)]
    width = max((len(row) for row in cells), default=0)
    if width:
        yield Table(header, tuple(tuple(row + [()] * (width - len(row))) for row in cells))


def lines(parts: tuple[Inline, ...]) -> list[list[Inline]]:
    """Runs cut at their breaks."""
    found: list[list[Inline]] = [[]]
    for part in parts:
        if isinstance(part, Break):
            found.append([])
        else:
            found[-1].append(part)
    return found


def flat(blocks: Iterable[Block]) -> list[Inline]:
    """Blocks as one run of lines, where only text has room (a table's cell)."""
    found: list[Inline] = []
    for block in blocks:
        if found:
            found.append(Break())
        found.extend(_flat(block))
    return found


def _flat(block: Block) -> list[Inline]:
    if isinstance(block, Paragraph | Heading):
        return list(block.runs)
    if isinstance(block, Code):
        spans: list[Inline] = [part for line in block.text.split("\n") for part in (Break(), Span(line, "c"))]
        return spans[1:]
    if isinstance(block, Quote):
        return flat(block.blocks)
    if isinstance(block, Listing):
        found: list[Inline] = []
        for number, item in enumerate(block.items, 1):
            found += [Break(), Span(f"{number}. " if block.ordered else "- "), *flat(item)]
        return found[1:]
    if isinstance(block, Table):
        return flat(Paragraph(cell) for row in block.rows for cell in row if cell)
    return [Span("---")]
