"""What a Jira Cloud site enforces: its workflow with screens, which fields may be set where, JQL, and rich text.

Written from the vendor's documentation: the classic workflow (a wait added), refusals in the vendor's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Fields = dict[str, Any]

CATEGORIES = {"new": (2, "To Do"), "indeterminate": (4, "In Progress"), "done": (3, "Done")}
RESOLUTIONS = {"10000": "Done", "10001": "Won't Do", "10002": "Duplicate", "10003": "Cannot Reproduce"}
PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
TYPES = {"10011": "Incident", "10012": "Service request", "10013": "Problem", "10014": "Task"}
OPTIONS = {
    "customfield_10004": {"10100": "Extensive", "10101": "Significant", "10102": "Moderate"},
    "customfield_10005": {"10110": "High", "10111": "Medium", "10112": "Low"},
}
CUSTOM = {
    "customfield_10050": ("External reference", "string", "textfield"),
    "customfield_10051": ("Site", "string", "textfield"),
    "customfield_10052": ("Steps", "string", "textarea"),
    "customfield_10053": ("Booked on", "date", "datepicker"),
    "customfield_10054": ("Call back", "datetime", "datetime"),
    "customfield_10004": ("Impact", "option", "select"),
    "customfield_10005": ("Urgency", "option", "radiobuttons"),
    "customfield_10060": ("Seats", "number", "float"),
}
"""Fields somebody made: name, type, and sort, which tells whether text is a tree."""

RICH = frozenset({"description", *(name for name, told in CUSTOM.items() if told[2] == "textarea")})
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
SUMMARY = 255
TEXT = 32767


@dataclass(frozen=True)
class Transition:
    """One arrow of the workflow; ``screen``: it asks for a resolution."""

    id: str
    name: str
    to: str
    screen: bool = False


@dataclass(frozen=True)
class Process:
    """A workflow: its statuses (name, category), its arrows from each of them, and where issues begin."""

    statuses: Mapping[str, tuple[str, str]]
    arrows: Mapping[str, tuple[Transition, ...]]
    start: str


_PROGRESS = Transition("4", "Start Progress", "3")
_RESOLVE = Transition("5", "Resolve Issue", "5", True)
_CLOSE = Transition("2", "Close Issue", "6", True)
_REOPEN = Transition("3", "Reopen Issue", "4")

CLASSIC = Process(
    statuses={
        "1": ("Open", "new"),
        "3": ("In Progress", "indeterminate"),
        "4": ("Reopened", "new"),
        "5": ("Resolved", "done"),
        "6": ("Closed", "done"),
        "10010": ("Waiting", "indeterminate"),
    },
    arrows={
        "1": (_PROGRESS, _RESOLVE, _CLOSE),
        "3": (Transition("301", "Stop Progress", "1"), Transition("711", "Wait", "10010"), _RESOLVE, _CLOSE),
        "4": (_PROGRESS, _RESOLVE, _CLOSE),
        "5": (Transition("701", "Close Issue", "6"), _REOPEN),
        "6": (_REOPEN,),
        "10010": (Transition("721", "Back to work", "3"),),
    },
    start="1",
)
"""The workflow Jira begins with, a wait added."""


def _service() -> Process:
    to = {
        "3": Transition("11", "Start work", "3"),
        "5": Transition("761", "Resolve this issue", "5", True),
        "6": Transition("971", "Close", "6"),
        "10101": Transition("851", "Back to support", "10101"),
        "10102": Transition("821", "Respond to customer", "10102"),
        "10103": Transition("871", "Pending", "10103"),
        "10104": Transition("891", "Escalate this issue", "10104"),
        "10105": Transition("901", "Cancel request", "10105", True),
    }
    ways = {
        "1": ("3", "10103", "10105"),
        "10101": ("10102", "3", "10103", "10104", "5", "10105"),
        "10102": ("10101", "5", "10105"),
        "10103": ("10101", "3"),
        "3": ("10102", "10103", "5"),
        "10104": ("3", "10101"),
        "5": ("6", "10101"),
        "6": (),
        "10105": (),
    }
    statuses = {
        "1": ("Open", "new"),
        "10101": ("Waiting for support", "indeterminate"),
        "10102": ("Waiting for customer", "indeterminate"),
        "10103": ("Pending", "indeterminate"),
        "3": ("Work in progress", "indeterminate"),
        "10104": ("Escalated", "indeterminate"),
        "5": ("Resolved", "done"),
        "6": ("Closed", "done"),
        "10105": ("Canceled", "done"),
    }
    return Process(statuses, {here: tuple(to[each] for each in there) for here, there in ways.items()}, "10101")


SERVICE = _service()
"""The workflow of an IT service project."""


class Refusal(Exception):
    """A 400 in Jira's words: ``errors`` by field, ``messages`` for the rest."""

    def __init__(self, errors: Mapping[str, str] | None = None, *messages: str) -> None:
        super().__init__(*messages)
        self.errors = dict(errors or {})
        self.messages = list(messages)


