"""Pictures that stand inside a text as ``data:`` addresses: they become files, and the text names the file.

Only raster images by their own first bytes; never anything that would have to be loaded from elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

MOST = 20
"""Pictures taken out of one text."""

LARGEST = 2_500_000
"""Bytes of one picture; a larger one stays in the raw original alone."""

MARK = "data:image/"
_DATA = re.compile(r"data:image/[a-z.+-]{1,20};base64,([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
_PLACED = re.compile(rf"(?:\bsrc\s*=\s*[\"']?\s*|\]\(\s*<?|!|\"url\":\s*\")({_DATA.pattern})", re.IGNORECASE)
_KINDS = ((b"\x89PNG\r\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. ``name``: ``image-<12 hex digits of its SHA-256>.png``, the same for the same bytes."""

    name: str
    mime: str
    data: bytes
    url: str


def picture(address: str) -> Picture | None:
    """What a ``data:`` address holds; None where that is no picture, or too large."""
    found = _DATA.fullmatch(address.strip())
    if found is None or len(found[1]) * 3 // 4 > LARGEST:
        return None
    try:
        data = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None
    kind = next((kind for first, kind in _KINDS if data.startswith(first)), None)
    if kind is None:
        return None
    end = "jpg" if kind == "jpeg" else kind
    return Picture(f"image-{sha256(data).hexdigest()[:12]}.{end}", f"image/{kind}", data, found[0])


def pictures(text: str) -> list[Picture]:
    """The pictures inside a text of any markup, each once, at most ``MOST``."""
    if MARK not in text.lower():
        return []
    found: dict[str, Picture] = {}
    for each in _PLACED.finditer(text):
        one = picture(each[1])
        if one is not None:
            found.setdefault(one.name, one)
        if len(found) == MOST:
            break
    return list(found.values())
