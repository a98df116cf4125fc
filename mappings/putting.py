"""Our value into an outgoing record: the outward half of one rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings import cel, normal, paths, rich
from mappings.catalogue import Catalogue
from mappings.meaning import label_of
from mappings.model import Outward, Value
from mappings.quick import elements
from mappings.rules import Field
from mappings.seeing import Record, context_of
from mappings.transforms import Transform


@dataclass(slots=True)
class Job:
    """One outgoing write in the making. ``told``: sentences for the text of a create (people unknown there)."""

    out: Outward
    on: Record
    create: bool
    ticket: Mapping[str, Value]
    told: list[str] = field(default_factory=list)


Put = Callable[[Value, Job], None]


def put_rule(rule: Field, change: Transform | None, remote: Catalogue, defaults: Mapping[str, Any]) -> Put:
    """How our value of one outward rule gets into an outgoing record."""
    if rule.ours.type == "person":
        put = _put_person(rule)
    elif rule.rows is not None or rule.writes:
        put = _put_choice(rule, remote, defaults)
    elif rule.ours.type == "set" and rule.remotes[0].type == "set":
        put = _put_set(rule, change)
    else:
        put = _put_text(rule, change)
    return _allowed(rule, put)


def put_expression(rule: Field, run: cel.Run) -> Put:
    """Puts what an expression over the ticket gives; an error holds the field."""
    return _allowed(rule, _put_expression(rule, run))


def _allowed(rule: Field, put: Put) -> Put:
    """What the remote lets us write, and when."""
    when = rule.remotes[0].write
    if when == "always":
        return put

    def allowed(value: Value, job: Job) -> None:
        if when == "never":
            job.out.notes.append(f"{rule.name}: {rule.remotes[0].name} cannot be written")
        elif when == "create" and not job.create:
            job.out.notes.append(f"{rule.name}: {rule.remotes[0].name} is set at creation, and not after")
        elif when == "update" and job.create:
            job.out.later.append(rule.name)
        else:
            put(value, job)

    return allowed


def _put_choice(rule: Field, remote: Catalogue, defaults: Mapping[str, Any]) -> Put:
    name, fields = rule.name, [(at.name, at.type) for at in rule.remotes]
    inverses = {context: rule.inverse(context) for context in rule.contexts()}
    context = context_of(rule, defaults.get(rule.per.name) if rule.per else None)
    find = paths.finder(rule, remote.workflow) if rule.remotes[0].name == remote.status else None
    label = label_of(rule)
    only = inverses.get(None, {}) if rule.per is None else None
    alone, empty = len(fields) == 1 and fields[0][1] == "choice", rule.remotes[0].empty

    def choice(value: Value, job: Job) -> None:
        if not value:
            job.out.notes.append(f"{name}: empty is not conveyed")
            return
        target = (only if only is not None else inverses.get(context(job.on), {})).get(value, [])
        if target is None:
            job.out.notes.append(f"{name}: {value} has no counterpart there")
            return
        if isinstance(target, list):
            several = " or ".join(label(list(path)) for path in target)
            reason = f"{value} there is {several}: `write` names none" if target else f"nothing there means {value}"
            job.out.held.append((name, reason))
            return
        if find is not None and not job.create:
            way = find(job.on.get(fields[0][0]), target[0], value)
            if way is None:
                start = label(str(job.on.get(fields[0][0])))
                job.out.held.append((name, f"from {start} there is no way to {label(target[0])}"))
                return
            job.out.path.extend(way)
        if alone and target[0] and target[0] not in empty:
            job.out.fields[fields[0][0]] = job.out.wires[name] = target[0]
            return
        for (at, kind), id in zip(fields, target, strict=False):
            job.out.fields[at] = (id == "true") if kind == "bool" else id or None

    return choice


def _put_text(rule: Field, change: Transform | None) -> Put:
    remote, name = rule.remotes[0], rule.name
    one, limit = normal.normal_of(remote), remote.max if remote.type == "text" else None
    write = change.write if change is not None else None
    is_set = rule.ours.type == "set"
    fit = rich.fitter(remote)

    def text(value: Value, job: Job) -> None:
        if is_set:
            value = elements(value)
        if value is None or value in ("", []):
            job.out.fields[remote.name] = None
            return
        try:
            wire = one(write(value) if write is not None else value)
            told, cut = fit(wire, limit) if type(wire) is str else (wire, False)
        except ValueError as error:
            job.out.held.append((name, str(error)))
            return
        if cut and not _overlong(rule, str(wire), limit, job):
            return
        job.out.fields[remote.name] = (told == "true") if remote.type == "bool" else told

    return text


def _overlong(rule: Field, text: str, limit: int | None, job: Job) -> bool:
    """Sends the whole beside what was cut; False where the mapping does not say how."""
    if rule.overlong == "comment":
        job.out.comments.append(text)
    elif rule.overlong == "attach":
        job.out.files.append((f"{rule.name}.txt", text))
    else:
        job.out.held.append((rule.name, f"longer than the {limit} characters {rule.remotes[0].name} takes"))
        return False
    return True


def _put_set(rule: Field, change: Transform | None) -> Put:
    remote, name = rule.remotes[0], rule.name
    one, limit = normal.normal_of(remote), remote.max

    def several(value: Value, job: Job) -> None:
        parts = elements(value)
        wire = one(change.write(parts) if change is not None and parts else parts)
        long = [part for part in wire or () if limit is not None and len(part) > limit]
        if long:
            job.out.held.append((name, f"{long[0][:40]!r} is longer than the {limit} characters {remote.name} takes"))
            return
        job.out.fields[remote.name] = wire

    return several


def _put_person(rule: Field) -> Put:
    remote, match, name = rule.remotes[0], rule.match, rule.name
    ids: dict[str, str] = {}
    for row in (rule.rows or {}).get(None, ()):
        if row.meaning is not None:
            ids.setdefault(row.meaning, row.path[0])
    ids |= {ours: target.path[0] for ours, target in rule.writes.get(None, {}).items() if target.path}

    def person(value: Value, job: Job) -> None:
        if not value:
            job.out.notes.append(f"{name}: nobody is not conveyed")
        elif value.get("email") in ids:
            job.out.fields[remote.name] = {"id": ids[value["email"]]}
        elif match and value.get(match):
            job.out.fields[remote.name] = {match: value[match]}
        else:
            who = value.get("name") or value.get("email") or value.get("login") or ""
            job.out.notes.append(f"{name}: {who or 'somebody'} is unknown there")
            if job.create and who:
                job.told.append(f"{name.capitalize()}: {who}")

    return person


def _put_expression(rule: Field, run: cel.Run) -> Put:
    plain = _put_text(rule, None)

    def put(value: Value, job: Job) -> None:
        try:
            plain(run(job.ticket), job)
        except cel.CelFailed as error:
            job.out.held.append((rule.name, f"the expression gives nothing: {error}"))

    return put
