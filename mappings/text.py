"""Long text from one format into another, through one small tree: deterministic, capped, with nothing active left.

``convert`` is what the pipeline calls; the raw original is always kept beside what it gives. Text over the cap is
refused, never cut: the caller attaches it whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from mappings import normal
from mappings.richtext import adf, htmltext, markdown, plaintext, textile, wiki
from mappings.richtext.pictures import Picture, picture, pictures
from mappings.richtext.replies import reply
from mappings.richtext.tree import Block, Document

__all__ = [
    "READERS",
    "Picture",
    "TextError",
    "convert",
    "parts",
    "picture",
    "pictures",
    "read",
    "reply",
    "split",
    "wire",
    "write",
]

MAX_TEXT = 4_000_000
"""Characters read at most."""

READERS: dict[str, Callable[[Any], Document]] = {
    "adf": adf.read,
    "html": htmltext.read,
    "markdown": markdown.read,
    "plain": plaintext.read,
    "textile": textile.read,
    "wiki": wiki.read,
}
WRITERS: dict[str, Callable[[Document], Any]] = {
    "adf": adf.write,
    "html": htmltext.write,
    "markdown": markdown.write,
    "plain": plaintext.write,
    "textile": textile.write,
    "wiki": wiki.write,
}

MAILS = {"mail": "plain", "html_mail": "html"}
"""Formats that are only read: an e-mail's text, of which the quoted mail and the signature at its end are taken off."""


class TextError(ValueError):
    """A text that cannot be converted: an unknown format, or longer than the cap."""


def convert(text: Any, source: str, target: str) -> Any:
    """``text`` of one format in another: text, or a dict for ``adf``. Raises ``TextError``.

    Plain text into plain text only gets its normal form (NFC, LF, no trailing blanks).
    """
    if source == target == "plain":
        return normal.text(_capped(text))
    return write(read(text, source), target)


def read(text: Any, source: str) -> Document:
    """The tree of a text; raises ``TextError``. ``adf`` is a tree or its JSON; other text where it should be (as Jira's
    webhooks have it) is plain."""
    if source in MAILS:
        return _written(read(text, MAILS[source]))
    if source not in READERS:
        raise TextError(f"no text format {source!r}; there are {', '.join(sorted(READERS))}")
    if isinstance(text, str):
        tree = _tree(_capped(text)) if source == "adf" else None
        if tree is not None:
            return adf.read(tree)
        return READERS["plain" if source == "adf" else source](normal.text(_capped(text)))
    if source != "adf":
        raise TextError(f"{type(text).__name__} is no {source}")
    return adf.read(text)


def _written(mail: Document) -> Document:
    """What the author of a mail wrote. Where something is taken off, marks are given up with it."""
    kept, rest = reply(WRITERS["plain"](mail))
    return READERS["plain"](kept) if rest else mail


def write(document: Document, target: str) -> Any:
    """A tree in a format; raises ``TextError``."""
    if target not in WRITERS:
        raise TextError(f"no text format {target!r}; there are {', '.join(sorted(WRITERS))}")
    return WRITERS[target](document)


def split(text: str, most: int) -> list[str]:
    """Plain text in parts of at most ``most`` characters, each but the last ending with an ellipsis.

    Cut between paragraphs where it can be, else lines, else words, else anywhere; joined, the parts say it all.
    Raises ``TextError`` where ``most`` leaves no room.
    """
    if most < 2:
        raise TextError("no room for a part")
    parts: list[str] = []
    while len(text) > most:
        at = next((at for sign in ("\n\n", "\n", " ") if (at := text.rfind(sign, most // 2, most)) > 0), most - 1)
        parts.append(text[:at].rstrip() + "…")
        text = text[at:].lstrip("\n ") if text[at : at + 1] in ("\n", " ") else text[at:]
    return [*parts, text] if text or not parts else parts


def parts(text: Any, source: str, target: str, most: int, head: str = "") -> list[str]:
    """``text`` in parts of at most ``most`` characters of the target format (a tree: as JSON), each below its ``head``,
    plain text as ``part {} of {}``.

    Cut between blocks where it can be; a block that is too long alone gives up its marks and is split as plain text.
    Raises ``TextError``, also where ``most`` leaves no room.
    """
    groups = list(_groups(read(text, source), target, most - len(wire(head.format(999, 999), "plain", target)) - 2))
    if not head:
        return [_told(write(group, target)) for group in groups]
    heads = [READERS["plain"](head.format(at, len(groups))) for at in range(1, len(groups) + 1)]
    return [_told(write(above + group, target)) for above, group in zip(heads, groups, strict=True)]


def _groups(document: Document, target: str, most: int) -> Iterator[Document]:
    """Blocks in order, together as far as they have room."""
    held: list[Block] = []
    size = 0
    for block in document:
        long = len(_told(write((block,), target))) + 2
        if held and (long > most or size + long > most):
            yield tuple(held)
            held, size = [], 0
        if long > most:
            yield from _pieces(WRITERS["plain"]((block,)), target, most)
        else:
            held, size = [*held, block], size + long
    if held:
        yield tuple(held)


def _pieces(words: str, target: str, most: int) -> list[Document]:
    room = most
    while True:
        pieces = [READERS["plain"](piece) for piece in split(words, room)]
        longest = max((len(_told(write(piece, target))) for piece in pieces), default=0)
        if longest <= most:
            return pieces
        room = min(room - 1, room * most // longest)


def wire(text: Any, source: str, target: str) -> str:
    """``convert``, a tree as JSON: what a connector takes. Raises ``TextError``."""
    return _told(convert(text, source, target))


def _told(written: Any) -> str:
    return written if isinstance(written, str) else json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def _tree(text: str) -> dict[str, Any] | None:
    """The tree that a JSON text is, if it is one."""
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("type") == "doc" else None


def _capped(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TextError(f"longer than {MAX_TEXT:,} characters")
    return text
