"""What the tests of both Freshworks connectors share: how webhooks come, and that a secret is the whole secret."""

from __future__ import annotations

import json

import pytest

from connectors.base import Arrival
from connectors.errors import Unverified
from connectors.rest import Rest
from tests.connectors.support import NOW

BOTH = ["staff", "requester"]


def hook(body: object, **headers: str) -> Arrival:
    return Arrival("POST", {}, headers, json.dumps(body).encode())


def every_bit_counts(made: Rest, header: str, value: str) -> None:
    """The shared secret verifies; with any bit of it changed, and without it, nothing does."""
    assert made.verify(hook({"ticket_id": "1"}, **{header: value}), NOW).delivery is None
    for bit in range(8 * len(value)):
        changed = bytearray(value.encode())
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unverified):
            made.verify(hook({"ticket_id": "1"}, **{header: changed.decode("latin-1")}), NOW)
    with pytest.raises(Unverified):
        made.verify(hook({"ticket_id": "1"}), NOW)
