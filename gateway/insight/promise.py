"""What people promise beside what history says, and the honest word for a ticket that takes longer than usual.

A promise that is shorter than 8 of 10 such tickets took needs a reason. A text prints a firm date only where somebody
promised it. What takes longer than 9 of 10 did is told so, with the time of the next update instead of a new promise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.insight.estimates import Estimate
from gateway.insight.saying import Said, rounded_up
from gateway.insight.shares import Share

FIRM = frozenset({"promised", "promised_date", "promised_time", "due", "due_date", "solved_by"})
"""Places of a template that print a date people will count on."""

_PLACE = re.compile(r"\{\s*(\w+)\s*\}")


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a promise. ``allowed``: it may be given; ``said``: why not, or what to know about it. ``inputs``:
    all that was looked at, JSON-plain, for the decision that is kept."""

    allowed: bool
    short: bool
    said: Said | None
    inputs: Mapping[str, object]


def check_promise(promised: int, estimate: Estimate, reason: str = "") -> Checked:
    """Whether a solution may be promised within so many microseconds of the ticket's beginning: always with a reason,
    and without one unless history says that it would be kept less than 8 times in 10."""
    inputs = {"promised": promised, "reason": reason.strip(), "estimate": estimate.stored()}
    if estimate.p80 is None:
        return Checked(True, False, Said(_UNKNOWN, {"n": estimate.finished}), inputs)
    if promised >= estimate.p80:
        return Checked(True, False, None, inputs)
    data = {"promised": rounded_up(promised), "p80": rounded_up(estimate.p80), "n": estimate.finished}
    return Checked(bool(reason.strip()), True, Said(_SHORT if reason.strip() else _WHY, data), inputs)


_SHORT = "%(promised)s were promised, though 8 of 10 such tickets took up to %(p80)s (n = %(n)d)."
_WHY = (
    "8 of 10 such tickets took up to %(p80)s (n = %(n)d): promising %(promised)s needs a reason why this one is faster."
)
_UNKNOWN = "Nothing speaks for or against this promise: not enough data (n = %(n)d)."


@dataclass(frozen=True, slots=True)
class Promise:
    """``due``: when it was to be solved; ``resolved``: when it was, None while it is not. UTC microseconds."""

    due: int
    resolved: int | None


def kept(promises: Iterable[Promise], now: int) -> Share:
    """How many promises were kept, of those whose time is over. One that is kept early counts when its time is over."""
    over = [one for one in promises if one.due <= now]
    return Share(sum(one.resolved is not None and one.resolved <= one.due for one in over), len(over))


class NoBasis(ValueError):
    """A text would print a firm date that nobody stands for; ``places``: which of its places."""

    def __init__(self, places: Iterable[str]) -> None:
        self.places = tuple(places)
        super().__init__(f"no promise stands behind {', '.join(self.places)}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its ``{places}`` filled in. Raises NoBasis where a firm date has no value to it, KeyError on any
    other place without one."""
    places = dict.fromkeys(_PLACE.findall(template))
    if bare := [place for place in places if place in FIRM and not values.get(place)]:
        raise NoBasis(bare)
    return _PLACE.sub(lambda found: values[found[1]], template)


@dataclass(frozen=True, slots=True)
class Late:
    """A ticket takes longer than usual. ``since``: when it began to; ``next_update``: when to say something again;
    ``tell``: whether this is the time to say it. UTC microseconds."""

    since: int
    next_update: int
    tell: bool
    said: Said


def _plus(start: int, length: int) -> int:
    return start + length


def longer_than_usual(
    created: int,
    estimate: Estimate,
    now: int,
    every: int,
    told_at: int | None = None,
    after: Callable[[int, int], int] = _plus,
) -> Late | None:
    """What to say of an open ticket that has taken longer than 9 of 10 such tickets; None of any other. It is said once
    in each interval of ``every`` microseconds since ``told_at``, when it was said last; who was away for several says
    it once. ``after``: how much later that is, ``Hours.after`` where the next update comes in hours of support."""
    if estimate.p90 is None or now <= created + estimate.p90:
        return None
    due = told_at is None or now >= after(told_at, every)
    next_update = after(now if due or told_at is None else told_at, every)
    said = Said(_LONGER, {"p90": rounded_up(estimate.p90), "n": estimate.finished})
    return Late(created + estimate.p90, next_update, due, said)


_LONGER = "This is taking longer than usual: 9 of 10 such tickets were solved within %(p90)s (n = %(n)d)."
