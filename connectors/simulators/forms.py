"""Multipart forms as the loopback desks read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from connectors.simulators.loopback import Request

QUOTED = re.compile(r'(?<![a-z])(name|filename)="([^"]*)"')
MIME = re.compile(r"^content-type: *([^\r\n;]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class File:
    """One file of a form."""

    name: str
    mime: str
    data: bytes


def form(request: Request) -> tuple[dict[str, Any], list[File]]:
    """(fields, files) of a ``multipart/form-data`` body; a field whose name ends in ``[]`` is a list. Raises
    ``ValueError`` for what is none."""
    edge = request.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    fields: dict[str, Any] = {}
    files: list[File] = []
    for piece in request.body.split(b"--" + edge)[1:-1]:
        raw, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        head, content = raw.decode(), data.removesuffix(b"\r\n")
        told = {name: unquote(value) for name, value in QUOTED.findall(head)}
        name = told["name"]
        if "filename" in told:
            mime = MIME.search(head)
            files.append(File(told["filename"], mime[1] if mime else "application/octet-stream", content))
        elif name.endswith("[]"):
            fields.setdefault(name[:-2], []).append(content.decode())
        else:
            fields[name] = content.decode()
    return fields, files
