"""What is promised beside what history says, and the honest word for a ticket that takes longer than others did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway.decide.acknowledge import TEXTS, spoken, tell
from gateway.decide.decision import Decision
from gateway.decide.facts import Command
from gateway.decide.hours import ALWAYS, Hours
from gateway.decide.hours.words import language_of, when
from gateway.decide.hours.zone import EPOCH
from gateway.decide.objection import Objection
from gateway.decide.plan import Planner
from gateway.decide.settle import speak
from gateway.insight.estimates import Estimate
from gateway.insight.promise import check_promise, longer_than_usual
from gateway.tickets.vocabulary import FINAL

REMINDER = "A reminder: the requester is waiting for news of this ticket. Please tell how it stands."
EVERY = 8 * 3_600_000_000
"""Microseconds within the hours of support between two such words: a working day."""


def promised(p: Planner, what: Command) -> None:
    """A person says when a ticket will be solved. Raises Objection where history says that this would not be kept, and
    no reason is given."""
    due = what.data["fields"].get("due")
    if not due or due == p.ticket.fields.get("due") or p.facts.around.estimate is None:
        return
    estimate = p.facts.around.estimate(p.ticket.fields)
    if estimate is None:
        return
    checked = check_promise(_utc(str(due)) - p.ticket.created_at, estimate, what.reason)
    if not checked.allowed:
        raise Objection(str(checked.said), "due", due, "promise less, or give the reason")
    said = str(checked.said or "such tickets are usually solved by then")
    outcome = "shorter than usual" if checked.short else "as usual"
    made = Decision("promise", f"{outcome}: {due}", "by hand", "", checked.inputs, [], what.reason or said)
    p.do("decision", made.data(), made.payload())
    p.ticket.dirty = True


def longer(p: Planner) -> int | None:
    """Tell the requester of an open ticket that it takes longer than usual, and when they hear again; once an interval.
    When to look at this again, in UTC microseconds; None: never."""
    kept: Mapping[str, Any] | None = p.ticket.ledger.get("estimate")
    if kept is None or p.ticket.fields["status"] in FINAL:
        return None
    estimate, at = Estimate.read(kept), p.facts.as_of
    created = at if p.ticket.new else p.ticket.created_at
    if estimate.p90 is None:
        return None
    hours, told = _hours(p), p.ticket.ledger.get("longer")
    late = longer_than_usual(created, estimate, at, EVERY, told, hours.after)
    if late is None:
        return created + estimate.p90 + 1
    if late.tell:
        p.ticket.ledger["longer"], p.ticket.dirty = at, True
        requester = p.facts.around.requester(p.ticket.fields)
        if requester["email"]:
            language = language_of(requester["language"])
            texts = {"p90": spoken(late.said.data["p90"], language), "n": estimate.finished}
            tell(p, TEXTS[language]["longer"].format(**texts, next=when(late.next_update, language, hours.zone)))
        p.notice("longer", str(late.said))
    return late.next_update


def _utc(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def interim(p: Planner) -> None:
    """The time of an update has passed without one: the requester hears at least who has the ticket. At most once a
    working day; people of ours are reminded every time."""
    hours, told, at = _hours(p), p.ticket.ledger.get("interim"), p.facts.as_of
    requester = p.facts.around.requester(p.ticket.fields)
    if not requester["email"] or (told is not None and at < hours.after(told, EVERY)):
        return
    p.ticket.ledger["interim"], p.ticket.dirty = at, True
    who = p.facts.around.holders.get(p.ticket.holder, p.ticket.holder.partition(":")[2])
    tell(p, TEXTS[language_of(requester["language"])]["interim"].format(who=who))
    for link in p.ticket.links:
        if link.role == "holder":
            speak(p, link, REMINDER)


def _hours(p: Planner) -> Hours:
    calendars = p.facts.policies.calendars
    return calendars.of(p.ticket.holder) if calendars is not None else ALWAYS
