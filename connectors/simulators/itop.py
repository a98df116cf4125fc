"""A loopback iTop with state: one address for everything, stimuli instead of a status, logs that are appended to.

Whatever happens is status 200 with a ``code``. Ids and numbers are text; objects are keyed by class and id; times are
naive and the server's own. Priority follows from impact and urgency. What the caller wants is JSON in a form field.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

Row = dict[str, Any]

STIMULI: Mapping[str, Mapping[str, str]] = {
    "new": {"ev_assign": "assigned", "ev_timeout": "escalated_tto", "ev_wait_for_approval": "waiting_for_approval"},
    "escalated_tto": {"ev_assign": "assigned"},
    "assigned": {
        "ev_pending": "pending", "ev_resolve": "resolved", "ev_reassign": "assigned", "ev_timeout": "escalated_ttr"
    },
    "escalated_ttr": {"ev_pending": "pending", "ev_resolve": "resolved", "ev_reassign": "assigned"},
    "waiting_for_approval": {"ev_approve": "approved", "ev_reject": "rejected"},
    "approved": {"ev_timeout": "escalated_tto", "ev_assign": "assigned"},
    "rejected": {"ev_reopen": "new"},
    "pending": {"ev_assign": "assigned"},
    "resolved": {"ev_close": "closed", "ev_reopen": "assigned"},
    "closed": {},
}  # fmt: skip
INTERNAL = frozenset({"ev_timeout", "ev_autoresolve", "ev_autoclose"})
ASKED: Mapping[str, tuple[str, ...]] = {
    "ev_assign": ("team_id", "agent_id"),
    "ev_reassign": ("team_id", "agent_id"),
    "ev_pending": ("pending_reason",),
    "ev_resolve": ("resolution_code", "solution"),
}
"""What a stimulus wants to know, unless the ticket says it already."""

CODES = ("assistance", "bug fixed", "hardware repair", "other", "software patch", "system update", "training")
ENUMS: Mapping[str, tuple[str, ...]] = {
    "impact": ("1", "2", "3"),
    "urgency": ("1", "2", "3", "4"),
    "origin": ("in_person", "chat", "mail", "phone", "portal"),
    "resolution_code": CODES,
}
PRIORITY = {"1": "1124", "2": "1234", "3": "2334"}
"""By impact, a digit for each urgency."""

BLANK: Row = {
    "title": "", "description": "", "org_id": "", "caller_id": "", "team_id": "0", "agent_id": "0", "impact": "1",
    "urgency": "4", "origin": "phone", "pending_reason": "", "resolution_code": "assistance", "solution": "",
    "tandem_ref": "", "service_id": "0",
}  # fmt: skip
MANDATORY = ("org_id", "caller_id", "title", "description")
LOGS = ("public_log", "private_log")
ORGANIZATION, ELSEWHERE = "3", "8"
OQL = re.compile(r"SELECT (\w+) WHERE org_id = (\d+) AND last_update >= '([^']+)'")


class Failure(Exception):
    """A code and a message, at 200."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.response = Response.of({"code": code, "message": message})


