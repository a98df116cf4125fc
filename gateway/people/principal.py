"""Who is asking, and the one table of what each role may do. What the table does not say is not allowed.

``may`` answers for a kind of action; which tickets it reaches is ``scope``: all, those of one connection, or one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ROLES = ("admin", "agent", "auditor", "provider", "requester")
Scope = Literal["all", "connection", "own"]

_READ = {
    *("console", "ticket.read", "timeline.read", "comment.read", "attachment.read", "worklog.read", "link.read"),
    *("decision.read", "contact.read", "arrival.read", "delivery.read", "conflict.read", "notice.read"),
    *("connection.read", "connector.read", "provider.read", "mapping.read", "policy.read", "metric.read", "team.read"),
    *("article.read", "response.read", "problem.read", "asset.read", "survey.read", "estimate.read", "staffing.read"),
}
_DESK = {
    *("ticket.create", "ticket.change", "ticket.escalate", "ticket.take_back", "comment.write", "attachment.write"),
    *("worklog.write", "contact.write", "delivery.replay", "arrival.replay", "conflict.resolve", "connection.poll"),
    "ticket.stuck",
    *("article.write", "response.write", "problem.write", "asset.write", "notice.close", "lane.release"),
}
_ADMIN = {
    *("connection.write", "connection.pause", "provider.write", "mapping.write", "policy.write", "user.read"),
    *(
        "user.write",
        "token.read",
        "token.write",
        "staffing.write",
        "audit.read",
        "audit.export",
        "arrival.raw",
        "team.write",
    ),
}
_PROVIDER = {
    *("ticket.read", "ticket.create", "ticket.change", "timeline.read", "link.read", "comment.read", "comment.write"),
    *("attachment.read", "attachment.write", "worklog.read", "worklog.write", "pairing.finish"),
}
_REQUESTER = {
    *("portal", "ticket.read", "ticket.create", "ticket.stuck", "comment.read", "comment.write", "attachment.read"),
    *("attachment.write", "article.read", "survey.write"),
}
_SELF = {"self.read", "self.write"}

MAY: dict[str, frozenset[str]] = {
    "admin": frozenset(_READ | _DESK | _ADMIN | _SELF),
    "agent": frozenset(_READ | _DESK | _SELF),
    "auditor": frozenset(_READ | _SELF | {"audit.read", "audit.export", "user.read", "token.read"}),
    "provider": frozenset(_PROVIDER | _SELF),
    "requester": frozenset(_REQUESTER | _SELF),
}
ACTIONS = frozenset[str]().union(*MAY.values())
_SCOPES: dict[str, Scope] = {"provider": "connection", "requester": "own"}


@dataclass(frozen=True)
class Principal:
    """``id`` is the actor in the audit trail: ``user:<id>`` or ``token:<id>``. A provider has one connection, by id,
    name and its provider's slug; everyone else has none."""

    id: str
    role: str
    name: str
    email: str = ""
    user_id: int | None = None
    token_id: int | None = None
    team: str = ""
    connection_id: int | None = None
    connection: str = ""
    provider: str = ""
    language: str = ""

    def may(self, action: str) -> bool:
        """Whether the role allows it. Raises ValueError on an action that no role has: a slip in the caller."""
        if action not in ACTIONS:
            raise ValueError(f"no such action: {action}")
        return action in MAY.get(self.role, frozenset())

    @property
    def party(self) -> str:
        """On whose side: ``requester``, ``provider:<slug>``, or "" for our own people."""
        return {"own": "requester", "connection": f"provider:{self.provider}"}.get(self.scope, "")

    @property
    def scope(self) -> Scope:
        """Which tickets: all of them, those linked to ``connection_id``, or those whose requester is ``email``."""
        return _SCOPES.get(self.role, "all" if self.role in MAY else "own")
