"""What the tests of both GLPI connectors share: the recorded shapes, the vectors, and trying every bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.base import Arrival, Connector
from connectors.errors import Unverified

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS: dict[str, Any] = json.loads((FIXTURES / "vectors.json").read_text("utf-8"))
SIGNED, CHALLENGE = VECTORS["signed"], VECTORS["challenge"]
WEBHOOKS: dict[str, Any] = json.loads((FIXTURES / "webhooks.json").read_text("utf-8"))
QUEUED = datetime.fromtimestamp(int(SIGNED["headers"]["X-GLPI-timestamp"]), UTC)


def vector() -> Arrival:
    """The signed vector as a receiver gets it."""
    headers = {name.lower(): value for name, value in SIGNED["headers"].items()}
    return Arrival("POST", {}, headers, SIGNED["body_utf8"].encode())


def proved(desk: Connector, arrival: Arrival, now: datetime = QUEUED) -> bool:
    try:
        return desk.verify(arrival, now).delivery is not None
    except Unverified:
        return False


def flipped(text: bytes) -> Iterator[bytes]:
    """``text`` with each of its bits the other way, one at a time."""
    for at in range(len(text) * 8):
        other = bytearray(text)
        other[at // 8] ^= 1 << at % 8
        yield bytes(other)


def wrong(arrival: Arrival) -> Iterator[Arrival]:
    """The arrival with one bit of its body, its signature or its stamp changed."""
    for body in flipped(arrival.body):
        yield replace(arrival, body=body)
    for name in ("x-glpi-signature", "x-glpi-timestamp"):
        for text in flipped(arrival.headers[name].encode()):
            yield replace(arrival, headers={**arrival.headers, name: text.decode("latin-1")})


def hook(document: Any) -> Arrival:
    """A payload as it comes."""
    return Arrival("POST", {}, {}, json.dumps(document).encode())
