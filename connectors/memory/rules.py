"""The memory desk's own rules: its fields, what they accept, and the quirks of real desks it can be told to have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Value = str | list[str] | None
Fields = dict[str, Value]

STATUSES = ("open", "working", "waiting", "vendor", "done", "closed", "rejected")
LEVELS = ("high", "medium", "low")
OVER = frozenset({"done", "closed", "rejected"})


class DeskError(Exception):
    """The desk says no. ``field`` is the field it is about, when it is about one."""

    def __init__(self, said: str, field: str | None = None) -> None:
        super().__init__(said)
        self.said = said
        self.field = field


class Invalid(DeskError):
    """A value the desk does not take, or a step its workflow does not allow."""


class Conflict(DeskError):
    """The write was based on a revision that is no longer the ticket's."""


class Missing(DeskError):
    """No such ticket, comment or file."""


@dataclass(frozen=True)
class Rule:
    """What one field accepts. ``max`` in characters."""

    type: Literal["text", "choice", "person", "datetime", "set"]
    max: int | None = None
    values: tuple[str, ...] = ()
    required: bool = False


RULES: Mapping[str, Rule] = {
    "title": Rule("text", max=200, required=True),
    "description": Rule("text"),
    "status": Rule("choice", values=STATUSES, required=True),
    "impact": Rule("choice", values=LEVELS),
    "urgency": Rule("choice", values=LEVELS),
    "priority": Rule("choice", values=("1", "2", "3", "4", "5")),
    "category": Rule("text", max=100),
    "requester": Rule("person"),
    "assignee": Rule("person"),
    "due": Rule("datetime"),
    "tags": Rule("set"),
    "reference": Rule("text", max=120),
}
EMPTY: Mapping[str, Value] = {
    **dict.fromkeys(RULES, None),
    "status": "open",
    "impact": "medium",
    "urgency": "medium",
    "priority": "3",
    "tags": [],
}


@dataclass
class Quirks:
    """What real desks do to those who write to them; all off at first, each may be switched while the desk runs.

    ``rewrite``: field -> what the desk makes of a written value. ``ignore``: fields it takes and silently leaves.
    ``edges``: status -> those it may go to; a status that is not named may go anywhere. ``reopen``: a public comment on
    a ticket that is over sets it to ``open``. ``frozen``: a closed ticket takes nothing. ``index_lag``: how long a new
    ticket or a new reference stays invisible to ``find``. ``touch``: a write that changes nothing moves the revision
    too. ``answer``: called after each write of another's, to answer it with a write of the desk's own.
    """

    rewrite: dict[str, Callable[[Value], Value]] = field(default_factory=dict)
    ignore: set[str] = field(default_factory=set)
    edges: dict[str, set[str]] = field(default_factory=dict)
    reopen: bool = False
    frozen: bool = False
    index_lag: timedelta = timedelta(0)
    touch: bool = False
    answer: Callable[[str, str], None] | None = None


def trimmed(value: Value) -> Value:
    """A rewrite: white space at both ends cut off."""
    return value.strip() if isinstance(value, str) else value


def upper(value: Value) -> Value:
    """A rewrite: upper case."""
    return value.upper() if isinstance(value, str) else value


def fewer_statuses(value: Value) -> Value:
    """A rewrite of the status: a desk that knows one kind of waiting and one kind of end."""
    return {"vendor": "waiting", "closed": "done", "rejected": "done"}.get(str(value), value)


REWRITES: Mapping[str, Callable[[Value], Value]] = {"trim": trimmed, "upper": upper, "fewer": fewer_statuses}


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds only where there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def normal(name: str, value: object) -> Value:
    """``value`` as the desk stores it in the field ``name``; raises ``Invalid``."""
    rule = RULES.get(name)
    if rule is None:
        raise Invalid(f"there is no field {name!r}", name)
    if value is None or value == "" or value == []:
        if rule.required:
            raise Invalid(f"{name} can't be blank", name)
        return [] if rule.type == "set" else None
    if rule.type == "set":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Invalid(f"{name} must be a list of texts", name)
        return sorted(set(value))
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Invalid(f"{name} must be a text", name)
    return _scalar(name, rule, str(value))


def _scalar(name: str, rule: Rule, text: str) -> str:
    if rule.max is not None and len(text) > rule.max:
        raise Invalid(f"{name} is too long (maximum is {rule.max} characters)", name)
    if rule.values and text not in rule.values:
        raise Invalid(f"{text!r} is not a valid {name}; valid are {', '.join(rule.values)}", name)
    if rule.type == "person" and "@" not in text:
        raise Invalid(f"{name} must be an e-mail address", name)
    return _moment(name, text) if rule.type == "datetime" else text


def _moment(name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name} is not a time", name) from None
    if moment.tzinfo is None:
        raise Invalid(f"{name} has no time zone", name)
    return stamp(moment)
