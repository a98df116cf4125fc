"""A loopback service project: Jira's platform in its version 2, whose texts are plain markup, and the service desk API.

Requests are raised for customers, with the fields of their form and no others; comments are public or internal, and
who may not read a request is shown no comments instead of an error; a public answer moves the request on; customers see
only what is said or attached in public. Methods called experimental need a header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.simulators import jira_rules as rules
from connectors.simulators.jira import BODY, CLOUD, Jira, JiraOAuth, failure, parts
from connectors.simulators.jira_rules import Refusal, words, written
from connectors.simulators.jira_site import ALICE, OURS, PAULA, PROJECT, Issue
from connectors.simulators.loopback import Request, Response

DESK = "10"
REQUEST = "25"
PLATFORM = "/rest/api/2"
SERVICE = "/rest/servicedeskapi/"
FORM = frozenset({"summary", "description", "customfield_10050"})
"""The fields of the request type."""

MOST = 50
"""Rows per page at most."""


class Jsm(Jira):
    """One service desk. ``agent``: whether our account is one; ``automation``: whether an answer moves the request."""

    process = rules.SERVICE
    types: Mapping[str, str] = {id: name for id, name in rules.TYPES.items() if name != "Task"}
    api = PLATFORM
    open_files = False  # what hangs on the issue alone does not show in the portal

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.agent = True
        self.automation = True
        self.settings = {**self.settings, "service_desk": DESK, "request_type": REQUEST, "customer": ALICE}
        self._waiting: dict[str, tuple[str, str, bytes]] = {}

    def route(self, method: str, path: tuple[str, ...], request: Request) -> Response:
        where = request.path.removeprefix(CLOUD)
        if not where.startswith(SERVICE):
            return super().route(method, path, request)
        try:
            return self._serve(method, tuple(where.removeprefix(SERVICE).split("/")), request)
        except Refusal as no:
            said = " ".join([*no.messages, *no.errors.values()])
            return Response.of({"errorMessage": said, "i18nErrorMessage": {"i18nKey": "sd.error"}}, 400)

    def _serve(self, method: str, path: tuple[str, ...], request: Request) -> Response:
        """One call of the service desk API; raises ``Refusal`` and KeyError."""
        match method, *path:
            case "GET", "servicedesk", desk, "queue":
                return self._queues(desk, request.query)
            case "GET", "servicedesk", desk, "customer":
                if request.headers.get("x-experimentalapi") != "opt-in":
                    return Response.of({"errorMessage": "This API is experimental and requires opting in."}, 412)
                return paged(self._people(request.query.get("query", "")), request.query)
            case "POST", "servicedesk", desk, "attachTemporaryFile":
                return self._keep(request)
            case "POST", "request":
                return self._raise(request.json())
            case "GET", "request", name, "comment":
                return self._comments(self.site.find(name), request.query)
            case "POST", "request", name, "comment":
                return self._answer(self.site.find(name), request.json())
            case "POST", "request", name, "attachment":
                return self._attached(self.site.find(name), request.json())
        return Response.of({"errorMessage": "null for uri"}, 404)

    def _queues(self, desk: str, query: Mapping[str, str]) -> Response:
        """For agents alone."""
        if desk != DESK:
            return Response.of({"errorMessage": "The Service Desk you are trying to view does not exist."}, 404)
        if not self.agent:
            return Response.of({"errorMessage": "You do not have permission to view the agent view."}, 403)
        return paged([{"id": "20", "name": "All open", "fields": ["summary", "status"]}], query)

    def _raise(self, asked: Mapping[str, Any]) -> Response:
        if (asked.get("serviceDeskId"), asked.get("requestTypeId")) != (DESK, REQUEST):
            raise Refusal(None, "The request type or service desk does not exist.")
        given = dict(asked.get("requestFieldValues") or {})
        for name in given.keys() - FORM:
            raise Refusal({name: f"The field '{name}' is not on the form of this request type."})
        customer = asked.get("raiseOnBehalfOf", OURS)
        if customer not in self.site.people:
            raise Refusal(None, "The user you are trying to raise the request on behalf of does not exist.")
        fixed = {"project": {"key": PROJECT["key"]}, "issuetype": {"id": "10011"}, "reporter": {"accountId": customer}}
        issue = self.site.create(OURS, {**self.fields(given), **fixed})
        made = {"issueId": issue.id, "issueKey": issue.key, "requestTypeId": REQUEST, "serviceDeskId": DESK}
        return Response.of({**made, "createdDate": date(issue.created)}, 201)

    def _comments(self, issue: Issue, query: Mapping[str, str]) -> Response:
        shown = [each for each in issue.comments if self.agent or each["jsdPublic"]]
        wanted = {True: query.get("public", "true") == "true", False: query.get("internal", "true") == "true"}
        return paged([self._said(each) for each in shown if wanted[each["jsdPublic"]]], query)

    def _said(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """A comment as this API shows it."""
        shown = {"id": made["id"], "body": words(made["body"]), "public": made["jsdPublic"]}
        created = date(datetime.fromisoformat(made["created"]))
        author = {k: v for k, v in self.site.person(made["author"]["accountId"]).items() if k != "accountType"}
        return {**shown, "author": author, "created": created}

    def _answer(self, issue: Issue, asked: Mapping[str, Any]) -> Response:
        if not isinstance(asked.get("public"), bool):
            raise Refusal(None, "The field 'public' is required.")
        if not str(asked.get("body") or "").strip():
            raise Refusal(None, "Comment body can not be empty!")
        made = self.site.say(OURS, issue, written(asked["body"]), not asked["public"])
        if asked["public"]:
            self._moves(issue, "10101", "10102")
        return Response.of(self._said(made), 201)

    def _moves(self, issue: Issue, before: str, after: str) -> None:
        """The rule that a service project begins with: an answer waits for the customer, and theirs for us."""
        if self.automation and issue.fields["status"]["id"] == before:
            self.site.put("automation", issue, {"status": {"id": after}})

    def _keep(self, request: Request) -> Response:
        if request.headers.get("x-atlassian-token") != "no-check":
            return failure(403, "XSRF check failed")
        made = []
        for part in parts(request, "file"):
            self._waiting[f"temp{self.site.next()}"] = part
            made.append({"temporaryAttachmentId": list(self._waiting)[-1], "fileName": part[0]})
        return Response.of({"temporaryAttachments": made}, 201)

    def _attached(self, issue: Issue, asked: Mapping[str, Any]) -> Response:
        """Files become those of a new comment, and are as public as that."""
        body = str((asked.get("additionalComment") or {}).get("body", ""))
        for id in asked["temporaryAttachmentIds"]:
            name, mime, data = self._waiting.pop(id)
            self.site.attach(OURS, issue, name, mime, data)["public"] = asked["public"]
            body += f" [^{name}]"
        made = self.site.say(OURS, issue, written(body.strip()), not asked["public"])
        return Response.of({"comment": self._said(made)}, 201)

    # version 2 of the platform

    def fields(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**given, **{name: self.rich(given[name]) for name in rules.RICH & given.keys()}}

    def rich(self, value: Any) -> dict[str, Any] | None:
        if value is not None and not isinstance(value, str):
            raise ValueError(BODY)
        return rules.document(written(value), BODY) if value else None

    def given(self, document: dict[str, Any] | None) -> Any:
        return words(document) if document else None

    def tell(self, event: str, by: str, issue: Issue, more: Mapping[str, Any]) -> None:
        super().tell(event, by if by in self.site.people else PAULA, issue, more)

    # people at work there

    def say(self, id: str, text: str, public: bool) -> str:
        made = super().say(id, text, public)
        if public:
            self._moves(self.site.find(id), "10101", "10102")
        return made

    def ask(self, id: str, text: str) -> str:
        """A customer writes in the portal; its id."""
        issue = self.site.find(id)
        made = self.site.say(ALICE, issue, written(text), False)
        self._moves(issue, "10102", "10101")
        return str(made["id"])

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        made = super().upload(id, name, data, public)
        next(each for each in self.site.find(id).files if each["id"] == made)["public"] = public
        return made


class JsmOAuth(JiraOAuth, Jsm):
    """The same service desk for an app, whose refresh token changes each time it is used."""


def paged(rows: list[dict[str, Any]], query: Mapping[str, str]) -> Response:
    """A page of this API; it is never longer than ``MOST``."""
    start, size = int(query.get("start") or 0), min(int(query.get("limit") or MOST), MOST)
    page = rows[start : start + size]
    last = start + size >= len(rows)
    return Response.of({"values": page, "start": start, "limit": size, "size": len(page), "isLastPage": last})


def date(moment: datetime) -> dict[str, Any]:
    """A moment in the four forms of this API."""
    jira = rules.stamp(moment)
    told = {"iso8601": f"{jira[:19]}+0000", "jira": jira, "friendly": f"{moment:%A %H:%M}"}
    return {**told, "epochMillis": int(moment.timestamp() * 1000)}
