"""What escalation wants, done with the planner: a hand-over by the clock is the same hand-over as by a person.

People of ours are informed by a notice on the ticket (kind ``escalation``), addressed to their role; the decision
beside it says who they are. A provider that loses a ticket reads why in words of its own, never in those of the policy.
"""

from __future__ import annotations

from gateway.decide.commands import end, hand_over
from gateway.decide.escalation.actions import Action, HandOver, Inform, Notice, Promote, TakeBack, decision
from gateway.decide.escalation.watch import unreached
from gateway.decide.facts import REQUESTER, Command, Leg, Link
from gateway.decide.observe import pass_on
from gateway.decide.plan import Planner, link_name, name_of

KIND = "escalation"
NAME = "Tandem"
SILENT = "there was no sign of work in time"


def carry(p: Planner, action: Action) -> None:
    """Carry out one action. What cannot be done as it is wanted is done otherwise, and said."""
    if isinstance(action, HandOver):
        _hand_over(p, action)
    elif isinstance(action, TakeBack):
        _decided(p, action)
        _take_back(p, action.ends, action.to, action.because)
    elif isinstance(action, Promote):
        _promote(p, action)
    elif isinstance(action, Inform):
        _decided(p, action)
        people = ", ".join(action.people) or "nobody's turn now"
        p.notice(KIND, f"To {', '.join(action.roles)} ({people}): {action.text}")
    elif isinstance(action, Notice):
        p.notice(KIND, action.text)
    else:
        _tell(p, action.text)


def _hand_over(p: Planner, action: HandOver) -> None:
    _decided(p, action)
    leg = _leg(p, action.to)
    to = action.to
    if to.startswith("provider:") and leg is None:
        to = p.ticket.holder if action.how == "warm" else action.instead or "team:service-desk"
        why = p.facts.legs.stopped(action.to.removeprefix("provider:")) or "without a connection"
        p.notice(KIND, f"{action.to} should have this ticket, but is {why}: {to} has it")
        p.ticket.ledger["watch"] = unreached(p.ticket.ledger.get("watch", {}))
    if action.ends:
        _end(p, action.ends)
    if leg is None and to != p.ticket.holder:
        _to_team(p, to, action.because)
    if leg is None:
        return
    hand_over(p, leg, action.because, [], [], "helper" if action.how == "warm" else "holder")


def _promote(p: Planner, action: Promote) -> None:
    leg = _leg(p, action.provider)
    if leg is None or not any(link.live and link.connection_id == leg.connection_id for link in p.ticket.links):
        return
    _decided(p, action)
    hand_over(p, leg, action.because, [], [])


def _take_back(p: Planner, ends: str, to: str, because: str) -> None:
    _end(p, ends)
    if p.ticket.holder == ends:
        _to_team(p, to, because)


def _to_team(p: Planner, to: str, because: str) -> None:
    """A team has it; a provider that had it may go on helping."""
    for link in p.ticket.links:
        if link.role == "holder":
            link.role = "helper"
            p.touch(link)
            p.do("role", {"link": link_name(link), "role": "helper"})
    p.hold_by(to, because)


def _end(p: Planner, provider: str) -> None:
    """They are told, what waits for them is withdrawn; whether their record was made is still looked up."""
    told = Command("take_back", "tandem", {}, SILENT, NAME)
    for link in _links(p, provider):
        end(p, link, told)


def _links(p: Planner, provider: str) -> list[Link]:
    return [one for one in p.ticket.links if one.live and f"provider:{p.leg(one).provider}" == provider]


def _leg(p: Planner, holder: str) -> Leg | None:
    return p.facts.legs.named(holder.removeprefix("provider:")) if holder.startswith("provider:") else None


def _tell(p: Planner, text: str) -> None:
    new, parties = p.new_id(), [REQUESTER]
    p.do(
        "comment",
        {"id": name_of(new), "author": "tandem", "audience": parties, "link": None},
        {"text": text, "format": "plain", "raw": "", "author_name": NAME, "created": None},
    )
    p.ticket.dirty = True
    pass_on(p, None, new, parties)


def _decided(p: Planner, action: HandOver | TakeBack | Promote | Inform) -> None:
    made = decision(action, p.facts.policies.label("escalation"))
    p.do("decision", made.data(), made.payload())
    p.ticket.dirty = True
