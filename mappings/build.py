"""One resolved rule to three closures: ``see`` (theirs in normal form), ``mean`` (that wire in our words) and ``put``
(our value into an outgoing record). Built once per version; a rule that cannot be built is a complaint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings import cel
from mappings.catalogue import Canonical, Catalogue
from mappings.meaning import Mean, mean_expression, mean_rule
from mappings.model import Complaint, Rule
from mappings.paths import Find, finder
from mappings.putting import Put, put_expression, put_rule
from mappings.quick import Give, Take, give, known, see_quickly, take
from mappings.rules import Field
from mappings.seeing import See, see_each, see_rule
from mappings.transforms import Transform, TransformError, transform


@dataclass(frozen=True, slots=True)
class Built:
    """A rule at work. ``first`` is the remote field whose presence makes it observed; ``loses``: what its transform
    does not bring back."""

    name: str
    rule: Rule
    first: str
    see: See
    mean: Mean | None
    take: Take | None
    put: Put | None
    give: Give | None = None
    known: Mapping[str, str] | None = None
    find: Find | None = None
    loses: str = ""


class CannotBuild(Exception):
    """A rule no closure can be made for; carries the complaint."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.cause)
        self.complaint = complaint


def build(rule: Field, remote: Catalogue, ours: Mapping[str, Canonical], defaults: Mapping[str, Any]) -> Built:
    """Compile one rule; raises ``CannotBuild`` (M020, M022, M025, M100, M101)."""
    if rule.expr is not None:
        return _expression(rule, ours)
    change = change_of(rule)
    agree(rule, change)
    mean = mean_rule(rule, change) if rule.inward else None
    put = put_rule(rule, change, remote, defaults) if rule.outward else None
    loses = change.loses if change is not None else ""
    see = see_rule(rule)
    taken = take(rule, see, mean) if mean is not None else None
    given = give(rule, change) if put is not None else None
    first = rule.remotes[0].name
    find = finder(rule, remote.workflow) if first == remote.status else None
    rows = known(rule) if mean is not None else None
    return Built(rule.name, _rule(rule), first, see_quickly(rule, see), mean, taken, put, given, rows, find, loses)


def _rule(rule: Field, uses: tuple[str, ...] = ()) -> Rule:
    direction: Any = rule.direction
    policy: Any = rule.policy
    return Rule(direction, policy, tuple(remote.name for remote in rule.remotes), uses)


def _expression(rule: Field, ours: Mapping[str, Canonical]) -> Built:
    node = rule.at("expr")
    if rule.direction == "both":
        raise CannotBuild(node.complain("M101", f"{rule.name}: an expression on a two-way field", key=True))
    try:
        if rule.direction == "in":
            made = cel.inward(rule.expr or "")
        else:
            made = cel.outward(rule.expr or "", {name: field.type for name, field in ours.items()})
    except cel.CelError as error:
        cause = f"{rule.name}: {error.cause} (line {error.line}, column {error.col} of the expression)"
        raise CannotBuild(node.complain("M100", cause)) from error
    mean = mean_expression(rule, made.run) if rule.inward else None
    put = put_expression(rule, made.run) if rule.outward else None
    see = see_each(rule)
    taken = take(rule, see, mean) if mean is not None else None
    return Built(rule.name, _rule(rule, made.uses), rule.remotes[0].name, see, mean, taken, put)


def change_of(rule: Field) -> Transform | None:
    """The rule's transform; raises ``CannotBuild`` (M022)."""
    if rule.transform is None:
        return None
    try:
        return transform(rule.transform, rule.ours.type, rule.remotes[0].type)
    except TransformError as error:
        raise CannotBuild(rule.at("transform").complain("M022", f"{rule.name}: {error}")) from error


_SAME = {
    ("text", "text"),
    ("set", "set"),
    ("datetime", "datetime"),
    ("person", "user"),
    ("choice", "choice"),
    ("number", "number"),
    ("bool", "bool"),
    ("date", "date"),
}
_TABLES = {"choice", "bool", "number", "text"}


def agree(rule: Field, change: Transform | None) -> None:
    """Raises ``CannotBuild`` (M020, M025) where the types of a rule cannot correspond."""
    ours, theirs = rule.ours.type, rule.remotes[0].type
    if change is not None or (ours, theirs) in _SAME:
        if ours == "choice" and rule.rows is None and rule.inward:
            raise CannotBuild(_apart(rule, "a choice needs a table"))
        return
    if ours == "set" and theirs in ("text", "choice"):
        cause = f"{rule.name}: a set onto the single {rule.remotes[0].name}"
        raise CannotBuild(rule.at("field").complain("M025", cause))
    if rule.direction == "in" and ours == "text" and (theirs == "choice" or rule.rows is not None):
        return
    if theirs in _TABLES and rule.rows is not None and ours in ("choice", "text"):
        return
    if rule.direction == "out" and ours == "choice" and rule.writes:
        return
    raise CannotBuild(_apart(rule, f"{ours} here and {theirs} there cannot correspond"))


def _apart(rule: Field, cause: str) -> Complaint:
    node = rule.at("field")
    return node.complain("M020", f"{rule.name}: {cause}")
