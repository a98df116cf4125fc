"""A loopback desk that speaks Jira Cloud's REST API 3 and holds state: written from the vendor's documentation.

Status changes by transitions alone and an edit ignores them; rich text is a tree, in webhooks plain text; search is
bounded, paged by token and behind; one issue takes only so many writes; comments tell ``jsdPublic`` and take only the
property; e-mail addresses may be hidden. Webhooks are signed as those of an administrator.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.simulators import jira_rules as rules
from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.jira_rules import Refusal, words, written
from connectors.simulators.jira_site import ELSEWHERE, OURS, PAULA, PROJECT, Issue, Site
from connectors.simulators.loopback import Request, Response

API = "/rest/api/3"
CLOUD = "/ex/jira/11223344-a1b2-3b33-c444-def123456789"
"""Where the API is for those who sign in by OAuth."""

SORTS = "com.atlassian.jira.plugin.system.customfieldtypes"
BODY = "Comment body is not valid!"
HOUR = timedelta(hours=1)


class Jira(Simulator):
    """One site. ``admin``: whether our account may write without notifying anybody; ``spent_until``: until when an app
    has used up its points for this hour."""

    process = rules.CLASSIC
    types: Mapping[str, str] = rules.TYPES
    api = API
    open_files = True

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.site = Site(clock, self.tell, self.process)
        self.admin = False
        self.spent_until: datetime | None = None
        self.access, self.refresh = "access-0", "refresh-token-0000"
        self._count = 0
        self._ends: datetime | None = None
        self.settings = {"site": self.url, "project": "OPS", "login": "tandem@example.com", "reference_field": 10050}
        self.secrets = {"token": "api-token-0001", "webhook": "jira-webhook-secret"}
        self._valid = True

    # the API

    def answer(self, request: Request) -> Response:
        if request.path == "/oauth/token":
            return self.sign_in(request)
        if not self.trusted(request):
            return failure(401, "Client must be authenticated to access this resource.")
        if self.spent_until and self.clock() < self.spent_until:
            return self._spent(self.spent_until)
        path = request.path.removeprefix(CLOUD).removeprefix(self.api)
        try:
            return self.route(request.method, tuple(path.strip("/").split("/")), request)
        except Refusal as no:
            return Response.of({"errorMessages": no.messages, "errors": no.errors}, 400)
        except KeyError:
            return failure(404, "Issue does not exist or you do not have permission to see it.")
        except ValueError as error:
            return failure(400, str(error) or "INVALID_INPUT")

    def _spent(self, until: datetime) -> Response:
        """A 429 that tells when points are given again; how long to wait it need not tell."""
        headers = {"X-RateLimit-Limit": "65000", "X-RateLimit-Remaining": "0", "X-RateLimit-NearLimit": "true"}
        headers |= {
            "X-RateLimit-Reset": until.strftime("%Y-%m-%dT%H:%MZ"),
            "RateLimit-Reason": "jira-quota-tenant-based",
        }
        return failure(429, "Rate limit exceeded", headers)

    def sign_in(self, request: Request) -> Response:
        """A refresh token is good once: with the new access token comes another one."""
        asked = request.json()
        if (asked.get("grant_type"), asked.get("refresh_token")) != ("refresh_token", self.refresh):
            return Response.of(
                {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}, 403
            )
        self._renewed()
        told = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600, "token_type": "Bearer"}
        return Response.of(told)

    def _renewed(self) -> None:
        self._count += 1
        self.access, self.refresh = f"access-{self._count}", f"refresh-token-{self._count:04}"
        self._ends = self.clock() + HOUR

    def trusted(self, request: Request) -> bool:
        """Basic at the site's own address, a bearer token at the address of its cloud id, for an hour."""
        pair = base64.b64encode(f"tandem@example.com:{self.secrets.get('token', '')}".encode()).decode()
        app = request.path.startswith(CLOUD)
        if not self._valid or (app and self._ends and self.clock() >= self._ends):
            return False
        return request.headers.get("authorization") == (f"Bearer {self.access}" if app else f"Basic {pair}")

    def route(self, method: str, path: tuple[str, ...], request: Request) -> Response:
        """One call; raises ``Refusal``, KeyError (404) and ValueError (400)."""
        match method, *path:
            case "GET", "issue", "createmeta", _, "issuetypes":
                return Response.of(
                    {"issueTypes": named(self.types, subtask=False), "startAt": 0, "total": len(self.types)}
                )
            case "POST", "issue":
                return self._create(request.json())
            case _, "issue", name, *rest:
                return self._on_issue(method, self.site.find(name), tuple(rest), request)
            case "GET", "attachment", "content", id:
                return self._content(id, request)
            case "GET", "search", "jql":
                return self._search(request.query)
            case "GET" | "POST", "search":
                said = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
                return failure(410, said)
            case "GET", *where:
                return self._about(tuple(where), request.query)
        return failure(405, "Method Not Allowed")

    def fields(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fields as this version of the API takes them."""
        return given

    def rich(self, value: Any) -> dict[str, Any] | None:
        """A text as this version of the API takes it; raises ValueError."""
        return rules.document(value, BODY)

    def given(self, document: dict[str, Any] | None) -> Any:
        """A text as this version of the API gives it."""
        return document

    def _about(self, path: tuple[str, ...], query: Mapping[str, str]) -> Response:
        """What the site tells of itself and its people."""
        match path:
            case ("myself",):
                return Response.of({**self.site.person(OURS), "timeZone": "America/Vancouver"})
            case ("project", key, *rest):
                if key not in (PROJECT["key"], PROJECT["id"]):
                    return failure(404, f"No project could be found with key '{key}'.")
                types = [{**each, "statuses": statuses(self.process)} for each in named(self.types, subtask=False)]
                return Response.of(types if rest == ["statuses"] else {**PROJECT, "projectTypeKey": "software"})
            case ("priority", "search"):
                return Response.of({"values": named(rules.PRIORITIES), "isLast": True, "total": 5})
            case ("resolution",):
                return Response.of(named(rules.RESOLUTIONS))
            case ("field",):
                return Response.of(columns())
            case ("user",):
                return Response.of(self.site.person(query["accountId"]))
            case ("user", "search"):
                return Response.of(self._people(query.get("query", "")))
        return failure(404, "null for uri")

    def _people(self, text: str) -> list[dict[str, Any]]:
        """By what people are called; an e-mail address is matched even where it is not shown."""
        hidden = {"5b10ac8d82e05b22cc7d4ef5": "harry@acme.example"}
        found = []
        for account, person in self.site.people.items():
            names = (person["displayName"], person.get("emailAddress", hidden.get(account, "")))
            if any(text.lower() in name.lower() for name in names):
                found.append(self.site.person(account))
        return found

    def _create(self, asked: Any) -> Response:
        issue = self.site.create(OURS, self.fields(asked.get("fields") or {}))
        return Response.of({"id": issue.id, "key": issue.key, "self": f"{self.url}{API}/issue/{issue.id}"}, 201)

    def _on_issue(self, method: str, issue: Issue, path: tuple[str, ...], request: Request) -> Response:
        if method in ("PUT", "POST", "DELETE") and self.site.too_fast(issue):
            headers = {"Retry-After": "2", "X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}
            return failure(429, "Rate limit exceeded", {**headers, "RateLimit-Reason": "jira-per-issue-on-write"})
        match method, *path:
            case ("GET",):
                return self._shown(issue, request.query)
            case ("PUT",):
                return self._edit(issue, request)
            case "GET", "transitions":
                return Response.of(
                    {"expand": "transitions", "transitions": offered(self.process, issue, request.query)}
                )
            case "POST", "transitions":
                asked = request.json()
                self.site.move(OURS, issue, str(asked["transition"]["id"]), asked.get("fields") or {})
                return Response(204)
            case "GET", "comment":
                return listed("comments", issue.comments, request.query, self._comment)
            case "POST", "comment":
                return self._say(issue, request.json())
            case "PUT", "comment", id:
                made = self.site.reword(OURS, issue, id, self.rich(request.json().get("body")))
                return Response.of(self._comment(made))
            case "POST", "attachments":
                return self._attach(issue, request)
            case "GET", "worklog":
                return listed("worklogs", issue.worklogs, request.query, self._worklog, 5000)
            case "POST", "worklog":
                return self._spend(issue, request.json())
        return failure(405, "Method Not Allowed")

    def _shown(self, issue: Issue, query: Mapping[str, str]) -> Response:
        shown = self.site.shown(issue)
        shown["fields"] |= {name: self.given(shown["fields"][name]) for name in rules.RICH}
        wanted = query.get("fields", "*all").split(",")
        if "*all" not in wanted and "*navigable" not in wanted:
            shown["fields"] = {name: value for name, value in shown["fields"].items() if name in wanted}
        return Response.of(shown)

    def _edit(self, issue: Issue, request: Request) -> Response:
        """A transition in it is ignored; so is all of it where we ask for silence without the right to."""
        fields = self.fields(request.json().get("fields") or {})
        if request.query.get("notifyUsers") != "false" or self.admin:
            self.site.update(OURS, issue, fields)
        return Response(204)

    def _say(self, issue: Issue, asked: Mapping[str, Any]) -> Response:
        """``jsdPublic`` cannot be set: only the property of a service project hides a comment from its customers."""
        body = self.rich(asked.get("body"))
        if body is None:
            raise Refusal({"comment": BODY})
        told = [each.get("value") for each in asked.get("properties", []) if each.get("key") == "sd.public.comment"]
        internal = any(isinstance(value, Mapping) and value.get("internal") is True for value in told)
        return Response.of(self._comment(self.site.say(OURS, issue, body, internal)), 201)

    def _comment(self, made: Mapping[str, Any]) -> dict[str, Any]:
        made = {**made, "body": self.given(made["body"])}
        return {**made, **{name: self.site.person(made[name]["accountId"]) for name in ("author", "updateAuthor")}}

    def _attach(self, issue: Issue, request: Request) -> Response:
        if request.headers.get("x-atlassian-token") != "no-check":
            return failure(403, "XSRF check failed")
        made = [self.site.attach(OURS, issue, *part) for part in parts(request, "file")]
        return Response.of(made) if made else failure(400, "No files were sent")

    def _content(self, id: str, request: Request) -> Response:
        if request.query.get("redirect") != "false":
            return Response(303, headers={"Location": f"{self.url}/media/{id}"})
        return Response(200, self.site.content[id], "application/octet-stream")

    def _spend(self, issue: Issue, asked: Mapping[str, Any]) -> Response:
        started = str(asked.get("started", ""))
        try:
            datetime.strptime(started, "%Y-%m-%dT%H:%M:%S.%f%z")
        except ValueError:
            raise Refusal(None, f"Cannot deserialize value of type Date from String {started!r}") from None
        if not started.endswith(("+0000", "-0800")):
            raise Refusal(None, f"Cannot deserialize value of type Date from String {started!r}")
        comment = self.rich(asked.get("comment"))
        return Response.of(self.site.spend(OURS, issue, int(asked["timeSpentSeconds"]), started, comment), 201)

    def _worklog(self, made: Mapping[str, Any]) -> dict[str, Any]:
        return {**made, "author": self.site.person(made["author"]["accountId"]), "comment": self.given(made["comment"])}

    def _search(self, query: Mapping[str, str]) -> Response:
        """A page, whose token is the position; the last page has none. Fields are the id alone unless asked for."""
        found = self.site.searched(query.get("jql", ""))
        start = int(query.get("nextPageToken") or 0)
        end = start + min(int(query.get("maxResults") or 50), 100)
        wanted = set(filter(None, query.get("fields", "").split(",")))
        rows = [kept(issue, wanted) for issue in found[start:end]]
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return Response.of({"issues": rows, "isLast": end >= len(found), **more})

    # webhooks

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        made = hmac.new(self.secrets["webhook"].encode(), body, "sha256").hexdigest()
        headers = {"Content-Type": "application/json", "X-Atlassian-Webhook-Identifier": delivery}
        return {**headers, "X-Hub-Signature": f"sha256={made}"}

    def tell(self, event: str, by: str, issue: Issue, more: Mapping[str, Any]) -> None:
        """The payload of an event: those of comments name no user and show little of the issue, and texts are plain."""
        shown = self.site.shown(issue)
        shown["self"] = f"{self.url}/rest/api/2/issue/{issue.id}"
        shown["fields"] |= {name: words(shown["fields"][name]) or None for name in rules.RICH}
        body: dict[str, Any] = {"timestamp": int(self.clock().timestamp() * 1000), "webhookEvent": event, **more}
        if event.startswith("comment_"):
            few = ("summary", "issuetype", "project", "assignee", "priority", "status")
            shown["fields"] = {name: shown["fields"].get(name) for name in few}
            body["comment"] = {**self._comment(more["comment"]), "body": words(more["comment"]["body"])}
        else:
            body["user"] = self.site.person(by)
        if event == "worklog_created":
            self.announce(json.dumps(body).encode())
            return
        self.announce(json.dumps({**body, "issue": shown}, separators=(",", ":")).encode())

    # people at work there

    def open_record(self, title: str) -> str:
        return self.site.create(PAULA, {"summary": title, "project": PROJECT, "issuetype": {"id": "10011"}}).id

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        issue = self.site.find(id)
        moved = {name: values[name] for name in ("status", "resolution") if name in values}
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name not in moved:
                family, _, key = name.rpartition(":")
                given[key] = {"value": value} if family == "select" else _wire(key, value)
        stored = rules.settable(given, self.site.people.__contains__, "update")
        self.site.put(PAULA, issue, {**stored, **{k: {"id": v} if v else None for k, v in moved.items()}})

    def shows(self, id: str) -> Mapping[str, Any]:
        return self.site.shown(self.site.find(id))

    def ids(self) -> list[str]:
        return list(self.site.issues)

    def say(self, id: str, text: str, public: bool) -> str:
        return str(self.site.say(PAULA, self.site.find(id), written(text), not public)["id"])

    def said(self, id: str) -> list[Said]:
        comments = self.site.find(id).comments
        return [Said(c["id"], c["author"]["accountId"], words(c["body"]), c["jsdPublic"]) for c in comments]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        return str(self.site.attach(PAULA, self.site.find(id), name, "application/octet-stream", data)["id"])

    def kept(self, id: str) -> list[Kept]:
        files = self.site.find(id).files
        return [
            Kept(f["id"], f["filename"], self.site.content[f["id"]], f.get("public", self.open_files)) for f in files
        ]

    def spent(self, id: str) -> list[int]:
        return [each["timeSpentSeconds"] // 60 for each in self.site.find(id).worklogs]

    def work(self, id: str, minutes: int, text: str) -> str:
        issue, started = self.site.find(id), rules.stamp(self.clock())
        return str(self.site.spend(PAULA, issue, minutes * 60, started, written(text))["id"])

    def edit(self, id: str, comment: str, text: str | None) -> None:
        self.site.reword(PAULA, self.site.find(id), comment, None if text is None else written(text))

    def remove(self, id: str) -> None:
        self.site.remove(PAULA, self.site.find(id))

    def move(self, id: str) -> None:
        issue = self.site.find(id)
        issue.key = f"ARC-{issue.id}"
        self.site.put(PAULA, issue, {"project": dict(ELSEWHERE)})

    def revoke(self) -> None:
        self._valid = False


class JiraOAuth(Jira):
    """The same site for an app that signs in with a refresh token, which changes each time it is used."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        oauth = {"url": f"{self.url}{CLOUD}", "auth_url": self.url, "client_id": "app-1"}
        self.settings = {**{name: value for name, value in self.settings.items() if name != "login"}, **oauth}
        secrets = {"client_secret": "client-secret-1", "refresh_token": self.refresh}
        self.secrets = {**secrets, "webhook": self.secrets["webhook"]}

    def expire(self) -> None:
        self.access = f"after-{self.access}"


def _wire(name: str, value: Any) -> Any:
    """A normal value as the API takes it."""
    if value is None:
        return None
    if name in ("assignee", "reporter"):
        return {"accountId": value}
    if name in ("priority", "issuetype"):
        return {"id": value}
    return written(value) if name in rules.RICH else value


def named(table: Mapping[str, str], **more: Any) -> list[dict[str, Any]]:
    """A list of the site: ids with their names."""
    return [{"id": id, "name": name, **more} for id, name in table.items()]


def statuses(process: rules.Process) -> list[dict[str, Any]]:
    return [
        {"id": id, "name": name, "statusCategory": {"id": rules.CATEGORIES[kind][0], "key": kind}}
        for id, (name, kind) in process.statuses.items()
    ]


def columns() -> list[dict[str, Any]]:
    """The fields of the site, its own and those somebody made."""
    own = [{"id": name, "key": name, "name": name, "custom": False} for name in ("summary", "status", "labels")]
    made = [
        {"id": id, "key": id, "name": name, "custom": True, "schema": {"type": kind, "custom": f"{SORTS}:{sort}"}}
        for id, (name, kind, sort) in rules.CUSTOM.items()
    ]
    return own + made


SCREEN = {
    "required": True,
    "hasDefaultValue": False,
    "name": "Resolution",
    "key": "resolution",
    "operations": ["set"],
    "schema": {"type": "resolution", "system": "resolution"},
    "allowedValues": named(rules.RESOLUTIONS),
}
"""What a screen says of the one field it has."""


def offered(process: rules.Process, issue: Issue, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The transitions from where an issue is, with the fields of their screens where these are asked for."""
    found = []
    for each in process.arrows[issue.fields["status"]["id"]]:
        label, kind = process.statuses[each.to]
        to = {"id": each.to, "name": label, "statusCategory": {"key": kind}}
        found.append({"id": each.id, "name": each.name, "hasScreen": each.screen, "isAvailable": True, "to": to})
        if "transitions.fields" in query.get("expand", ""):
            found[-1]["fields"] = {"resolution": SCREEN} if each.screen else {}
    return found


def listed(
    name: str,
    rows: list[dict[str, Any]],
    query: Mapping[str, str],
    show: Callable[[Mapping[str, Any]], dict[str, Any]],
    most: int = 100,
) -> Response:
    """A list paged by position, of ``most`` rows a page."""
    start, size = int(query.get("startAt") or 0), min(int(query.get("maxResults") or most), most)
    page = [show(each) for each in rows[start : start + size]]
    return Response.of({name: page, "startAt": start, "maxResults": size, "total": len(rows)})


def kept(issue: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    """An issue of a search with the fields that were asked for."""
    fields = {name: value for name, value in issue["fields"].items() if name in wanted or "*all" in wanted}
    return {"id": issue["id"], **({"key": issue["key"], "fields": fields} if fields else {})}


def parts(request: Request, field: str) -> list[tuple[str, str, bytes]]:
    """The files of a multipart body under ``field``: (name, type, bytes)."""
    edge = b"--" + request.headers.get("content-type", "").partition("boundary=")[2].strip('"').encode()
    found = []
    for part in request.body.split(edge)[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        text = head.decode("utf-8")
        named = re.search(r'name="([^"]*)"; filename="([^"]*)"', text)
        if named and named[1] == field:
            mime = re.search(r"(?im)^content-type: *(\S+)", text)
            name = named[2].replace("%22", '"')
            found.append((name, mime[1] if mime else "application/octet-stream", data.removesuffix(b"\r\n")))
    return found


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in Jira's shape."""
    return Response.of({"errorMessages": [message], "errors": {}}, status, headers)
