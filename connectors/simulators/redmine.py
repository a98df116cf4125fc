"""A loopback desk that speaks Redmine's REST API and holds state: written from its facts and from a real 5.0.

One project is ours, another is not. Times are kept to the microsecond and shown in UTC to the second; a search from a
moment on begins just after the second before it. A status that the workflow does not allow, also for a new issue, a
custom field that nobody made and a ``limit`` over 100 are passed over without a word; the answer to a change has no
body; lines end in CR LF; what was never set is null; ``/time_entries`` ignores ``sort``; time and edits of notes do not
move ``updated_on``. Webhooks are those of 7.0.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.simulators.desk import Cannot, Kept, Said, Simulator
from connectors.simulators.loopback import Request, Response

US, THEM = 5, 6
PEOPLE = {
    1: {"id": 1, "login": "admin", "firstname": "Redmine", "lastname": "Admin"},
    US: {"id": US, "login": "gateway", "firstname": "Integration", "lastname": "Gateway"},
    THEM: {"id": THEM, "login": "paula", "firstname": "Paula", "lastname": "Provider"},
}
STATUSES = {1: "New", 2: "In Progress", 3: "Resolved", 4: "Feedback", 5: "Closed", 6: "Rejected"}
PRIORITIES = {1: "Low", 2: "Normal", 3: "High", 4: "Urgent", 5: "Immediate"}
PROJECTS = {1: "Escalations", 2: "Another team"}
CUSTOM = {1: "External Reference", 2: "Impact", 3: "Urgency", 4: "Asset Tag"}
LISTED = {2: ("High", "Medium", "Low"), 3: ("High", "Medium", "Low")}
WROTE = {"subject", "description", "due_date", "priority_id", "assigned_to_id", "category_id", "status_id"}
LIMIT, DEFAULT = 100, 25
SUBJECT = 255

Row = dict[str, Any]


class Redmine(Simulator):
    """One site; ``workflow``: status -> those it may go to, where it does not allow every one; 0: those an issue may
    begin with besides New."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.issues: dict[int, Row] = {}
        self.entries: list[Row] = []
        self.workflow: dict[int, set[int]] = {}
        self.settings = {"url": self.url, "project": "escalations", "tracker": 1, "reference_field": 1, "activity": 9}
        self.secrets = {"key": "redmine-api-key-1", "webhook": "redmine-webhook-1"}
        self._keys = {self.secrets["key"]: US}
        self._files: dict[int, tuple[Row, bytes]] = {}
        self._journals = 0

    # the API

    def answer(self, request: Request) -> Response:
        user = self._keys.get(request.headers.get("x-redmine-api-key", ""))
        if user is None:
            return Response(401, b"")
        try:
            return self._route(request, user, request.path.removesuffix(".json").strip("/").split("/"))
        except (KeyError, ValueError):
            return Response(404, b"")

    def _route(self, request: Request, user: int, parts: list[str]) -> Response:
        match request.method, parts:
            case "GET", ["users", "current"]:
                return Response.of({"user": PEOPLE[user]})
            case "GET", ["users", id]:
                return Response.of({"user": PEOPLE[int(id)]})
            case "GET", ["projects", "escalations"]:
                return Response.of({"project": {"id": 1, "name": PROJECTS[1], "identifier": "escalations"}})
            case "GET", ["projects", "escalations", "issue_categories"]:
                return Response.of({"issue_categories": [{"id": 1, "name": "Network"}, {"id": 2, "name": "Software"}]})
            case "GET", ["issue_statuses"]:
                return Response.of({"issue_statuses": _named(STATUSES)})
            case "GET", ["enumerations", "issue_priorities"]:
                return Response.of({"issue_priorities": _named(PRIORITIES)})
            case "GET", ["custom_fields"]:
                return Response(403, b"")  # for administrators alone
            case "GET", ["issues"]:
                return self._found(request.query)
            case "POST", ["issues"]:
                return self._create(request.json()["issue"], user)
            case "GET", ["issues", id]:
                return Response.of({"issue": self._whole(self.issues[int(id)], request.query.get("include", ""))})
            case "PUT", ["issues", id]:
                return self._changed(int(id), request.json()["issue"], user)
            case "POST", ["uploads"]:
                return self._uploaded(request, user)
            case "GET", ["attachments", "download", id]:
                return Response(200, self._files[int(id)][1], "application/octet-stream")
            case "GET", ["time_entries"]:
                return self._page(
                    "time_entries", [e for e in self.entries if _spent_since(e, request.query)], request.query
                )
            case "POST", ["time_entries"]:
                return self._logged(request.json()["time_entry"], user)
        return Response(404, b"")

    def _found(self, query: Mapping[str, str]) -> Response:
        rows = [row for row in self.issues.values() if row["project"] == 1 or "project_id" not in query]
        for name, value in query.items():
            if name.startswith("cf_") and name[3:].isdecimal() and int(name[3:]) in CUSTOM:
                rows = [row for row in rows if row["custom"].get(int(name[3:])) == value]
        if query.get("updated_on", "").startswith(">="):
            since = datetime.fromisoformat(query["updated_on"][2:]) - timedelta(seconds=1)
            rows = [row for row in rows if row["at"] > since]
        rows.sort(key=lambda row: (row["at"], row["id"]))
        return self._page("issues", [self._whole(row, "") for row in rows], query)

    def _page(self, name: str, rows: list[Row], query: Mapping[str, str]) -> Response:
        limit, offset = min(int(query.get("limit", DEFAULT)), LIMIT), int(query.get("offset", 0))
        found = {name: rows[offset : offset + limit], "total_count": len(rows), "offset": offset, "limit": limit}
        return Response.of(found)

    def _create(self, given: Mapping[str, Any], user: int) -> Response:
        if given.get("project_id") not in ("escalations", 1):
            return refused("Project cannot be blank", "Tracker cannot be blank", "Status cannot be blank")
        if not str(given.get("subject") or "").strip():
            return refused("Subject cannot be blank")
        if said := _wrong(given):
            return refused(said)
        return Response.of({"issue": self._whole(self._put(given, user), "")}, 201)

    def _put(self, given: Mapping[str, Any], user: int) -> Row:
        now = self._now()
        id = len(self.issues) + 1
        row: Row = {
            "id": id,
            "project": 1,
            "author": user,
            "subject": "",
            "description": None,
            "status_id": 1,
            "priority_id": 2,
            "assigned_to_id": None,
            "category_id": None,
            "due_date": None,
            "custom": dict.fromkeys(CUSTOM),
            "created_on": now,
            "updated_on": now,
            "at": self.clock(),
            "journals": [],
            "files": [],
        }
        self.issues[id] = row
        first = int(given.get("status_id") or 1)
        self._set(row, {name: value for name, value in given.items() if name != "status_id"})
        row["status_id"] = first if first in self.workflow.get(0, ()) else 1
        self._tell("issue.created", row, None)
        return row

    def _changed(self, id: int, given: Mapping[str, Any], user: int) -> Response:
        row = self.issues[id]
        if said := _wrong(given):
            return refused(said)
        self._write(row, given, user)
        return Response(204)

    def _write(self, row: Row, given: Mapping[str, Any], user: int) -> None:
        """One change with its journal entry."""
        before = _values(row)
        self._set(row, given)
        for upload in given.get("uploads", ()):
            file, _ = self._files[int(str(upload["token"]).split(".")[0])]
            file |= {"filename": upload["filename"], "content_type": upload.get("content_type", "")}
            row["files"].append(file)
        notes = _lines(given.get("notes")) or ""
        after = _values(row)
        details = [
            {"property": kind, "name": name, "old_value": before.get((kind, name)), "new_value": value}
            for (kind, name), value in after.items()
            if value != before.get((kind, name))
        ]
        if notes or details:
            row |= {"updated_on": self._now(), "at": self.clock()}
            journal = self._journal(row, user, notes, bool(given.get("private_notes")))
            row["journals"][-1]["details"] = details
            self._tell("issue.updated", row, journal)

    def _journal(self, row: Row, user: int, notes: str, private: bool) -> Row:
        self._journals += 1
        journal = {"id": self._journals, "user": _person(user), "notes": notes, "created_on": self._now()}
        row["journals"].append({**journal, "private_notes": private, "details": []})
        return journal

    def _set(self, row: Row, given: Mapping[str, Any]) -> None:
        for name in ("subject", "description", "due_date"):
            if name in given:
                row[name] = _lines(given[name]) if name == "description" else given[name] or None
        for name in ("priority_id", "assigned_to_id", "category_id"):
            if name in given:
                row[name] = int(given[name]) if given[name] not in (None, "") else None
        status = given.get("status_id")
        if status is not None and int(status) in self.workflow.get(row["status_id"], set(STATUSES)):
            row["status_id"] = int(status)  # any other is passed over
        for each in given.get("custom_fields", ()):
            if int(each["id"]) in CUSTOM:
                row["custom"][int(each["id"])] = str(each["value"] or "")  # what was never set is null

    def _whole(self, row: Row, include: str) -> Row:
        found = {
            **{name: row[name] for name in ("id", "subject", "description", "due_date", "created_on", "updated_on")},
            "project": {"id": row["project"], "name": PROJECTS[row["project"]]},
            "tracker": {"id": 1, "name": "Incident"},
            "status": {"id": row["status_id"], "name": STATUSES[row["status_id"]]},
            "priority": {"id": row["priority_id"], "name": PRIORITIES[row["priority_id"]]},
            "author": _person(row["author"]),
            "custom_fields": [{"id": id, "name": name, "value": row["custom"][id]} for id, name in CUSTOM.items()],
        }
        if row["assigned_to_id"]:
            found["assigned_to"] = _person(row["assigned_to_id"])
        if row["category_id"]:
            found["category"] = {"id": row["category_id"], "name": "Network" if row["category_id"] == 1 else "Software"}
        if "journals" in include:
            found["journals"] = row["journals"]
        if "attachments" in include:
            found["attachments"] = row["files"]
        return found

    def _uploaded(self, request: Request, user: int) -> Response:
        if request.headers.get("content-type") != "application/octet-stream":
            return Response(406, b"")
        id = self._file(request.query.get("filename", ""), request.body, user)
        token = f"{id}.{hashlib.sha256(request.body).hexdigest()}"
        return Response.of({"upload": {"id": id, "token": token}}, 201)

    def _file(self, name: str, data: bytes, user: int) -> int:
        id = len(self._files) + 1
        row = {"id": id, "filename": name, "filesize": len(data), "content_type": "", "author": _person(user)}
        self._files[id] = ({**row, "created_on": self._now()}, data)
        return id

    def _logged(self, given: Mapping[str, Any], user: int) -> Response:
        if not given.get("activity_id"):
            return refused("Activity cannot be blank")
        if not float(given.get("hours") or 0) > 0:
            return refused("Hours is invalid")
        issue = self.issues[int(given["issue_id"])]
        entry = {
            "id": len(self.entries) + 1,
            "issue": {"id": issue["id"]},
            "user": _person(user),
            "hours": float(given["hours"]),
            "comments": given.get("comments", ""),
            "spent_on": given["spent_on"],
            "created_on": self._now(),
            "updated_on": self._now(),
        }
        self.entries.append(entry)
        return Response.of({"time_entry": entry}, 201)

    def _now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _tell(self, event: str, row: Row, journal: Row | None) -> None:
        data = {"issue": self._whole(row, "attachments"), **({"journal": journal} if journal else {})}
        self.announce(json.dumps({"type": event, "timestamp": self._now(), "data": data}).encode())

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        made = hmac.new(self.secrets["webhook"].encode(), body, "sha256").hexdigest()
        return {"Content-Type": "application/json", "X-Redmine-Signature-256": f"sha256={made}"}

    # its people

    def open_record(self, title: str) -> str:
        return str(self._put({"subject": title}, THEM)["id"])

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        wire = {
            "status": "status_id",
            "priority": "priority_id",
            "assignee": "assigned_to_id",
            "category": "category_id",
        }
        self._write(self.issues[int(id)], {wire.get(name, name): value for name, value in values.items()}, THEM)

    def shows(self, id: str) -> Mapping[str, Any]:
        return self._whole(self.issues[int(id)], "journals,attachments")

    def ids(self) -> list[str]:
        return [str(id) for id in self.issues]

    def say(self, id: str, text: str, public: bool) -> str:
        self._write(self.issues[int(id)], {"notes": text, "private_notes": not public}, THEM)
        return str(self._journals)

    def said(self, id: str) -> list[Said]:
        notes = [j for j in self.issues[int(id)]["journals"] if j["notes"]]
        return [Said(str(j["id"]), PEOPLE[j["user"]["id"]]["login"], j["notes"], not j["private_notes"]) for j in notes]  # type: ignore[arg-type]

    def edit(self, id: str, comment: str, text: str | None) -> None:
        journal = next(j for j in self.issues[int(id)]["journals"] if str(j["id"]) == comment)
        journal["notes"] = text or ""  # a note that is blanked is a note deleted

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        if not public:
            raise Cannot("Redmine has no private file")
        file = self._file(name, data, THEM)
        self._write(self.issues[int(id)], {"uploads": [{"token": f"{file}.x", "filename": name}]}, THEM)
        return str(file)

    def kept(self, id: str) -> list[Kept]:
        files = self.issues[int(id)]["files"]
        return [Kept(str(each["id"]), each["filename"], self._files[each["id"]][1], True) for each in files]

    def spent(self, id: str) -> list[int]:
        return [round(each["hours"] * 60) for each in self.entries if each["issue"]["id"] == int(id)]

    def work(self, id: str, minutes: int, text: str) -> str:
        given = {"issue_id": id, "hours": minutes / 60, "activity_id": 9, "comments": text}
        self._logged({**given, "spent_on": self._now()[:10]}, THEM)
        return str(len(self.entries))

    def remove(self, id: str) -> None:
        row = self.issues.pop(int(id))
        self._tell("issue.deleted", row, None)

    def move(self, id: str) -> None:
        self.issues[int(id)]["project"] = 2

    def revoke(self) -> None:
        self._keys.clear()


