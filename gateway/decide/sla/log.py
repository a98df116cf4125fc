"""What became of a ticket's clocks, event by event; the state is nothing but what these come to (DOMAIN.md 2.1).

Why a ticket rests (it waits for its requester, a provider has it ...) is told once, by the events of the clock
``ticket``, as a set of reasons and since when; so is which team of ours has it. Which of the reasons stop a clock is a
matter of its terms. So a due time is always computed from the beginning, whatever the terms were meanwhile, and never
from what was left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.hours import ALWAYS, Calendars, Hours, NeverOpens
from gateway.decide.sla.targets import CLOCKS, Terms

TICKET = "ticket"
"""The clock that has no target: the ticket itself, and the reasons for which it rests."""

FOREVER = 1 << 62
State = dict[str, Any]
"""``at``: when the ticket began; ``team``: of ours that has it, or had it last; ``off``: reason -> [[since, until or
None]]; ``clocks``: key -> its last instance."""

Instance = dict[str, Any]
"""``n``; ``at``: when it was activated, ``from``: from when its time counts; ``terms``, ``policy``, ``calendar``;
``due``; ``told``: warnings and the breach that were said; ``moved``: when its terms changed last; ``failed``: when it
ran out under terms that hold no more; ``end``: [kind, at]."""


@dataclass(frozen=True, slots=True)
class Event:
    """``kind``: activate, pause, resume, retarget, warn, breach, fulfil, cancel. ``reason``: the terms (activate and
    retarget), all reasons to rest that hold from now on (pause), or what caused it. ``at``: when it happened,
    ``received_at``: when it was known here. ``party``: whose doing; of a warning or breach, who had it. ``due_at``:
    when the clock runs out as far as is known, None while it rests. ``policy``, ``calendar``: the versions in force."""

    clock: str
    instance: int
    kind: str
    reason: str
    at: int
    received_at: int
    party: str
    policy: str
    calendar: str
    due_at: int | None = None


def recompute(events: Iterable[Event]) -> State:
    """The state that a ticket's events come to, in the order in which they were received."""
    state: State = {}
    for event in events:
        fold(state, event)
    return state


def fold(state: State, event: Event) -> None:
    """Let one event happen."""
    if event.clock == TICKET:
        if event.kind == "activate":
            state.update({"at": event.at, "team": event.reason, "off": {}, "clocks": {}})
        elif event.kind == "retarget":
            state["team"] = event.reason
        else:
            _rest(state["off"], frozenset(event.reason.split()) if event.kind == "pause" else frozenset(), event.at)
    elif event.kind == "activate":
        state["clocks"][key_of(event.clock, event.party)] = begun(state, event)
    else:
        _CHANGES[event.kind](instance(state, event.clock, event.instance), event)


def _rest(off: dict[str, list[list[int | None]]], reasons: frozenset[str], at: int) -> None:
    for reason, spans in off.items():
        last = spans[-1]
        if last[1] is None and reason not in reasons:
            last[1] = max(at, last[0] or 0)
    for reason in sorted(reasons - resting(off)):
        off.setdefault(reason, []).append([at, None])


def resting(off: Mapping[str, list[list[int | None]]]) -> frozenset[str]:
    """The reasons that hold now."""
    return frozenset(reason for reason, spans in off.items() if spans[-1][1] is None)


def begun(state: State, event: Event) -> Instance:
    """The instance that an activation makes. What was resolved and is reopened goes on from where it began."""
    before = state["clocks"].get(key_of(event.clock, event.party))
    since = before["from"] if before is not None and CLOCKS[event.clock].goes_on else event.at
    made = {"n": event.instance, "at": event.at, "from": since, "terms": event.reason, "policy": event.policy}
    return {**made, "calendar": event.calendar, "due": event.due_at, "told": []}


def _due(one: Instance, event: Event) -> None:
    one["due"], one["calendar"] = event.due_at, event.calendar


