"""What decisions look at besides the ticket itself: the policies in force, and what is around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.decide.routing import Policy

POLICIES = ("calendars", "triage", "routing", "targets", "escalation")
"""The policies there are, each a document with versions; in the order in which they may name one another."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies in force, compiled; None: none was ever published. ``labels``: name -> ``routing@3``; ``ids``: name
    -> the document's id."""

    routing: Policy | None = None
    triage: Any = None
    targets: Any = None
    escalation: Any = None
    calendars: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, int] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """The version in force, as decisions name it; "" where there is none."""
        return self.labels.get(name, "")


@dataclass(frozen=True, slots=True)
class Other:
    """Another ticket of a requester: open, or made not long ago. ``created_at`` in UTC microseconds."""

    id: int
    number: int
    requester: str
    title: str
    category: str
    created_at: int
    open: bool = True


@dataclass(frozen=True, slots=True)
class Around:
    """``contacts``: e-mail in lower case -> site, language, clientele; ``load``: holder -> open tickets; ``others``:
    the requesters' own, open or new; ``holders``: everybody a ticket can be given to, and their names;
    ``estimate``: how long tickets with such fields take, where enough is known."""

    contacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    load: Mapping[str, int] = field(default_factory=dict)
    others: tuple[Other, ...] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    estimate: Callable[[Mapping[str, Any]], Any] | None = None

    def requester(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Who asked, as far as is known: email, site, language, clientele."""
        person = fields.get("requester")
        email = str(person.get("email") or "").lower() if isinstance(person, dict) else ""
        return {"email": email, "site": "", "language": "", "clientele": "", **self.contacts.get(email, {})}


NONE = InForce()
NOWHERE = Around()
