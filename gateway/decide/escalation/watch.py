"""What escalation remembers of a ticket between two looks, made of its signals alone (the ledger's ``watch``).

An episode lasts from the opening (or reopening) of a ticket until it is resolved: each step acts at most once in it.
Times in UTC microseconds; 0: never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gateway.decide.escalation.matrix import Matrix
from gateway.decide.signals import Signal, View
from gateway.tickets.vocabulary import FINAL

KEPT = 40
"""How many hand-overs, pauses and acts are remembered."""


@dataclass(slots=True)
class Watch:
    """``since``: when the holder got it; ``by``: the rule that gave it, "" for a person or another policy;
    ``answered``: its first sign of work; ``had``: the holders in order; ``tried``: everybody who was asked;
    ``pauses``: [from, to] of the waiting for a requester, to 0 while it lasts; ``done``: step -> when; ``asked``: who
    has yet to answer: who, at, how, rule; ``acts``: [rule, due, done at], the last ones; ``told``: what a deadlock was
    told of -> when."""

    episode: int = 1
    opened: int = 0
    ended: int = 0
    holder: str = ""
    since: int = 0
    by: str = ""
    answered: int = 0
    had: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    pauses: list[list[int]] = field(default_factory=list)
    breaches: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    handed: list[Any] = field(default_factory=list)  # the last step that handed over: rule, when
    asked: dict[str, Any] = field(default_factory=dict)
    returns: int = 0
    returned: int = 0
    messages: int = 0
    told: dict[str, int] = field(default_factory=dict)
    unassigned: int = 0
    path: str = ""  # the row it follows
    on_path: int = 0  # since when: what was due there before is due since then
    acts: list[list[Any]] = field(default_factory=list)

    @classmethod
    def read(cls, state: Mapping[str, Any], view: View, signals: Iterable[Signal]) -> Watch:
        """As it was kept, or the beginning. A ticket that is older than the escalation of its installation begins now:
        nothing of its past is overdue."""
        if state:
            return cls(**{name: _copy(value) for name, value in state.items() if name in _NAMES})
        begun = next((one.at for one in signals if one.kind == "opened"), view.as_of)
        new = cls(opened=begun, ended=begun if view.status in FINAL else 0)
        new.pass_to(view.holder, begun)
        return new

    def kept(self) -> dict[str, Any]:
        """Plain as JSON, without what is empty."""
        return {name: value for name in _NAMES if (value := getattr(self, name))}

    # -- who has it --

    def pass_to(self, who: str, at: int, rule: str = "") -> None:
        """Somebody has it from now on. Back to the one before the last is a return (A, B, A)."""
        new = who not in self.had
        self.returns += len(self.had) > 1 and self.had[-2] == who
        self.holder, self.since, self.by, self.answered, self.unassigned = who, at, rule, 0, 0
        self.had = [*self.had, who][-KEPT:]
        if self.asked.get("how") != "warm" or self.asked.get("who") == who:
            self.asked = {}
        if who.startswith("provider:"):
            self.ask(who, at, rule, "cold")
        if new:
            self.moved()

    def ask(self, who: str, at: int, rule: str, how: str) -> None:
        """A provider is to answer."""
        self.asked = {"who": who, "at": at, "how": how, "rule": rule}
        if who not in self.tried:
            self.tried = [*self.tried, who][-KEPT:]

    def moved(self) -> None:
        """Something went on: what was said of standing still is over."""
        self.messages = 0
        self.told.pop("still", None)
        self.told.pop("requester", None)

    def acted(self, rule: str, due: int, at: int) -> None:
        """A step was done: when it was due, and when it was done."""
        self.done[rule] = at
        self.late(rule, due, at)

    def late(self, rule: str, due: int, at: int) -> None:
        """What the latency of escalation is computed from."""
        self.acts = [*self.acts, [rule, due, at]][-KEPT:]

    def resolved(self, at: int) -> None:
        self.ended, self.asked = at, {}

    def begins_again(self, at: int) -> None:
        """Reopened: a new episode with the holder it has."""
        who, count = self.holder, self.returned
        fresh = Watch(episode=self.episode + 1, opened=at, returned=count, acts=self.acts)
        for name in _NAMES:
            setattr(self, name, getattr(fresh, name))
        self.pass_to(who, at)


_NAMES = tuple(one.name for one in fields(Watch))


def unreached(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered after a hand-over that could not be carried out: who should have had it never did."""
    kept = {name: value for name, value in state.items() if name != "asked"}
    if state.get("asked", {}).get("how") != "warm":
        kept["had"] = list(state.get("had", ()))[:-1]
        kept["holder"] = kept["had"][-1] if kept["had"] else ""
    return kept