def stamp(moment: datetime) -> str:
    """Jira's own form: milliseconds, an offset without a colon, in the zone of the user."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def settable(fields: Mapping[str, Any], known: Callable[[str], bool], on: str) -> Fields:
    """``fields`` as they are stored; raises ``Refusal`` naming each field at fault. ``known``: who is there."""
    errors: dict[str, str] = {}
    stored: Fields = {}
    for name, value in fields.items():
        try:
            stored[name] = _checked(name, value, known, on)
        except ValueError as error:
            errors[name] = str(error)
    if on == "create":
        for name, sentence in (
            ("summary", "You must specify a summary of the issue."),
            ("issuetype", "Specify a valid issue type"),
            ("project", "Specify a valid project ID or key"),
        ):
            if not stored.get(name):
                errors.setdefault(name, sentence)
    if errors:
        raise Refusal(errors)
    return stored


def _checked(name: str, value: Any, known: Callable[[str], bool], on: str) -> Any:
    if name in ("assignee", "reporter"):
        account = (value or {}).get("accountId")
        if account and not known(account):
            raise ValueError(f"User '{account}' does not exist.")
        return {"accountId": account} if account else None
    if name in RICH:
        return document(value, "Operation value must be an Atlassian Document (see the Atlassian Document Format)")
    if name in CUSTOM:
        return _custom(name, value)
    if name not in _PLAIN or (name in ("project", "issuetype") and on == "update"):
        raise ValueError(f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.")
    return _PLAIN[name](value)


def _summary(value: Any) -> str:
    text = str(value or "")
    if not text.strip():
        raise ValueError("You must specify a summary of the issue.")
    if len(text) > SUMMARY:
        raise ValueError("Summary must be less than 255 characters.")
    if "\n" in text:
        raise ValueError("The summary is invalid because it contains newline characters.")
    return text


def _one_of(table: Mapping[str, str], what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        id = (value or {}).get("id")
        if str(id) not in table:
            raise ValueError(f"The {what} selected is invalid.")
        return {"id": str(id), "name": table[str(id)]}

    return check


def _labels(value: Any) -> list[str]:
    for label in value or []:
        if " " in label:
            raise ValueError(f"The label '{label}' contains spaces which is invalid.")
    return list(dict.fromkeys(value or []))


def _date(value: Any) -> str | None:
    if value and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
        raise ValueError(f"Error parsing date string: {value}")
    return value or None


def _project(value: Any) -> Any:
    return value if isinstance(value, Mapping) and (value.get("key") == "OPS" or value.get("id") == "10008") else None


def _custom(name: str, value: Any) -> Any:
    kind = CUSTOM[name][1]
    if value is None or value == "":
        return None
    if kind == "option":
        options = OPTIONS[name]
        found = next((k for k, v in options.items() if value.get("value") == v or value.get("id") == k), None)
        if found is None:
            raise ValueError(f"Specify a valid 'id' or 'name' for {CUSTOM[name][0]}")
        return {"id": found, "value": options[found]}
    if kind == "number" and isinstance(value, str):
        raise ValueError("Operation value must be a number")
    if kind == "date":
        return _date(value)
    if kind == "datetime" and not MOMENT.fullmatch(str(value)):
        raise ValueError(f"Error parsing time: {value}")
    if kind == "string" and not isinstance(value, str):
        raise ValueError("Operation value must be a string")
    if kind == "string" and len(value) > SUMMARY:
        raise ValueError("The entered text is too long. It exceeds the allowed limit of 255 characters.")
    return value


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "summary": _summary,
    "priority": _one_of(PRIORITIES, "priority"),
    "issuetype": _one_of(TYPES, "issue type"),
    "labels": _labels,
    "duedate": _date,
    "project": _project,
}


# rich text ------------------------------------------------------------------------------------------------------------


def document(value: Any, sentence: str) -> dict[str, Any] | None:
    """An ADF document, or None; raises ValueError with ``sentence``."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("type") != "doc" or value.get("version") != 1:
        raise ValueError(sentence)
    if not isinstance(value.get("content"), list) or any(not _node(each) for each in value["content"]):
        raise ValueError("INVALID_INPUT")
    if len(words(value)) > TEXT:
        raise ValueError("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
    return value


def _node(node: Any) -> bool:
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        return False
    if node["type"] == "text":
        return isinstance(node.get("text"), str) and node["text"] != ""
    return all(_node(each) for each in node.get("content", []))


def words(node: Any) -> str:
    """What a document says, as people read it."""
    if not isinstance(node, Mapping):
        return ""
    if node.get("type") == "text":
        return str(node["text"])
    if node.get("type") == "hardBreak":
        return "\n"
    inner = [words(each) for each in node.get("content", [])]
    return ("\n\n" if node.get("type") == "doc" else "").join(inner)


def written(text: str) -> dict[str, Any]:
    """A document as Jira's editor makes it of typed text."""
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n")):
        nodes += [{"type": "hardBreak"}] if number else []
        nodes += [{"type": "text", "text": line}] if line else []
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": nodes}]}


# JQL ------------------------------------------------------------------------------------------------------------------

_CLAUSE = re.compile(r'(project|updated|cf\[(\d+)\])\s*(=|>=|~)\s*("(?:\\.|[^"\\])*"|[A-Za-z0-9_-]+)')


def query(jql: str) -> Callable[[Mapping[str, Any], datetime], bool]:
    """What a query asks of (an issue, when it changed); raises ``Refusal``."""
    where = re.split(r"(?i)\border by\b", jql)[0].strip()
    if not where:
        said = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
        raise Refusal(None, said)
    tests: list[Callable[[Mapping[str, Any], datetime], bool]] = []
    for clause in re.split(r"(?i)\s+and\s+", where):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise Refusal(None, f"Error in the JQL Query: {clause!r} is not understood here.")
        field, number, operator, value = found.groups()
        tests.append(_test(field, number, operator, re.sub(r"\\(.)", r"\1", value.strip('"'))))
    return lambda issue, changed: all(test(issue, changed) for test in tests)


def _test(field: str, number: str | None, operator: str, value: str) -> Callable[[Mapping[str, Any], datetime], bool]:
    if number is not None:
        if f"customfield_{number}" not in CUSTOM:
            raise Refusal(None, f"Field 'cf[{number}]' does not exist or you do not have permission to view it.")
        if operator != "~":
            raise Refusal(None, f"The operator '{operator}' is not supported by the 'cf[{number}]' field.")
        return lambda issue, _: _contains(str(issue["fields"].get(f"customfield_{number}") or ""), value)
    if field == "project":
        return lambda issue, _: issue["key"].rpartition("-")[0] == value
    if not value.isdigit():
        raise Refusal(None, f"Date value '{value}' for field 'updated' is invalid.")
    since = datetime.fromtimestamp(int(value) / 1000, UTC)
    return lambda _, changed: changed >= since


def _contains(text: str, wanted: str) -> bool:
    """Text search looks at words, not at letters between them; in quotes they have to follow one another."""
    has, asked = _tokens(text), _tokens(wanted)
    if wanted.startswith('"'):
        return any(has[at : at + len(asked)] == asked for at in range(len(has)))
    return bool(asked) and set(asked) <= set(has)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
