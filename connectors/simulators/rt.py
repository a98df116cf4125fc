"""A loopback desk that speaks Request Tracker's REST2 and holds state: written from its facts and from a real 5.0.

One queue is ours, another is not. Everything that happens is a transaction, and the newest one's number is the ticket's
ETag. A change answers 200 with sentences, also where a part was refused. Lists show at most 100 rows, of each
its id and the fields asked for, and the last page again for numbers beyond it. Each transaction of people leaves an
``EmailRecord`` behind. A custom field that was emptied may hold a null.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

US, THEM, ROBOT = "gateway", "paula", "RT_System"
PEOPLE = {
    US: ("29", "gateway@peer-rt.example.test", "Integration Gateway"),
    THEM: ("30", "paula@peer-rt.example.test", "Paula Provider"),
}
STATUSES = ("new", "open", "stalled", "resolved", "rejected", "deleted")
AT_CREATION = ("new", "open", "stalled")
QUEUES = {"Escalations": "3", "Elsewhere": "4"}
CUSTOM = {"2": "External Reference", "3": "Impact", "4": "Urgency", "5": "Asset Tag"}
SORTS = {"2": "FreeformSingle", "3": "SelectSingle", "4": "SelectSingle", "5": "FreeformMultiple"}
IDS = {name: id for id, name in CUSTOM.items()}
LISTED = {"Impact": ("High", "Medium", "Low"), "Urgency": ("High", "Medium", "Low")}
PAGE = 100
UNSET = "1970-01-01T00:00:00Z"
SUBJECT = 200

Row = dict[str, Any]


class RequestTracker(Simulator):
    """One RT with two queues."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.tickets: dict[str, Row] = {}
        self.transactions: list[Row] = []
        self.parts: list[Row] = []
        self.settings = {"url": self.url, "queue": "Escalations", "login": US}
        self.secrets = {"token": "1-23-rt-token", "webhook": "rt-webhook-1"}
        self._signed_in = f"token {self.secrets['token']}"

    # the API

    def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != self._signed_in:
            return says(401, "Unauthorized")
        try:
            return self._route(request, request.path.removeprefix("/REST/2.0/").split("/"))
        except KeyError:
            return says(404, "Not Found")

    def _route(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["queue", name]:
                return Response.of({"id": int(QUEUES[name]), "Name": name, "Lifecycle": "default"})
            case "GET", ["user", name]:
                return Response.of(_user(name))
            case "POST", ["users"]:
                wanted = request.json()[0]["value"]
                return _list([_user(name) for name, (_, mail, _) in PEOPLE.items() if mail == wanted], request, True)
            case "POST", ["customfields"]:
                return _list(
                    [{"id": id, "Name": name, "Type": SORTS[id]} for id, name in CUSTOM.items()], request, True
                )
            case "POST", ["ticket"]:
                return self._create(request.json())
            case "GET", ["ticket", id]:
                ticket = self.tickets[id]
                return Response.of(self._whole(ticket), 200, {"ETag": f'"{ticket["etag"]}"'})
            case "PUT", ["ticket", id]:
                return self._change(self.tickets[id], request)
            case "POST", ["ticket", id, "correspond" | "comment" as how]:
                return self._said(self.tickets[id], how, request)
            case "GET", ["ticket", id, "history"]:
                return _list([t for t in self.transactions if t["ObjectId"] == self.tickets[id]["id"]], request)
            case "GET", ["ticket", id, "attachments"]:
                return _list([p for p in self.parts if p["ticket"] == self.tickets[id]["id"]], request)
            case "POST", ["attachments"]:
                ids = set(request.json()[0]["value"])
                rows = [{**p, "Content": p["content"].decode("utf-8", "replace")} for p in self.parts if p["id"] in ids]
                return _list(rows, request)
            case "GET", ["attachment", id]:
                part = next((each for each in self.parts if each["id"] == id), None)
                if part is None:
                    return says(404, "Not Found")
                return Response.of({"id": int(id), "Content": base64.encodebytes(part["content"]).decode()})
            case "GET", ["tickets"]:
                return self._search(request)
            case "POST", ["transactions"]:
                after = int(next(c["value"] for c in request.json() if c["field"] == "id"))
                return _list([t for t in self.transactions if int(t["id"]) > after], request)
        return says(404, "Not Found")

    def _search(self, request: Request) -> Response:
        """Of TicketSQL what our kind of question needs: equalities joined by AND."""
        query = request.query.get("query", "")
        terms = re.findall(r"'?([\w.{} ]+?)'?\s*=\s*'([^']*)'", query)
        if not terms or re.sub(r"'?[\w.{} ]+?'?\s*=\s*'[^']*'|\s+|AND", "", query):
            return says(400, "Invalid query")
        rows = [t for t in self.tickets.values() if all(self._fits(t, name.strip(), value) for name, value in terms)]
        return _list([self._whole(row) for row in rows], request, counted=True)

    def _fits(self, ticket: Row, name: str, value: str) -> bool:
        name = name.removeprefix("AND ").strip()
        if name == "Queue":
            return bool(ticket["queue"] == value)
        held = re.fullmatch(r"CF\.\{(.+)\}", name)
        return held is not None and value in ticket["custom"].get(held[1], [])

    def _create(self, given: Mapping[str, Any]) -> Response:
        if given.get("Queue") not in QUEUES:
            return says(403, f"No permission to create tickets in the queue '{given.get('Queue')}'")
        if given.get("Status", "new") not in AT_CREATION:
            return says(400, "Could not create ticket. Status is not valid at creation")
        ticket = self._put(US, str(given["Queue"]), given)
        return Response.of(
            {"type": "ticket", "id": ticket["id"]}, 201, {"Location": f"/REST/2.0/ticket/{ticket['id']}"}
        )

    def _put(self, who: str, queue: str, given: Mapping[str, Any]) -> Row:
        id = str(len(self.tickets) + 1)
        now = self._now()
        ticket: Row = {"id": id, "queue": queue, "Created": now, "Creator": who, "etag": 0, "custom": {}, "Due": UNSET}
        ticket |= {"Subject": "", "Status": "new", "Priority": "0", "Owner": "Nobody", "Requestor": []}
        self.tickets[id] = ticket
        self._set(ticket, {name: value for name, value in given.items() if name != "Content"}, who, tell=False)
        made = self._happen(ticket, "Create", who)
        if given.get("Content"):
            self._part(ticket, made, str(given["Content"]).encode(), "text/plain")
        self._mail(ticket)
        return ticket

    def _change(self, ticket: Row, request: Request) -> Response:
        based = request.headers.get("if-match", "").strip('"')
        if based and based != str(ticket["etag"]):
            return says(412, "Precondition Failed")
        return Response.of(self._set(ticket, request.json(), US))

    def _set(self, ticket: Row, given: Mapping[str, Any], who: str, tell: bool = True) -> list[str]:
        """Sets what may be set; the sentences that RT answers."""
        said: list[str] = []
        before: Any
        after: Any
        for name, value in given.items():
            match name:
                case "Status" if value not in STATUSES:
                    said.append(f"Ticket {ticket['id']}: Status '{value}' isn't a valid status for this ticket.")
                    continue
                case "Owner" if value not in (*PEOPLE, "Nobody", None, ""):
                    said.append(f"Ticket {ticket['id']}: Owner: That user does not exist")
                    continue
                case "Subject" | "Status" | "Owner" | "Priority":
                    before, after = (
                        ticket[name],
                        str(value if value not in (None, "") else ("Nobody" if name == "Owner" else "")),
                    )
                    ticket[name] = after[:SUBJECT] if name == "Subject" else after
                case "Due":
                    before, after = ticket["Due"], _moment(value)
                    ticket["Due"] = after
                case "Requestor":
                    before, after = ticket["Requestor"], [value] if isinstance(value, str) else list(value or ())
                    ticket["Requestor"] = after
                case "CustomFields":
                    for field, values in value.items():
                        if field in CUSTOM.values():
                            said += self._custom(ticket, field, values, who, tell)
                    continue
                case _:
                    continue  # RT passes over what it does not know
            if tell and before != after:
                self._happen(ticket, "Status" if name == "Status" else "Set", who)
                said.append(f"Ticket {ticket['id']}: {name} changed from '{before}' to '{after}'")
        return said

    def _custom(self, ticket: Row, field: str, given: Any, who: str, tell: bool) -> list[str]:
        """Gives a custom field its values, with RT's own idea of none."""
        before = ticket["custom"].get(field, [])
        if field in LISTED and any(each not in ("", None, *LISTED[field]) for each in _all(given)):
            return ["Invalid value for custom field"]
        after = _none(field, given, before) if given in (None, "", [], [None], [""]) else [str(v) for v in _all(given)]
        after = after if SORTS[IDS[field]].endswith("Multiple") else after[:1]
        ticket["custom"][field] = after
        if not tell or before == after:
            return []
        self._happen(ticket, "CustomField", who)
        return [f"{field} {after[0] if after else before[0]} {'added' if after else 'deleted'}"]

    def _said(self, ticket: Row, how: str, request: Request) -> Response:
        body, files = _parts(request)
        made = self._speak(ticket, how, str(body.get("Content") or ""), files, US, int(body.get("TimeTaken") or 0))
        where = {"Location": f"/REST/2.0/transaction/{made['id']}"}
        return Response.of([f"{'Correspondence' if how == 'correspond' else 'Comments'} added"], 201, where)

    def _speak(
        self, ticket: Row, how: str, text: str, files: list[tuple[str, str, bytes]], who: str, minutes: int = 0
    ) -> Row:
        made = self._happen(ticket, how.capitalize(), who, minutes)
        if text:
            self._part(ticket, made, text.encode(), "text/plain")
        for name, mime, data in files:
            self._part(ticket, made, data, mime, name)
        if how == "correspond" and ticket["Status"] in ("new", "resolved", "rejected", "stalled"):
            ticket["Status"] = "open"
            self._happen(ticket, "Status", ROBOT)
        self._mail(ticket)
        return made

    def _happen(self, ticket: Row, kind: str, who: str, minutes: int = 0) -> Row:
        id = str(len(self.transactions) + 47)
        row = {
            "id": id, "type": "transaction", "Type": kind, "ObjectId": ticket["id"], "Created": self._now(),
            "Creator": {"type": "user", "id": who}, "TimeTaken": str(minutes),
        }  # fmt: skip
        self.transactions.append(row)
        ticket |= {"etag": int(id), "LastUpdated": self._now(), "LastUpdatedBy": who}
        if kind != "EmailRecord":
            event = "ticket.create" if kind == "Create" else f"ticket.{kind.lower()}"
            body = {"delivery": f"rt-txn-{id}", "event": event, "ticket": {"id": int(ticket["id"])}}
            told = {"id": int(id), "type": kind, "creator": who, "created": self._now()}
            self.announce(json.dumps({**body, "transaction": told}).encode())
        return row

    def _mail(self, ticket: Row) -> None:
        """The copy that goes out by mail; it names nobody of ours and changes nothing."""
        who = ticket["LastUpdatedBy"]
        self._happen(ticket, "EmailRecord", ROBOT)
        ticket["LastUpdatedBy"] = who

    def _part(self, ticket: Row, made: Row, data: bytes, mime: str, name: str = "") -> None:
        id = str(len(self.parts) + 1)
        row = {"id": id, "type": "attachment", "TransactionId": made["id"], "ContentType": mime, "Filename": name}
        self.parts.append({**row, "ContentLength": str(len(data)), "ticket": ticket["id"], "content": data})

    def _whole(self, ticket: Row) -> Row:
        user = {"type": "user"}
        return {
            **{name: ticket[name] for name in ("Subject", "Status", "Priority", "Created", "LastUpdated", "Due")},
            "id": int(ticket["id"]),
            "type": "ticket",
            "Queue": {"id": QUEUES[ticket["queue"]], "type": "queue"},
            "EffectiveId": {"id": ticket["id"], "type": "ticket"},
            "Owner": {**user, "id": ticket["Owner"]},
            "Creator": {**user, "id": ticket["Creator"]},
            "LastUpdatedBy": {**user, "id": ticket["LastUpdatedBy"]},
            "Requestor": [{**user, "id": each} for each in ticket["Requestor"]],
            "CustomFields": [
                {"id": id, "type": "customfield", "name": name, "values": ticket["custom"].get(name, [])}
                for id, name in CUSTOM.items()
            ],
        }

    def _now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        stamp = str(int(self.clock().timestamp()))
        made = hmac.new(self.secrets["webhook"].encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
        return {"Content-Type": "application/json", "X-RT-Timestamp": stamp, "X-RT-Signature": f"sha256={made}"}

    # its people

    def open_record(self, title: str) -> str:
        return str(self._put(THEM, "Escalations", {"Subject": title})["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        plain = {name: value for name, value in values.items() if not name.startswith(("cf:", "cfs:"))}
        custom = {name.partition(":")[2]: value for name, value in values.items() if name not in plain}
        self._set(self.tickets[id], {**plain, "CustomFields": custom}, THEM)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self._whole(self.tickets[id])

    def ids(self) -> list[str]:
        return list(self.tickets)

    def say(self, id: str, text: str, public: bool) -> str:
        return str(self._speak(self.tickets[id], "correspond" if public else "comment", text, [], THEM)["id"])

    def said(self, id: str) -> list[Said]:
        spoken = [t for t in self.transactions if t["ObjectId"] == id and t["Type"] in ("Correspond", "Comment")]
        found = []
        for one in spoken:
            texts = [p["content"].decode() for p in self.parts if p["TransactionId"] == one["id"] and not p["Filename"]]
            found += [Said(one["id"], one["Creator"]["id"], text, one["Type"] == "Correspond") for text in texts]
        return found

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        how = "correspond" if public else "comment"
        return str(self._speak(self.tickets[id], how, "", [(name, "application/octet-stream", data)], THEM)["id"])

    def kept(self, id: str) -> list[Kept]:
        kinds = {t["id"]: t["Type"] for t in self.transactions}
        files = [p for p in self.parts if p["ticket"] == id and p["Filename"]]
        return [Kept(p["id"], p["Filename"], p["content"], kinds[p["TransactionId"]] == "Correspond") for p in files]

    def spent(self, id: str) -> list[int]:
        booked = [int(t["TimeTaken"]) for t in self.transactions if t["ObjectId"] == id]
        return [minutes for minutes in booked if minutes]

    def remove(self, id: str) -> None:
        self._set(self.tickets[id], {"Status": "deleted"}, THEM)

    def move(self, id: str) -> None:
        self.tickets[id]["queue"] = "Elsewhere"
        self._happen(self.tickets[id], "Set", THEM)

    def revoke(self) -> None:
        self._signed_in = "nobody"


def says(status: int, message: str) -> Response:
    """A refusal in RT's words."""
    return Response.of({"message": message}, status)


def _user(name: str) -> Row:
    id, mail, real = PEOPLE[name]
    return {"id": int(id), "Name": name, "EmailAddress": mail, "RealName": real, "Privileged": 1}


def _list(rows: list[Row], request: Request, counted: bool = False) -> Response:
    """A page; beyond the last one that one again. What is not searched by TicketSQL is not ``counted``."""
    size = max(1, min(int(request.query.get("per_page", 20)), PAGE))
    last = max(1, -(-len(rows) // size))
    page = min(int(request.query.get("page", 1)), last)
    names = ("type", *request.query.get("fields", "").split(","))
    shown = [
        {"id": str(row["id"]), **{name: row[name] for name in names if name in row}}
        for row in rows[(page - 1) * size : page * size]
    ]
    found = {"items": shown, "count": len(shown), "page": page, "per_page": size}
    return Response.of({**found, "pages": last if counted else None, "total": len(rows) if counted else None})


def _all(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _none(field: str, given: Any, before: list[Any]) -> list[Any]:
    """What stands in a custom field that is given nothing: a null, or two, or nothing after all."""
    if SORTS[IDS[field]].endswith("Multiple"):
        return [None] * (0 if given == [] else 1 if given in ("", [""]) else 2)
    return [] if given is None and before not in ([], [None]) else [None]


def _moment(value: Any) -> str:
    """A written time (``YYYY-MM-DD HH:MM:SS``, UTC) as it is shown; nothing is 1970."""
    return f"{str(value).replace(' ', 'T').rstrip('Z')}Z" if value else UNSET


def _parts(request: Request) -> tuple[Mapping[str, Any], list[tuple[str, str, bytes]]]:
    """The body of a message, and the files that came with it."""
    mime = request.headers.get("content-type", "")
    if not mime.startswith("multipart/"):
        body: Mapping[str, Any] = request.json()
        return body, [
            (a["FileName"], a["FileType"], base64.b64decode(a["FileContent"])) for a in body.get("Attachments", ())
        ]
    message: Message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {mime}\r\n\r\n".encode() + request.body)
    said: Mapping[str, Any] = {}
    files = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if name == "JSON":
            said = json.loads(_bytes(part))
        elif name == "Attachments":
            files.append((part.get_filename() or "", part.get_content_type(), _bytes(part)))
    return said, files


def _bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
