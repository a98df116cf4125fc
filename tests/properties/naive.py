"""What the merge must not be: two obvious rules that lose data, put in its place to see that the machine notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.decide import merge, settle
from gateway.decide.facts import Link, Settled
from gateway.decide.merge import Pair, Policy, Read, Taken
from gateway.decide.plan import Planner


def one_agreed_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides are compared, through the map, with one canonical copy that advances when a write is answered."""

    def inbound(pair: Pair, now: Any, wire: Any, read: Read, policy: Policy, direction: str = "both") -> Taken:
        pair.theirs = None
        meaning = read()
        if direction == "out" or meaning.kind != "value":
            return Taken("same")
        value = merge.token(meaning.value)
        if value == pair.ours:
            pair.owed = int(now != pair.ours)
            return Taken("same")
        if now == pair.ours or direction == "in" or policy == "theirs":
            pair.ours, pair.owed = value, 0
            return Taken("taken", meaning.value)
        return Taken("kept", meaning.value)

    def receipt(pair: Pair, attempt: int, now: Any, sent: Any, holds: Any) -> None:
        pair.theirs, pair.ours, pair.owed, pair.sent = None, sent, int(now != sent), []

    def unknown(
        pair: Pair, now: Any, sent: Any, wire: Any, fetched: Any, read: Read, policy: Policy, direction: str
    ) -> Taken:
        return inbound(pair, now, fetched, read, policy, direction)

    monkeypatch.setattr(merge, "inbound", inbound)
    monkeypatch.setattr(merge, "receipt", receipt)
    monkeypatch.setattr(merge, "unknown", unknown)


def forgotten_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once an unanswered write was looked for, it is forgotten, though it may still land."""
    keep: Callable[..., None] = settle.attempt

    def attempt(p: Planner, link: Link, end: Settled, outcome: str, id: int | None = None) -> None:
        keep(p, link, end, "forgotten" if outcome == "ghost" else outcome, id)

    monkeypatch.setattr(settle, "attempt", attempt)
