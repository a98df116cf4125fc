"""Markdown as people write it in tickets: CommonMark with tables and strike-through, a new line is a new line, and no
HTML but ``<br>``.

What is written reads back as the same tree; underline has no Markdown and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from mappings.richtext.blocks import code_block, dedented, next_from, numbered
from mappings.richtext.delimiters import Run, nested, resolve
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
    lines,
    runs,
    safe_href,
    safe_src,
    table,
)

_MARKS = {("*", 2): "b", ("*", 1): "i", ("_", 2): "b", ("_", 1): "i", ("~", 2): "s"}
_RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$").match
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)").match
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})[ \t]*+([^`\s]*+)[^`]*+$").match
_STARTERS = frozenset(" #`~>-*+_=0123456789")
"""What a line that is not just prose may begin with."""

_ANY_FENCE = re.compile(r"(?:[-*+>]|\d{1,9}[.)]| )*+(?:```|~~~)").match
_ITEM = re.compile(r"( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})(?=\S)|[ \t]*$)").match
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$").match
_DELIMITERS = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$").match
_QUOTE = re.compile(r" {0,3}> ?").match
_PIPE = re.compile(r"(?<!\\)((?:\\\\)*)\|")


def read(text: str) -> Document:
    """Blocks of Markdown."""
    return tuple(_blocks(_untabbed(text.split("\n")), 0))


def _untabbed(lines: list[str]) -> list[str]:
    """Leading tabs as blanks, but in fenced code."""
    found, fenced = [], False
    for line in lines:
        start = line.lstrip()
        fenced ^= _ANY_FENCE(start) is not None
        blanks = line[: len(line) - len(start)]
        found.append(line if fenced or "\t" not in blanks else blanks.expandtabs(4) + start)
    return found


# blocks ---------------------------------------------------------------------------------------------------------------


def _blocks(source: list[str], depth: int) -> Iterator[Block]:
    at = 0
    while at < len(source):
        line = source[at]
        if not line.strip():
            at += 1
            continue
        found, used = _block(source, at, depth)
        if used:
            yield from found
            at += used
            continue
        end = at + 1
        while end < len(source) and not _interrupts(source, end, depth):
            end += 1
        under = _SETEXT(source[end]) if end < len(source) else None
        words = inline("\n".join(part.lstrip(" ") for part in source[at:end]))
        if under is not None and words:
            yield Heading(1 if under[1][0] == "=" else 2, words)
            end += 1
        elif words:
            yield Paragraph(words)
        at = end


def _block(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    """The block that begins here and how many lines it has; none for a paragraph."""
    line = source[at]
    if line[0] not in _STARTERS and "|" not in line:
        return [], 0
    head = _HEADING(line)
    if head is not None:
        words = inline(_unclosed(line[head.end() :].strip()))
        return ([Heading(len(head[1]), words)] if words else []), 1
    if _RULE(line):
        return [Rule()], 1
    fence = _FENCE(line)
    if fence is not None:
        return _fenced(source, at, fence)
    if line.startswith("    "):
        return _indented(source, at)
    if _QUOTE(line) and depth < MAX_DEPTH:
        return _quoted(source, at, depth)
    if _ITEM(line) and depth < MAX_DEPTH:
        return _listed(source, at, depth)
    if _is_table(source, at):
        return _tabled(source, at)
    return [], 0


def _unclosed(words: str) -> str:
    """A heading's text without the number signs that may close it."""
    bare = words.rstrip("#")
    return bare.rstrip() if bare != words and (not bare or bare[-1] in " \t") else words


def _interrupts(source: list[str], at: int, depth: int) -> bool:
    """Whether a line ends the paragraph above it."""
    line = source[at]
    if not line.strip():
        return True
    if line[0] not in _STARTERS and "|" not in line:
        return False
    if _SETEXT(line) or _HEADING(line) or _RULE(line) or _FENCE(line):
        return True
    if depth >= MAX_DEPTH:
        return False
    item = _ITEM(line)
    return bool(_QUOTE(line)) or (item is not None and item[3] is not None) or _is_table(source, at)


def _fenced(source: list[str], at: int, fence: re.Match[str]) -> tuple[list[Block], int]:
    close = re.compile(rf" {{0,3}}{re.escape(fence[2][0])}{{{len(fence[2])},}}[ \t]*$").match
    end = at + 1
    while end < len(source) and not close(source[end]):
        end += 1
    body = [dedented(line, len(fence[1])) for line in source[at + 1 : end]]
    return code_block("\n".join(body), fence[3]), end - at + 1


