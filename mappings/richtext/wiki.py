"""Jira's wiki markup. A new line is a new line; an item, a cell and a heading have one line, in which ``\\\\`` breaks.

What would be markup is written with a backslash (a backslash itself as an entity), so typed text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from mappings.richtext.blocks import code_block
from mappings.richtext.delimiters import Run, nested, resolve
from mappings.richtext.phrases import around, by_href, idle, item_tree, listed, neighbours, settled
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
    paragraph,
    runs,
    safe_href,
    safe_src,
    table,
)

_SIGNS = {"b": "*", "i": "_", "u": "+", "s": "-"}
_MARKS = {(sign, 1): mark for mark, sign in _SIGNS.items()}
_HEADING = re.compile(r"h([1-6])\. +(\S.*)$").match
_ITEM = re.compile(rf" *([*#]{{1,{MAX_DEPTH}}}|-) +(\S.*)$").match
_STARTERS = frozenset("h |b-{*#")
"""What a line that is not just prose may begin with."""

_FENCE = re.compile(r"\{(code|noformat)(?::([^{}\n]*))?\}").match


# reading --------------------------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    """Blocks of wiki markup."""
    return tuple(_blocks(text.split("\n"), False))


def _blocks(source: list[str], quoted: bool) -> Iterator[Block]:
    at = 0
    while at < len(source):
        if not source[at].strip():
            at += 1
            continue
        found, used = _block(source, at, quoted)
        if used:
            yield from found
            at += used
            continue
        end = at + 1
        while end < len(source) and source[end].strip() and not _begins(source[end], quoted):
            end += 1
        yield from paragraph(_parts("\n".join(source[at:end])))
        at = end


def _begins(line: str, quoted: bool) -> bool:
    """Whether a block of its own begins, so that the paragraph above ends."""
    if line[0] not in _STARTERS:
        return False
    if line.startswith(("|", "bq. ")) or line == "----" or (line == "{quote}" and not quoted):
        return True
    return bool(_HEADING(line) or _ITEM(line) or _FENCE(line))


def _block(source: list[str], at: int, quoted: bool) -> tuple[list[Block], int]:
    """The block that begins here and how many lines it has; none for a paragraph."""
    line = source[at]
    if line[0] not in _STARTERS:
        return [], 0
    heading = _HEADING(line)
    if heading is not None:
        words = runs(_parts(heading[2]))
        return ([Heading(int(heading[1]), words)] if words else []), 1
    if line == "----":
        return [Rule()], 1
    if line.startswith("bq. "):
        inner = tuple(paragraph(_parts(line[4:])))
        return ([Quote(inner)] if inner else []), 1
    fence = _FENCE(line)
    if fence is not None:
        return _fenced(source, at, fence)
    if line == "{quote}" and not quoted:
        return _quote(source, at)
    if _ITEM(line):
        return _items(source, at)
    return _rows(source, at) if line.startswith("|") else ([], 0)


def _fenced(source: list[str], at: int, fence: re.Match[str]) -> tuple[list[Block], int]:
    end = _fence_end(source, at, fence)
    body = "\n".join(source[at : end + 1])[fence.end() :].partition(f"{{{fence[1]}}}")[0]
    language = (fence[2] or "").split("|")[0]
    return code_block(body, language), end - at + 1


def _fence_end(source: list[str], at: int, fence: re.Match[str]) -> int:
    """The line on which a fence is closed, or the last."""
    close = f"{{{fence[1]}}}"
    if close in source[at][fence.end() :]:
        return at
    return next((end for end in range(at + 1, len(source)) if close in source[end]), len(source) - 1)


def _quote(source: list[str], at: int) -> tuple[list[Block], int]:
    end = at + 1
    while end < len(source) and source[end] != "{quote}":
        fence = _FENCE(source[end])
        end = _fence_end(source, end, fence) + 1 if fence is not None else end + 1
    inner = tuple(_blocks(source[at + 1 : end], True))
    return ([Quote(inner)] if inner else []), end - at + 1


def _items(source: list[str], at: int) -> tuple[list[Block], int]:
    found: list[tuple[str, tuple[Inline, ...]]] = []
    end = at
    while end < len(source):
        item = _ITEM(source[end])
        if item is None:
            break
        found.append((item[1].replace("-", "*"), runs(_parts(item[2]))))
        end += 1
    return list(item_tree(found)), end - at


def _rows(source: list[str], at: int) -> tuple[list[Block], int]:
    end = at
    rows: list[list[list[Inline]]] = []
    while end < len(source) and source[end].startswith("|"):
        rows.append([_parts(cell) for cell in _cells(source[end])])
        end += 1
    return list(table(rows, source[at].startswith("||"))), end - at


_BARS = re.compile(r"\\.|\[(?:\\.|[^\[\]\\\n])*\]|![^\s!|][^!\n|]*\|[^!\n|]*!|\|\|?")


def _cells(line: str) -> list[str]:
    """A row cut at its bars; those that are escaped or part of a link or picture are none."""
    found, at = [], 0
    for each in _BARS.finditer(line):
        if each[0][0] == "|":
            found.append(line[at : each.start()].strip())
            at = each.end()
    rest = line[at:].strip()
    return [*found[1:], rest] if rest else found[1:]


_TOKEN = re.compile(
    r"(?P<break> ?\\\\(?!\\) ?|\n)"
    r"|\\(?P<escape>[!-/:-@\[\]-`{-~])"
    r"|\{(?P<braced>[-*_+])\}"
    r"|\{\{(?P<code>(?:\\.|[^{}\\\n])+)\}\}"
    r"|\[~(?:accountid:)?(?P<mention>[^\]\s|\[]{1,128})\]"
    r"|(?P<link>\[(?:(?P<words>(?:\\.|[^\[\]|\\\n])*)\|)?(?P<target>[^\[\]|\s\\]+)(?:\|[^\[\]\n]*)?\])"
    r"|(?P<picture>!(?P<src>[^!\s|][^!|\n]*)(?:\|(?P<options>[^!\n]*))?!)"
    r"|(?P<sign>[-*_+])"
    r"|(?P<entity>&(?:#\d{1,7}|[A-Za-z][A-Za-z0-9]{1,31});)"
)


_SIGN = re.compile(r"[\n\\{\[!*_+&-]").search
"""Where a token may begin (or one blank before): found sooner than the token itself."""


def _parts(text: str, links: bool = True) -> list[Inline]:
    """One paragraph's text, its marks resolved."""
    sign = _SIGN(text)
    if sign is None:
        return [Span(text)] if text else []
    found: list[Inline | Run] = []
    at = 0
    while sign is not None:
        token = _TOKEN.match(text, sign.start())
        if token is None:
            sign = _SIGN(text, sign.end())
            continue
        start, end = token.span()
        if token.lastgroup == "break" and text[start] == "\\" and at < start and text[start - 1] == " ":
            start -= 1
        if start > at:
            found.append(Span(text[at:start]))
        if token.lastgroup == "sign":
            found.append(Run(token[0], 1, *neighbours(text, start, end)))
        else:
            found += _token(text, token, links)
        at = end
        sign = _SIGN(text, end)
    if at < len(text):
        found.append(Span(text[at:]))
    return resolve(found, _MARKS)


