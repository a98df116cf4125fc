"""Who sees which tickets, and what of them: the desk everything, a provider its links, a requester their own.

Every query about tickets starts from ``Sight.tickets``; what a reader may not see is not there for them (404, not 403).
A provider sees the fields, audiences and files that its share policy lets leave, and of others' links nothing at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, select, true

from gateway.people.principal import Principal
from gateway.runtime import Runtime
from gateway.store.db import Road
from gateway.store.tables import link, ticket
from mappings.share import NOTHING, Share

PORTAL = frozenset(
    {
        *("title", "description", "kind", "status", "resolution_code", "resolution_text", "impact", "urgency"),
        *("priority", "category", "subcategory", "service", "requester", "due"),
    }
)
"""The fields a requester sees of their own tickets."""

LIVE = ("holder", "helper", "guest")
"""The roles of a link whose provider takes part; once it has ended the ticket is none of that provider's business."""


@dataclass(frozen=True)
class Sight:
    """One reader's view. ``party`` is how audiences name the reader; "" for our own people, who read everything."""

    principal: Principal
    share: Share = NOTHING

    @property
    def everything(self) -> bool:
        return self.principal.scope == "all"

    @property
    def party(self) -> str:
        return {"connection": f"provider:{self.principal.provider}", "own": "requester"}.get(self.principal.scope, "")

    def tickets(self) -> ColumnElement[bool]:
        """The condition on ``ticket`` that every query carries."""
        match self.principal.scope:
            case "all":
                return true()
            case "connection":
                return ticket.c.id.in_(select(link.c.ticket_id).where(self.links()))
            case _:
                email = self.principal.email.lower()
                return ticket.c.requester == email if email else false()

    def links(self) -> ColumnElement[bool]:
        """The condition on ``link``: a provider's own and live ones, none of them for a requester."""
        match self.principal.scope:
            case "all":
                return true()
            case "connection":
                return and_(link.c.connection_id == self.principal.connection_id, link.c.role.in_(LIVE))
            case _:
                return false()

    def shows(self, field: str) -> bool:
        """Whether a canonical field is visible."""
        if self.everything:
            return True
        return self.share.allows(field) if self.principal.scope == "connection" else field in PORTAL

    def value(self, field: str, value: Any) -> Any:
        """The value as far as it is visible; None when it is not."""
        if self.principal.scope == "connection":
            return self.share.narrow(field, value)
        return value if self.shows(field) else None

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: seen for name, value in fields.items() if (seen := self.value(name, value)) is not None}

    def reads(self, audience: Collection[str]) -> bool:
        """Whether something said to this audience is visible."""
        if self.everything:
            return True
        if self.party not in audience:
            return False
        if self.principal.scope == "own":
            return True
        return self.share.allows_audience(frozenset({"provider"} | ({"requester"} & set(audience))))

    def audience(self, audience: Collection[str]) -> list[str]:
        """The audience as this reader may know it: nobody learns of a provider besides themselves."""
        return sorted(p for p in audience if self.everything or p in (self.party, "requester"))

    def holder(self, holder: str) -> str | None:
        """Who has the ticket, as this reader may know it."""
        return holder if self.everything or holder == self.party else None


def sight(conn: Connection, rt: Runtime, principal: Principal) -> Sight:
    """The reader's view as of now; a provider's share policy is always the newest published one."""
    if principal.scope != "connection":
        return Sight(principal)
    rt.desks.refresh(Road(conn, rt.store.dialect))
    return Sight(principal, rt.desks.share(principal.provider) or NOTHING)