def _indented(source: list[str], at: int) -> tuple[list[Block], int]:
    end = at
    while end < len(source) and (source[end].startswith("    ") or not source[end].strip()):
        end += 1
    return code_block("\n".join(line[4:] for line in source[at:end])), end - at


def _quoted(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    inner, end = [], at
    while end < len(source):
        mark = _QUOTE(source[end])
        if mark is None:
            break
        inner.append(source[end][mark.end() :])
        end += 1
    blocks = tuple(_blocks(inner, depth + 1))
    return ([Quote(blocks)] if blocks else []), end - at


def _listed(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    first = _ITEM(source[at])
    assert first is not None
    kind, ordered = first[2][-1], first[2][0].isdigit()
    items: list[tuple[Block, ...]] = []
    end = at
    while end < len(source):
        mark = _ITEM(source[end])
        if mark is None or mark[2][-1] != kind or _RULE(source[end]):
            break
        inner, used = _item(source, end, mark)
        blocks = tuple(_blocks(inner, depth + 1))
        items.extend([blocks] if blocks else [])
        end += used
    return ([Listing(ordered, tuple(items))] if items else []), end - at


def _item(source: list[str], at: int, mark: re.Match[str]) -> tuple[list[str], int]:
    """The lines of one item without their indentation, and how many lines of the text they are."""
    indent = mark.end() if mark[3] is not None else len(mark[1]) + len(mark[2]) + 1
    inner = [source[at][mark.end() :]]
    end = at + 1
    while end < len(source):
        line = source[end]
        if not line.strip():
            ahead = next((there for there in range(end, len(source)) if source[there].strip()), len(source))
            if ahead == len(source) or not source[ahead].startswith(" " * indent):
                return inner, ahead - at
            inner += [""] * (ahead - end)
            end = ahead
        elif line.startswith(" " * indent):
            inner.append(line[indent:])
            end += 1
        elif _interrupts(source, end, 0) or not inner[-1].strip():
            break
        else:
            inner.append(line.lstrip(" "))
            end += 1
    return inner, end - at


def _is_table(source: list[str], at: int) -> bool:
    return (
        at + 1 < len(source)
        and "|" in source[at]
        and "|" in source[at + 1]
        and _DELIMITERS(source[at + 1]) is not None
        and len(_cells(source[at])) == len(_cells(source[at + 1]))
    )


def _tabled(source: list[str], at: int) -> tuple[list[Block], int]:
    end = at + 2
    while end < len(source) and "|" in source[end] and source[end].strip():
        end += 1
    head = [inline(cell) for cell in _cells(source[at])]
    rows = [[inline(cell) for cell in _cells(line)][: len(head)] for line in source[at + 2 : end]]
    header = any(head)
    return list(table([head, *rows] if header else rows, header)), end - at


def _cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    parts = _PIPE.sub(lambda found: f"{found[1]}\x00", line).split("\x00")
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return [part.replace("\\|", "|").strip() for part in parts]


# inline ---------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\\([!-/:-@\[-`{-~]|\n)"
    r"|(?P<code>`+)"
    r"|(?P<run>\*+|_+|~+)"
    r"|(?P<auto><((?:https?://|mailto:|tel:)[^\s<>]+)>)"
    r"|(?P<br><br ?/?>)"
    r"|(?P<link>!?\[)"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<line>\n)"
)
_SIGN = re.compile(r"[\\`*_~<!\[&\n]").search
"""Where a token may begin: found sooner than the token itself."""

