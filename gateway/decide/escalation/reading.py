"""An escalation policy read: plain data into a ``Matrix``, each fault at its place (``matrix[1].steps[0].to``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.decide.escalation import checks
from gateway.decide.escalation.matrix import WALL, Matrix, Role, Row, Step, Wait
from gateway.decide.language import Known, Reader, join
from gateway.decide.sla.targets import CLOCKS
from gateway.tickets.vocabulary import PENDING, PRIORITIES

KEYS = (
    "follow", "calendar", "services", "roles", "waits", "acknowledge", "fallback", "returned", "deadlock", "matrix",
)  # fmt: skip
SINCE = ("opened", "holder", "unacknowledged")
"""What a step counts from; besides ``breach:<clock>``, the moment a target was missed."""

STEP_KEYS = (
    "name", "after", "since", "calendar", "clock", "do", "to", "how", "acknowledge", "otherwise", "inform", "text",
    "because", "ends",
)  # fmt: skip
FUNCTIONAL_ONLY, HIERARCHICAL_ONLY = ("to", "how", "acknowledge", "otherwise"), ("inform", "text")
AT_ONCE = "at once"


def compile_escalation(doc: Mapping[str, Any], known: Known | None = None, label: str = "escalation") -> Matrix:
    """Compile an escalation policy; ``label`` is the version that decisions name: ``escalation@3``. Raises
    ``BadPolicy`` with every fault at its place."""
    r = Reader(known)
    top = r.head(doc, "escalation", KEYS)
    calendar = _whose(r, top.get("calendar", "desk"), "calendar")
    roles = {name: _role(r, name, one) for name, one in r.table(top.get("roles", {}), "roles", ()).items()}
    rows = tuple(_row(r, one, path, calendar, roles) for path, one in r.items(top.get("matrix"), "matrix"))
    fallback = r.table(top.get("fallback", {}), "fallback", ("to", "unassigned", "calendar", "clock", "inform"))
    deadlock = r.table(top.get("deadlock", {}), "deadlock", ("returns", "messages", "inform"), ("inform",))
    services = tuple(r.text(one, path, 100).casefold() for path, one in r.items(top.get("services"), "services"))
    matrix = Matrix(
        rows,
        roles,
        r.one_of(top.get("follow", "holder"), "follow", ("holder", "all"), "rule"),
        tuple(r.one_of(one, path, PENDING, "status") for path, one in r.items(top.get("waits"), "waits")),
        _patience(r, top.get("acknowledge"), "acknowledge", "holder"),
        _team(r, fallback.get("to", "team:service-desk"), "fallback.to"),
        _timed(r, fallback, "fallback", "unassigned", calendar),
        _inform(r, fallback.get("inform"), "fallback.inform", roles),
        r.one_of(top.get("returned", "before"), "returned", ("before", "next"), "word"),
        int(r.number(deadlock.get("returns", 2), "deadlock.returns", 1, 50)),
        int(r.number(deadlock["messages"], "deadlock.messages", 2, 500)) if "messages" in deadlock else 0,
        _inform(r, deadlock.get("inform"), "deadlock.inform", roles),
        label,
    )
    if matrix.unassigned.length and not matrix.unassigned_inform:
        r.fault("fallback.inform", "nobody is told of a ticket without anybody at work on it", None, "Name a role.")
    checks.check(r, matrix, services)
    r.done()
    return replace(matrix, notes=tuple(r.notes))


def _role(r: Reader, name: str, value: Any) -> Role:
    path = join("roles", name)
    told = r.table(value, path, ("users", "email", "on_call"))
    users = tuple(r.text(one, at, 100) for at, one in r.items(told.get("users"), join(path, "users")))
    email = tuple(_address(r, one, at) for at, one in r.items(told.get("email"), join(path, "email")))
    on_call = r.text(told["on_call"], join(path, "on_call"), 60) if "on_call" in told else ""
    calendars = r.known.policies.get("calendars") if r.known is not None else None
    if on_call and calendars is not None:
        r.one_of(on_call, join(path, "on_call"), tuple(calendars.rotations), "rotation")
    if told and not users and not email and not on_call:
        r.fault(path, "nobody has this role", None, "Name users, e-mail addresses, or a rotation.")
    return Role(name, users, email, on_call)


def _address(r: Reader, value: Any, path: str) -> str:
    text = r.text(value, path, 254)
    if text and ("@" not in text[1:-1] or " " in text):
        r.fault(path, "not an e-mail address", value, "Write name@example.com.")
    return text


def _row(r: Reader, value: Any, path: str, calendar: str, roles: Mapping[str, Role]) -> Row:
    told = r.table(value, path, ("name", "service", "priority", "steps"), ("name",))
    services = tuple(r.text(one, at, 100).casefold() for at, one in r.items(told.get("service"), f"{path}.service"))
    priorities = tuple(
        r.one_of(one, at, PRIORITIES, "priority") for at, one in r.items(told.get("priority"), f"{path}.priority")
    )
    steps = tuple(
        _step(r, one, at, number, calendar, roles)
        for number, (at, one) in enumerate(r.items(told.get("steps"), f"{path}.steps"), 1)
    )
    return Row(r.text(told.get("name", "?"), f"{path}.name", 60), services, priorities, steps)


def _step(r: Reader, value: Any, path: str, number: int, calendar: str, roles: Mapping[str, Role]) -> Step:
    told = r.table(value, path, STEP_KEYS, ("after", "do"))
    do = r.one_of(told["do"], f"{path}.do", ("functional", "hierarchical"), "way") if told.get("do") else ""
    for key in (HIERARCHICAL_ONLY if do == "functional" else FUNCTIONAL_ONLY) if do else ():
        if key in told:
            r.fault(
                f"{path}.{key}", f"a {do} step has no such key", None, "Leave it out, or make it a step of its own."
            )
    to = _to(r, told, path) if do == "functional" else ""
    how = r.one_of(told.get("how", "cold"), f"{path}.how", ("warm", "cold"), "way") or "cold"
    if how == "warm" and to.startswith("team:"):
        r.fault(f"{path}.how", "only a provider can be asked to help first", how, "Write how: cold.")
    acknowledge = None
    if "acknowledge" in told and do == "functional":
        acknowledge = _patience(r, told["acknowledge"], f"{path}.acknowledge", "holder")
        if to.startswith("team:"):
            r.fault(f"{path}.acknowledge", "this is asked of providers", to, "Use a step since: unacknowledged.")
    inform = _inform(r, told.get("inform"), f"{path}.inform", roles) if do == "hierarchical" else ()
    if do == "hierarchical" and not told.get("inform"):
        r.fault(f"{path}.inform", "is needed", None, "Name the roles that are informed.")
    otherwise = _team(r, told["otherwise"], f"{path}.otherwise") if told.get("otherwise") else ""
    return Step(
        r.text(told.get("name", str(number)), f"{path}.name", 60),
        Wait(_after(r, told.get("after"), f"{path}.after"), _hours(r, told, path, calendar)),
        _since(r, told.get("since", "opened"), f"{path}.since"),
        do, to, how, acknowledge, otherwise, inform,
        r.text(told["text"], f"{path}.text", 500) if "text" in told else "",
        r.text(told["because"], f"{path}.because", 500) if "because" in told else "",
        r.one_of(str(told.get("ends", "false")).lower(), f"{path}.ends", ("true", "false")) == "true",
    )  # fmt: skip


def _to(r: Reader, told: Mapping[str, Any], path: str) -> str:
    at = f"{path}.to"
    if not told.get("to"):
        r.fault(at, "is needed", None, "Name who gets the ticket: team:<slug> or provider:<slug>.")
        return ""
    to = r.holder(told["to"], at)
    slug = to.removeprefix("provider:")
    if r.known is not None and slug != to and slug in r.known.providers and slug not in r.known.active:
        r.fault(at, "this provider has no active connection", to, "Resume its connection, or name another.")
    return to


def _team(r: Reader, value: Any, path: str) -> str:
    who = r.holder(value, path)
    if who.startswith("provider:"):
        r.fault(path, "the last resort is a team of ours", value, "Write team:<slug>.")
    return who


def _since(r: Reader, value: Any, path: str) -> str:
    text = str(value)
    if not text.startswith("breach:"):
        return r.one_of(text, path, SINCE, "beginning") or "opened"
    clock = text.removeprefix("breach:")
    return f"breach:{r.one_of(clock, path, tuple(CLOCKS), 'clock')}"


def _after(r: Reader, value: Any, path: str) -> int:
    return 0 if value in (None, AT_ONCE) else r.duration(value, path)


def _hours(r: Reader, told: Mapping[str, Any], path: str, default: str) -> str:
    if "clock" in told:
        r.one_of(told["clock"], f"{path}.clock", (WALL,), "clock")
        if "calendar" in told:
            r.fault(f"{path}.calendar", "every hour counts where clock is wall", told["calendar"], "Leave one out.")
        return WALL
    return _whose(r, told["calendar"], f"{path}.calendar") if "calendar" in told else default


def _whose(r: Reader, value: Any, path: str) -> str:
    text = str(value)
    if text == "always":
        return WALL
    if text.startswith(("team:", "provider:")):
        return r.holder(text, path)
    if text in ("desk", "holder") or (text.startswith("site:") and len(text) > len("site:")):
        return text
    r.fault(path, "no such calendar", value, "Write desk, holder, always, team:<slug> ...")
    return "desk"


def _timed(r: Reader, told: Mapping[str, Any], path: str, key: str, default: str) -> Wait:
    if key not in told:
        return Wait(0, WALL)
    return Wait(r.duration(told[key], f"{path}.{key}"), _hours(r, told, path, default))


def _patience(r: Reader, value: Any, path: str, default: str) -> Wait:
    """``30 min``, or ``{after: 30 min, clock: wall}``."""
    if value is None:
        return Wait(0, WALL)
    if isinstance(value, str):
        return Wait(r.duration(value, path), default)
    return _timed(r, r.table(value, path, ("after", "calendar", "clock"), ("after",)), path, "after", default)


def _inform(r: Reader, value: Any, path: str, roles: Mapping[str, Role]) -> tuple[str, ...]:
    return tuple(r.one_of(one, at, tuple(roles), "role") for at, one in r.items(value, path))
