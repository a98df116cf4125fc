"""Proves a mapping before it runs: every check of MAPPINGS.md section 3, each under its code.

Passes: text, shape, names, types, every rule and the whole, examples. A pass runs if those before it found no error.
Errors cannot be published; warnings are listed, and publishing accepts them by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings import catalogue as lists
from mappings.checks import fields, inherited, readers, tables, whole
from mappings.checks.facts import Check, Facts
from mappings.codes import complaint
from mappings.engine import assembled, built_rules, documents, effective
from mappings.examples import failures
from mappings.loader import Node
from mappings.model import Complaint, MappingError
from mappings.resolve import resolve
from mappings.rules import Field
from mappings.share import Share

CHECKS: Mapping[str, Check] = {
    "M006": inherited.m006,
    "M016": fields.m016,
    "M020": fields.m020,
    "M021": fields.m021,
    "M023": fields.m023,
    "M030": tables.m030,
    "M031": tables.m031,
    "M032": tables.m032,
    "M033": tables.m033,
    "M040": tables.m040,
    "M041": tables.m041,
    "M042": whole.m042,
    "M043": fields.m043,
    "M044": whole.m044,
    "M045": fields.m045,
    "M046": fields.m046,
    "M050": whole.m050,
    "M051": whole.m051,
    "M052": whole.m052,
    "M055": tables.m055,
    "M060": whole.m060,
    "M062": whole.m062,
    "M063": fields.m063,
    "M070": fields.m070,
    "M073": fields.m073,
    "M080": readers.m080,
    "M081": readers.m081,
    "M082": readers.m082,
    "M083": readers.m083,
    "M084": readers.m084,
    "M085": readers.m085,
    "M090": readers.m090,
    "M091": readers.m091,
    "M110": whole.m110,
}
"""The checks that need names resolved. M001 to M005 and M010 to M014 are found on the way there; M020, M022, M025, M100
and M101 also when closures are built; M007 by running the examples; M111 by ``drift``."""


@dataclass(frozen=True)
class Proof:
    """What was found, in the order of the text. ``inherited``: warnings of the parent that the child does not touch."""

    complaints: list[Complaint] = field(default_factory=list)
    inherited: int = 0

    @property
    def holds(self) -> bool:
        """Whether it may be published (once its warnings are accepted)."""
        return not any(complaint.severity == "E" for complaint in self.complaints)


def prove(
    text: str,
    catalogue: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
    parent_text: str | None = None,
    policy: Share | None = None,
    name: str = "mapping",
    *,
    skip: Collection[str] = (),
) -> Proof:
    """Prove one mapping against its catalogue, our vocabulary and (if given) the provider's share policy.

    ``skip`` leaves checks out, by code: for negative controls alone.
    """
    try:
        root, child, parent = documents(text, parent_text, name)
        remote, ours = lists.catalogue(catalogue), lists.vocabulary(vocabulary)
        found, unknown = resolve(root, remote, ours)
        if unknown:
            raise MappingError(unknown)
        built = built_rules(found, remote, ours)
    except MappingError as error:
        return Proof(_sorted(error.complaints))
    facts = Facts(child, parent, found, remote, ours, {each.name: each for each in built}, policy, catalogue)
    told = [complaint for code, check in CHECKS.items() if code not in skip for complaint in check(facts)]
    if "M007" not in skip and not any(complaint.severity == "E" for complaint in told):
        told += failures(assembled(found, built, remote), root)
    theirs = [each for each in told if each.severity == "W" and parent is not None and each.file != name]
    return Proof(_sorted([each for each in told if each not in theirs]), len(theirs))


def drift(
    text: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
    parent_text: str | None = None,
    name: str = "mapping",
) -> list[Complaint]:
    """M111: what changed at the remote since this (published) mapping was proved against ``before``.

    A field or value the mapping uses that went is an error, a value that appeared under a table a warning.
    """
    then, today = lists.catalogue(before), lists.catalogue(now)
    found, told = resolve(effective(text, parent_text, name), then, lists.vocabulary(vocabulary))
    if told:
        raise MappingError(told)
    changes = [complaint for rule in found.fields.values() for complaint in _moved(rule, today)]
    for each in (found.reference, *found.defaults):
        if today.field(each) is None:
            changes.append(found.root.complain("M111", f"{each} is gone there", fix="use another field"))
    return _sorted(changes)


def _moved(rule: Field, today: lists.Catalogue) -> Iterator[Complaint]:
    """What of one rule's fields and values went or appeared."""
    for level, remote in enumerate(rule.remotes):
        there = today.field(remote.name)
        if there is None:
            yield rule.at("field").complain("M111", f"{remote.name} is gone there", fix="map another field")
            continue
        was, known = remote.ids(), there.ids()
        for id, node in _used(rule, level).items():
            if id in was and id not in known:
                yield node.complain("M111", f"{was[id]} of {remote.name} is gone there", fix="remove the row")
        if rule.rows is not None and rule.inward:
            for id in known.keys() - was.keys():
                yield _appeared(rule.at("values"), remote.name, known[id])


def _used(rule: Field, level: int) -> dict[str, Node]:
    """Their ids of one field that the rule's tables name, with a row that names each."""
    paths = [(row.path, row.node) for rows in (rule.rows or {}).values() for row in rows]
    paths += [(target.path or (), target.node) for rows in rule.writes.values() for target in rows.values()]
    return {path[level]: node for path, node in paths if len(path) > level}


def _appeared(node: Node, remote: str, label: str) -> Complaint:
    cause, fix = f"{label} appeared in {remote}", f"add the row `{label}: ...`"
    return complaint(node.file, node.key_line, node.key_col, "M111", cause, severity="W", fix=fix)


def _sorted(complaints: list[Complaint]) -> list[Complaint]:
    return sorted(complaints, key=lambda each: (each.file, each.line, each.col, each.code))
