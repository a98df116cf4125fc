"""The state of a loopback Jira site: issues with comments, files and time, and what its search has seen of them."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.simulators import jira_rules as rules
from connectors.simulators.jira_rules import Fields, Refusal, stamp

PROJECT = {"id": "10008", "key": "OPS", "name": "Operations"}
ELSEWHERE = {"id": "10009", "key": "ARC", "name": "Archive"}
OURS, PAULA, ALICE = "5cedcb4355a88a0fc86388ba", "5c5f880629be9642ba529340", "qm:a1b2c3d4:alice"
PEOPLE = {
    OURS: {"displayName": "Tandem Integration", "emailAddress": "tandem@example.com"},
    PAULA: {"displayName": "Paula", "emailAddress": "paula@acme.example"},
    ALICE: {"displayName": "Alice", "emailAddress": "alice@customer.example"},
    "5b10ac8d82e05b22cc7d4ef5": {"displayName": "Hidden Harry"},
}
WRITES = ((20, timedelta(seconds=2)), (100, timedelta(seconds=30)))
"""How many writes one issue takes in which time."""

Told = Callable[[str, str, "Issue", Mapping[str, Any]], None]
"""An event: its name, the account that did it, the issue, and what the webhook says besides."""


@dataclass
class Issue:
    """``seen``: what the search index will show, and from when on; ``written``: when the API wrote to it."""

    id: str
    key: str
    fields: Fields
    created: datetime
    updated: datetime
    comments: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    worklogs: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[datetime, datetime, dict[str, Any]]] = field(default_factory=list)
    written: deque[datetime] = field(default_factory=deque)


class Site:
    """One site with the project OPS. ``lag``: seconds by which its search index stays behind."""

    def __init__(
        self, clock: Callable[[], datetime], told: Told, process: rules.Process = rules.CLASSIC, lag: float = 5.0
    ) -> None:
        self.clock = clock
        self.process = process
        self.issues: dict[str, Issue] = {}
        self.people = {account: dict(person) for account, person in PEOPLE.items()}
        self.content: dict[str, bytes] = {}
        self.lag = timedelta(seconds=lag)
        self._told = told
        self._number = 10000
        self._moment: datetime | None = None

    def next(self) -> str:
        """The next id of anything."""
        self._number += 1
        return str(self._number)

    def find(self, name: str) -> Issue:
        """By id or key; raises KeyError."""
        if name in self.issues:
            return self.issues[name]
        return next(each for each in self.issues.values() if each.key == name) if self._keys(name) else self._none(name)

    def _keys(self, name: str) -> bool:
        return any(each.key == name for each in self.issues.values())

    def _none(self, name: str) -> Issue:
        raise KeyError(name)

    # what happens to issues

    def create(self, by: str, given: Mapping[str, Any]) -> Issue:
        """Raises ``Refusal``."""
        stored = rules.settable(given, self.people.__contains__, "create")
        now = self.clock()
        id = self.next()
        blank: Fields = dict.fromkeys(rules.CUSTOM)
        blank |= {"description": None, "assignee": None, "duedate": None, "labels": [], "resolution": None}
        blank |= {"priority": {"id": "3", "name": "Medium"}, "reporter": {"accountId": by}}
        fields = {**blank, **stored, "project": dict(PROJECT), "status": {"id": self.process.start}}
        issue = self.issues[id] = Issue(id, f"OPS-{len(self.issues) + 1}", fields, now, now)
        issue.fields["creator"] = {"accountId": by}
        self._index(issue)
        self._told("jira:issue_created", by, issue, {"issue_event_type_name": "issue_created"})
        return issue

    def update(self, by: str, issue: Issue, given: Mapping[str, Any]) -> None:
        """Raises ``Refusal``."""
        self._set(by, issue, rules.settable(given, self.people.__contains__, "update"))

    def put(self, by: str, issue: Issue, stored: Fields) -> None:
        """As an administrator may: past the workflow."""
        self._set(by, issue, stored)

    def move(self, by: str, issue: Issue, transition: str, given: Mapping[str, Any]) -> None:
        """A transition; raises ``Refusal``."""
        offered = self.process.arrows[issue.fields["status"]["id"]]
        chosen = next((each for each in offered if each.id == transition), None)
        if chosen is None:
            raise Refusal(None, f"Transition id '{transition}' is not valid for this issue.")
        for name in given:
            if not chosen.screen or name != "resolution":
                raise Refusal({name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."})
        resolution = (given.get("resolution") or {}).get("id")
        stored: Fields = {"status": {"id": chosen.to}}
        if chosen.screen:
            if resolution not in rules.RESOLUTIONS:
                raise Refusal({"resolution": "Please select a valid resolution."})
            stored["resolution"] = {"id": resolution}
        elif self.process.statuses[chosen.to][1] != "done":
            stored["resolution"] = None
        self._set(by, issue, stored)

    def _set(self, by: str, issue: Issue, stored: Fields) -> None:
        changed = {name: value for name, value in stored.items() if issue.fields.get(name) != value}
        issue.fields |= changed
        items = [{"field": name, "fieldId": name, "fieldtype": "jira"} for name in changed]
        more = {"issue_event_type_name": "issue_generic" if "status" in changed else "issue_updated"}
        self.touch(issue)
        if changed:
            self._told("jira:issue_updated", by, issue, {**more, "changelog": {"id": self.next(), "items": items}})

    def touch(self, issue: Issue) -> None:
        """Something about it changed now."""
        issue.updated = self.clock()
        self._index(issue)

    def remove(self, by: str, issue: Issue) -> None:
        del self.issues[issue.id]
        self._told("jira:issue_deleted", by, issue, {})

    def say(self, by: str, issue: Issue, body: dict[str, Any], internal: bool) -> dict[str, Any]:
        """A comment, as the API shows it."""
        now = stamp(self.clock())
        made: dict[str, Any] = {"id": self.next(), "author": {"accountId": by}, "updateAuthor": {"accountId": by}}
        made |= {"body": body, "created": now, "updated": now, "jsdPublic": not internal}
        issue.comments.append(made)
        self.touch(issue)
        self._told("comment_created", by, issue, {"comment": made})
        return made

    def reword(self, by: str, issue: Issue, id: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Another text for a comment, or None: it is deleted. Raises KeyError."""
        found = next((each for each in issue.comments if each["id"] == id), None)
        if found is None:
            raise KeyError(id)
        if body is None:
            issue.comments.remove(found)
        else:
            found |= {"body": body, "updateAuthor": {"accountId": by}, "updated": stamp(self.clock())}
        self.touch(issue)
        self._told("comment_deleted" if body is None else "comment_updated", by, issue, {"comment": found})
        return found

    def attach(self, by: str, issue: Issue, name: str, mime: str, data: bytes) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self.next(), "filename": name, "author": {"accountId": by}}
        made |= {"created": stamp(self.clock()), "size": len(data), "mimeType": mime}
        self.content[made["id"]] = data
        issue.files.append(made)
        self.touch(issue)
        changelog = {"id": self.next(), "items": [{"field": "Attachment", "fieldtype": "jira", "to": made["id"]}]}
        more = {"issue_event_type_name": "issue_updated", "changelog": changelog}
        self._told("jira:issue_updated", by, issue, more)
        return made

    def spend(self, by: str, issue: Issue, seconds: int, started: str, comment: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self.next(), "author": {"accountId": by}, "timeSpentSeconds": seconds}
        made |= {"started": started, "comment": comment, "created": stamp(self.clock()), "updated": stamp(self.clock())}
        issue.worklogs.append(made)
        self.touch(issue)
        self._told("worklog_created", by, issue, {"worklog": {**made, "issueId": issue.id}})
        return made

    def rebook(self, issue: Issue, id: str, seconds: int) -> None:
        """Somebody corrects the time they booked. Raises StopIteration."""
        entry = next(each for each in issue.worklogs if each["id"] == id)
        entry |= {"timeSpentSeconds": seconds, "updated": stamp(self.clock())}
        self.touch(issue)

    # how they are shown

    def shown(self, issue: Issue) -> dict[str, Any]:
        """The issue as the API shows it, without its comments."""
        fields = copy.deepcopy(issue.fields)
        for name in ("assignee", "reporter", "creator"):
            if fields[name]:
                fields[name] = self.person(fields[name]["accountId"])
        label, category = self.process.statuses[fields["status"]["id"]]
        number, word = rules.CATEGORIES[category]
        fields["status"] |= {"name": label, "statusCategory": {"id": number, "key": category, "name": word}}
        if fields["resolution"]:
            fields["resolution"]["name"] = rules.RESOLUTIONS[fields["resolution"]["id"]]
        fields |= {"created": stamp(issue.created), "updated": stamp(issue.updated), "attachment": issue.files}
        fields["votes"] = {"votes": 0}
        fields["timespent"] = sum(each["timeSpentSeconds"] for each in issue.worklogs) or None
        return {"id": issue.id, "key": issue.key, "fields": fields}

    def person(self, account: str) -> dict[str, Any]:
        """Somebody as the API shows them: an e-mail only where they let it be seen."""
        return {"accountId": account, "active": True, "accountType": "atlassian", **self.people[account]}

    def _index(self, issue: Issue) -> None:
        issue.seen.append((self.clock() + self.lag, issue.updated, self.shown(issue)))
        del issue.seen[:-50]

    def searched(self, jql: str) -> list[dict[str, Any]]:
        """What the index holds by now of the issues a query asks for, the longest unchanged first."""
        asked, now = rules.query(jql), self.clock()
        found = []
        for issue in self.issues.values():
            known = [(changed, shown) for at, changed, shown in issue.seen if at <= now]
            if known and asked(known[-1][1], known[-1][0]):
                found.append(known[-1])
        return [shown for _, shown in sorted(found, key=lambda each: (each[0], int(each[1]["id"])))]

    def too_fast(self, issue: Issue) -> bool:
        """Whether one more write to this issue is too many; counts it where it is not."""
        now = self.clock()
        if any(sum(now - at < period for at in issue.written) >= most for most, period in WRITES):
            return True
        issue.written.append(now)
        while len(issue.written) > WRITES[-1][0]:
            issue.written.popleft()
        return False