def _token(text: str, token: re.Match[str], links: bool) -> list[Inline | Run]:
    match token.lastgroup:
        case "break":
            return [Break()]
        case "escape":
            return [Span(token[0][1])]
        case "braced":
            return [Run(token["braced"], 1, True, True)]
        case "code":
            return [Span(_literal(token["code"]), "c")]
        case "entity":
            return [Span(unescape(token[0]))]
        case "mention" if links:
            return [Mention(token["mention"], token["mention"])]
        case "link" if links:
            return _link(token)
        case "picture" if links:
            return _picture(token)
    return [Span(_literal(token[0]))]


def _literal(text: str) -> str:
    """Text without its escapes."""
    return unescape(re.sub(r"\\([!-/:-@\[\]-`{-~])", r"\1", text))


def _link(token: re.Match[str]) -> list[Inline | Run]:
    href = safe_href(unescape(token["target"]))
    if not href:
        return [Span(_literal(token[0]))]
    inner = _parts(token["words"], False) if token["words"] else [Span(href)]
    return [Span(part.text, part.marks, href) if isinstance(part, Span) else part for part in inner]


def _picture(token: re.Match[str]) -> list[Inline | Run]:
    name = token["src"].strip()
    src = safe_src(name) or safe_src(f"attachment:{name}")
    alt = re.search(r"(?:^|[|,])\s*alt=\"?([^\",|]*)", token["options"] or "")
    return [Image(src, unescape(alt[1]).strip() if alt else "")] if src else [Span(_literal(token[0]))]


