"""Attachments' bytes: streamed in, hashed, capped, under generated names; a file's own name is only metadata."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

MAX_BYTES = 25 * 1024 * 1024


class TooLarge(ValueError):
    """More bytes than an attachment may have."""


class Files:
    """Bytes by key, below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, chunks: Iterable[bytes]) -> dict[str, Any]:
        """Store a stream durably: ``{key, sha256, size}``. Raises ``TooLarge``; nothing is left behind then."""
        key = secrets.token_hex(16)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part, hashed, size = path.with_suffix(".part"), hashlib.sha256(), 0
        try:
            with part.open("xb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise TooLarge(f"more than {MAX_BYTES} bytes")
                    hashed.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return {"key": key, "sha256": hashed.hexdigest(), "size": size}

    def open(self, key: str) -> BinaryIO:
        """The bytes, to read. Raises ``FileNotFoundError``."""
        return self._path(key).open("rb")

    def _path(self, key: str) -> Path:
        if len(key) != 32 or not key.isalnum():
            raise FileNotFoundError(key)
        return self._folder / key[:2] / key
