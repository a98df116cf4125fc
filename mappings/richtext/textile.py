"""Textile as Redmine reads it. A new line is a new line; what would be markup is written as an entity, so typed text
stays text. A mark that its neighbours would stop from being one is left out: Redmine has no other way to write it.
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
_BLOCK = re.compile(r"(h([1-6])|bq|p)\. +(\S.*)$", re.DOTALL).match
_ITEM = re.compile(rf" *([*#]{{1,{MAX_DEPTH}}}) +(\S.*)$").match
_STARTERS = frozenset("hbp |-<>*#")
"""What a line that is not just prose may begin with."""

_PRE = re.compile(r"<pre>(?:\s*<code(?:\s+class=\"([^\"<>]*)\")?>)?", re.IGNORECASE).match
_END = re.compile(r"(?:</code>\s*)?</pre>", re.IGNORECASE)


# reading --------------------------------------------------------------------------------------------------------------


def read(text: str) -> Document:
    """Blocks of Textile."""
    return tuple(_blocks(text.split("\n"), 0))


def _blocks(source: list[str], depth: int) -> Iterator[Block]:
    at = 0
    while at < len(source):
        if not source[at].strip():
            at += 1
            continue
        found, used = _block(source, at, depth)
        if used:
            yield from found
            at += used
            continue
        end = _paragraph_end(source, at + 1, depth)
        yield from _prose("\n".join(source[at:end]))
        at = end


def _paragraph_end(source: list[str], at: int, depth: int) -> int:
    while at < len(source) and source[at].strip() and not _begins(source[at], depth):
        at += 1
    return at


def _begins(line: str, depth: int) -> bool:
    """Whether a block of its own begins, so that the paragraph above ends."""
    if line[0] not in _STARTERS:
        return False
    if line.startswith("|") or line == "---" or (line.startswith(">") and depth < MAX_DEPTH):
        return True
    return bool(_BLOCK(line) or _ITEM(line) or _PRE(line))


def _prose(text: str) -> Iterator[Block]:
    """A paragraph, a heading or a one-paragraph quote, by how it begins."""
    found = _BLOCK(text)
    if found is None or found[1] == "p":
        yield from paragraph(_parts(found[3] if found is not None else text))
        return
    words = runs(_parts(found[3]))
    if words:
        yield Heading(int(found[2]), words) if found[2] else Quote((Paragraph(words),))


def _block(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    """The block that begins here and how many lines it has; none for a paragraph."""
    line = source[at]
    if line[0] not in _STARTERS:
        return [], 0
    if line == "---":
        return [Rule()], 1
    pre = _PRE(line)
    if pre is not None:
        return _pre(source, at, pre)
    if line.startswith(">") and depth < MAX_DEPTH:
        return _quote(source, at, depth)
    if _ITEM(line):
        return _items(source, at, depth)
    return _rows(source, at) if line.startswith("|") else ([], 0)


def _pre(source: list[str], at: int, pre: re.Match[str]) -> tuple[list[Block], int]:
    end = at
    if not _END.search(source[at], pre.end()):
        end = next((there for there in range(at + 1, len(source)) if _END.search(source[there])), len(source) - 1)
    body = _END.split("\n".join(source[at : end + 1])[pre.end() :], 1)[0]
    return code_block(unescape(body), pre[1] or ""), end - at + 1


def _quote(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    end = at
    while end < len(source) and source[end].startswith(">"):
        end += 1
    inner = tuple(_blocks([line[1:].removeprefix(" ") for line in source[at:end]], depth + 1))
    return ([Quote(inner)] if inner else []), end - at


def _items(source: list[str], at: int, depth: int) -> tuple[list[Block], int]:
    """Rows of items; a line that begins no block goes on with the item above."""
    found: list[tuple[str, tuple[Inline, ...]]] = []
    end = at
    while end < len(source):
        item = _ITEM(source[end])
        if item is None:
            break
        after = _paragraph_end(source, end + 1, depth)
        found.append((item[1], runs(_parts("\n".join([item[2], *source[end + 1 : after]])))))
        end = after
    return list(item_tree(found)), end - at


def _rows(source: list[str], at: int) -> tuple[list[Block], int]:
    """Rows of cells; a row goes on over lines until one ends with a bar."""
    rows: list[list[list[Inline]]] = []
    end, header = at, source[at].startswith("|_.")
    while end < len(source) and source[end].startswith("|"):
        last = end
        while not (last > end or len(source[end]) > 1) or not source[last].rstrip().endswith("|"):
            if last + 1 == len(source) or not source[last + 1].strip() or source[last + 1].startswith("|"):
                break
            last += 1
        row = "\n".join(source[end : last + 1]).rstrip().removeprefix("|").removesuffix("|")
        rows.append([_parts(cell.removeprefix("_.").strip()) for cell in row.split("|")])
        end = last + 1
    return list(table(rows, header)), end - at


_TOKEN = re.compile(
    r"(?P<line>\n)"
    r"|(?P<link>(?P<bracket>\[)?\"(?P<words>[^\"\n]{1,2000})\":(?P<href>(?:https?://|mailto:|tel:)[^\s<>\"]+))"
    r"|(?P<picture>!(?P<src>[^\s!(|]+)(?:\((?P<alt>[^()\n]*)\))?!)"
    r"|(?P<code>@(?P<raw>\S(?:[^@\n]*[^@\s])?)@)"
    r"|(?P<br><br ?/?>)"
    r"|(?P<sign>[-*_+])"
    r"|(?P<entity>&(?:#\d{1,7}|[A-Za-z][A-Za-z0-9]{1,31});)"
)


_SIGN = re.compile(r"[\n\[\"!@<*_+&-]").search
"""Where a token may begin: found sooner than the token itself."""


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
        if token.start() > at:
            found.append(Span(text[at : token.start()]))
        parts, at = _token(text, token, links)
        found += parts
        sign = _SIGN(text, at)
    if at < len(text):
        found.append(Span(text[at:]))
    return resolve(found, _MARKS)


def _token(text: str, token: re.Match[str], links: bool) -> tuple[list[Inline | Run], int]:
    """What a token says, and where reading goes on."""
    match token.lastgroup:
        case "line" | "br":
            return [Break()], token.end()
        case "entity":
            return [Span(unescape(token[0]))], token.end()
        case "sign":
            return [Run(token[0], 1, *neighbours(text, token.start(), token.end()))], token.end()
        case "code" if not _letter(text, token.start() - 1) and not _letter(text, token.end()):
            return [Span(token["raw"], "c")], token.end()
        case "link" if links:
            return _link(text, token)
        case "picture" if links:
            return _picture(token)
    return [Span(text[token.start()])], token.start() + 1


def _letter(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isalnum()


def _link(text: str, token: re.Match[str]) -> tuple[list[Inline | Run], int]:
    """Words and an address; in brackets it ends at the bracket, else before the punctuation that ends a sentence."""
    href, start = token["href"], token.start("href")
    close = href.find("]") if token["bracket"] else -1
    if token["bracket"] and close < 0:
        return [Span("[")], token.start() + 1
    end = start + close if close >= 0 else start + len(href.rstrip(".,;:!?)*_+-@|"))
    address = safe_href(unescape(text[start:end]))
    if not address:
        return [Span(text[token.start()])], token.start() + 1
    inner = _parts(token["words"], False)
    found: list[Inline | Run] = [Span(p.text, p.marks, address) if isinstance(p, Span) else p for p in inner]
    return found, end + (1 if close >= 0 else 0)


def _picture(token: re.Match[str]) -> tuple[list[Inline | Run], int]:
    src = safe_src(unescape(token["src"])) or safe_src(f"attachment:{token['src']}")
    if not src:
        return [Span("!")], token.start() + 1
    return [Image(src, unescape(token["alt"] or "").strip())], token.end()


# writing --------------------------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"&(?=#?\w{1,31};)|\"(?=:)|[<|!]|\[(?=\[)|\{(?=\{)|[-*_+@%^~]|\?(?=\?)|(?<=\?)\?|=(?==)|(?<==)=")
_SIGNED = re.compile(r"[&\"<|!\[{*_+@%^~?=-]").search
_STARTS = re.compile(r"((?:h[1-6]|bq|p|fn\d{1,3}))\.(?= )|(#)(?=[*#]*+ )|(>)")


def write(document: Document) -> str:
    """The tree as Textile."""
    return "\n\n".join("\n".join(_lines(block)) for block in document)


def _lines(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return [_line(line) for line in lines(block.runs)]
    if isinstance(block, Heading):
        return [f"h{block.level}. {_item_lines(block.runs)[0]}", *_item_lines(block.runs)[1:]]
    if isinstance(block, Code):
        return _code_lines(block)
    if isinstance(block, Quote):
        inner = [line for at, each in enumerate(block.blocks) for line in ([""] if at else []) + _lines(each)]
        return [f"> {line}".rstrip() for line in inner]
    if isinstance(block, Listing):
        return [line for mark, words in listed(block, "") for line in _marked(mark, _item_lines(words))]
    if isinstance(block, Table):
        return [line for at, row in enumerate(block.rows) for line in _row(row, block.header and at == 0)]
    if isinstance(block, Rule):
        return ["---"]
    raise TypeError(block)


def _marked(mark: str, told: list[str]) -> list[str]:
    return [f"{mark} {told[0]}", *told[1:]]


def _item_lines(parts: tuple[Inline, ...]) -> list[str]:
    """Lines that go on with one item or heading; an empty one would end it, so it is written as a break."""
    return [_line(line) or "<br />" if at else _hard(_inline(line)) for at, line in enumerate(_joined(parts))]


def _joined(parts: tuple[Inline, ...]) -> list[list[Inline]]:
    """Lines, without the empty ones between others (a break more or less is all they say)."""
    return [line for line in lines(parts) if line] or [[]]


def _code_lines(block: Code) -> list[str]:
    text = re.sub(r"&(?=#?\w{1,31};)", "&amp;", block.text)
    text = re.sub(r"<(?=/(?:pre|code)>)", "&lt;", text, flags=re.IGNORECASE)
    opened = f'<pre><code class="{block.language}">' if block.language else "<pre>"
    return [opened, *text.split("\n"), "</code></pre>" if block.language else "</pre>"]


def _row(row: tuple[tuple[Inline, ...], ...], header: bool) -> list[str]:
    sign = "_. " if header else ""
    return ("|" + "|".join(sign + ("\n".join(_item_lines(cell)) or " ") for cell in row) + "|").split("\n")


def _line(parts: list[Inline]) -> str:
    told = _hard(_inline(parts))
    found = _STARTS.match(told)
    if found is None:
        return told
    if found[1]:
        return f"{found[1]}&#46;{told[found.end() :]}"
    return f"{'&#35;' if found[2] else '&gt;'}{told[1:]}"


def _hard(told: str) -> str:
    """Leading blanks as entities."""
    bare = told.lstrip(" ")
    return "&#160;" * (len(told) - len(bare)) + bare


def _inline(parts: list[Inline]) -> str:
    """Runs as Textile: links outermost, then struck, underlined, strong, emphasised, code."""
    groups = [(href, _linked_words(href, group)) for href, group in by_href(parts)]
    told = ""
    for at, (href, words) in enumerate(groups):
        if not href:
            told += words
            continue
        last = at + 1 == len(groups)
        apart = last or (not groups[at + 1][0] and groups[at + 1][1].startswith(" "))
        bare = apart and told[-1:] in ("", " ") and href[-1].isalnum() and "]" not in href
        target = href.replace("]", "%5D")
        told += f'"{words}":{target}' if bare else f'["{words}":{target}]'
    return told


def _linked_words(href: str, group: list[Inline]) -> str:
    fit = [_fitting(part, group[at - 1] if at else None, group[at + 1 : at + 2]) for at, part in enumerate(group)]
    words = nested(fit, "subi", around, _leaf)
    told = settled(words, _SIGNS, lambda sign: "")
    return told.replace('"', "&quot;") if href else told


def _fitting(part: Inline, before: Inline | None, after: list[Inline]) -> Inline:
    """Code that a sign in it or a letter beside it would break is written as text."""
    if not isinstance(part, Span) or part.marks != "c":
        return part
    beside = [before.text[-1:]] if isinstance(before, Span) else []
    beside += [each.text[:1] for each in after if isinstance(each, Span)]
    mentioned = any(isinstance(each, Mention) for each in (before, *after))
    if mentioned or any(sign.isalnum() for sign in beside) or re.search(r"[@|\"\n]|&(?=#?\w{1,31};)", part.text):
        return Span(part.text, "", part.href)
    return part


def _leaf(part: Inline) -> str:
    if isinstance(part, Span):
        return f"@{part.text}@" if part.marks == "c" else _words(part.text)
    if isinstance(part, Mention):
        return _words(f"@{part.name}")
    if isinstance(part, Image):
        return _image(part)
    raise TypeError(part)


def _image(part: Image) -> str:
    if part.src.startswith("attachment:"):
        alt = " ".join(re.sub(r"[!|()\"<>&\[\]{}@]", " ", part.alt).split())
        return f"!{part.src.removeprefix('attachment:')}{f'({alt})' if alt else ''}!"
    words = _words(part.alt or "image").replace('"', "&quot;")
    return f'["{words}":{part.src.replace("]", "%5D")}]' if safe_href(part.src) else f"[{words}]"


def _words(text: str) -> str:
    """Typed text, with what would be markup escaped."""
    return _SPECIAL.sub(_escaped, text) if _SIGNED(text) else text


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    if sign in "-*_+@%^~" and idle(found.string, found.start()):
        return sign
    return {"&": "&amp;", '"': "&quot;", "<": "&lt;"}.get(sign) or f"&#{ord(sign)};"