def refused(*said: str) -> Response:
    """422 in Redmine's words."""
    return Response.of({"errors": list(said)}, 422)


def _wrong(given: Mapping[str, Any]) -> str:
    """The first complaint about values, if there is one."""
    if "subject" in given and not str(given["subject"] or "").strip():
        return "Subject cannot be blank"
    if len(str(given.get("subject") or "")) > SUBJECT:
        return f"Subject is too long (maximum is {SUBJECT} characters)"
    if "priority_id" in given and int(given["priority_id"] or 0) not in PRIORITIES:
        return "Priority cannot be blank"
    if given.get("assigned_to_id") and int(given["assigned_to_id"]) not in PEOPLE:
        return "Assignee is invalid"
    for each in given.get("custom_fields", ()):
        if each["value"] and str(each["value"]) not in LISTED.get(int(each["id"]), (str(each["value"]),)):
            return f"{CUSTOM[int(each['id'])]} is not included in the list"
    return ""


def _lines(text: str | None) -> str | None:
    """A text as it is kept: each line ends as in a browser's form."""
    return None if text is None else re.sub(r"\r?\n", "\r\n", str(text))


def _values(row: Row) -> dict[tuple[str, str], Any]:
    """What a journal tells of, by (property, name)."""
    found: dict[tuple[str, str], Any] = {
        ("attr", name): None if row[name] is None else str(row[name]) for name in sorted(WROTE)
    }
    found |= {("cf", str(id)): value for id, value in row["custom"].items()}
    return found | {("attachment", str(file["id"])): file["filename"] for file in row["files"]}


def _named(values: Mapping[int, str]) -> list[Row]:
    return [{"id": id, "name": name} for id, name in values.items()]


def _person(id: int) -> Row:
    return {"id": id, "name": f"{PEOPLE[id]['firstname']} {PEOPLE[id]['lastname']}"}


def _spent_since(entry: Row, query: Mapping[str, str]) -> bool:
    return str(entry["spent_on"]) >= query.get("spent_on", "").removeprefix(">=")