_TARGET = re.compile(
    r"\]\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)


def inline(text: str) -> tuple[Inline, ...]:
    """One paragraph's text as runs."""
    return runs(resolve(_parts(text, True), _MARKS))


def _parts(text: str, links: bool) -> list[Inline | Run]:
    sign = _SIGN(text)
    if sign is None:
        return [Span(text)]
    parts: list[Inline | Run] = []
    ticks: dict[int, list[int]] | None = None
    pairs: dict[int, int] | None = None
    at = end = 0
    while sign is not None:
        found = _TOKEN.match(text, sign.start())
        if found is None:
            sign = _SIGN(text, sign.end())
            continue
        if found.start() > at:
            parts.append(Span(text[at : found.start()]))
        at, end = found.start(), found.end()
        kind = found.lastgroup
        if kind is None:
            parts.append(Break() if found[1] == "\n" else Span(found[1]))
        elif kind == "code":
            ticks = _ticks(text) if ticks is None else ticks
            close = next_from(ticks.get(len(found[0]), []), end)
            if close < 0:
                parts.append(Span(found[0]))
            else:
                parts.append(Span(_code(text[end:close]), "c"))
                end = close + len(found[0])
        elif kind == "run":
            parts.append(_run(text, found))
        elif kind == "auto":
            href = safe_href(found[4])
            parts.append(Span(found[4] if href else found[0], "", href))
        elif kind == "link":
            pairs = _pairs(text) if pairs is None else pairs
            used = _link(text, found, pairs, parts) if links else 0
            if not used:
                parts.append(Span(found[0]))
            end = used or end
        elif kind == "entity":
            parts.append(Span(unescape(found[0]).replace("\xa0", " ")))
        else:
            parts.append(Break())
        at = end
        sign = _SIGN(text, end)
    if at < len(text):
        parts.append(Span(text[at:]))
    return parts


def _ticks(text: str) -> dict[int, list[int]]:
    """Where runs of backticks stand, by their length."""
    found: dict[int, list[int]] = {}
    for each in re.finditer("`+", text):
        found.setdefault(len(each[0]), []).append(each.start())
    return found


def _code(text: str) -> str:
    text = text.replace("\n", " ")
    return text[1:-1] if text[:1] == text[-1:] == " " and text.strip() else text


def _run(text: str, found: re.Match[str]) -> Run:
    before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
    opens, closes = bool(after) and not after.isspace(), bool(before) and not before.isspace()
    if found[0][0] == "_":
        opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
    return Run(found[0][0], len(found[0]), opens, closes)


def _link(text: str, found: re.Match[str], pairs: dict[int, int], parts: list[Inline | Run]) -> int:
    """Reads a link or picture; returns where it ends, 0 for none. Its text holds no other link."""
    close = pairs.get(found.end() - 1, -1)
    target = _TARGET.match(text, close) if close > 0 else None
    if target is None:
        return 0
    words = text[found.end() : close]
    href = unescape(target[1] if target[1] is not None else target[2] or "")
    if found[0] == "![":
        alt = "".join(part.text for part in _parts(words, False) if isinstance(part, Span))
        src = safe_src(href)
        parts.extend([Image(src, " ".join(alt.split()))] if src or alt.strip() else [])
        return target.end()
    href = safe_href(href)
    inner = resolve(_parts(words, False), _MARKS)
    parts.extend(Span(part.text, part.marks, href) if isinstance(part, Span) else part for part in inner)
    return target.end()


_BRACKETS = re.compile(r"\\.|[\[\]]", re.DOTALL)


def _pairs(text: str) -> dict[int, int]:
    """Where each square bracket that is no escaped one is closed."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for each in _BRACKETS.finditer(text):
        if each[0] == "[":
            waiting.append(each.start())
        elif each[0] == "]" and waiting:
            found[waiting.pop()] = each.start()
    return found


# writing --------------------------------------------------------------------------------------------------------------

_ESCAPED = re.compile(r"[\\`*\[\]<|]|&(?=#?\w{1,31};)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~|^~|~$|!$")
_SPECIAL = re.compile(r"[\\`*\[\]<|&_~!]").search
_STARTS = re.compile(r"(?:(#{1,6})(?= |$)|(>)|([-+])(?= |$)|(=+|-+)$|(\d{1,9})([.)])(?= |$))")


def write(document: Document) -> str:
    """The tree as Markdown."""
    return "\n".join(_written(document, ""))


def _written(blocks: tuple[Block, ...], above: str) -> list[str]:
    """Lines of blocks with an empty line between them; neighbouring lists get other bullets."""
    found: list[str] = []
    swap = False
    for at, block in enumerate(blocks):
        before = blocks[at - 1] if at else None
        same = isinstance(block, Listing) and isinstance(before, Listing) and before.ordered == block.ordered
        swap = same and not swap
        found += [""] if at else []
        found += _block_lines(block, swap)
    return found


def _block_lines(block: Block, swap: bool) -> list[str]:
    if isinstance(block, Paragraph):
        return _text(block.runs)
    if isinstance(block, Heading):
        return [f"{'#' * block.level} {_line(block.runs)}"]
    if isinstance(block, Code):
        return _code_lines(block)
    if isinstance(block, Quote):
        return [f"> {line}".rstrip() for line in _written(block.blocks, "> ")]
    if isinstance(block, Listing):
        return _list_lines(block, swap)
    if isinstance(block, Table):
        return _table_lines(block)
    if isinstance(block, Rule):
        return ["___"]
    raise TypeError(block)


def _code_lines(block: Code) -> list[str]:
    longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{block.language}", *block.text.split("\n"), fence]


def _list_lines(block: Listing, swap: bool) -> list[str]:
    found: list[str] = []
    tight = all(len(item) == 1 or _is_tight(item) for item in block.items)
    for number, item in enumerate(block.items):
        mark = numbered(number, ")" if swap else ".") if block.ordered else ("* " if swap else "- ")
        inner = _tight_lines(item) if tight else _written(item, "")
        found += [""] if found and not tight else []
        found += [(mark if at == 0 else " " * len(mark)) + line if line else line for at, line in enumerate(inner)]
    return found


def _is_tight(item: tuple[Block, ...]) -> bool:
    return len(item) == 2 and isinstance(item[0], Paragraph) and isinstance(item[1], Listing)


def _tight_lines(item: tuple[Block, ...]) -> list[str]:
    return [line for block in item for line in _block_lines(block, False)]


def _table_lines(block: Table) -> list[str]:
    width = len(block.rows[0])
    rows = [_cells_line(row) for row in block.rows]
    head = rows[0] if block.header else "|" + "  |" * width
    return [head, "|" + " --- |" * width, *(rows[1:] if block.header else rows)]


def _cells_line(row: tuple[tuple[Inline, ...], ...]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _cell(cell: tuple[Inline, ...]) -> str:
    plain = runs(_bared(part, "|") for part in cell)
    return "<br>".join(_led(_inline(line)) for line in lines(plain))


def _text(parts: tuple[Inline, ...]) -> list[str]:
    told = [_started(_inline(line)) for line in lines(parts)]
    return [line + "\\" if at < len(told) - 1 else line for at, line in enumerate(told)]


def _line(parts: tuple[Inline, ...]) -> str:
    """One line, where only one is possible: breaks as ``<br>``, a closing ``#`` escaped."""
    told = "<br>".join(_led(_inline(line)) for line in lines(parts))
    return re.sub(r"#(?=#*$)", r"\\#", told)


def _started(line: str) -> str:
    """A line whose beginning is not taken for the beginning of a block."""
    if line.startswith(" "):
        return _led(line)
    found = _STARTS.match(line)
    if found is None:
        return line
    at = found.start(6) if found[6] else 0
    return f"{line[:at]}\\{line[at:]}"


def _led(line: str) -> str:
    """A line whose leading blanks are kept."""
    bare = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(bare)) + bare


