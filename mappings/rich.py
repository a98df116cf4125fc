"""Long text of a field in the remote's own format: ours is plain, theirs is compared by what it says.

A catalogue field tells its ``format``; the normal form of a formatted text is the plain text of its tree, so a remote
that writes the same markup differently has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mappings import normal
from mappings.catalogue import Remote
from mappings.text import READERS, TextError, convert, wire

Fit = Callable[[str, int | None], tuple[Any, bool]]
"""(our text, most characters) -> (theirs, whether it had to be cut)."""


def formatted(remote: Remote) -> bool:
    """Whether this field holds text in a format of its own."""
    return remote.type == "text" and remote.format != "plain" and remote.format in READERS


def normal_of(remote: Remote) -> normal.Normal:
    """The normal form of a field's values, formatted ones among them."""
    one = normal.normal_of(remote)
    if not formatted(remote):
        return one
    source = remote.format
    return lambda value: None if value is None or value == "" else one(_plain(value, source))


def _plain(value: Any, source: str) -> str:
    try:
        return _remembered(value, source) if isinstance(value, str) else str(convert(value, source, "plain"))
    except TextError:
        return str(value)


@lru_cache(maxsize=512)
def _remembered(text: str, source: str) -> str:
    return str(convert(text, source, "plain"))


def fitter(remote: Remote) -> Fit:
    """How our plain text is written into a field: in its format, cut with an ellipsis where it is too long."""
    if not formatted(remote):
        return lambda text, most: (text, False) if most is None or len(text) <= most else (_cut(text, most), True)
    target = remote.format

    def fit(text: str, most: int | None) -> tuple[Any, bool]:
        told, room = wire(text, "plain", target), most
        cut = False
        while most is not None and room is not None and room > 1 and len(told) > most:
            cut = True
            room = min(room - 1, len(text) - 1, max(1, room * most // len(told)))
            told = wire(_cut(text, room), "plain", target)
        return told, cut

    return fit


def _cut(text: str, most: int) -> str:
    return text[: most - 1].rstrip() + "…"
