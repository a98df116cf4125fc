"""Who should have a new ticket: ordered rules, CEL over typed facts, the first that matches; and why (DESIGN.md 4).

A policy is data: ``policy: 1``, ``name``, ``rules: [{name, when, to, because}]`` and a ``default``. ``when`` sees the
canonical fields as text (``custom.site`` as ``custom_site``), ``tags`` and ``assets`` as lists, and ``channel``. A rule
that errs does not match; it is named in the decision and said.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from gateway.decide.facts import Ticket
from gateway.tickets.vocabulary import document

_MAX = 2000
_NO_MACROS = "stdlib:\n  exclude_macros: [map, filter, all, exists, exists_one]\n"
_NOWHERE = "(in container '')"
_TOLD = re.compile(r"<input>:\d+:(\d+): (.*)")


@dataclass(frozen=True, slots=True)
class Decided:
    """``to``: ``team:<slug>`` or ``provider:<slug>``; ``lost``: the rules before it, each with why it lost."""

    to: str
    rule: str
    because: str
    policy: str
    inputs: Mapping[str, Any]
    lost: list[list[str]]
    erred: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    when: Any
    to: str
    because: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled routing policy; ``id`` is ``name@hash`` of its source."""

    id: str
    rules: tuple[Rule, ...]
    default: str


class BadPolicy(ValueError):
    """A routing policy that cannot be used; the message names the rule and the place."""


def _variables() -> dict[str, Any]:
    kinds = {"set": cel.Type.List(cel.Type.STRING)}
    fields = {name.replace(".", "_"): kinds.get(spec["type"], cel.Type.STRING) for name, spec in document().items()}
    return {**fields, "channel": cel.Type.STRING}


def variables() -> list[str]:
    """What a condition may look at."""
    return sorted(_variables())


@lru_cache(maxsize=1)
def _environment() -> Any:
    return cel.NewEnv(variables=_variables(), config=cel.NewEnvConfigFromYaml(_NO_MACROS))


def condition(when: str) -> Any:
    """Compile what a rule asks; raises ``BadPolicy`` with the cause, and the column where there is one."""
    if len(when) > _MAX:
        raise BadPolicy(f"the condition is longer than {_MAX} characters")
    try:
        compiled = _environment().compile(when)
    except (RuntimeError, ValueError) as error:
        told = _TOLD.search(str(error))
        said = f"{told[2].replace(_NOWHERE, '').strip()} (column {told[1]})" if told else str(error)
        raise BadPolicy(" ".join(said.split())[:200]) from error
    if compiled.return_type() != cel.Type.BOOL:
        raise BadPolicy(f"the result is {compiled.return_type().name().lower()}, not true or false")
    return compiled


def compile_policy(doc: Mapping[str, Any]) -> Policy:
    """Compile a routing policy; raises ``BadPolicy``."""
    rules = []
    for n, rule in enumerate(doc.get("rules", ())):
        name, when = str(rule.get("name", n)), str(rule.get("when", "true"))
        if not str(rule.get("to", "")).startswith(("team:", "provider:")):
            raise BadPolicy(f"rule {name}: to is {rule.get('to')!r}; write team:<slug> or provider:<slug>")
        try:
            compiled = condition(when)
        except BadPolicy as error:
            raise BadPolicy(f"rule {name}: {error}") from error
        rules.append(Rule(name, compiled, str(rule["to"]), str(rule.get("because", f"rule {name}")), when))
    digest = hashlib.sha256(json.dumps(doc, sort_keys=True).encode()).hexdigest()[:12]
    return Policy(f"{doc.get('name', 'routing')}@{digest}", tuple(rules), str(doc.get("default", "team:service-desk")))


def route(policy: Policy | None, ticket: Ticket, data: Mapping[str, Any]) -> Decided:
    """The first rule that matches, or the default."""
    inputs = inputs_of(ticket, data)
    if data.get("holder"):
        return Decided(str(data["holder"]), "by hand", "chosen by the person who made the ticket", "", inputs, [], [])
    if policy is None:
        return Decided("team:service-desk", "default", "no routing policy is published", "", inputs, [], [])
    lost: list[list[str]] = []
    erred: list[tuple[str, str]] = []
    for rule in policy.rules:
        matched, error = _matches(rule, inputs)
        if matched:
            return Decided(rule.to, rule.name, rule.because, policy.id, inputs, lost, erred)
        lost.append([rule.name, f"could not be evaluated: {error}" if error else "its condition is false"])
        if error:
            erred.append((rule.name, error))
    return Decided(policy.default, "default", "no rule matched", policy.id, inputs, lost, erred)


def inputs_of(ticket: Ticket, data: Mapping[str, Any]) -> dict[str, Any]:
    """Every variable, always supplied: a missing one would be an error value."""
    values: dict[str, Any] = {}
    for name, spec in document().items():
        value = ticket.fields.get(name)
        if isinstance(value, dict):
            value = value.get("email") or value.get("name") or ""
        values[name.replace(".", "_")] = list(value or []) if spec["type"] == "set" else str(value or "")
    return {**values, "channel": str(data.get("channel", ticket.channel))}


def _matches(rule: Rule, inputs: Mapping[str, Any]) -> tuple[bool, str]:
    result = rule.when.eval(data=dict(inputs))
    if result.type() == cel.Type.BOOL:
        return bool(result.value()), ""
    return False, str(result.plain_value())[:200]