@dataclass(frozen=True, slots=True)
class Happened:
    """What signals came to: ``promote`` (a helper that was asked has answered), ``returned``, ``deadlock`` (``why``),
    ``again`` (the requester says it of a deadlock that was told already)."""

    kind: str
    who: str = ""
    why: str = ""
    at: int = 0


def fold(watch: Watch, matrix: Matrix, view: View, signals: Iterable[Signal]) -> list[Happened]:
    """Take the signals in; what they came to, in order."""
    found: list[Happened] = []
    for one in signals:
        found.extend(_take(watch, matrix, view, one))
    found.extend(_back_and_forth(watch, matrix, view.as_of))
    if view.holder != watch.holder and not watch.ended:  # given to somebody else than was wished for
        watch.pass_to(view.holder, view.as_of)
    if view.status in FINAL and not watch.ended:
        watch.resolved(view.as_of)
    elif view.status not in FINAL and watch.ended:
        watch.begins_again(view.as_of)
    return found


def _take(watch: Watch, matrix: Matrix, view: View, one: Signal) -> list[Happened]:
    if one.kind == "status":
        _status(watch, matrix, one)
    elif one.kind == "holder" and one.after != watch.holder:
        watch.pass_to(one.after, one.at)
    elif one.kind == "policy":
        watch.on_path = one.at
    elif one.kind == "warm":
        watch.ask(one.after, one.at, "warm", "warm")
    elif one.kind == "breach":
        watch.breaches.setdefault(one.after, one.at)
    elif one.kind == "returned":
        watch.returned += 1
        return [Happened("returned", one.party, at=one.at)]
    elif one.kind == "stuck":
        return _still(watch, one.at, "stuck", "the requester says that it is stuck")
    if one.kind in ("answered", "replied", "worked", "status") and one.useful:
        answered = _answered(watch, one)
        if answered:
            return answered
    if one.kind in ("replied", "spoke") and view.legs.get(one.party.removeprefix("provider:"), ("",))[0] != "ended":
        watch.messages += 1
        if matrix.messages and watch.messages >= matrix.messages:
            return _still(watch, one.at, "messages", f"{watch.messages} messages and nothing has moved")
    return []


def _back_and_forth(watch: Watch, matrix: Matrix, at: int) -> list[Happened]:
    if watch.returns < matrix.returns or "returns" in watch.told:
        return []
    watch.told["returns"] = at
    why = f"it goes back and forth between {watch.had[-2]} and {watch.had[-1]}, {watch.returns} returns"
    return [Happened("deadlock", "returns", why, at)]


def _status(watch: Watch, matrix: Matrix, one: Signal) -> None:
    watch.moved()
    paused = bool(watch.pauses) and not watch.pauses[-1][1]
    if one.after in matrix.waits and not paused:
        watch.pauses = [*watch.pauses, [one.at, 0]][-KEPT:]
    elif one.after not in matrix.waits and paused:
        watch.pauses[-1][1] = max(one.at, watch.pauses[-1][0])
    if one.after in FINAL and not watch.ended:
        watch.resolved(one.at)
    elif one.after not in FINAL and watch.ended:
        watch.begins_again(one.at)


def _answered(watch: Watch, one: Signal) -> list[Happened]:
    if one.party == watch.holder and not watch.answered:
        watch.answered = one.at
    if watch.asked.get("who") != one.party:
        return []
    how, rule = watch.asked["how"], watch.asked["rule"]
    watch.asked = {}
    return [Happened("promote", one.party, rule, one.at)] if how == "warm" and one.party != watch.holder else []


def _still(watch: Watch, at: int, who: str, why: str) -> list[Happened]:
    again = "still" in watch.told
    if again and (who != "stuck" or "requester" in watch.told):
        return []
    watch.told.setdefault("still", at)
    if who == "stuck":
        watch.told["requester"] = at
    return [Happened("again" if again else "deadlock", who, why, at)]


def _copy(value: Any) -> Any:
    if isinstance(value, list):
        return [_copy(one) for one in value]
    return dict(value) if isinstance(value, dict) else value
