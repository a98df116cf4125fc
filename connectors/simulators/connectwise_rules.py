"""What ConnectWise understands of a question and of a change: conditions, orders, JSON Patch, and its refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.simulators.loopback import Response

Row = dict[str, Any]

TERM = re.compile(r"\s*([A-Za-z_/]+)\s*(>=|<=|!=|=|>|<|like)\s*(\"[^\"]*\"|\[[^\]]*\]|true|false|null|-?[0-9.]+)\s*")
RENAMED = {"lastUpdated": "_info/lastUpdated", "dateEntered": "_info/dateEntered"}
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: bool(have == want),
    "!=": lambda have, want: bool(have != want),
    ">": lambda have, want: have is not None and bool(have > want),
    ">=": lambda have, want: have is not None and bool(have >= want),
    "<": lambda have, want: have is not None and bool(have < want),
    "<=": lambda have, want: have is not None and bool(have <= want),
    "like": lambda have, want: re.fullmatch(re.escape(str(want)).replace("%", ".*"), str(have)) is not None,
}


class Refusal(Exception):
    """An answer in ConnectWise's shape: ``{"code", "message", "errors"}``."""

    def __init__(self, status: int, code: str, message: str, *errors: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.response = Response.of({"code": code, "message": message, "errors": list(errors)}, status)


def invalid(resource: str, field: str, message: str) -> Refusal:
    """A value that a resource does not take."""
    error = {"code": "InvalidObject", "message": message, "resource": resource, "field": field}
    return Refusal(400, "InvalidObject", f"{resource} object is invalid", error)


def gone(what: str, id: str) -> Refusal:
    return Refusal(404, "NotFound", f"{what} {id} not found")


def select(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    """The rows that ``conditions`` let through, in the order of ``orderBy``. Raises ``Refusal``."""
    terms = list(_terms(query.get("conditions", "")))
    found = [row for row in rows if all(COMPARE[op](_at(row, name), value) for name, op, value in terms)]
    for part in reversed([part.split() for part in query.get("orderBy", "").split(",") if part.strip()]):
        found.sort(key=lambda row: _rank(_at(row, part[0])), reverse=part[-1].lower() == "desc")
    return found


def _rank(value: Any) -> tuple[bool, Any]:
    return value is not None, value if value is not None else 0


def _terms(text: str) -> Iterator[tuple[str, str, Any]]:
    """Terms joined by ``and``: strings in quotes, datetimes in brackets, the rest bare."""
    at = 0
    while at < len(text):
        found = TERM.match(text, at)
        if found is None:
            sentence = "String values should be enclosed in double quotes, datetimes in square brackets"
            raise Refusal(400, "InvalidConditions", f"{sentence}: {text[at : at + 40]}")
        yield found[1], found[2], _literal(found[3])
        at = found.end()
        if text[at : at + 4].lower() == "and ":
            at += 4
        elif at < len(text):
            raise Refusal(400, "InvalidConditions", f"'and' expected: {text[at : at + 40]}")


def _literal(text: str) -> Any:
    if text[0] in '"[':
        return text[1:-1]
    words = {"true": True, "false": False, "null": None}
    return words[text] if text in words else float(text)


def _at(row: Any, name: str) -> Any:
    for key in RENAMED.get(name, name).split("/"):
        row = row.get(key) if isinstance(row, Mapping) else None
    return row


def patched(resource: str, operations: Any) -> Row:
    """The fields that a JSON Patch sets. Raises ``Refusal`` for what is none."""
    if not isinstance(operations, list):
        raise Refusal(400, "InvalidRequest", "PATCH takes an array of operations")
    found: Row = {}
    for each in operations:
        if not isinstance(each, Mapping) or each.get("op") not in ("add", "replace", "remove"):
            raise invalid(resource, "op", "The operation is not supported")
        path = str(each.get("path", ""))
        if not path or path.startswith("/"):
            raise invalid(resource, path, "The path is not valid")
        name, _, rest = path.partition("/")
        value = None if each["op"] == "remove" else each.get("value")
        found[name] = {rest: value} if rest else value
    return found
