"""The policy of support as requesters read it: the catalogue, the calendars, and what history lets expect.

Nothing is written down for this page alone: it says what the policies in force say, so it cannot promise anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.console import due
from gateway.console.show import holder
from gateway.console.words import gettext
from gateway.decide.hours.page import Page, pages
from gateway.desk.items import when
from gateway.insight.estimates import Known
from gateway.insight.expected import published
from gateway.runtime import Runtime


def told(rt: Runtime, language: str) -> dict[str, Any]:
    """``{services, referred, calendars}``: what is supported, each with its ``expected`` time (None: not enough data),
    what is not, and every calendar."""
    rt.desks.load()
    policies, known = rt.desks.policies, rt.histories.known(rt.now())
    listed = policies.triage.services(language) if policies.triage is not None else []
    served = [{**one, "expected": _expected(known, one["service"])} for one in listed if one["supported"]]
    calendars = pages(policies.calendars, rt.now(), language) if policies.calendars is not None else []
    return {
        "services": served or list(_known_of(known)),
        "referred": [one for one in listed if not one["supported"]],
        "calendars": [_calendar(one) for one in calendars],
    }


def _known_of(known: Known) -> Iterator[dict[str, Any]]:
    """Where there is no catalogue: the services that have had tickets."""
    for name, estimate in published(known):
        every = {"service": name, "title": name, "clientele": [], "sites": [], "languages": []}
        yield {**every, "expected": due.expected(estimate) if estimate.enough else None}


def _expected(known: Known, service: str) -> dict[str, Any] | None:
    estimate = known.service(service)
    return due.expected(estimate) if estimate.enough else None


def _calendar(one: Page) -> dict[str, Any]:
    keepers = [_keeper(who) for who in one.keepers]
    return {
        "keepers": [*keepers, *([gettext("everybody else")] if one.others and keepers else [])],
        "week": one.week,
        "special": one.special,
        "open": one.open,
        "opens": when(one.opens),
        "text": one.text,
    }


def _keeper(who: str) -> str:
    kind, _, name = who.partition(":")
    if kind == "desk":
        return gettext("Service desk")
    return name.replace("-", " ").title() if kind == "site" else holder(who)
