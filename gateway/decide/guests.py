"""Guests: a ticket that another Tandem brought, on which it works through our API (docs/adr/0017-two-tandems.md).

Its link has the role ``guest`` and, as remote id, the guest's own reference: one ticket for each. We owe it nothing; it
is told when there is something new for it, and comes and reads. It keeps both sides in step, so that one side alone
merges.
"""

from __future__ import annotations

from gateway.decide.facts import GUEST, Leg, Link
from gateway.decide.objection import Objection
from gateway.decide.plan import Planner, link_name


def invite(p: Planner, connection: str, reference: str) -> None:
    """Begin the link of the guest that brings this new ticket. Raises ``Objection`` where it may bring none."""
    leg = p.facts.legs.named(connection)
    if leg is None:
        raise Objection(f"{connection} is paused", "connection", connection, "come again when it is resumed", True)
    if leg.intake != "import":
        raise Objection("no tickets are taken from you", "connection", connection, "ask for intake: import")
    link = Link(
        p.new_id(), leg.connection_id, p.ticket.id, reference, role=GUEST, mapping_id=leg.mapping_id, new=True,
        dirty=True,
    )  # fmt: skip
    p.ticket.links.append(link)
    p.do("new_link", {"link": link_name(link), "connection": leg.name, "role": GUEST, "reference": reference})


def guest_of(p: Planner, party: str) -> Link | None:
    """The link by which this party is a guest of the ticket."""
    guests = (one for one in p.ticket.links if one.role == GUEST)
    return next((one for one in guests if f"provider:{p.leg(one).provider}" == party), None)


def stays(p: Planner, leg: Leg) -> str:
    """Why a ticket is not handed to ``leg``, "" where it may be: never back to who brought it, and what was brought
    goes on by a person's hand alone, or rules of several Tandems could send it round for ever."""
    guests = [one for one in p.ticket.links if one.role == GUEST]
    if any(p.leg(one).provider == leg.provider for one in guests):
        return f"{leg.name} brought this ticket to us"
    if guests and (p.by or p.plan.actor == "tandem"):
        return "another Tandem brought this ticket, and only a person hands it on"
    return ""
