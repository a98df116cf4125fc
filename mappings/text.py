"""Long text from one format into another, through one small tree: deterministic, capped, with nothing active left.

``convert`` is what the pipeline calls; the raw original is always kept beside what it gives. Text over the cap is
refused, never cut: the caller attaches it whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings import normal
from mappings.richtext import adf, htmltext, markdown, plaintext, textile, wiki
from mappings.richtext.replies import reply
from mappings.richtext.tree import Document

__all__ = ["READERS", "WRITERS", "TextError", "convert", "read", "reply", "split", "write"]

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
    """The tree of a text; raises ``TextError``. Text where ``adf`` should be (as Jira's webhooks have it) is plain."""
    if source not in READERS:
        raise TextError(f"no text format {source!r}; there are {', '.join(sorted(READERS))}")
    if isinstance(text, str):
        return READERS["plain" if source == "adf" else source](normal.text(_capped(text)))
    if source != "adf":
        raise TextError(f"{type(text).__name__} is no {source}")
    return adf.read(text)


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


def _capped(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TextError(f"longer than {MAX_TEXT:,} characters")
    return text
