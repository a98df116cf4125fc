"""A draft of a policy tried on what was decided in the last days; nothing is written and nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.decide import routing, sla, triage
from gateway.decide.follow import ROUND_THE_CLOCK
from gateway.errors import Invalid
from gateway.insight import reading
from gateway.insight.saying import DAY
from gateway.insight.whatif import Decide, Facts, Report, compare
from gateway.providers import languages, versions
from gateway.providers.policies import Draft
from gateway.runtime import Runtime
from mappings.loader import load, plain

DECIDES: Mapping[str, Callable[[Any], Decide]] = {
    "routing": lambda policy: lambda inputs: routing.choose(policy, inputs).decision,
    "triage": lambda policy: lambda inputs: triage.triage(policy, inputs).decision,
}
"""The policies that make decisions which can be made again."""


def preview(
    rt: Runtime,
    draft: Draft,
    days: int,
    agents: Mapping[str, int] | None = None,
    rates: Mapping[str, int] | None = None,
) -> Report:
    """What a draft would have decided in the last ``days``, beside what was. ``agents``: how many work at once, by side
    (``internal``, ``provider:<slug>``); ``rates``: what an hour of theirs costs. Raises Invalid for a policy of which
    no decision is stored."""
    if draft.key not in DECIDES:
        fix = f"Only {' and '.join(DECIDES)} can be: the others decide as time goes by."
        raise Invalid("this policy cannot be tried on the past", "name", draft.name, fix)
    decide, since = DECIDES[draft.key], rt.now() - days * DAY
    with rt.store.read() as conn:
        history = versions.history(conn, "policy", draft.key)
    then = {one.label: decide(_compiled(draft.key, one.text, one.label)) for one in history}
    with rt.store.road() as road:
        past, shown = reading.decided(road, draft.key, since), reading.shown(road, since)
    told = {
        side: replace(shown.get(side, Facts()), agents=(agents or {}).get(side), rate=(rates or {}).get(side))
        for side in {*shown, *(agents or {}), *(rates or {})}
    }
    return compare(past, then, decide(_compiled(draft.key, draft.text, "draft")), told)


def doubts(rt: Runtime, draft: Draft) -> tuple[str, ...]:
    """Targets that history says will be missed more often than not kept."""
    if draft.key != "targets":
        return ()
    now, known = rt.now(), rt.histories.known(rt.now())
    calendars = rt.desks.policies.calendars or ROUND_THE_CLOCK
    targets = _compiled(draft.key, draft.text, "draft")
    return tuple(one.text for one in sla.feasible(targets, known.about, calendars, now))


def _compiled(name: str, text: str, label: str) -> Any:
    return languages.LANGUAGES[name](plain(load(text, label)), None, label)
