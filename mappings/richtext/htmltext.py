"""HTML, read by a small tolerant scanner (no parser state, one pass, linear) and written as the few tags we mean.

Whatever the input, the output has text, the structure of the tree and links of four schemes; no attribute, style,
script or remote picture of theirs survives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape, unescape

from mappings.richtext.blocks import code_block
from mappings.richtext.tree import (
    MARKS,
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

_MARKS = {
    **dict.fromkeys(("b", "strong"), "b"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "i"),
    **dict.fromkeys(("u", "ins"), "u"),
    **dict.fromkeys(("s", "strike", "del"), "s"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "c"),
}
_SKIPPED = frozenset(
    ("script", "style", "head", "title", "template", "noscript", "iframe", "object", "embed", "svg", "math", "textarea",
     "select", "noembed", "noframes", "xmp", "plaintext", "audio", "video", "canvas")
)  # fmt: skip
_BOUNDARIES = frozenset(
    ("p", "div", "section", "article", "header", "footer", "main", "address", "figure", "figcaption", "center", "form",
     "fieldset", "dl", "dt", "dd", "details", "summary", "body", "html", "aside", "nav", "caption", "thead", "tbody",
     "tfoot", "colgroup", "hgroup", "legend", "option")
)  # fmt: skip
_MARKUP = re.compile(r"<(?:[!?]|/?[a-zA-Z])")
_WHOLE = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)((?:[^\"'>]++|\"[^\"]*\"|'[^']*')*+)>")
_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_STOP = re.compile(r"[>\"']")
_ATTRIBUTE = re.compile(r"([a-zA-Z_:][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_BLANK = re.compile(r"[\t\n\r\f]").search


_NESTING = frozenset(("blockquote", "ul", "ol", "table"))
_WALLS: dict[str, tuple[str, ...]] = {
    "table": (),
    "td": ("table",),
    "li": ("ul", "ol", "td"),
    **dict.fromkeys(("ul", "ol", "blockquote"), ("td", "table")),
}
"""What ends the search for an open container."""


class _Frame:
    """A container being filled: blocks so far, the text of the paragraph at hand, and what closes it."""

    __slots__ = ("blocks", "header", "inline", "items", "kind", "rows")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.blocks: list[Block] = []
        self.inline: list[Inline] = []
        self.items: list[tuple[Block, ...]] = []
        self.rows: list[list[list[Inline]]] = []
        self.header = False

    def flush(self) -> None:
        if self.inline:
            self.blocks.extend(paragraph(self.inline))
            self.inline = []


def read(text: str) -> Document:
    """Any HTML as a tree; what is no markup of ours is its text."""
    reader = _Reader()
    reader.feed(text)
    return reader.document()


class _Reader:
    def __init__(self) -> None:
        self.stack = [_Frame("root")]
        self.depth: dict[str, int] = {}
        self.marks = ""
        self.links: list[str] = []
        self.pre: list[str] | None = None
        self.language = ""
        self.skipping = ""
        self.heading = 0
        self.blank = True

    # scanning --------------------------------------------------------------------------------------------------------

    def feed(self, text: str) -> None:
        at, end = 0, len(text)
        while at < end:
            found = _MARKUP.search(text, at)
            if found is None:
                self.words(text[at:])
                return
            if found.start() > at:
                self.words(text[at : found.start()])
            tag = _WHOLE.match(text, found.start())
            if tag is None:
                at = self._markup(text, found.start())
                continue
            if tag[1]:
                self.close(tag[2].lower())
            else:
                self.open(tag[2].lower(), tag[3])
            at = tag.end()

    def _markup(self, text: str, at: int) -> int:
        """Reads one piece of markup at ``<``; returns where it ends."""
        if text.startswith("<!--", at):
            close = text.find("-->", at + 4)
            return len(text) if close < 0 else close + 3
        if text.startswith(("<!", "<?"), at):
            close = text.find(">", at)
            return len(text) if close < 0 else close + 1
        found = _TAG.match(text, at + 1)
        assert found is not None
        close = self._end_of_tag(text, found.end())
        if close < 0:
            self.words(text[at:])
            return len(text)
        name = found[2].lower()
        if found[1]:
            self.close(name)
        else:
            self.open(name, text[found.end() : close])
        return close + 1

    @staticmethod
    def _end_of_tag(text: str, at: int) -> int:
        while True:
            found = _STOP.search(text, at)
            if found is None:
                return -1
            if found[0] == ">":
                return found.start()
            close = text.find(found[0], found.end())
            if close < 0:
                return -1
            at = close + 1

    # events ----------------------------------------------------------------------------------------------------------

    def words(self, raw: str) -> None:
        if self.skipping:
            return
        text = unescape(raw) if "&" in raw else raw
        if self.pre is not None:
            self.pre.append(text)
            return
        if "  " in text or _BLANK(text):
            text = _BLANKS.sub(" ", text)
        if self.blank and text.startswith(" "):
            text = text[1:]
        if not text:
            return
        self.blank = text.endswith(" ")
        self.stack[-1].inline.append(Span(text, self.marks, self.links[-1] if self.links else ""))

    def open(self, name: str, attributes: str) -> None:
        if self.skipping:
            return
        if name == "code" and self.pre is not None:
            self.language = _language(_attribute(attributes, "class")) or self.language
        elif name in _MARKS and self.pre is None:
            self._mark(_MARKS[name], 1)
        elif name in _SKIPPED:
            self.skipping = "" if attributes.endswith("/") else name
        elif name == "br":
            self._break()
        elif name == "a":
            self.links.append(safe_href(_attribute(attributes, "href")))
        elif name == "img":
            self._image(attributes)
        elif name == "hr":
            self._flush()
            self._up_from_table().blocks.append(Rule())
        elif name == "pre":
            self._flush()
            self.pre = []
        else:
            self._open_block(name)

    def _open_block(self, name: str) -> None:
        if name in _BOUNDARIES:
            self._flush()
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":
            self._flush()
            self.heading = int(name[1])
        elif name in ("blockquote", "ul", "ol", "table"):
            self._flush()
            if sum(frame.kind in _NESTING for frame in self.stack) < MAX_DEPTH:
                self.stack.append(_Frame(name))
        elif name == "li" and self._inside("ul", "ol"):
            self._close_to("ul", "ol")
            self.stack.append(_Frame("li"))
            self.blank = True
        elif name == "tr" and self._inside("table"):
            self._close_to("table")
            self.top.rows.append([])
        elif name in ("td", "th") and self._inside("table"):
            self._close_to("table")
            if not self.top.rows:
                self.top.rows.append([])
            if name == "th" and len(self.top.rows) == 1 and not self.top.rows[0]:
                self.top.header = True
            self.stack.append(_Frame("td"))
            self.blank = True

    def close(self, name: str) -> None:
        if self.skipping:
            if name == self.skipping:
                self.skipping = ""
            return
        if name in _MARKS:
            if self.pre is None:
                self._mark(_MARKS[name], -1)
        elif name == "a":
            if self.links:
                self.links.pop()
        elif name == "pre" and self.pre is not None:
            self._end_pre()
        elif name in _BOUNDARIES or (len(name) == 2 and name[0] == "h" and name[1].isdigit()):
            self._flush()
        elif name in ("blockquote", "ul", "ol", "table", "li") and self._inside(name):
            self._close_to(name)
            self._pop()
        elif name in ("td", "th") and self._inside("td"):
            self._close_to("td")
            self._pop()

    # building --------------------------------------------------------------------------------------------------------

    @property
    def top(self) -> _Frame:
        return self.stack[-1]

    def _inside(self, *kinds: str) -> bool:
        """Whether such a container is open, with none of its walls between."""
        walls = _WALLS[kinds[0]]
        for frame in reversed(self.stack):
            if frame.kind in kinds:
                return True
            if frame.kind in walls:
                return False
        return False

    def _mark(self, mark: str, step: int) -> None:
        self.depth[mark] = max(0, self.depth.get(mark, 0) + step)
        self.marks = "".join([mark for mark in MARKS if self.depth.get(mark)])

    def _break(self) -> None:
        if self.pre is not None:
            self.pre.append("\n")
            return
        self.top.inline.append(Break())
        self.blank = True

    def _image(self, attributes: str) -> None:
        src, alt = safe_src(_attribute(attributes, "src")), " ".join(_attribute(attributes, "alt").split())
        if self.pre is None and (src or alt):
            self.top.inline.append(Image(src, alt))
            self.blank = False

    def _end_pre(self) -> None:
        text = "".join(self.pre or ()).replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
        self.pre = None
        code = code_block(text, self.language)
        self.language = ""
        self._up_from_table().blocks.extend(code)
        self.blank = True

    def _flush(self) -> None:
        if self.pre is not None:
            return
        frame = self.stack[-1]
        if not frame.inline and frame.kind not in ("ul", "ol", "table"):
            self.heading = 0
            self.blank = True
            return
        if self.heading and frame.inline:
            found = runs(frame.inline)
            if found:
                frame.blocks.append(Heading(self.heading, found))
            frame.inline = []
        self.heading = 0
        if frame.kind in ("ul", "ol", "table"):
            frame = self._up_from_table()
        frame.flush()
        self.blank = True

    def _up_from_table(self) -> _Frame:
        """Where blocks may go: what stands between rows or items is put before the table or list."""
        for at in range(len(self.stack) - 1, -1, -1):
            frame = self.stack[at]
            if frame.kind not in ("ul", "ol", "table"):
                for below in self.stack[at + 1 :]:
                    frame.inline += below.inline
                    below.inline = []
                return frame
        return self.stack[0]

    def _close_to(self, *kinds: str) -> None:
        self._flush()
        while len(self.stack) > 1 and self.top.kind not in kinds:
            self._pop()

    def _pop(self) -> None:
        self._flush()
        frame = self.stack.pop()
        frame.flush()
        above = self.top
        if frame.kind == "li":
            above.items.append(tuple(frame.blocks))
        elif frame.kind == "td":
            above.rows[-1].append(flat(frame.blocks))
        elif frame.kind == "table":
            above.blocks.extend(table((row for row in frame.rows if row), frame.header))
        elif frame.kind in ("ul", "ol"):
            items = tuple(item for item in frame.items if item)
            above.blocks.extend([Listing(frame.kind == "ol", items)] if items else [])
        else:
            above.blocks.extend([Quote(tuple(frame.blocks))] if frame.blocks else [])
        self.blank = True

    def document(self) -> Document:
        if self.pre is not None:
            self._end_pre()
        while len(self.stack) > 1:
            self._pop()
        self._flush()
        return tuple(self.stack[0].blocks)


def _language(classes: str) -> str:
    """The language a code block's class names, as highlighters write it."""
    found = next((word for word in classes.split() if word.startswith("language-")), "")
    return found.removeprefix("language-")


