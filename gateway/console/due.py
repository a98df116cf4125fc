"""What a ticket is due for, who solves such tickets best, what may be expected: figures and sentences as people read
them, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.console.show import holder
from gateway.console.spans import span
from gateway.console.words import gettext
from gateway.insight import recommend
from gateway.insight.cases import Kind
from gateway.insight.estimates import Estimate
from gateway.insight.recommend import INTERNAL
from gateway.insight.saying import Said, Span, day, rounded_up
from gateway.runtime import Runtime


def expected(one: Estimate) -> dict[str, Any]:
    """``{p50, p80, p90, n, date}``: the times as text, from how many solved tickets, as known on which day."""
    times = {name: span(found) if found is not None else "" for name, found in one.spans().items()}
    return {**times, "n": one.finished, "date": day(one.as_of)}


def told(ledger: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a requester was told of the time; None where there was not enough data."""
    return expected(Estimate.read(ledger)) if ledger else None


# --- who solves such tickets best ---


def recommendation(rt: Runtime, fields: Mapping[str, Any], priority: str) -> dict[str, Any] | None:
    """``{choice, confirmed, because, but, sides}`` for a ticket with these fields; None where the data say nothing."""
    kind = Kind.of({**fields, "priority": priority})
    found = recommend.recommend(kind, rt.histories.history(kind.category, rt.now()))
    able = [one for one in found.sides if one.enough]
    if len(able) < 2:
        return None
    return {
        "choice": found.choice,
        "confirmed": found.confirmed,
        "because": [sentence(one) for one in found.because],
        "but": [sentence(one) for one in found.but],
        "sides": [_side(one) for one in able],
    }


def _side(one: recommend.Side) -> dict[str, Any]:
    shares = {"reopened": one.reopened, "satisfied": one.satisfied, "passed_on": one.passed_on}
    return {
        "name": side(one.name),
        "party": "" if one.name == INTERNAL else one.name,
        "n": len(one.finished),
        "median": _time(one.median),
        "p80": _time(one.p80),
        "load": one.load,
        "cost": one.median_cost,
        **{name: share if share.n else None for name, share in shares.items()},
    }


def _time(microseconds: int | None) -> str:
    return span(rounded_up(microseconds)) if microseconds is not None else "–"


def side(name: str) -> str:
    """Our own teams together, or a provider, by name."""
    return gettext("our desk") if name == INTERNAL else holder(name)


def sentence(said: Said) -> str:
    """A sentence in the page's language, sides by their names."""
    parts = {name: _part(value) for name, value in said.data.items()}
    text = gettext(said.text) % parts
    return text[:1].upper() + text[1:]


def _part(value: object) -> object:
    if isinstance(value, Span):
        return span(value)
    if isinstance(value, str):
        return ", ".join(side(one) if _is_side(one) else one for one in value.split(", "))
    return value


def _is_side(text: str) -> bool:
    return text == INTERNAL or text.startswith("provider:")
