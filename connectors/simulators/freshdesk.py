"""A loopback desk that speaks Freshdesk's API v2: what it has beside the common part of the vendor's products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.simulators.freshworks import PER_SEARCH, Freshworks
from connectors.simulators.freshworks_desk import Invalid, Row
from connectors.simulators.loopback import Request, Response

CUSTOM = ("cf_tandem_reference", "custom_text", "Tandem reference", ())
FIELDS = (
    CUSTOM,
    ("cf_impact", "custom_dropdown", "Impact", ("High", "Medium", "Low")),
    ("cf_urgency", "custom_dropdown", "Urgency", ("High", "Medium", "Low")),
)


class Freshdesk(Freshworks):
    """One account, with the statuses that a new one has."""

    statuses: ClassVar[Mapping[int, str]] = {
        2: "Open",
        3: "Pending",
        4: "Resolved",
        5: "Closed",
        6: "Waiting on Customer",
        7: "Waiting on Third Party",
    }
    sources = frozenset({1, 2, 3, 7, 8, 9, 10})
    scalars: ClassVar[Mapping[str, type]] = {
        "subject": str, "status": int, "priority": int, "source": int,
        "due_by": str, "fr_due_by": str, "product_id": int,
    }  # fmt: skip
    columns: ClassVar[Mapping[str, str]] = {name: kind for name, kind, _, _ in FIELDS}
    types = ("Question", "Incident", "Problem", "Feature Request")
    files_max = 20 * 1024 * 1024

    def route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["search", "tickets"]:
                rows, number = self.found(request), int(request.query.get("page", 1))
                if number > 10:
                    raise Invalid("page", "It should be a Positive Integer less than or equal to 10")
                page = rows[(number - 1) * PER_SEARCH : number * PER_SEARCH]
                return Response.of({"total": len(rows), "results": page})
            case "GET", ["agents", "me"]:
                return Response.of(agent(self.people[self.tandem]))
            case "GET", ["agents"]:
                wanted = request.query.get("email", "")
                found = [agent(each) for each in self.people.values() if each["agent"] and each["email"] == wanted]
                return Response.of(found)
            case "GET", ["agents", id] if self.people[int(id)]["agent"]:
                return Response.of(agent(self.people[int(id)]))
            case "GET", ["contacts", id] if not self.people[int(id)]["agent"]:
                return Response.of({name: self.people[int(id)][name] for name in ("id", "email", "name")})
            case "GET", ["ticket_fields"]:
                return self.page(request, "ticket_fields", self._fields())
            case "GET", ["time_entries"]:
                after = request.query.get("executed_after", "")
                rows = [each for each in self.entries.values() if each["executed_at"] >= after]
                return self.page(request, "time_entries", rows)
        return super().route(request, parts)

    def _fields(self) -> list[Row]:
        states: Row = {str(id): [label, label] for id, label in self.statuses.items()}
        rows: list[Row] = [
            {"id": 1, "name": "status", "label": "Status", "type": "default_status", "choices": states},
            {
                "id": 2,
                "name": "ticket_type",
                "label": "Type",
                "type": "default_ticket_type",
                "choices": list(self.types),
            },
        ]
        for n, (name, kind, label, choices) in enumerate(FIELDS):
            row: Row = {"id": 10 + n, "name": name, "label": label, "type": kind}
            rows.append({**row, "choices": list(choices)} if choices else row)
        return rows


def agent(person: Mapping[str, Any]) -> Row:
    """An agent, whose name and address stand in a contact inside."""
    return {"id": person["id"], "available": True, "contact": {"email": person["email"], "name": person["name"]}}
