"""Atlassian Document Format: JSON nodes, read tolerantly and written within what the schema allows where.

A node that is not known is read as its content, so nothing a person wrote is lost; what the schema does not allow in a
place (a heading in a list) is written as the paragraph it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mappings.richtext.blocks import code_block
from mappings.richtext.tree import (
    MAX_DEPTH,
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
    flat,
    paragraph,
    runs,
    safe_href,
    safe_src,
    table,
)

Node = Mapping[str, Any]

_MARKS = {"strong": "b", "em": "i", "strike": "s", "underline": "u", "code": "c"}
_NAMES = {mark: name for name, mark in _MARKS.items()}
_INLINE = frozenset(("text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "placeholder"))
_DEEPEST = 60
"""JSON nested deeper than this is not looked into."""


# reading --------------------------------------------------------------------------------------------------------------


def read(document: Any) -> Document:
    """The tree of an ADF document; anything else is empty."""
    return tuple(_blocks(_content(document), 0))


def _content(node: Any) -> list[Node]:
    found = node.get("content") if isinstance(node, Mapping) else None
    return [child for child in found if isinstance(child, Mapping)] if isinstance(found, list) else []


def _attr(node: Node, name: str) -> str:
    attrs = node.get("attrs")
    value = attrs.get(name) if isinstance(attrs, Mapping) else None
    return value if isinstance(value, str) else ""


def _blocks(nodes: Iterable[Node], depth: int) -> Iterator[Block]:
    """Blocks; inline nodes where blocks should stand make a paragraph of their own."""
    stray: list[Node] = []
    for node in nodes:
        if node.get("type") in _INLINE:
            stray.append(node)
            continue
        yield from paragraph(_inlines(stray))
        stray = []
        if depth < _DEEPEST:
            yield from _block(node, depth + 1)
    yield from paragraph(_inlines(stray))


def _block(node: Node, depth: int) -> Iterator[Block]:
    match node.get("type"):
        case "paragraph":
            yield from paragraph(_inlines(_content(node)))
        case "heading":
            heading = runs(_inlines(_content(node)))
            if heading:
                yield Heading(_level(node), heading)
        case "codeBlock":
            words = "".join(str(child.get("text", "")) for child in _content(node))
            yield from code_block(words, _attr(node, "language"))
        case "blockquote":
            inner = tuple(_blocks(_content(node), depth))
            if inner:
                yield Quote(inner)
        case "bulletList" | "orderedList" | "taskList" | "decisionList" as kind:
            yield from _list(node, kind == "orderedList", depth)
        case "table":
            yield from _table(node, depth)
        case "rule":
            yield Rule()
        case "media":
            yield from paragraph(_media(node))
        case _:
            yield from _blocks(_content(node), depth)


def _level(node: Node) -> int:
    attrs = node.get("attrs")
    level = attrs.get("level") if isinstance(attrs, Mapping) else None
    return min(6, max(1, level)) if isinstance(level, int) else 1


def _list(node: Node, ordered: bool, depth: int) -> Iterator[Block]:
    """Items of blocks; a list that stands among items belongs to the item before it."""
    items: list[tuple[Block, ...]] = []
    for child in _content(node):
        nested = child.get("type") in ("bulletList", "orderedList", "taskList", "decisionList")
        inner = tuple(_blocks([child] if nested else _content(child), depth))
        if nested and items:
            items[-1] += inner
        elif inner:
            items.append(inner)
    if items:
        yield Listing(ordered, tuple(items))


def _table(node: Node, depth: int) -> Iterator[Block]:
    rows = [row for row in _content(node) if row.get("type") == "tableRow"]
    header = bool(rows) and any(cell.get("type") == "tableHeader" for cell in _content(rows[0]))
    cells = ([flat(_blocks(_content(cell), depth)) for cell in _content(row)] for row in rows)
    yield from table(cells, header)


def _media(node: Node) -> Iterator[Inline]:
    src, alt = safe_src(_attr(node, "url")), " ".join(_attr(node, "alt").split())
    if src or alt:
        yield Image(src, alt)


def _inlines(nodes: Iterable[Node], depth: int = 0) -> Iterator[Inline]:
    for node in nodes:
        match node.get("type"):
            case "text":
                yield _span(node)
            case "hardBreak":
                yield Break()
            case "mention":
                name = _attr(node, "text").removeprefix("@")
                yield Mention(_attr(node, "id"), name or _attr(node, "id"))
            case "emoji":
                yield Span(_attr(node, "text") or _attr(node, "shortName"))
            case "inlineCard":
                url = _attr(node, "url")
                yield Span(url, "", safe_href(url))
            case "status":
                yield Span(_attr(node, "text"))
            case "media" | "mediaInline":
                yield from _media(node)
            case _ if depth < _DEEPEST:
                yield from _inlines(_content(node), depth + 1)


def _span(node: Node) -> Span:
    text = node.get("text")
    marks = node.get("marks")
    kinds = [mark for mark in marks if isinstance(mark, Mapping)] if isinstance(marks, list) else []
    letters = {_MARKS[kind] for mark in kinds if (kind := mark.get("type")) in _MARKS}
    href = next((safe_href(_attr(mark, "href")) for mark in kinds if mark.get("type") == "link"), "")
    return Span(text if isinstance(text, str) else "", "".join(sorted(letters)), href)


# writing --------------------------------------------------------------------------------------------------------------


def write(document: Document) -> dict[str, Any]:
    """The tree as an ADF document."""
    return {"version": 1, "type": "doc", "content": [node for block in document for node in _top(block, 0)]}


def _top(block: Block, depth: int) -> Iterator[dict[str, Any]]:
    """A block where everything may stand."""
    if isinstance(block, Heading):
        yield {"type": "heading", "attrs": {"level": block.level}, "content": _runs(block.runs)}
    elif isinstance(block, Quote):
        inner = [node for each in block.blocks for node in _inner(each, depth + 1, quote=True)]
        yield {"type": "blockquote", "content": inner}
    elif isinstance(block, Table):
        yield _table_node(block)
    elif isinstance(block, Rule):
        yield {"type": "rule"}
    else:
        yield from _inner(block, depth)


def _inner(block: Block, depth: int, quote: bool = False) -> Iterator[dict[str, Any]]:
    """A block within a quote or an item: a paragraph, a list or code; the rest as the paragraphs it says."""
    if isinstance(block, Paragraph | Heading):
        yield {"type": "paragraph", "content": _runs(block.runs)}
    elif isinstance(block, Code):
        attrs = {"attrs": {"language": block.language}} if block.language else {}
        yield {"type": "codeBlock", **attrs, "content": [{"type": "text", "text": block.text}]}
    elif isinstance(block, Listing) and depth < MAX_DEPTH:
        yield _list_node(block, depth)
    elif isinstance(block, Quote):
        for each in block.blocks:
            yield from _inner(each, depth + 1, quote)
    elif isinstance(block, Table):
        for row in block.rows:
            yield from _inner(Paragraph(_row_line(row)), depth)
    else:
        yield {"type": "paragraph", "content": _runs(runs(flat([block])))}


def _row_line(row: tuple[tuple[Inline, ...], ...]) -> tuple[Inline, ...]:
    parts: list[Inline] = []
    for at, cell in enumerate(row):
        parts += [Span(" | ")] if at else []
        parts += [Span(" / ") if isinstance(part, Break) else part for part in cell]
    return runs(parts)


def _list_node(block: Listing, depth: int) -> dict[str, Any]:
    items = []
    for item in block.items:
        inner = [node for each in item for node in _inner(each, depth + 1)]
        if inner and inner[0]["type"] not in ("paragraph", "codeBlock"):
            inner.insert(0, {"type": "paragraph", "content": []})
        items.append({"type": "listItem", "content": inner})
    return {"type": "orderedList" if block.ordered else "bulletList", "content": items}


def _table_node(block: Table) -> dict[str, Any]:
    rows = []
    for at, row in enumerate(block.rows):
        kind = "tableHeader" if block.header and at == 0 else "tableCell"
        cells = [{"type": kind, "content": [{"type": "paragraph", "content": _runs(cell)}]} for cell in row]
        rows.append({"type": "tableRow", "content": cells})
    return {"type": "table", "content": rows}


def _runs(parts: Iterable[Inline]) -> list[dict[str, Any]]:
    return [_run(part) for part in parts]


def _run(part: Inline) -> dict[str, Any]:
    if isinstance(part, Span):
        marks: list[dict[str, Any]] = [{"type": _NAMES[mark]} for mark in part.marks]
        marks += [{"type": "link", "attrs": {"href": part.href}}] if part.href else []
        return {"type": "text", "text": part.text, **({"marks": marks} if marks else {})}
    if isinstance(part, Break):
        return {"type": "hardBreak"}
    if isinstance(part, Mention):
        return {"type": "mention", "attrs": {"id": part.id, "text": f"@{part.name}"}}
    link = safe_href(part.src)
    marks = [{"type": "link", "attrs": {"href": link}}] if link else []
    return {"type": "text", "text": f"[{part.alt or 'image'}]", **({"marks": marks} if marks else {})}
