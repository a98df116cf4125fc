"""A loopback desk that speaks Freshservice's API v2: what it has beside the common part of the vendor's products.

Objects come wrapped (``{"ticket": ...}``) and go in bare; a ticket is an incident with impact and urgency, in a
workspace, and lists show the primary workspace alone unless they are asked for another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from connectors.simulators.freshworks import PER_SEARCH, Freshworks
from connectors.simulators.freshworks_desk import Invalid, Row
from connectors.simulators.loopback import Request, Response

FIELDS = (
    ("tandem_reference", "custom_text", "Tandem reference", ()),
    ("environment", "custom_dropdown", "Environment", ("Production", "UAT")),
)
CATEGORIES = ("Hardware", "Software", "Network", "Office Furniture", "Others")
PRIMARY = 2


class Freshservice(Freshworks):
    """One account with two workspaces, ``PRIMARY`` and 3."""

    wraps = True
    size_name = "size"
    statuses: ClassVar[Mapping[int, str]] = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed"}
    sources = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18})
    scalars: ClassVar[Mapping[str, type]] = {
        "subject": str, "status": int, "priority": int, "source": int, "urgency": int, "impact": int,
        "category": str, "sub_category": str, "item_category": str, "department_id": int, "workspace_id": int,
        "due_by": str, "fr_due_by": str, "resolution_notes": str,
    }  # fmt: skip
    columns: ClassVar[Mapping[str, str]] = {name: kind for name, kind, _, _ in FIELDS}
    types = ("Incident",)
    files_max = 40 * 1024 * 1024

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.settings = {**self.settings, "workspace": PRIMARY}

    def blank(self) -> Row:
        return {**super().blank(), "type": "Incident", "urgency": 1, "impact": 1, "workspace_id": PRIMARY}

    def validate(self, given: Mapping[str, Any], create: bool) -> None:
        super().validate(given, create)
        for name in ("urgency", "impact"):
            if given.get(name) is not None and given[name] not in (1, 2, 3):
                raise Invalid(name, "It should be one of these values: '1,2,3'")
        for name in ("status", "priority", "source") if create else ():
            if given.get(name) is None:
                raise Invalid(name, "It should be a/an Integer", "missing_field")
        if given.get("category") is not None and given["category"] not in CATEGORIES:
            raise Invalid("category", f"It should be one of these values: '{','.join(CATEGORIES)}'")

    def spend(self, ticket: Row, given: Mapping[str, Any]) -> Row:
        if not isinstance(given.get("agent_id"), int):
            raise Invalid("agent_id", "It should be a/an Integer", "datatype_mismatch")
        return super().spend(ticket, given)

    def route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["tickets", "filter"]:
                named = re.search(r"workspace_id:([0-9]+)", request.query.get("query", ""))
                rows = inside(int(named[1]) if named else PRIMARY, self.found(request))
                number = int(request.query.get("page", 1))
                page = rows[(number - 1) * PER_SEARCH : number * PER_SEARCH]
                return Response.of({"tickets": page, "total": len(rows)})
            case "GET", ["agents", "me"]:
                return self.one("agent", agent(self.people[self.tandem]))
            case "GET", ["agents"]:
                wanted = request.query.get("email", "")
                found = [agent(each) for each in self.people.values() if each["agent"] and each["email"] == wanted]
                return self.page(request, "agents", found)
            case "GET", ["agents", id] if self.people[int(id)]["agent"]:
                return self.one("agent", agent(self.people[int(id)]))
            case "GET", ["ticket_form_fields"]:
                return self.page(request, "ticket_fields", fields())
        return super().route(request, parts)

    def listed(self, request: Request) -> list[Row]:
        return inside(int(request.query.get("workspace_id", PRIMARY)), super().listed(request))

    def tell(self, ticket: Row, event: str) -> None:
        """What a node of a workflow sends: the body in our guide."""
        word = "created" if event == "{ticket_action:created}" else "updated"
        self.announce(json.dumps({"ticket_id": str(ticket["id"]), "event": word}).encode())

    def usual(self) -> Mapping[str, Any]:
        return {"status": 2, "priority": 1, "source": 1}

    def move(self, id: str) -> None:
        """To another workspace."""
        self.tickets[int(id)] |= {"workspace_id": 3, "updated_at": self.now()}


def inside(workspace: int, rows: list[Row]) -> list[Row]:
    """The rows of one workspace, 0 for all."""
    return [each for each in rows if workspace in (0, each["workspace_id"])]


def agent(person: Mapping[str, Any]) -> Row:
    """An agent as it is shown."""
    return {
        "id": person["id"],
        "email": person["email"],
        "first_name": person["name"],
        "last_name": None,
        "active": True,
    }


def fields() -> list[Row]:
    """The form of a ticket."""
    rows: list[Row] = [
        {"id": 1, "name": "subject", "label": "Subject", "field_type": "default_subject", "choices": []},
        {
            "id": 2,
            "name": "category",
            "label": "Category",
            "field_type": "default_category",
            "choices": _choices(CATEGORIES),
        },
    ]
    for n, (name, kind, label, choices) in enumerate(FIELDS):
        rows.append({"id": 10 + n, "name": name, "label": label, "field_type": kind, "choices": _choices(choices)})
    return rows


def _choices(values: tuple[str, ...]) -> list[Row]:
    return [{"id": 100 + n, "value": value} for n, value in enumerate(values)]
