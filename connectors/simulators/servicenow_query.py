"""The part of ServiceNow's encoded query language that integrations use; what it does not know it ignores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

Row = Mapping[str, str]

TERM = re.compile(r"([a-z0-9_]+)(ISNOTEMPTY|ISEMPTY|STARTSWITH|ENDSWITH|LIKE|IN|>=|<=|!=|=|>|<)(.*)", re.DOTALL)
ORDER = re.compile(r"ORDERBY(DESC)?([a-z0-9_]+)")
TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "ISNOTEMPTY": lambda have, _: have != "",
    "ISEMPTY": lambda have, _: have == "",
    "STARTSWITH": lambda have, want: have.startswith(want),
    "ENDSWITH": lambda have, want: have.endswith(want),
    "LIKE": lambda have, want: want in have,
    "IN": lambda have, want: have in want.split(","),
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "!=": lambda have, want: have != want,
    "=": lambda have, want: have == want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
}


def select(rows: Iterable[Row], query: str, columns: frozenset[str]) -> list[Row]:
    """The rows that fit, in the order asked for. A term that names no column or does not parse is left out silently."""
    found = list(rows)
    orders: list[tuple[str, bool]] = []
    alternatives: list[list[tuple[str, str, str]]] = []
    for part in query.split("^"):
        if order := ORDER.fullmatch(part):
            orders.append((order[2], bool(order[1])))
            continue
        either = part.startswith("OR") and bool(alternatives)
        term = TERM.fullmatch(part[2:] if either else part)
        if term is None or term[1] not in columns:
            continue
        if either:
            alternatives[-1].append((term[1], term[2], term[3]))
        else:
            alternatives.append([(term[1], term[2], term[3])])
    found = [row for row in found if all(any(_fits(row, term) for term in each) for each in alternatives)]
    for column, descending in reversed(orders):
        found.sort(key=lambda row: row.get(column, ""), reverse=descending)
    return found


def _fits(row: Row, term: tuple[str, str, str]) -> bool:
    column, test, want = term
    return TESTS[test](row.get(column, ""), want)
