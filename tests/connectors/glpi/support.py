"""What the tests of both GLPI connectors share: how they begin, the recorded shapes, the vectors, and every bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import Arrival, Connector, Context
from connectors.errors import Unverified
from connectors.rest import Rest
from connectors.simulators.desk import Clock, Simulator
from tests.connectors.support import context

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS: dict[str, Any] = json.loads((FIXTURES / "vectors.json").read_text("utf-8"))
SIGNED, CHALLENGE = VECTORS["signed"], VECTORS["challenge"]
WEBHOOKS: dict[str, Any] = json.loads((FIXTURES / "webhooks.json").read_text("utf-8"))
QUEUED = datetime.fromtimestamp(int(SIGNED["headers"]["X-GLPI-timestamp"]), UTC)

REF = "TDM-AAAA-BBBB"


def built(kind: str, sim: Simulator, **more: Any) -> Rest:
    """The connector of that kind to its desk."""
    made = registry.build(kind, **{"settings": sim.settings, "secrets": sim.secrets, **more})
    assert isinstance(made, Rest)
    return made


def ctx(sim: Simulator) -> Context:
    return context(sim.port, now=sim.clock())


def new(sim: Simulator, made: Rest, **more: Any) -> str:
    """A ticket of ours; its id."""
    return made.create(ctx(sim), {"name": "VPN down", **more}, REF, "key").id or ""


def clock(sim: Simulator) -> Clock:
    assert isinstance(sim.clock, Clock)
    return sim.clock


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
