"""The end of every plan: what happened in it, told to the ticket's clocks and to its escalations (DESIGN.md 4).

The ledger of a ticket remembers for them. What they want done is done by the same planner, so a hand-over by the clock
is the hand-over by a person; what that changes is told to them again. ``wake_at`` is when they want to be asked next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.decide import escalation, sla
from gateway.decide.carrying import carry
from gateway.decide.facts import LIVING, Command, Facts, Input, Link, Observed, Settled
from gateway.decide.honesty import interim, longer
from gateway.decide.hours import ALWAYS, Calendars
from gateway.decide.plan import Planner
from gateway.decide.routing import state as routing_state
from gateway.decide.signals import Signal, View
from gateway.tickets.vocabulary import FINAL

ROUNDS = 4
"""How often what an escalation changed is told again within one plan."""

TOLD = {"comment": "replied", "worklog": "worked"}
ROUND_THE_CLOCK = Calendars("", {"always": ALWAYS}, "always")
"""Where no calendars are in force, all hours count."""

HURRIED = ("sla_breach", "sla_warning", "escalation", "stuck", "longer", "on_call")
"""Notices that want somebody to hurry; they are over when the ticket is."""

FOLLOWED = ("targets", "escalation", "calendars")
DESK = "team:service-desk"


@dataclass(frozen=True, slots=True)
class Before:
    """What of a ticket is compared. ``legs``: link -> (role, leg status)."""

    holder: str = ""
    status: str = ""
    priority: str = ""
    legs: tuple[tuple[int, str, str], ...] = ()


def before(facts: Facts) -> Before | None:
    """How the ticket stands before a plan; None where no policy follows it."""
    if not facts.policies.ids:
        return None
    return _stands(facts)


def _stands(facts: Facts) -> Before:
    ticket = facts.ticket
    if ticket is None:
        return Before()
    fields = ticket.fields
    legs = tuple((link.id, link.role, link.leg_status) for link in ticket.links)
    return Before(ticket.holder, fields.get("status", ""), fields.get("priority", ""), legs)


def follow(p: Planner, what: Input, link: Link | None, was: Before) -> None:
    """Tell clocks and escalations what this plan did, and carry out what they want."""
    policies, ledger = p.facts.policies, p.ticket.ledger
    if p.ticket.new and p.ticket.fields["status"] in FINAL:
        return  # it was ended as it was written down: nobody waits for anything
    at, wake = 0, p.ticket.wake_at
    renewed = _renewed(p)
    for turn in range(ROUNDS):
        signals = list(_happened(p, what if turn == 0 else None, link, was, at))
        if renewed and turn == 0:
            signals.append(Signal("policy", p.facts.as_of))
        if not signals:
            break
        at, was = len(p.plan.actions), _stands(p.facts)
        seen = view(p)
        calendars = policies.calendars or ROUND_THE_CLOCK
        chosen = _chosen(what) if turn == 0 else None
        _keep(p, "routing", routing_state.follow(ledger.get("routing", {}), signals, chosen))
        clocked = sla.follow(ledger.get("clocks", {}), policies.targets, calendars, seen, signals)
        signals += [Signal("breach", e.at, e.party, after=e.clock) for e in clocked.events if e.kind == "breach"]
        watched = escalation.follow(ledger.get("watch", {}), policies.escalation, policies.calendars, seen, signals)
        _keep(p, "clocks", clocked.state)
        _keep(p, "watch", watched.state)
        _write(p, clocked)
        for action in watched.actions:
            carry(p, action)
        if any(one.kind == "status" and one.after in FINAL for one in signals):
            p.do("settled", {"kinds": list(HURRIED)})
        wake = min((one for one in (clocked.wake_at, watched.wake_at, longer(p)) if one is not None), default=None)
    if wake != p.ticket.wake_at:
        p.ticket.wake_at, p.ticket.dirty = wake, True


def view(p: Planner) -> View:
    """The ticket as clocks and escalations see it."""
    ticket, facts = p.ticket, p.facts
    living_last = sorted(ticket.links, key=lambda link: link.live)  # what is over at one of its desks ends nothing here
    legs = {p.leg(link).provider: (link.role, link.leg_status) for link in living_last}
    created = facts.as_of if ticket.new else ticket.created_at
    requester = facts.around.requester(ticket.fields)
    return View(facts.as_of, ticket.number, ticket.fields, ticket.holder, created, legs, requester)


def _renewed(p: Planner) -> bool:
    """Whether other versions are in force than those this ticket was last followed under."""
    labels = {name: p.facts.policies.label(name) for name in FOLLOWED if p.facts.policies.label(name)}
    known = p.ticket.ledger.get("under")
    if known != labels:
        _keep(p, "under", labels)
    return known != labels and not p.ticket.new


def _keep(p: Planner, name: str, state: dict[str, Any]) -> None:
    if p.ticket.ledger.get(name, {}) != state:
        p.ticket.ledger[name] = state
        p.ticket.dirty = True


def _write(p: Planner, clocked: sla.Clocked) -> None:
    for event in clocked.events:
        data = {"clock": event.clock, "instance": event.instance, "kind": event.kind, "reason": event.reason}
        times = {"at": event.at, "received_at": event.received_at, "due_at": event.due_at}
        p.do("clock", data, {**times, "party": event.party, "policy": event.policy, "calendar": event.calendar})
        p.ticket.dirty = True
        if (event.kind, event.clock) == ("breach", "update_cadence"):
            interim(p)
    for kind, text in clocked.notices:
        p.notice(kind, text, field=text.partition(":")[0])


# --- what happened ---


def _happened(p: Planner, what: Input | None, link: Link | None, was: Before, start: int) -> Iterator[Signal]:
    """What the plan did since its action ``start``, as signals in the order of cause: what is new, then what moved."""
    at, party = p.facts.as_of, _party(p, what, link)
    now = _stands(p.facts)
    if any(a.verb == "new_ticket" for a in p.plan.actions[start:]):
        yield Signal("opened", at, party, after=now.status)
        was = Before("", now.status, now.priority)
    yield from _accepted(p, what, link, was, at)
    yield from _said(p, party, start, at)
    yield from _answered(p, what, link, was, at)
    for kind, old, new in (
        ("priority", was.priority, now.priority),
        ("holder", was.holder, now.holder),
        ("status", was.status, now.status),
    ):
        if old != new:
            yield Signal(kind, at, party, old, new)
    for action in p.plan.actions[start:]:
        if action.verb == "returned":
            yield Signal("returned", at, f"provider:{action.data['provider']}")
        elif action.verb == "warm":
            yield Signal("warm", at, party, after=action.data["to"])
    if isinstance(what, Command) and what.what in ("clock", "stuck"):
        yield Signal(what.what, at, party)
    elif {(id, role) for id, role, _ in was.legs} != {(id, role) for id, role, _ in now.legs}:
        yield Signal("clock", at, party)  # somebody came or went, if only to help


def _chosen(what: Input) -> routing_state.Chosen | None:
    """A person of ours who says who shall have the ticket."""
    if not isinstance(what, Command) or what.actor == "tandem" or what.party:
        return None
    says = what.what in ("escalate", "take_back") or (what.what == "create" and what.data.get("holder"))
    return routing_state.Chosen(what.actor, what.reason) if says else None


def _party(p: Planner, what: Input | None, link: Link | None) -> str:
    """Whose doing it was."""
    if isinstance(what, Observed | Settled) and link is not None:
        return f"provider:{p.leg(link).provider}"
    if not isinstance(what, Command) or what.actor == "tandem":
        return "tandem"
    return what.party or _team(p)


def _team(p: Planner) -> str:
    return p.ticket.holder if p.ticket.holder.startswith("team:") else DESK


def _accepted(p: Planner, what: Input | None, link: Link | None, was: Before, at: int) -> Iterator[Signal]:
    """A provider's desk has the record, once for each time it was given the ticket: its create was answered, or found
    after its answer was lost; an ended link that began again was written or read; or the ticket began there."""
    waiting = p.ticket.ledger.setdefault("waiting", [])
    living = {id for id, role, _ in was.legs if role in ("holder", "helper")}
    for one in p.ticket.links:
        name = f"provider:{p.leg(one).provider}"
        if one.live and one.id not in living and name not in waiting:
            waiting.append(name)
        elif not one.live and name in waiting:
            waiting.remove(name)
    if link is None or link.remote_id is None or not link.live:
        return
    name, ended = f"provider:{p.leg(link).provider}", at
    if isinstance(what, Settled):
        done, ended = what.outcome in ("ok", "found"), what.ended or at
    else:
        done = isinstance(what, Observed)
    if done and name in waiting:
        waiting.remove(name)
        yield Signal("accepted", ended, name)


def _said(p: Planner, party: str, start: int, at: int) -> Iterator[Signal]:
    """Comments and time spent; what Tandem itself says is nobody's reply."""
    for action in p.plan.actions[start:]:
        kind = TOLD.get(action.verb)
        if kind is None or action.data["author"] == "tandem":
            continue
        if party == "requester":
            yield Signal("spoke", at, "requester")
        else:
            yield Signal(kind, at, party, public="requester" in action.data["audience"])


def _answered(p: Planner, what: Input | None, link: Link | None, was: Before, at: int) -> Iterator[Signal]:
    """A provider works on it: what its desk shows is no echo of ours and not the answer to a write of ours."""
    if link is None or p.facts.ticket is None:
        return
    seen = what.seen if isinstance(what, Settled) else what
    if not isinstance(seen, Observed) or seen.source == "reply":
        return
    provider = f"provider:{p.leg(link).provider}"
    status = next((leg[2] for leg in was.legs if leg[0] == link.id), "")
    moved = link.leg_status != status and link.leg_status not in LIVING[:2]
    theirs = any(
        a.data.get("author") == provider or (a.verb == "set" and a.data["field"] in ("assignee", "status"))
        for a in p.plan.actions
    )
    if moved or theirs:
        yield Signal("answered", at, provider)