def _inline(parts: list[Inline]) -> str:
    """Runs as Markdown: links outermost, then struck, strong, emphasised."""
    told, at = [], 0
    while at < len(parts):
        href, end = _href(parts[at]), at
        while end < len(parts) and _href(parts[end]) == href:
            end += 1
        told.append(_linked(parts[at:end], href))
        at = end
    return "".join(told)


def _href(part: Inline) -> str:
    return part.href if isinstance(part, Span) else ""


def _linked(group: list[Inline], href: str) -> str:
    if not href:
        return nested(group, "sbi", _wrapped, _leaf)
    words = nested((_bared(part, "[]") for part in group), "sbi", _wrapped, _leaf)
    if words == href:
        return f"<{href}>"
    return f"[{words}](<{href}>)" if "(" in href or ")" in href else f"[{words}]({href})"


def _bared(part: Inline, signs: str) -> Inline:
    """Code with one of these signs, which would end the cell or link around it, is written as text."""
    if isinstance(part, Span) and part.marks == "c" and any(sign in part.text for sign in signs):
        return Span(part.text, "", part.href)
    return part


def _wrapped(mark: str, inner: str) -> str:
    sign = {"s": "~~", "b": "**", "i": "*"}[mark]
    return f"{sign}{inner}{sign}"


def _leaf(part: Inline) -> str:
    if isinstance(part, Span):
        return _code_span(part.text) if part.marks == "c" else _words(part.text)
    if isinstance(part, Mention):
        return _words(f"@{part.name}")
    if isinstance(part, Image):
        alt = _words(part.alt)
        return f"![{alt}](<{part.src}>)" if "(" in part.src or ")" in part.src else f"![{alt}]({part.src})"
    raise TypeError(part)


def _words(text: str) -> str:
    """Typed text, with what would be markup escaped."""
    return _ESCAPED.sub(r"\\\g<0>", text) if _SPECIAL(text) else text


def _code_span(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
