"""By which rule the status of a ticket follows its legs: from the holder's alone, or, where the escalation policy says
``follow: all``, resolved only when every live leg is done (ENGINE.md 3).
"""

from __future__ import annotations

from gateway.decide.facts import Link
from gateway.decide.plan import Planner
from gateway.tickets.vocabulary import FINAL


def follows(p: Planner, link: Link, status: str) -> bool:
    """Whether the ticket takes over a status that the leg of this link has reached."""
    if link.role != "holder":
        return False
    others = _unfinished(p, link) if status in FINAL and _all(p) else []
    if others:
        names = ", ".join(p.leg(one).name for one in others)
        p.notice("note", f"{p.leg(link).name} has done its part ({status}); {names} has not", link, "status")
    return not others


def catch_up(p: Planner) -> None:
    """A leg was done or has ended: the ticket is what its holder's leg is, if that was waited for alone."""
    holder = next((link for link in p.ticket.links if link.role == "holder"), None)
    if holder is None or not _all(p) or holder.leg_status not in FINAL or _unfinished(p, holder):
        return
    pair = holder.pairs.get("status")
    if p.ticket.fields.get("status") not in FINAL and pair is not None and not pair.owed and not pair.park:
        p.over(holder, ("note",), "status")
        p.set("status", holder.leg_status, "every provider has done its part", holder)


def _all(p: Planner) -> bool:
    return getattr(p.facts.policies.escalation, "follow", "holder") == "all"


def _unfinished(p: Planner, but: Link) -> list[Link]:
    return [one for one in p.ticket.links if one is not but and one.live and one.leg_status not in FINAL]
