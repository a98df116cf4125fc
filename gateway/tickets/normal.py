"""The normal form in which two texts are the same comment: line ends, white space and Unicode forms do not matter."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_SPACE = re.compile(r"[ \t\u00a0]+")
_LINES = re.compile(r"\n{2,}")


def normal(text: str) -> str:
    """NFC, LF, runs of spaces and of empty lines as one, nothing at the ends."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    return _LINES.sub("\n", "\n".join(lines)).strip("\n")


def digest(text: str) -> str:
    """The hash by which a comment is recognised: 40 hex digits of SHA-256 over the normal form."""
    return hashlib.sha256(normal(text).encode("utf-8", "surrogatepass")).hexdigest()[:40]


def file_digest(name: str, size: int) -> str:
    """The hash by which a file is recognised where a remote does not tell its content's hash: name and size."""
    return hashlib.sha256(f"{unicodedata.normalize('NFC', name)}\n{size}".encode("utf-8", "surrogatepass")).hexdigest()[
        :40
    ]