# writing --------------------------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"\\|&(?=#?\w{1,31};)|[\[\]{}|!^~]|\?(?=\?)|(?<=\?)\?|[-*_+]")
_MARKED = re.compile(r"[\\&\[\]{}|!^~?*_+-]").search
_STARTS = re.compile(r"(h[1-6]|bq)\.(?= )|#(?=[*#]*+ )")


def write(document: Document) -> str:
    """The tree as wiki markup."""
    return "\n\n".join("\n".join(_lines(block, False)) for block in document)


def _lines(block: Block, quoted: bool) -> list[str]:
    if isinstance(block, Paragraph):
        return [_line(line) for line in lines(block.runs)]
    if isinstance(block, Heading):
        return [f"h{block.level}. {_one_line(block.runs)}"]
    if isinstance(block, Code):
        return _code_lines(block)
    if isinstance(block, Quote):
        inner = [line for at, each in enumerate(block.blocks) for line in ([""] if at else []) + _lines(each, True)]
        return inner if quoted else ["{quote}", *inner, "{quote}"]
    if isinstance(block, Listing):
        return [f"{mark} {_one_line(words)}" for mark, words in listed(block, "")]
    if isinstance(block, Table):
        return [_row(row, block.header and at == 0) for at, row in enumerate(block.rows)]
    if isinstance(block, Rule):
        return ["----"]
    raise TypeError(block)


def _code_lines(block: Code) -> list[str]:
    text = block.text
    if "{code" not in text:
        return [f"{{code:{block.language}}}" if block.language else "{code}", *text.split("\n"), "{code}"]
    # the one word that cannot stand in either fence gets a joiner nobody sees
    return ["{noformat}", *text.replace("{noformat", "{\u2060noformat").split("\n"), "{noformat}"]


def _row(row: tuple[tuple[Inline, ...], ...], header: bool) -> str:
    bar = "||" if header else "|"
    return bar + bar.join(_one_line(cell) or " " for cell in row) + bar


def _one_line(parts: tuple[Inline, ...]) -> str:
    return " \\\\ ".join(_hard(_inline(line)) for line in lines(parts))


def _line(parts: list[Inline]) -> str:
    told = _hard(_inline(parts))
    found = _STARTS.match(told)
    if found is None:
        return told
    return f"{found[1]}&#46;{told[found.end() :]}" if found[1] else f"\\{told}"


def _hard(told: str) -> str:
    """Leading blanks as entities."""
    bare = told.lstrip(" ")
    return "&#160;" * (len(told) - len(bare)) + bare


def _inline(parts: list[Inline]) -> str:
    """Runs as wiki markup: links outermost, then struck, underlined, strong, emphasised."""
    told = "".join(_linked(href, group) for href, group in by_href(parts))
    return settled(told, _SIGNS, lambda sign: f"{{{sign}}}")


def _linked(href: str, group: list[Inline]) -> str:
    words = nested(group, "subi", around, _leaf)
    if not href:
        return words
    target = href.replace("[", "%5B").replace("]", "%5D").replace("\\", "%5C")
    return f"[{settled(words, _SIGNS, lambda sign: f'{{{sign}}}')}|{target}]"


def _leaf(part: Inline) -> str:
    if isinstance(part, Span):
        return f"{{{{{_words(part.text)}}}}}" if part.marks == "c" else _words(part.text)
    if isinstance(part, Mention):
        return f"[~accountid:{part.id}]" if re.fullmatch(r"[^\]\s|\[{}]{1,128}", part.id) else _words(f"@{part.name}")
    if isinstance(part, Image):
        return _image(part)
    raise TypeError(part)


def _image(part: Image) -> str:
    if part.src.startswith("attachment:"):
        alt = " ".join(re.sub(r"[!|,\"=\n{}\[\]\\&]", " ", part.alt).split())
        return f"!{part.src.removeprefix('attachment:')}{f'|alt={alt}' if alt else ''}!"
    words = _words(part.alt or "image")
    return f"[{words}|{part.src}]" if safe_href(part.src) else f"\\[{words}\\]"


def _words(text: str) -> str:
    """Typed text, with what would be markup escaped."""
    return _SPECIAL.sub(_escaped, text) if _MARKED(text) else text


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in "\\&":
        return "&#92;" if sign == "\\" else "&amp;"
    return sign if sign in "-*_+" and idle(found.string, found.start()) else f"\\{sign}"
