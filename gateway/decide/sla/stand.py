"""How a ticket's clocks stand, for people: running, resting, met or missed; what is left, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.hours import Calendars
from gateway.decide.sla.log import Instance, hours_of, missed, named, stopped, terms_of, used
from gateway.decide.sla.targets import CLOCKS, RESOLVED

_FOR = {
    "requester": "the requester's answer",
    "provider": "the provider",
    "problem": "the problem behind it",
    "change": "the change that solves it",
    RESOLVED: "nothing: it is solved",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """``standing``: running, paused, fulfilled, breached (its time ran out, whether or not it was fulfilled later) or
    cancelled; ``party``: the provider whose clock it is; ``due_at`` in UTC microseconds, None while it rests or where
    nothing is promised; ``left`` and ``over``: business microseconds to the target and beyond it, None without one;
    ``reasons``: why it rests; ``calendar``: whose."""

    clock: str
    instance: int
    party: str
    standing: str
    due_at: int | None
    left: int | None
    over: int | None
    reasons: tuple[str, ...]
    policy: str
    rule: str
    calendar: str
    words: str


def stands(state: Mapping[str, Any], as_of: int, calendars: Calendars) -> list[Stand]:
    """How the last instance of every clock stands, in the order of ``sla.targets.CLOCKS``."""
    order = list(CLOCKS)
    clocks = sorted(state.get("clocks", {}).items(), key=lambda item: (order.index(named(item[0])[0]), item[0]))
    return [_stand(dict(state), key, one, as_of, calendars) for key, one in clocks]


def _stand(state: dict[str, Any], key: str, one: Instance, as_of: int, calendars: Calendars) -> Stand:
    (clock, party), terms = named(key), terms_of(one)
    end = one["end"][1] if "end" in one else as_of
    passed = used(state, one, hours_of(calendars, terms.who), end)
    left = None if terms.within is None else max(0, terms.within - passed)
    over = None if terms.within is None else max(0, passed - terms.within)
    reasons = tuple(sorted(stopped(state, one))) if "end" not in one else ()
    standing = _standing(one, reasons, missed(one, as_of))
    words = f"{CLOCKS[clock].title}: {'; '.join(_words(one, standing, left, over, reasons))}"
    return Stand(
        clock, one["n"], party, standing, one["due"], left, over, reasons, one["policy"], terms.rule, terms.who, words
    )


def _standing(one: Instance, reasons: tuple[str, ...], late: bool) -> str:
    if "end" in one and one["end"][0] == "cancel":
        return "cancelled"
    if late:
        return "breached"
    return "fulfilled" if "end" in one else "paused" if reasons else "running"


def _words(one: Instance, standing: str, left: int | None, over: int | None, reasons: tuple[str, ...]) -> Iterator[str]:
    if standing == "cancelled":
        yield "not waited for any more"
    elif "end" in one:
        yield "done" if left is None else f"met with {lasting(left)} left" if standing == "fulfilled" else _late(over)
    elif standing == "breached":
        yield f"its time is over, by {lasting(over)} of working time" if over else "its time is over"
    elif left is None:
        yield "nothing is promised"
    if "end" not in one and reasons:
        yield f"waits for {' and '.join(_FOR[reason] for reason in reasons)}"
    if "end" not in one and standing != "breached" and left is not None:
        yield f"{lasting(left)} of working time left" + (" when it goes on" if reasons else "")


def _late(over: int | None) -> str:
    return f"missed by {lasting(over)} of working time" if over else "missed by the target of that time"


def lasting(duration: int) -> str:
    """A length of time in its two largest units, ``1 h 20 min``; below a minute: ``less than a minute``."""
    minutes = duration // 60_000_000
    parts = [f"{minutes // 60} h" if minutes >= 60 else "", f"{minutes % 60} min" if minutes % 60 else ""]
    return " ".join(part for part in parts if part) or "less than a minute"