def _attribute(attributes: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return unescape(found[2] or found[3] or found[4] or "")
    return ""


# writing --------------------------------------------------------------------------------------------------------------

_TAGS = {"b": "strong", "c": "code", "i": "em", "s": "s", "u": "u"}
_DOUBLE = re.compile(r"(?<= ) ")


def write(document: Document) -> str:
    """The tree as HTML, with no attribute but ``href``, ``src`` (our own attachments alone), ``alt`` and the class that
    names the language of a code block."""
    return "\n".join(map(_block, document))


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{inline(block.runs)}</p>"
    if isinstance(block, Heading):
        return f"<h{block.level}>{inline(block.runs)}</h{block.level}>"
    if isinstance(block, Code):
        # a parser drops a line end right after <pre>, so one is put there
        told = escape(block.text, quote=False)
        if not block.language:
            return f"<pre>\n{told}</pre>"
        return f'<pre><code class="language-{escape(block.language)}">{told}</code></pre>'
    if isinstance(block, Quote):
        return f"<blockquote>{''.join(map(_block, block.blocks))}</blockquote>"
    if isinstance(block, Listing):
        items = "".join(f"<li>{_item(item)}</li>" for item in block.items)
        return f"<ol>{items}</ol>" if block.ordered else f"<ul>{items}</ul>"
    if isinstance(block, Table):
        return f"<table>{''.join(_row(row, block.header and at == 0) for at, row in enumerate(block.rows))}</table>"
    if isinstance(block, Rule):
        return "<hr>"
    raise TypeError(block)


def _item(blocks: tuple[Block, ...]) -> str:
    """The first paragraph of an item stands bare, as people write it."""
    first, rest = blocks[:1], blocks[1:]
    bare = [inline(block.runs) if isinstance(block, Paragraph) else _block(block) for block in first]
    return "".join(bare) + "".join(map(_block, rest))


def _row(row: Iterable[tuple[Inline, ...]], header: bool) -> str:
    tag = "th" if header else "td"
    return f"<tr>{''.join(f'<{tag}>{inline(cell)}</{tag}>' for cell in row)}</tr>"


def inline(parts: Iterable[Inline]) -> str:
    """Runs as HTML; a blank that would be lost (at the start of a line, after another) is a hard one."""
    found, blank = [], True
    for part in parts:
        if isinstance(part, Span):
            found.append(_span(part, blank))
            blank = part.text.endswith(" ")
        else:
            found.append(_run(part))
            blank = isinstance(part, Break)
    return "".join(found)


def _span(part: Span, blank: bool) -> str:
    told = escape(part.text, quote=False)
    if blank and told.startswith(" "):
        told = "&nbsp;" + told[1:]
    told = _DOUBLE.sub("&nbsp;", told)
    for mark in reversed(part.marks):
        told = f"<{_TAGS[mark]}>{told}</{_TAGS[mark]}>"
    return f'<a href="{escape(part.href)}">{told}</a>' if part.href else told


def _run(part: Inline) -> str:
    if isinstance(part, Break):
        return "<br>"
    if isinstance(part, Mention):
        return escape(f"@{part.name}", quote=False)
    if isinstance(part, Image):
        return _picture(part)
    raise TypeError(part)


def _picture(part: Image) -> str:
    if part.src.startswith(("attachment:", "cid:")):
        return f'<img src="{escape(part.src)}" alt="{escape(part.alt)}">'
    shown = escape(part.alt or part.src, quote=False)
    return f'<a href="{escape(part.src)}">{shown}</a>' if part.src else f"[{shown}]"
