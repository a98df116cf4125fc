"""Checks of the mapping as a whole: feedback, double writers, reachability, what a create and a status need (M042,
M044, M050 to M052, M060, M062, M110)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mappings import paths
from mappings.catalogue import Remote
from mappings.checks.facts import Facts, label, place, sure, written
from mappings.model import Complaint
from mappings.rules import Field, Path

REFERENCE_LENGTH = 40
STALE_DAYS = 7


def m042(facts: Facts) -> Iterator[Complaint]:
    """No input of a derived field is read from where the derived one is written (several combinations share one value,
    so some never comes back)."""
    writers = {
        remote.name: rule for rule in facts.rules if rule.outward and rule.ours.derived for remote in rule.remotes
    }
    for rule in facts.rules:
        for remote in rule.remotes:
            derived = writers.get(remote.name)
            if rule.inward and derived is not None and rule.name in derived.ours.derived:
                cause = f"{rule.name} is read from {remote.name}, which {derived.name} is written to"
                yield rule.at("field").complain("M042", cause)


def m044(facts: Facts) -> Iterator[Complaint]:
    """One remote field has one writer."""
    writers = {facts.found.reference: "the reference"}
    for rule in facts.rules:
        for remote in rule.remotes if rule.outward else ():
            if remote.name in writers:
                cause = f"{rule.name} and {writers[remote.name]} are both written to {remote.name}"
                yield rule.at("field").complain("M044", cause)
            writers.setdefault(remote.name, rule.name)


def m050(facts: Facts) -> Iterator[Complaint]:
    """Every status we may write can be reached from where a new record starts."""
    rule, start = facts.status(), facts.remote.workflow.start
    if rule is None or start is None or not facts.remote.workflow.known:
        return
    find = paths.finder(rule, facts.remote.workflow)
    for context, ours, path in written(rule):
        if find(start, path[0], ours) is None:
            here, there = label(rule.remotes[0], start), label(rule.remotes[0], path[0])
            cause = f"{ours}: from {here} there is no way to {there} in {facts.remote.workflow.hops} steps"
            yield place(rule, context, ours).complain("M050", cause)


def m051(facts: Facts) -> Iterator[Complaint]:
    """The pairs of statuses that no path joins, said once."""
    rule = facts.status()
    if rule is None or facts.remote.workflow.edges is None or not rule.inward:
        return
    find = paths.finder(rule, facts.remote.workflow)
    known = {row.path[0]: row.meaning for rows in (rule.rows or {}).values() for row in rows}
    missing = [
        f"{label(rule.remotes[0], here)} -> {ours}"
        for _, ours, path in written(rule)
        for here in known
        if here in facts.remote.workflow.edges and find(here, path[0], ours) is None
    ]
    if missing:
        shown = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        yield rule.node.complain("M051", f"no way for {shown}", key=True)


def m052(facts: Facts) -> Iterator[Complaint]:
    """What a written status requires is surely filled."""
    rule = facts.status()
    if rule is None:
        return
    for entry in facts.remote.fields.values():
        if facts.found.defaults.get(entry.name) not in (None, "", []) or _always(facts, entry):
            continue
        for context, ours, path in written(rule):
            if path[0] in entry.required and not _within(rule, path, entry):
                status = label(rule.remotes[0], path[0])
                cause = f"{ours}: {status} requires {entry.name}, which may be empty"
                yield place(rule, context, ours).complain("M052", cause)
                break


def _within(rule: Field, path: Path, entry: Remote) -> bool:
    """Whether the status rule itself writes the field, as a further step of its path."""
    steps = {remote.name: id for remote, id in zip(rule.remotes, path, strict=False)}
    return bool(steps.get(entry.name))


def _always(facts: Facts, entry: Remote) -> bool:
    return any(sure(rule) and entry.name == rule.remotes[0].name for rule in facts.rules)


def m060(facts: Facts) -> Iterator[Complaint]:
    """What a create requires is surely given."""
    for entry in facts.remote.fields.values():
        if "create" not in entry.required or entry.name == facts.found.reference or _always(facts, entry):
            continue
        if facts.found.defaults.get(entry.name) in (None, "", []):
            node = facts.root.get("defaults") or facts.root.get("fields") or facts.root
            cause = f"a create requires {entry.name}, and nothing surely gives it"
            yield node.complain("M060", cause, key=True, fix=f"`defaults: {{{entry.name}: ...}}`")


def m062(facts: Facts) -> Iterator[Complaint]:
    """Our reference can be written, searched and has room."""
    node = facts.root.get("reference") or facts.root
    entry = facts.remote.field(facts.found.reference)
    if entry is None:
        return
    if facts.found.reference not in facts.remote.searchable:
        yield node.complain("M062", f"{entry.name} cannot be searched")
    if entry.max is not None and entry.max < REFERENCE_LENGTH:
        yield node.complain("M062", f"{entry.name} takes {entry.max} characters, the reference has {REFERENCE_LENGTH}")
    if entry.write == "never":
        yield node.complain("M062", f"{entry.name} cannot be written")


def m110(facts: Facts) -> Iterator[Complaint]:
    """What the catalogue does not tell enough about, with the checks that were skipped."""
    rule = facts.status()
    if rule is not None and not facts.remote.workflow.known:
        yield rule.node.complain("M110", "no workflow in the catalogue: M050, M051 skipped", key=True)
    sources: Mapping[str, Any] = facts.doc.get("sources") or {}
    for each in facts.rules:
        if each.node.get("values") is None and each.node.get("write") is None:
            continue
        for remote in each.remotes:
            if remote.type == "choice" and remote.values is None:
                cause = f"the values of {remote.name} are not listed: M013, M030, M032 skipped"
                yield each.node.complain("M110", cause, key=True)
            elif remote.type == "choice" and sources.get(remote.name) == "manifest":
                cause = f"the values of {remote.name} are the manifest's, not read from this desk"
                yield each.node.complain("M110", cause, key=True)
    if int(facts.doc.get("age_days") or 0) > STALE_DAYS:
        cause = f"the catalogue is {facts.doc['age_days']} days old"
        yield facts.root.complain("M110", cause, fix="describe the desk again")