def _retarget(one: Instance, event: Event) -> None:
    if "breach" in one["told"] and one["due"] is not None and one["due"] <= event.at:
        one["failed"] = min(one["due"], one.get("failed", one["due"]))
    one.update(terms=event.reason, policy=event.policy, moved=event.at)
    _due(one, event)


def _told(one: Instance, event: Event) -> None:
    one["told"].append(event.reason if event.kind == "warn" else event.kind)


def _end(one: Instance, event: Event) -> None:
    one["end"] = [event.kind, event.at]


_CHANGES = {
    "pause": _due, "resume": _due, "retarget": _retarget, "warn": _told, "breach": _told, "fulfil": _end,
    "cancel": _end,
}  # fmt: skip


# --- read ---


def key_of(clock: str, party: str) -> str:
    """Under what the state keeps a clock: each provider has its own."""
    return f"{clock} {party}" if CLOCKS[clock].of_provider else clock


def named(key: str) -> tuple[str, str]:
    """The clock and the provider of a key: ``("provider_ack", "provider:acme")``; "" for clocks that are ours."""
    clock, _, party = key.partition(" ")
    return clock, party


def instance(state: State, clock: str, number: int) -> Instance:
    """One instance by its number. Raises KeyError where it is not the last of its kind."""
    for key, one in state["clocks"].items():
        if named(key)[0] == clock and one["n"] == number:
            found: Instance = one
            return found
    raise KeyError((clock, number))


def terms_of(one: Instance) -> Terms:
    return Terms.read(one["terms"])


def hours_of(calendars: Calendars, who: str) -> Hours:
    return ALWAYS if who == ALWAYS.version else calendars.of(who)


def stopped(state: State, one: Instance) -> frozenset[str]:
    """The reasons for which a clock does not run now."""
    return resting(state["off"]).intersection(terms_of(one).pauses)


def union(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same time as spans in order that do not touch; empty ones fall out."""
    start = end = -1
    for since, until in sorted(span for span in spans if span[0] < span[1]):
        if since > end:
            if start < end:
                yield start, end
            start, end = since, until
        else:
            end = max(end, until)
    if start < end:
        yield start, end


def rested(state: State, reasons: Iterable[str], start: int, end: int) -> list[tuple[int, int]]:
    """When one of these reasons held within [start, end)."""
    spans = [span for reason in reasons for span in state["off"].get(reason, ())]
    return spans and list(union((max(a, start), min(FOREVER if b is None else b, end)) for a, b in spans))


def ran(state: State, one: Instance, end: int) -> Iterator[tuple[int, int]]:
    """When a clock ran until ``end``, out of hours as well."""
    at = one["from"]
    for since, until in rested(state, terms_of(one).pauses, at, end):
        if at < since:
            yield at, since
        at = until
    if at < end:
        yield at, end


def used(state: State, one: Instance, hours: Hours, end: int) -> int:
    """Business microseconds that a clock has run until ``end``."""
    return sum(hours.worked(since, until) for since, until in ran(state, one, end))


def when(state: State, one: Instance, hours: Hours, passed: int) -> int | None:
    """The instant at which a clock will have run so many business microseconds (> 0); None: it rests, or never."""
    for since, until in ran(state, one, FOREVER):
        if until < FOREVER:
            worked = hours.worked(since, until)
            if worked < passed:
                passed -= worked
                continue
        try:
            return hours.after(since, passed)
        except NeverOpens:
            return None
    return None


def due_of(state: State, one: Instance, calendars: Calendars) -> int | None:
    """When a clock runs out, counted from its beginning; None: nothing is promised, or it rests before that."""
    terms = terms_of(one)
    return None if terms.within is None else when(state, one, hours_of(calendars, terms.who), terms.within)


def missed(one: Instance, as_of: int) -> bool:
    """Whether a clock ran out before its end (or by now): by what is known now, and by the terms of each time."""
    end = one["end"][1] if "end" in one else as_of
    late = one["due"] is not None and (one["due"] < end or ("end" not in one and one["due"] == end))
    return late or ("failed" in one and bool(one["failed"] < end))
