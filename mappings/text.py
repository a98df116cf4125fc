"""Text between the formats of the desks: what one wrote is what the other reads.

``convert`` is deterministic and pure; active content never comes out of it.
"""

from __future__ import annotations

import html
from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table"})
_SILENT = frozenset({"script", "style", "head", "title"})


def convert(text: str, source: str, target: str) -> str:
    """``text`` from format ``source`` to ``target`` (``plain``, ``html``; the others are read as plain)."""
    plain = _plain(text) if source == "html" else text
    if target == "html":
        return text if source == "html" else html.escape(plain).replace("\n", "<br>\n")
    return plain


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br" or (tag in _BLOCKS and self.parts):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _plain(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    lines = "".join(reader.parts).split("\n")
    return "\n".join(line.strip() for line in lines).strip("\n")