class ITop(Simulator):
    """One installation in ``zone``, where only the class UserRequest is in use. ``sealed``: the states in which its
    data model lets no attribute be changed."""

    def __init__(self, clock: Callable[[], Any], **more: Any) -> None:
        super().__init__(clock, **more)
        self.zone = ZoneInfo("Europe/Madrid")
        self.sealed = {"closed"}
        self.settings = {
            "url": self.url, "login": "tandem", "organization": int(ORGANIZATION), "caller": 40, "team": 51,
            "agent": 52, "zone": "Europe/Madrid",
        }  # fmt: skip
        self.secrets = {"password": "itop-passw0rd"}
        self.tickets: dict[str, Row] = {}
        self.logs: dict[str, dict[str, list[Row]]] = {}
        self.files: dict[str, Row] = {}
        self.people = {"40": ("Desk", "desk@customer.example"), "41": ("Alice", "alice@customer.example")}
        self.people |= {"52": ("Paula", "paula@acme.example")}
        self._last = 0
        self._allowed = True

    def now(self) -> str:
        return str(self.clock().astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S"))

    # the API

    def answer(self, request: Request) -> Response:
        if request.path != "/webservices/rest.php":
            return Response(404, b"<html><h1>Not Found</h1></html>", "text/html")
        pair = base64.b64encode(f"{self.settings['login']}:{self.secrets['password']}".encode()).decode()
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        try:
            if not self._allowed or request.headers.get("authorization") != f"Basic {pair}":
                raise Failure(1, "Error: Invalid login")
            if "version" not in form:
                raise Failure(2, "Error: Missing parameter 'version' (e.g. '1.0')")
            if "json_data" not in form:
                raise Failure(3, "Error: Missing parameter 'json_data'")
            return Response.of(self._done(json.loads(form["json_data"])))
        except Failure as no:
            return no.response
        except ValueError:
            return Failure(4, "Error: parameter json_data is not a valid JSON structure").response
        except (KeyError, TypeError) as error:
            return Failure(100, f"Error: {error}").response

    def _done(self, asked: Mapping[str, Any]) -> Row:
        operation, kind = asked["operation"], asked.get("class", "")
        if operation == "core/get":
            return self._got(kind, asked["key"], asked.get("output_fields", "*"))
        if operation == "core/create" and kind == "Attachment":
            given = asked["fields"]["contents"]
            key = self._keep(
                str(asked["fields"]["item_id"]), given["filename"], given["mimetype"], given["data"], "Tandem"
            )
            return self._shown([("Attachment", key, {})], "created")
        if operation == "core/create":
            key = self._make(asked["fields"])
            return self._shown([(kind, key, self._view(key, asked.get("output_fields", "*")))], "created")
        if operation not in ("core/update", "core/apply_stimulus"):
            raise Failure(11, f"Error: Unknown verb '{operation}'")
        key = str(asked["key"])
        if key not in self.tickets:
            raise Failure(100, f"Error: Invalid key: No item found with id: {key}")
        if operation == "core/update":
            self._write(key, asked["fields"], "Tandem")
        else:
            self._stimulate(key, asked["stimulus"], asked.get("fields", {}))
        return self._shown([(kind, key, self._view(key, asked.get("output_fields", "*")))], "updated")

    def _got(self, kind: str, key: Any, columns: str) -> Row:
        if kind == "User":
            name = {"login": "tandem", "friendlyname": "tandem", "contactid_friendlyname": "Tandem"}
            return self._shown([("User", "9", name)] if key == {"login": "tandem"} else [], "")
        if kind == "Person":
            rows = [(id, {"friendlyname": n, "email": m}) for id, (n, m) in self.people.items()]
            wanted = [(id, row) for id, row in rows if key in (id, {"email": row["email"]})]
            return self._shown([("Person", id, row) for id, row in wanted], "")
        if kind == "Attachment":
            files = self.files.items()
            about = str(key.get("item_id")) if isinstance(key, Mapping) else None
            return self._shown(
                [("Attachment", id, row) for id, row in files if id == key or row["item_id"] == about], ""
            )
        keys = [id for id in self.tickets if self._named(id, key)]
        return self._shown([(kind, id, self._view(id, columns)) for id in keys], "")

    def _named(self, id: str, key: Any) -> bool:
        """Whether a key names a ticket: its number, attributes with their values, or OQL."""
        row = self.tickets[id]
        if isinstance(key, Mapping):
            return all(str(row.get(name)) == str(value) for name, value in key.items())
        if str(key).isdigit():
            return id == str(key)
        found = OQL.fullmatch(str(key))
        if found is None:
            raise Failure(100, f"Error: Syntax error in OQL: {str(key)[:60]}")
        return bool(row["org_id"] == found[2] and row["last_update"] >= found[3])

    def _shown(self, rows: list[tuple[str, str, Row]], message: str) -> Row:
        objects = {
            f"{kind}::{id}": {"code": 0, "message": message, "class": kind, "key": id, "fields": fields}
            for kind, id, fields in rows
        }
        return {"code": 0, "message": f"Found: {len(rows)}", "objects": objects or None}

    def _view(self, id: str, columns: str) -> Row:
        logs = {name: {"entries": list(reversed(self.logs[id][name]))} for name in LOGS}
        whole = {**self.tickets[id], **logs}
        return whole if columns == "*" else {name.strip(): whole[name.strip()] for name in columns.split(",")}

    # what it does

    def _make(self, given: Mapping[str, Any]) -> str:
        for name in MANDATORY:
            if not given.get(name):
                raise Failure(100, f"Error: {name}: Missing mandatory attribute")
        self._last += 1
        id = str(self._last)
        ref = f"R-{self._last:06}"
        self.tickets[id] = {**BLANK, "status": "new", "ref": ref, "start_date": self.now(), "priority": "4"}
        self.logs[id] = {name: [] for name in LOGS}
        try:
            self._write(id, given, "Tandem")
        except Failure:
            del self.tickets[id]
            raise
        return id

    def _write(self, id: str, given: Mapping[str, Any], by: str) -> None:
        row = self.tickets[id]
        changed = {}
        for name, value in given.items():
            if name not in BLANK and name not in LOGS:
                raise Failure(100, f"Error: {name}: Unknown attribute or one that cannot be written")
            if name in ENUMS and str(value) not in ENUMS[name]:
                raise Failure(100, f"Error: {name}: Unexpected value '{value}'")
            if row["status"] in self.sealed and name not in LOGS:
                raise Failure(100, f"Error: {name}: the attribute is read-only in the state '{row['status']}'")
            if name == "title" and len(value) > 255:
                raise Failure(100, "Error: title: String is too long")
            if name not in LOGS:
                changed[name] = str(value)
        if "description" in changed and not changed["description"].lstrip().startswith("<"):
            changed["description"] = f"<p>{changed['description']}</p>"
        for name in LOGS & given.keys():
            self._say(id, name, given[name], by)
        row |= changed
        row["priority"] = PRIORITY[row["impact"]][int(row["urgency"]) - 1]
        row["last_update"] = self.now()

    def _say(self, id: str, log: str, given: Mapping[str, Any], by: str) -> None:
        """Appends an entry; ``items`` replaces the whole log."""
        if "items" in given:
            self.logs[id][log] = []
        for each in given.get("items", [given.get("add_item")]):
            entry = {"date": self.now(), "user_login": by, "user_id": "9", "message": each["message"]}
            self.logs[id][log].append({**entry, "message_html": each["message"]})

    def _stimulate(self, id: str, stimulus: str, given: Mapping[str, Any]) -> None:
        row = self.tickets[id]
        target = STIMULI[row["status"]].get(stimulus)
        if target is None or stimulus in INTERNAL:
            raise Failure(100, f"Error: Invalid stimulus: '{stimulus}' on the object in state '{row['status']}'")
        for name in ASKED.get(stimulus, ()):
            if str(given.get(name) or row[name]) in ("", "0"):
                raise Failure(100, f"Error: Missing mandatory attribute: {name}")
        self._write(id, given, "Tandem")
        row["status"] = target

    def _keep(self, ticket: str, name: str, mime: str, data: str, by: str) -> str:
        if ticket not in self.tickets:
            raise Failure(100, f"Error: Invalid key: No item found with id: {ticket}")
        self._last += 1
        contents = {"data": data, "mimetype": mime, "filename": name}
        about = {"item_class": "UserRequest", "item_id": ticket, "item_org_id": ORGANIZATION}
        self.files[str(self._last)] = {**about, "contents": contents, "creation_date": self.now(), "user_id": by}
        return str(self._last)

    # people at work there

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        self._cannot("webhooks")

    def open_record(self, title: str) -> str:
        with self.lock:
            return self._make({"title": title, "description": "<p>x</p>", "org_id": ORGANIZATION, "caller_id": "40"})

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        with self.lock:
            status = values.get("status")
            self._write(id, {name: value for name, value in values.items() if name != "status"}, "Paula")
            if status:
                self.tickets[id]["status"] = status

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.tickets[id]

    def ids(self) -> list[str]:
        return list(self.tickets)

    def say(self, id: str, text: str, public: bool) -> str:
        with self.lock:
            log = LOGS[0 if public else 1]
            self._write(id, {log: {"add_item": {"message": text, "format": "html"}}}, "Paula")
            return f"{log}:{len(self.logs[id][log])}"

    def said(self, id: str) -> list[Said]:
        return [
            Said(f"{name}:{at}", entry["user_login"], entry["message"], name == "public_log")
            for name in LOGS
            for at, entry in enumerate(self.logs[id][name], 1)
        ]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        with self.lock:
            return self._keep(id, name, "application/octet-stream", base64.b64encode(data).decode(), "Paula")

    def kept(self, id: str) -> list[Kept]:
        rows = [(key, row["contents"]) for key, row in self.files.items() if row["item_id"] == id]
        return [Kept(key, each["filename"], base64.b64decode(each["data"]), True) for key, each in rows]

    def remove(self, id: str) -> None:
        with self.lock:
            del self.tickets[id]

    def move(self, id: str) -> None:
        """To another organization, which is not ours."""
        self.tickets[id] |= {"org_id": ELSEWHERE, "last_update": self.now()}

    def seal(self, id: str) -> None:
        self.tickets[id] |= {"status": "closed", "last_update": self.now()}

    def revoke(self) -> None:
        self._allowed = False
