"""A loopback Autotask PSA with state: its zone, tickets, notes, attachments, time entries and picklists.

Where the API lies is asked first, by user. Questions are filters in a POST; answers come by number of the record, page
by page, and never in order of their dates. What is absent is ``{"item": null}`` at 200; whatever it refuses is a 500
with ``errors``. Times are UTC with milliseconds. A note and a file are published to all or to the desk's own people.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

Row = dict[str, Any]

STATUSES = {
    1: "New",
    5: "Complete",
    7: "Waiting Customer",
    8: "In Progress",
    9: "Waiting Materials",
    12: "Waiting Vendor",
}
PICKLISTS: Mapping[str, Mapping[int, str]] = {
    "status": STATUSES,
    "priority": {4: "Critical", 1: "High", 2: "Medium", 3: "Low"},
    "queueID": {5: "Client Portal", 29682833: "Level I Support"},
    "ticketType": {1: "Service Request", 2: "Incident", 3: "Problem"},
    "source": {2: "Insourced", 6: "Monitoring Alert", 8: "API"},
    "issueType": {2: "Hardware", 10: "Network"},
}
"""What one tenant has; of the statuses only 1 and 5 are everywhere."""

INACTIVE = {"status": {13: "Formerly used"}}
REQUIRED = ("companyID", "title", "status", "priority")
COLUMNS = (
    "title", "description", "status", "priority", "queueID", "ticketType", "source", "issueType", "dueDateTime",
    "resolution", "assignedResourceID", "contactID", "externalID", "companyID",
)  # fmt: skip
COMPANY, ELSEWHERE = 174, 211
US, THEM = 29682885, 10
PUBLIC, INTERNAL = 1, 2
FILE = 7_000_000
ROWS = 500
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda have, want: have == want,
    "noteq": lambda have, want: have != want,
    "gt": lambda have, want: have is not None and have > want,
    "gte": lambda have, want: have is not None and have >= want,
    "lt": lambda have, want: have is not None and have < want,
    "lte": lambda have, want: have is not None and have <= want,
    "exist": lambda have, want: have is not None,
    "notExist": lambda have, want: have is None,
    "contains": lambda have, want: str(want) in str(have),
    "in": lambda have, want: have in want,
}  # fmt: skip


class Refusal(Exception):
    """A 500 with the reason."""

    def __init__(self, *sentences: str, status: int = 500) -> None:
        super().__init__(*sentences)
        self.response = Response.of({"errors": list(sentences)}, status)


class Autotask(Simulator):
    """One tenant in one zone. ``categories``: the fields that its ticket category requires besides the API's own."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.settings = {"login": "tandem@acme.example", "company": COMPANY, "discovery": f"{self.url}/atservicesrest"}
        self.secrets = {
            "secret": "s3cr3t-of-the-api-user",
            "integration_code": "TRACKINGID0001",
            "webhook": "hook-secret",
        }
        self.zone = "zone1"
        self.categories: tuple[str, ...] = ()
        self.tables: dict[str, dict[int, Row]] = {
            name: {} for name in ("Tickets", "TicketNotes", "TicketAttachments", "TimeEntries", "Resources", "Contacts")
        }
        self._bytes: dict[int, bytes] = {}
        self._last = 99
        self._sequence = 0
        self._allowed = True
        for id, name in ((US, "tandem@acme.example"), (THEM, "administrator"), (12, "paula")):
            address = name if "@" in name else f"{name}@acme.example"
            self.tables["Resources"][id] = {
                "id": id,
                "userName": name,
                "email": address,
                "firstName": name,
                "isActive": True,
            }
        contact = {"id": 29683586, "companyID": COMPANY, "emailAddress": "alice@customer.example", "firstName": "Alice"}
        self.tables["Contacts"][29683586] = contact

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    # the API

    def answer(self, request: Request) -> Response:
        if request.path == "/atservicesrest/v1.0/zoneInformation":
            if request.query.get("user") != self.settings["login"]:
                return Refusal("Unable to find zone information for the user").response
            url = f"{self.url}/{self.zone}/atservicesrest/"
            return Response.of({"zoneName": "America East", "url": url, "webUrl": "https://ww1.autotask.net/", "ci": 1})
        root = f"/{self.zone}/atservicesrest/v1.0/"
        given = [request.headers.get(name) for name in ("username", "secret", "apiintegrationcode")]
        good = [self.settings["login"], self.secrets["secret"], self.secrets["integration_code"]]
        if not self._allowed or given != good or not request.path.startswith(root):
            return Response(401)
        try:
            return self._route(request, request.path.removeprefix(root).split("/"))
        except Refusal as no:
            return no.response
        except (KeyError, TypeError, ValueError) as error:
            return Refusal(f"The request is invalid: {error}").response

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "POST", [table, "query", *_]:
                return self._queried(request, table)
            case "GET", ["Tickets", "entityInformation", "fields"]:
                return Response.of({"fields": [_picklist(name) for name in PICKLISTS]})
            case "GET", ["Tickets", "entityInformation", "userDefinedFields"]:
                udf = {"name": "Site", "label": "Site", "type": "string", "isPickList": False, "picklistValues": None}
                return Response.of({"fields": [udf]})
            case "GET", ["Tickets", id, "Attachments", file]:
                row = self.tables["TicketAttachments"].get(int(file))
                if row is None or row["ticketID"] != int(id):
                    return Response.of({"items": []})
                return Response.of({"items": [{**row, "data": base64.b64encode(self._bytes[int(file)]).decode()}]})
            case "GET", [table, id]:
                return Response.of({"item": self.tables[table].get(int(id)) if id.isdigit() else None})
            case "POST", ["Tickets"]:
                return Response.of({"itemId": self._made(US, request.json())["id"]})
            case "PATCH", ["Tickets"]:
                given = request.json()
                return Response.of({"itemId": self._changed(US, _number(given.pop("id")), given)["id"]})
            case "POST", ["Tickets", id, "Notes"]:
                return Response.of({"itemId": self._note(US, int(id), request.json())["id"]})
            case "POST", ["Tickets", id, "Attachments"]:
                given = request.json()
                row = self._stored(US, int(id), given["title"], base64.b64decode(given["data"]), given["publish"])
                return Response.of({"itemId": row["id"]})
            case "POST", ["TimeEntries"]:
                return Response.of({"itemId": self._booked(US, request.json())["id"]})
        return Response.of({"errors": [f"No HTTP resource was found for {request.path}"]}, 404)

    def _queried(self, request: Request, table: str) -> Response:
        """A page by number of the record; the next one lies at an address of its own."""
        asked = request.json()
        most = min(int(asked.get("MaxRecords", ROWS)), ROWS)
        after = int(request.query.get("after", 0))
        rows = [row for id, row in sorted(self.tables[table].items()) if _fits(row, asked["filter"])]
        page = [row for row in rows if row["id"] > after][:most]
        more = bool(page) and page[-1]["id"] != rows[-1]["id"]
        root = f"{self.url}/{self.zone}/atservicesrest/v1.0"
        next = f"{root}/{table}/query/next?after={page[-1]['id']}" if more else None
        details = {"count": len(page), "requestCount": most, "prevPageUrl": None, "nextPageUrl": next}
        return Response.of({"items": page, "pageDetails": details})

    # what it does

    def _made(self, by: int, given: Mapping[str, Any]) -> Row:
        for name in (*REQUIRED, *self.categories):
            if given.get(name) in (None, ""):
                raise Refusal(f"Missing Required Field: {name}.")
        row: Row = {**dict.fromkeys(COLUMNS), **_taken(given), "id": self._next(), "createDate": self.now()}
        row |= {"ticketNumber": f"T20261121.{self._last:04}", "creatorResourceID": by, "userDefinedFields": []}
        row["userDefinedFields"] = list(given.get("userDefinedFields", []))
        self.tables["Tickets"][row["id"]] = row
        self._touch(row, by)
        self._report("Create", row, by, {"TicketNumber": row["ticketNumber"]})
        return row

    def _changed(self, by: int, id: int, given: Mapping[str, Any]) -> Row:
        row = self._ticket(id)
        row |= _taken(given)
        if row["status"] == 5 and "resolution" in self.categories and not row["resolution"]:
            raise Refusal("Missing Required Field: resolution.")
        for each in given.get("userDefinedFields", []):
            row["userDefinedFields"] = [u for u in row["userDefinedFields"] if u["name"] != each["name"]] + [each]
        self._touch(row, by)
        self._report(
            "Update", row, by, {name.capitalize(): str(given[name]) for name in given if name != "description"}
        )
        return row

    def _note(self, by: int, id: int, given: Mapping[str, Any]) -> Row:
        ticket = self._ticket(id)
        for name in ("title", "description", "noteType", "publish"):
            if not given.get(name):
                raise Refusal(f"Missing Required Field: {name}.")
        row: Row = {"id": self._next(), "ticketID": id, "createDateTime": self.now(), "creatorResourceID": by}
        row |= {name: given[name] for name in ("title", "description", "noteType", "publish")}
        row["lastActivityDate"] = self.now()
        self.tables["TicketNotes"][row["id"]] = row
        self._touch(ticket, by)
        return row

    def _stored(self, by: int, id: int, name: str, data: bytes, publish: int) -> Row:
        ticket = self._ticket(id)
        if len(data) > FILE:
            raise Refusal("The attachment exceeds the maximum size that is allowed.")
        row: Row = {
            "id": self._next(),
            "ticketID": id,
            "title": name,
            "fullPath": name,
            "publish": publish,
            "data": None,
        }
        row |= {
            "fileSize": len(data),
            "attachDate": self.now(),
            "attachedByResourceID": by,
            "attachmentType": "FILE_ATTACHMENT",
        }
        self.tables["TicketAttachments"][row["id"]], self._bytes[row["id"]] = row, data
        self._touch(ticket, by)
        return row

    def _booked(self, by: int, given: Mapping[str, Any]) -> Row:
        ticket = self._ticket(_number(given["ticketID"]))
        if _number(given["resourceID"]) not in self.tables["Resources"]:
            raise Refusal("The value for resourceID is not valid.")
        row: Row = {
            "id": self._next(),
            "ticketID": ticket["id"],
            "resourceID": given["resourceID"],
            "creatorUserID": by,
        }
        row |= {
            "hoursWorked": given["hoursWorked"],
            "summaryNotes": given.get("summaryNotes"),
            "dateWorked": given["dateWorked"],
        }
        row |= {"createDateTime": self.now(), "lastModifiedDateTime": self.now()}
        self.tables["TimeEntries"][row["id"]] = row
        self._touch(ticket, by)
        return row

    def _ticket(self, id: int) -> Row:
        row = self.tables["Tickets"].get(id)
        if row is None:
            raise Refusal("No matching records found.")
        return row

    def _touch(self, row: Row, by: int) -> None:
        row |= {"lastActivityDate": self.now(), "lastActivityResourceID": by, "lastActivityPersonType": 1}

    def _next(self) -> int:
        self._last += 1
        return self._last

    # webhooks

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        proof = base64.b64encode(hmac.new(self.secrets["webhook"].encode(), body, hashlib.sha1).digest()).decode()
        return {"content-type": "application/json", "X-Hook-Signature": f"sha1={proof}"}

    def _report(self, action: str, row: Row, by: int, fields: Mapping[str, str]) -> None:
        self._sequence += 1
        body = {
            "Action": action, "Guid": "a1da62a4-2c49-40a8-8183-69994ce5b3eb", "EntityType": "Ticket", "Id": row["id"],
            "Fields": fields, "EventTime": self.now(), "SequenceNumber": self._sequence, "PersonId": by,
        }  # fmt: skip
        self.announce(json.dumps(body, separators=(",", ":")).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        with self.lock:
            return str(self._made(THEM, {"companyID": COMPANY, "title": title, "status": 1, "priority": 2})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        with self.lock:
            given = {k: int(v) if k in (*PICKLISTS, "assignedResourceID") else v for k, v in values.items()}
            self._changed(THEM, int(id), given)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tables["Tickets"][int(id)]

    def ids(self) -> list[str]:
        return [str(id) for id in self.tables["Tickets"]]

    def say(self, id: str, text: str, public: bool) -> str:
        with self.lock:
            note = {"title": "Note", "description": text, "noteType": 3, "publish": PUBLIC if public else INTERNAL}
            return str(self._note(THEM, int(id), note)["id"])

    def said(self, id: str) -> list[Said]:
        rows = [row for row in self.tables["TicketNotes"].values() if row["ticketID"] == int(id)]
        return [Said(str(r["id"]), str(r["creatorResourceID"]), r["description"], r["publish"] == PUBLIC) for r in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        with self.lock:
            return str(self._stored(THEM, int(id), name, data, PUBLIC if public else INTERNAL)["id"])

    def kept(self, id: str) -> list[Kept]:
        rows = [row for row in self.tables["TicketAttachments"].values() if row["ticketID"] == int(id)]
        return [Kept(str(r["id"]), r["title"], self._bytes[r["id"]], r["publish"] == PUBLIC) for r in rows]

    def spent(self, id: str) -> list[int]:
        rows = [row for row in self.tables["TimeEntries"].values() if row["ticketID"] == int(id)]
        return [round(float(row["hoursWorked"]) * 60) for row in rows]

    def work(self, id: str, minutes: int, text: str) -> str:
        with self.lock:
            given = {"ticketID": int(id), "resourceID": THEM, "hoursWorked": minutes / 60, "summaryNotes": text}
            return str(self._booked(THEM, {**given, "dateWorked": self.now()})["id"])

    def edit(self, id: str, comment: str, text: str | None) -> None:
        with self.lock:
            if text is None:
                del self.tables["TicketNotes"][int(comment)]
            else:
                self.tables["TicketNotes"][int(comment)]["description"] = text

    def remove(self, id: str) -> None:
        with self.lock:
            self._report("Delete", self.tables["Tickets"].pop(int(id)), THEM, {})

    def move(self, id: str) -> None:
        """To another company, which is not ours."""
        row = self.tables["Tickets"][int(id)]
        row["companyID"] = ELSEWHERE
        self._touch(row, THEM)

    def revoke(self) -> None:
        self._allowed = False


def _taken(given: Mapping[str, Any]) -> Row:
    """The columns of a write; a field that it does not know is an error, a picklist takes what is active."""
    for name, value in given.items():
        if name not in (*COLUMNS, "userDefinedFields"):
            raise Refusal(f"The field {name} does not exist on the entity Ticket.")
        if name in PICKLISTS and value is not None and _number(value) not in PICKLISTS[name]:
            raise Refusal(f"Value {value} does not exist for picklist field {name}.")
    if given.get("title") is not None and len(given["title"]) > 255:
        raise Refusal("The value for title must be no longer than 255 characters.")
    return {name: value for name, value in given.items() if name in COLUMNS}


def _number(value: Any) -> int:
    """A number; digits in quotes are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(f"The JSON value {json.dumps(value)} could not be converted to a number.")
    return value


def _picklist(name: str) -> Row:
    known = [(id, label, True) for id, label in PICKLISTS[name].items()]
    known += [(id, label, False) for id, label in INACTIVE.get(name, {}).items()]
    values = [{"value": str(id), "label": label, "isActive": on, "isSystem": id in (1, 5)} for id, label, on in known]
    return {"name": name, "dataType": "integer", "isPickList": True, "picklistValues": values}


def _moment(value: Any) -> Any:
    """A date as one, however many digits its second has."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and value.endswith("Z") else value
    except ValueError:
        return value


def _fits(row: Row, filters: list[Mapping[str, Any]], joined: str = "and") -> bool:
    found = [
        _fits(row, each["items"], each["op"])
        if each["op"] in ("and", "or")
        else OPERATORS[each["op"]](_moment(row.get(each["field"])), _moment(each.get("value")))
        for each in filters
    ]
    return any(found) if joined == "or" else all(found)
