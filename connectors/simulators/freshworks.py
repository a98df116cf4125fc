"""What Freshdesk and Freshservice have in common: one loopback account of their API v2, with state.

Written from the vendor's documentation. A list shows the tickets of the last thirty days unless it is asked for more,
has three hundred pages and no descriptions; the search stays minutes behind; a note is private unless it says
otherwise, and a reply is mailed; a field that is unknown or of another type is refused by name; a missing ticket is
answered without a word; deleted and spam tickets leave the lists and can still be read.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.forms import File, form
from connectors.simulators.loopback import Request, Response

Row = dict[str, Any]
RECENT = timedelta(days=30)
INDEXED = timedelta(minutes=3)
"""How far the search is behind."""

PAGES = 300
PER_SEARCH = 30
MANDATORY = "One of the following is mandatory: requester_id, phone, email, twitter_id, facebook_id"


class Invalid(Exception):
    """``Validation failed``: which field, why, and its code."""

    def __init__(self, field: str, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.error = {"field": field, "message": message, "code": code}


class Freshworks(Simulator):
    """One account. ``tandem`` is our agent, ``paula`` theirs, ``alice`` a contact. ``mailed``: (ticket, text) of the
    replies that left; ``quota``: calls a minute."""

    wraps = False
    statuses: ClassVar[Mapping[int, str]]
    sources: ClassVar[frozenset[int]]
    scalars: ClassVar[Mapping[str, type]]
    columns: ClassVar[Mapping[str, str]]
    types: ClassVar[tuple[str, ...]]
    files_max: ClassVar[int]

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.tickets: dict[int, Row] = {}
        self.conversations: dict[int, Row] = {}
        self.entries: dict[int, Row] = {}
        self.people: dict[int, Row] = {}
        self.data: dict[int, bytes] = {}
        self.groups = {1: "Entertainers", 2: "Helpdesk"}
        self.mailed: list[tuple[int, str]] = []
        self.quota = 700
        self._key = "freshworks-api-key"
        self._count = 100
        self._spent: dict[int, int] = {}
        self.tandem = self.person("tandem@example.com", "Tandem", True)
        self.paula = self.person("paula@provider.example", "Paula", True)
        self.alice = self.person("alice@customer.example", "Alice", False)
        self.settings = {"domain": "acme", "url": self.url, "requester": "desk@customer.example"}
        self.secrets = {"key": self._key, "webhook": "freshworks-webhook-secret-1234"}

    # state

    def now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_id(self) -> int:
        self._count += 1
        return self._count

    def person(self, email: str, name: str, agent: bool) -> int:
        """A new agent or contact; its id."""
        id = self.next_id()
        self.people[id] = {"id": id, "email": email, "name": name, "agent": agent}
        return id

    def make(self, given: Mapping[str, Any], files: Iterable[File] = ()) -> Row:
        """A new ticket; raises ``Invalid``."""
        self.validate(given, create=True)
        id, now = self.next_id(), self.now()
        ticket: Row = {**self.blank(), "id": id, "created_at": now, "updated_at": now}
        ticket["requester_id"] = self._requester(given)
        self._set(ticket, given)
        ticket["attachments"] = [self.store(each) for each in files]
        self.tickets[id] = ticket
        self.tell(ticket, "{ticket_action:created}")
        return ticket

    def blank(self) -> Row:
        empty: Row = dict.fromkeys((*self.scalars, "type", "group_id", "responder_id"))
        empty |= {
            "status": 2,
            "priority": 1,
            "source": 2,
            "tags": [],
            "attachments": [],
            "deleted": False,
            "spam": False,
        }
        return {**empty, "custom_fields": dict.fromkeys(self.columns)}

    def put(self, ticket: Row, given: Mapping[str, Any]) -> None:
        """Changes a ticket; raises ``Invalid``."""
        self.validate(given, create=False)
        before = ticket["status"]
        self._set(ticket, given)
        ticket["updated_at"] = self.now()
        moved = before != ticket["status"]
        self.tell(ticket, f"{{status:{{from:{before},to:{ticket['status']}}}}}" if moved else "{ticket_action:update}")

    def talk(self, ticket: Row, by: int, given: Mapping[str, Any], source: int, files: Iterable[File] = ()) -> Row:
        """A reply or a note, which counts as a change of its ticket."""
        if not given.get("body"):
            raise Invalid("body", "It should be a/an String", "missing_field")
        private = source == 2 and str(given.get("private", True)).lower() == "true"
        row = {"id": self.next_id(), "ticket_id": ticket["id"], "user_id": by, "source": source, "private": private}
        row |= {"incoming": str(given.get("incoming", "")).lower() == "true", "body": wrapped(given["body"])}
        row |= {"body_text": bare(given["body"]), "created_at": self.now(), "updated_at": self.now()}
        row |= {"attachments": [self.store(each) for each in files]}
        self.conversations[row["id"]] = row
        ticket["updated_at"] = self.now()
        if source == 0:
            self.mailed.append((ticket["id"], row["body_text"]))
        self.tell(ticket, "{reply_sent:sent}" if source == 0 else f"{{note_type:{'private' if private else 'public'}}}")
        return row

    def store(self, file: File) -> Row:
        """A file, kept and described; raises ``Invalid``."""
        if len(file.data) > self.files_max:
            raise Invalid("attachments", f"The total size of the attachments should not exceed {self.files_max} bytes")
        id = self.next_id()
        self.data[id] = file.data
        where = f"{self.url}/data/helpdesk/attachments/production/{id}/original/{quote(file.name)}"
        shown = {"id": id, "name": file.name, "content_type": file.mime, "attachment_url": where}
        return {**shown, self.size_name: len(file.data), "created_at": self.now(), "updated_at": self.now()}

    size_name = "file_size"

    def validate(self, given: Mapping[str, Any], create: bool) -> None:
        """Raises ``Invalid`` as the API does: the first field that will not do."""
        known = {*self.scalars, "email", "name", "phone", "requester_id", "custom_fields", "tags", "type", "group_id"}
        known |= {"responder_id", "attachments", "description"}
        for name, value in given.items():
            if name not in known:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
            wanted = self.scalars.get(name)
            if wanted is int and value is not None and not isinstance(value, int):
                raise Invalid(name, "Value set is of type String.It should be a/an Integer", "datatype_mismatch")
        for name, allowed in (("status", set(self.statuses)), ("priority", {1, 2, 3, 4}), ("source", self.sources)):
            if given.get(name) is not None and given[name] not in allowed:
                raise Invalid(name, f"It should be one of these values: '{','.join(map(str, sorted(allowed)))}'")
        if given.get("type") is not None and given["type"] not in self.types:
            raise Invalid("type", f"It should be one of these values: '{','.join(self.types)}'")
        for name in given.get("custom_fields") or {}:
            if name not in self.columns:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
        self._validate_people(given, create)

    def _validate_people(self, given: Mapping[str, Any], create: bool) -> None:
        if create and not any(given.get(name) for name in ("email", "requester_id", "phone")):
            raise Invalid("requester_id", MANDATORY, "missing_field")
        for name in ("subject", "description") if create else ():
            if not given.get(name):
                raise Invalid(name, "It should be a/an String", "missing_field")
        if given.get("responder_id") is not None and not self.people.get(given["responder_id"], {}).get("agent"):
            raise Invalid("responder_id", "There is no agent matching the given responder_id")
        if given.get("group_id") is not None and given["group_id"] not in self.groups:
            raise Invalid("group_id", "There is no group matching the given group_id")
        if any(len(tag) > 32 for tag in given.get("tags") or ()):
            raise Invalid("tags", "It should contain elements that have maximum of 32 characters")

    def _requester(self, given: Mapping[str, Any]) -> int:
        if given.get("requester_id"):
            return int(given["requester_id"])
        email = str(given.get("email") or given.get("phone"))
        known = next((id for id, each in self.people.items() if each["email"] == email.lower()), None)
        return known or self.person(email.lower(), str(given.get("name") or email), False)

    def _set(self, ticket: Row, given: Mapping[str, Any]) -> None:
        plain = {*self.scalars, "type", "group_id", "responder_id"}
        ticket |= {name: value for name, value in given.items() if name in plain and value is not None}
        ticket |= {name: None for name in ("group_id", "responder_id", "type") if name in given and given[name] is None}
        if given.get("email") and ticket.get("id") in self.tickets:
            ticket["requester_id"] = self._requester(given)
        if given.get("description") is not None:
            ticket["description"] = wrapped(given["description"])
            ticket["description_text"] = bare(given["description"])
        if given.get("tags") is not None:
            ticket["tags"] = list(given["tags"])
        ticket["custom_fields"] = {**ticket["custom_fields"], **(given.get("custom_fields") or {})}

    # the API

    def answer(self, request: Request) -> Response:
        if request.path.startswith("/data/helpdesk/"):
            id = int(request.path.split("/")[5])
            return Response(200, self.data[id], "application/octet-stream") if id in self.data else Response(404)
        shown = base64.b64encode(f"{self._key}:X".encode()).decode()
        if request.headers.get("authorization") != f"Basic {shown}":
            words = {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."}
            return Response.of(words, 401)
        headers, spent = self._metered()
        if spent:
            return Response.of({"message": "You have exceeded the limit of requests per minute"}, 429, headers)
        try:
            made = self.route(request, request.path.removeprefix("/api/v2/").strip("/").split("/"))
        except Invalid as no:
            made = Response.of({"description": "Validation failed", "errors": [no.error]}, 400)
        except KeyError:
            made = Response(404)  # without a word
        except ValueError:
            words = {"code": "invalid_json", "message": "Request body has invalid json format"}
            made = Response(404) if request.method == "GET" else Response.of(words, 400)
        return Response(made.status, made.body, made.mime, {**headers, **made.headers})

    def route(self, request: Request, parts: list[str]) -> Response:
        """One call, signed in. Raises ``Invalid``, ``KeyError``."""
        match request.method, parts:
            case "GET", ["tickets"]:
                return self.page(request, "tickets", self.listed(request))
            case "POST", ["tickets"]:
                given, files = self._given(request)
                return self.one("ticket", self.make(given, files), 201)
            case "GET", ["tickets", id] if id.isdigit():
                return self.one("ticket", self.tickets[int(id)])
            case "PUT", ["tickets", id]:
                ticket = self._living(id)
                self.put(ticket, self._given(request)[0])
                return self.one("ticket", ticket)
            case "GET", ["tickets", id, "conversations"]:
                rows = [
                    each for each in self.conversations.values() if each["ticket_id"] == self.tickets[int(id)]["id"]
                ]
                return self.page(request, "conversations", rows)
            case "POST", ["tickets", id, "notes" | "reply" as how]:
                given, files = self._given(request)
                row = self.talk(self._living(id), self.tandem, given, 0 if how == "reply" else 2, files)
                return self.one("conversation", row, 201)
            case "PUT", ["conversations", id]:
                return self.one("conversation", self.reword(int(id), str(request.json().get("body"))))
            case "POST", ["tickets", id, "time_entries"]:
                return self.one("time_entry", self.spend(self._living(id), request.json()), 201)
            case "GET", ["groups"]:
                rows = [{"id": id, "name": name} for id, name in self.groups.items()]
                return self.page(request, "groups", rows)
        raise KeyError(request.path)

    def reword(self, id: int, text: str) -> Row:
        """A note gets another text; a reply has been mailed and stays."""
        row = self.conversations[id]
        if row["source"] != 2:
            raise Invalid("id", "Only notes can be edited")
        row |= {"body": wrapped(text), "body_text": bare(text), "updated_at": self.now()}
        return row

    def spend(self, ticket: Row, given: Mapping[str, Any]) -> Row:
        """A time entry; raises ``Invalid``."""
        if not re.fullmatch(r"[0-9]+:[0-5][0-9]", str(given.get("time_spent", ""))):
            raise Invalid("time_spent", "It should be a valid time in hh:mm format")
        row = {"id": self.next_id(), "agent_id": self.tandem, "billable": True, **given, "ticket_id": ticket["id"]}
        row |= {
            "executed_at": given.get("executed_at") or self.now(),
            "created_at": self.now(),
            "updated_at": self.now(),
        }
        self.entries[row["id"]] = row
        return row

    def one(self, name: str, row: Mapping[str, Any], status: int = 200) -> Response:
        """One object, wrapped where the product does."""
        return Response.of({name: row} if self.wraps else row, status)

    def page(self, request: Request, name: str, rows: list[Row], size: int = 30) -> Response:
        """One page, with a link to the next."""
        number, count = int(request.query.get("page", 1)), int(request.query.get("per_page", size))
        if count > 100 or count < 1:
            raise Invalid("per_page", "It should be a Positive Integer less than or equal to 100")
        if number > PAGES:
            raise Invalid("page", f"You cannot access tickets beyond the {PAGES}th page")
        found = rows[(number - 1) * count : number * count]
        headers = {}
        if number * count < len(rows):
            query = urlencode({**request.query, "page": number + 1})
            headers["link"] = f'<{self.url}{request.path}?{query}>; rel="next"'
        return Response.of({name: found} if self.wraps else found, 200, headers)

    def listed(self, request: Request) -> list[Row]:
        """The tickets of a list, in its order, as lists show them."""
        query = request.query
        rows = [each for each in self.tickets.values() if not each["deleted"] and not each["spam"]]
        if "updated_since" in query:
            since = _moment(query["updated_since"])
            rows = [each for each in rows if _moment(each["updated_at"]) >= since]
        else:
            rows = [each for each in rows if _moment(each["created_at"]) >= self.clock() - RECENT]
        order = query.get("order_by", "created_at")
        rows.sort(key=lambda each: str(each.get(order) or ""), reverse=query.get("order_type", "desc") == "desc")
        hidden = set() if "description" in query.get("include", "") else {"description", "description_text"}
        hidden |= {"attachments"}
        return [{name: value for name, value in row.items() if name not in hidden} for row in rows]

    def found(self, request: Request) -> list[Row]:
        """What the search gives for a query of ``name:value`` terms joined by AND; raises ``Invalid``."""
        text = request.query.get("query", "")
        if len(text) > 512 or len(text) < 2 or text[0] != '"' or text[-1] != '"':
            raise Invalid("query", "It should be a String in double quotes of up to 512 characters")
        rows = [
            each
            for each in self.tickets.values()
            if not each["deleted"] and _moment(each["updated_at"]) <= self.clock() - INDEXED
        ]
        for term in text[1:-1].split(" AND "):
            name, _, wanted = term.partition(":")
            if name not in self.columns and self.scalars.get(name) is not int:
                raise Invalid(name, "Unexpected/invalid field in request", "invalid_field")
            rows = [each for each in rows if _fits(each["custom_fields"].get(name, each.get(name)), wanted)]
        return rows

    def _living(self, id: str) -> Row:
        ticket = self.tickets[int(id)]
        if ticket["deleted"]:
            raise KeyError(id)
        return ticket

    def _given(self, request: Request) -> tuple[Mapping[str, Any], list[File]]:
        """The fields and files of a body, JSON or a form."""
        if "multipart/form-data" in request.headers.get("content-type", ""):
            fields, files = form(request)
            return fields, files
        given = request.json()
        return given, []

    def _metered(self) -> tuple[dict[str, str], bool]:
        now = int(self.clock().timestamp())
        spent = self._spent[now // 60] = self._spent.get(now // 60, 0) + 1
        headers = {"X-RateLimit-Total": str(self.quota), "X-RateLimit-Remaining": str(max(self.quota - spent, 0))}
        headers["X-RateLimit-Used-CurrentRequest"] = "1"
        return headers | ({"Retry-After": str(60 - now % 60)} if spent > self.quota else {}), spent > self.quota

    # webhooks: a rule with a body of the admin's

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        return {"Content-Type": "application/json", "X-Tandem-Secret": self.secrets["webhook"]}

    def tell(self, ticket: Row, event: str) -> None:
        """The webhook of a rule: placeholders are put in as they are."""
        self.announce(json.dumps({"ticket_id": str(ticket["id"]), "triggered_event": event}).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        given = {"email": "alice@customer.example", "subject": title, "description": f"{title}, says alice"}
        return str(self.make({**self.usual(), **given})["id"])

    def usual(self) -> Mapping[str, Any]:
        """What a new ticket has to have besides."""
        return {}

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        names = {"group": "group_id", "agent": "responder_id"}
        given: Row = {"custom_fields": {name[3:]: value for name, value in values.items() if name.startswith("cf:")}}
        for name, value in values.items():
            if not name.startswith("cf:"):
                wanted = int if self.scalars.get(name) is int or name in names else None
                given[names.get(name, name)] = int(value) if wanted and value is not None else value
        self.put(self.tickets[int(id)], given)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[int(id)]

    def ids(self) -> list[str]:
        return [str(id) for id, each in self.tickets.items() if not each["deleted"]]

    def say(self, id: str, text: str, public: bool) -> str:
        note = {"body": text, "private": not public}
        return str(self.talk(self.tickets[int(id)], self.paula, note, 2)["id"])

    def said(self, id: str) -> list[Said]:
        rows = [each for each in self.conversations.values() if each["ticket_id"] == int(id)]
        return [Said(str(each["id"]), str(each["user_id"]), each["body_text"], not each["private"]) for each in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        note = {"body": name, "private": not public}
        made = self.talk(self.tickets[int(id)], self.paula, note, 2, [File(name, "application/octet-stream", data)])
        return str(made["attachments"][0]["id"])

    def kept(self, id: str) -> list[Kept]:
        found = [(each, True) for each in self.tickets[int(id)]["attachments"]]
        for row in self.conversations.values():
            found += [(each, not row["private"]) for each in row["attachments"] if row["ticket_id"] == int(id)]
        return [Kept(str(each["id"]), each["name"], self.data[each["id"]], public) for each, public in found]

    def spent(self, id: str) -> list[int]:
        rows = [str(each["time_spent"]) for each in self.entries.values() if each["ticket_id"] == int(id)]
        return [int(text.partition(":")[0]) * 60 + int(text.partition(":")[2]) for text in rows]

    def edit(self, id: str, comment: str, text: str | None) -> None:
        if text is None:
            del self.conversations[int(comment)]
        else:
            self.reword(int(comment), text)

    def remove(self, id: str) -> None:
        self.tickets[int(id)] |= {"deleted": True, "updated_at": self.now()}

    def move(self, id: str) -> None:
        self.tickets[int(id)] |= {"spam": True, "updated_at": self.now()}

    def revoke(self) -> None:
        self._key = "another-key"


def wrapped(text: str) -> str:
    """HTML as it is stored."""
    return text if text.startswith("<") else f"<div>{text}</div>"


def bare(text: str) -> str:
    """The text of some HTML."""
    lines = re.sub(r"<(?:br|/p|/div)[^>]*>", "\n", text)
    return html.unescape(re.sub(r"<[A-Za-z/][^>]*>", "", lines)).strip("\n")


def _fits(have: Any, wanted: str) -> bool:
    """``'text'``, a number, or ``>`` and ``<`` with one, which mean "or equal" here."""
    if wanted[:1] in (">", "<"):
        return have is not None and (int(have) >= int(wanted[1:]) if wanted[0] == ">" else int(have) <= int(wanted[1:]))
    return str(have) == wanted.strip("'")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
