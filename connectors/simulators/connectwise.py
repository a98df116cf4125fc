"""A loopback ConnectWise PSA with state: service tickets, notes, documents, time, and the callbacks of a ticket.

Its API lies under a code base that an upgrade moves; statuses and types belong to a board; updates are JSON Patch;
times are UTC to the second; there is no version to write against. A callback is signed with the SHA-256 of the signing
key, carries a summary as JSON text, and names the address of that key, which nobody should trust unpinned.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import quote, urlencode

from connectors.simulators.connectwise_rules import Refusal, Row, gone, invalid, patched, select
from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

COMPANIES = {"YourCompany": (2, "Your Company"), "Elsewhere": (19, "Elsewhere Ltd")}
BOARDS = {1: "Service A", 2: "Network"}
STATUSES: Mapping[int, Mapping[int, str]] = {
    1: {11: "New", 12: "In Progress", 13: "Waiting on Client", 14: "Waiting on Vendor", 15: "Completed", 16: ">Closed"},
    2: {31: "New", 32: "Working", 33: "Customer Reply", 34: "On Hold", 35: ">Closed"},
}
TYPES: Mapping[int, Mapping[int, str]] = {1: {8: "Incident", 9: "Request"}, 2: {21: "Incident", 22: "Request"}}
PRIORITIES = {
    6: "Priority 1 - Emergency Response",
    5: "Priority 2 - Quick Response",
    4: "Priority 3 - Normal Response",
    8: "Priority 4 - Scheduled Maintenance",
}
SOURCES = {2: "Phone", 3: "Email", 12: "Integration"}
LEVELS = ("Low", "Medium", "High")
SUMMARY = 100
PAGE, MOST = 25, 1000

US, THEM = "tandem-api", "zAdmin"
FLAGS = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
BLANK: Row = {
    "summary": "", "recordType": "ServiceTicket", "severity": "Medium", "impact": "Medium", "externalXRef": None,
    "contactName": None, "contactEmailAddress": None, "owner": None, "requiredDate": None, "closedFlag": False,
    "type": None, "contact": None, "customFields": [],
}  # fmt: skip


class ConnectWise(Simulator):
    """One company's cloud instance. ``codebase`` is where its API lies now."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.codebase = "v2025_1/"
        self.client = "0b1d3c7e-0000-4000-8000-00000000c0de"
        self.settings = {
            "company_id": "acme", "public_key": "PubKey1234", "member": US, "client_id": self.client,
            "company": "YourCompany", "url": self.url, "site": self.url,
        }  # fmt: skip
        self.secrets = {"private_key": "pr1vate-key-of-acme", "webhook": "AAECAwQFBgcICQ=="}
        self.tickets: dict[int, Row] = {}
        self.described: set[Any] = set()  # the notes that a ticket began with
        self.notes: dict[int, Row] = {}
        self.documents: dict[int, Row] = {}
        self.times: dict[int, Row] = {}
        self.members = {each["id"]: each for each in (_member(176, THEM), _member(177, US), _member(178, "paula"))}
        self._bytes: dict[int, bytes] = {}
        self._last = 68
        self._allowed = {_basic(self.settings, self.secrets["private_key"])}

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def upgrade(self, codebase: str) -> None:
        """A release moves the API to another code base: what lay at the old one is not found any more."""
        self.codebase = codebase

    # the API

    def answer(self, request: Request) -> Response:
        if request.path == f"/login/companyinfo/{self.settings['company_id']}":
            info = {"CompanyID": "acme", "Codebase": self.codebase, "VersionCode": "v2025.1", "IsCloud": True}
            return Response.of(info)
        root = f"/{self.codebase}apis/3.0/"
        if not request.path.startswith(root):
            return Response(404, b"<html><title>404 - File or directory not found.</title></html>", "text/html")
        if request.headers.get("authorization") not in self._allowed:
            return Refusal(401, "Unauthorized", "Invalid company, public key or private key").response
        if request.headers.get("clientid") != self.client:
            return Refusal(401, "ClientIdMissing", "The clientId header is missing or not known").response
        try:
            return self._route(request, request.path.removeprefix(root).split("/"))
        except Refusal as no:
            return no.response
        except (KeyError, TypeError, ValueError) as error:
            return Refusal(400, "InvalidRequest", f"The request cannot be understood: {error}").response

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["service", "tickets"]:
                return self._listed(request, list(self.tickets.values()))
            case "POST", ["service", "tickets"]:
                return Response.of(self._made(US, request.json()), 201)
            case "GET", ["service", "tickets", id]:
                return Response.of(self._ticket(id))
            case "PATCH", ["service", "tickets", id]:
                self._ticket(id)
                return Response.of(self._changed(US, int(id), patched("ticket", request.json())))
            case "GET", ["service", "tickets", id, "notes"]:
                self._ticket(id)
                return self._listed(request, [row for row in self.notes.values() if row["ticketId"] == int(id)])
            case "POST", ["service", "tickets", id, "notes"]:
                self._ticket(id)
                return Response.of(self._noted_down(US, int(id), request.json()), 201)
            case "GET", ["service", "boards"]:
                return self._listed(request, _named(BOARDS))
            case "GET", ["service", "boards", id, ("statuses" | "types") as what]:
                table = (STATUSES if what == "statuses" else TYPES).get(int(id))
                if table is None:
                    raise gone("Board", id)
                return self._listed(request, [{**row, "board": {"id": int(id)}} for row in _named(table)])
            case "GET", ["service", "priorities"]:
                return self._listed(request, _named(PRIORITIES))
            case "GET", ["service", "sources"]:
                return self._listed(request, _named(SOURCES))
            case "GET", ["system", "members"]:
                return self._listed(request, list(self.members.values()))
            case "GET", ["system", "members", id]:
                if int(id) not in self.members:
                    raise gone("Member", id)
                return Response.of(self.members[int(id)])
        return self._around(request, parts)

    def _around(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["system", "documents"]:
                about = request.query["recordType"], int(request.query["recordId"])
                rows = [row for row in self.documents.values() if row["_about"] == about]
                return self._listed(request, [{k: v for k, v in row.items() if k != "_about"} for row in rows])
            case "POST", ["system", "documents"]:
                return Response.of(self._uploaded(request), 201)
            case "GET", ["system", "documents", id, "download"]:
                if int(id) not in self._bytes:
                    raise gone("Document", id)
                name = quote(self.documents[int(id)]["fileName"])
                headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
                return Response(200, self._bytes[int(id)], "application/octet-stream", headers)
            case "GET", ["time", "entries"]:
                return self._listed(request, list(self.times.values()))
            case "POST", ["time", "entries"]:
                return Response.of(self._booked(US, request.json()), 201)
        raise Refusal(404, "NotFound", f"There is no resource {'/'.join(parts)}")

    def _listed(self, request: Request, rows: list[Row]) -> Response:
        """One page; the next one, if there is one, by the ``Link`` header."""
        found = select(rows, request.query)
        size = min(int(request.query.get("pageSize", PAGE)), MOST)
        page = int(request.query.get("page", 1))
        headers = {}
        if page * size < len(found):
            query = urlencode({**request.query, "page": page + 1, "pageSize": size})
            headers["Link"] = f'<{self.url}{quote(request.path)}?{query}>; rel="next"'
        return Response.of(found[(page - 1) * size : page * size], 200, headers)

    def _ticket(self, id: str) -> Row:
        if not id.isdigit() or int(id) not in self.tickets:
            raise gone("Ticket", id)
        return self.tickets[int(id)]

    # what it does

    def _made(self, by: str, given: Mapping[str, Any]) -> Row:
        company = given.get("company") or {}
        known: dict[str, set[Any]] = {"id": {row[0] for row in COMPANIES.values()}, "identifier": set(COMPANIES)}
        if not any(company.get(key) in known[key] for key in known):
            raise invalid("ticket", "company", "company is required")
        id = self._next()
        named = next(
            name for name, row in COMPANIES.items() if company.get("identifier") == name or company.get("id") == row[0]
        )
        board = (given.get("board") or {}).get("id", 1)
        first = {
            "board": _reference(BOARDS, board, "board"),
            "company": {"id": COMPANIES[named][0], "identifier": named},
        }
        now = self.now()
        info = {"dateEntered": now, "enteredBy": by, "lastUpdated": now, "updatedBy": by}
        row: Row = {**BLANK, "id": id, **first, "_info": info, "source": _reference(SOURCES, 3, "source")}
        row |= {
            "status": _reference(STATUSES[board], min(STATUSES[board]), "status"),
            "priority": _reference(PRIORITIES, 4, ""),
        }
        row |= self._taken(board, {k: v for k, v in given.items() if k not in ("company", "board")})
        if not row["summary"]:
            raise invalid("ticket", "summary", "summary is required")
        self.tickets[id] = row
        for name, flag in (("initialDescription", FLAGS[0]), ("initialInternalAnalysis", FLAGS[1])):
            if given.get(name):
                self.described.add(self._noted_down(by, id, {"text": given[name], flag: True})["id"])
        self._report("added", row, by)
        return row

    def _changed(self, by: str, id: int, given: Mapping[str, Any]) -> Row:
        row = self.tickets[id]
        board = (given.get("board") or row["board"])["id"]
        if "board" in given:
            row["board"] = _reference(BOARDS, board, "board")
            if "status" not in given:
                row["status"] = _reference(STATUSES[board], min(STATUSES[board]), "status")
        row |= self._taken(board, {k: v for k, v in given.items() if k not in ("company", "board")})
        row["closedFlag"] = row["status"]["name"].startswith(">")
        self._touch(row, by)
        self._report("updated", row, by)
        return row

    def _taken(self, board: int, given: Mapping[str, Any]) -> Row:
        """The fields as they are stored; what the API does not know of a ticket it refuses or ignores as documented."""
        taken = {name: value for name, value in given.items() if name in BLANK}
        if len(taken.get("summary") or "") > SUMMARY:
            raise invalid("ticket", "summary", f"The field summary must be a string with a maximum length of {SUMMARY}")
        if len(taken.get("externalXRef") or "") > SUMMARY:
            raise invalid("ticket", "externalXRef", "The field externalXRef has a maximum length of 100")
        for name in ("impact", "severity"):
            if name in taken and taken[name] not in LEVELS:
                raise invalid("ticket", name, f"{name} is not valid")
        tables = {"status": STATUSES[board], "type": TYPES[board], "priority": PRIORITIES, "source": SOURCES}
        for name in tables.keys() & given.keys():
            taken[name] = _reference(tables[name], (given[name] or {}).get("id"), name) if given[name] else None
        if taken.get("owner"):
            member = self.members.get(int(taken["owner"].get("id", 0)))
            if member is None:
                raise invalid("ticket", "owner", "owner is not valid")
            taken["owner"] = {"id": member["id"], "identifier": member["identifier"], "name": member["identifier"]}
        return taken

    def _noted_down(self, by: str, id: int, given: Mapping[str, Any]) -> Row:
        if not given.get("text"):
            raise invalid("serviceNote", "text", "text is required")
        note: Row = {
            "id": self._next(),
            "ticketId": id,
            "text": given["text"],
            **{flag: bool(given.get(flag)) for flag in FLAGS},
        }
        note |= {"createdBy": by, "dateCreated": self.now(), "_info": {"lastUpdated": self.now(), "updatedBy": by}}
        note |= {"internalFlag": True, "externalFlag": False}
        self.notes[note["id"]] = note
        self._touch(self.tickets[id], by)
        return note

    def _booked(self, by: str, given: Mapping[str, Any]) -> Row:
        if not isinstance(given["chargeToId"], int):
            raise invalid("timeEntry", "chargeToId", "chargeToId is a number")
        ticket = self._ticket(str(given["chargeToId"]))
        if given.get("chargeToType") != "ServiceTicket" or float(given["actualHours"]) <= 0:
            raise invalid("timeEntry", "chargeToType", "chargeToType and actualHours are required")
        row: Row = {
            "id": self._next(),
            "chargeToId": ticket["id"],
            "chargeToType": "ServiceTicket",
            "company": ticket["company"],
        }
        row |= {"actualHours": given["actualHours"], "notes": given.get("notes"), "timeStart": given["timeStart"]}
        row |= {"member": {"identifier": by}, "enteredBy": by, "dateEntered": self.now()}
        row["_info"] = {"lastUpdated": self.now(), "updatedBy": by}
        self.times[row["id"]] = row
        return row

    def _uploaded(self, request: Request) -> Row:
        kind = request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            raise Refusal(415, "UnsupportedMediaType", "documents are sent as multipart/form-data")
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        fields: dict[str, Any] = {}
        file = ""
        for part in message.iter_parts():
            fields[str(part.get_param("name", header="content-disposition"))] = part.get_payload(decode=True)
            file = part.get_filename() or file
        ticket = self._ticket(fields["recordId"].decode())
        return self._stored(US, ticket["id"], file, fields["file"], fields["title"].decode())

    def _stored(self, by: str, id: int, name: str, data: bytes, title: str) -> Row:
        row: Row = {"id": self._next(), "title": title, "fileName": name, "size": len(data), "_about": ("Ticket", id)}
        row["_info"] = {"lastUpdated": self.now(), "updatedBy": by}
        self.documents[row["id"]], self._bytes[row["id"]] = row, data
        self._touch(self.tickets[id], by)
        return {name: value for name, value in row.items() if name != "_about"}

    def _touch(self, row: Row, by: str) -> None:
        row["_info"] = {**row["_info"], "lastUpdated": self.now(), "updatedBy": by}

    def _next(self) -> int:
        self._last += 1
        return self._last

    # callbacks

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        key = hashlib.sha256(self.secrets["webhook"].encode()).digest()
        proof = base64.b64encode(hmac.new(key, body, "sha256").digest()).decode()
        return {"content-type": "application/json", "x-content-signature": proof}

    def _report(self, action: str, row: Row, by: str) -> None:
        entity = (
            None if action == "deleted" else json.dumps({k: row[k] for k in ("id", "summary", "recordType", "status")})
        )
        body = {
            "Action": action, "CompanyId": "acme", "Entity": entity, "FromUrl": "na.myconnectwise.net", "ID": row["id"],
            "MemberId": by, "Metadata": {"key_url": f"{self.url}/{self.codebase}KeyService/acme/1"},
            "ProductInstanceId": "acme-1", "Type": "ticket",
        }  # fmt: skip
        self.announce(json.dumps(body, separators=(",", ":")).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        with self.lock:
            return str(self._made(THEM, {"summary": title, "company": {"identifier": "YourCompany"}})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        with self.lock:
            tables = ("status", "type", "priority", "board", "owner")
            self._changed(THEM, int(id), {k: {"id": int(v)} if k in tables else v for k, v in values.items()})

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[int(id)]

    def ids(self) -> list[str]:
        return [str(id) for id in self.tickets]

    def say(self, id: str, text: str, public: bool) -> str:
        with self.lock:
            note = self._noted_down(THEM, int(id), {"text": text, FLAGS[0 if public else 1]: True})
            self._report("updated", self.tickets[int(id)], THEM)
            return str(note["id"])

    def said(self, id: str) -> list[Said]:
        notes = [row for row in self.notes.values() if row["ticketId"] == int(id)]
        return [
            Said(str(row["id"]), row["createdBy"], row["text"], not row["internalAnalysisFlag"])
            for row in notes
            if row["id"] not in self.described
        ]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        with self.lock:
            return str(self._stored(THEM, int(id), name, data, name)["id"])

    def kept(self, id: str) -> list[Kept]:
        rows = [row for row in self.documents.values() if row["_about"] == ("Ticket", int(id))]
        return [Kept(str(row["id"]), row["fileName"], self._bytes[row["id"]], False) for row in rows]

    def spent(self, id: str) -> list[int]:
        return [round(float(row["actualHours"]) * 60) for row in self.times.values() if row["chargeToId"] == int(id)]

    def work(self, id: str, minutes: int, text: str) -> str:
        given = {"chargeToId": int(id), "chargeToType": "ServiceTicket", "actualHours": minutes / 60, "notes": text}
        with self.lock:
            return str(self._booked(THEM, {**given, "timeStart": self.now()})["id"])

    def remove(self, id: str) -> None:
        with self.lock:
            self._report("deleted", self.tickets.pop(int(id)), THEM)

    def move(self, id: str) -> None:
        """To another company, which is not ours."""
        row = self.tickets[int(id)]
        row["company"] = {"id": COMPANIES["Elsewhere"][0], "identifier": "Elsewhere"}
        self._touch(row, THEM)

    def revoke(self) -> None:
        self._allowed = set()


def _basic(settings: Mapping[str, Any], password: str) -> str:
    pair = f"{settings['company_id']}+{settings['public_key']}:{password}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _member(id: int, name: str) -> Row:
    address = f"{name.lower()}@acme.example"
    return {"id": id, "identifier": name, "officeEmail": address, "firstName": name, "inactiveFlag": False}


def _named(table: Mapping[int, str]) -> list[Row]:
    return [{"id": id, "name": name, "inactiveFlag": False, "inactive": False} for id, name in table.items()]


def _reference(table: Mapping[int, str], id: Any, field: str) -> Row:
    if not str(id).isdigit() or int(id) not in table:
        raise invalid("ticket", field, f"{field} {id} is not valid here")
    return {"id": int(id), "name": table[int(id)]}
