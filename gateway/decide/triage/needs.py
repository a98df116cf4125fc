"""What a ticket must have before it ends: facts, and the asset it is about or the explicit word that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.conditions import Condition, matches
from gateway.decide.conditions import read as read_condition
from gateway.decide.language import Reader, join
from gateway.decide.objection import Objection
from gateway.decide.triage.words import texts, told
from gateway.tickets.vocabulary import document

KEYS = ("name", "when", "facts", "asset", "ask")
NONE = "none"
"""The asset of a ticket that is about no asset, said by somebody."""

ENDS = ("resolved", "closed")
"""The statuses that wait for what is missing. A ticket may be cancelled without it."""

_NEVER = frozenset({"title", "kind", "status", "impact", "urgency", "priority", "resolution_code", "resolution_text"})
"""Fields that no rule can ask for: they are always there, or not before the end."""


@dataclass(frozen=True, slots=True)
class Need:
    name: str
    when: Condition
    facts: tuple[str, ...]
    asset: bool
    ask: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Missing:
    """``field``: the canonical field that is empty; ``ask``: the question for the requester; ``rule``: who asks."""

    field: str
    ask: str
    rule: str


def needs(r: Reader, value: Any, path: str) -> tuple[Need, ...]:
    found = []
    fields = sorted(set(document()) - _NEVER)
    for at, one in r.items(value, path):
        table = r.table(one, at, KEYS, ("name",))
        when = read_condition(r, table.get("when"), join(at, "when"))
        facts = tuple(r.one_of(f, p, fields, "field") for p, f in r.items(table.get("facts"), join(at, "facts")))
        asset = table.get("asset", False)
        if not isinstance(asset, bool):
            r.fault(join(at, "asset"), "true or false is expected", asset, "Write true or false.")
        if asset is not True and not facts:
            r.fault(at, "it asks for nothing", None, "Write asset: true, or facts: with a list of fields.")
        ask = texts(r, table["ask"], join(at, "ask")) if "ask" in table else {}
        if when is not None:
            found.append(Need(str(table.get("name", "")), when, facts, asset is True, ask))
    return tuple(found)


def missing(all: tuple[Need, ...], inputs: Mapping[str, Any]) -> tuple[Missing, ...]:
    """What is asked of such a ticket and not there, each field once."""
    found: dict[str, Missing] = {}
    for need in all:
        if not matches(need.when, inputs)[0]:
            continue
        wanted = (*(("assets",) if need.asset else ()), *need.facts)
        for field in wanted:
            if not inputs.get(field.replace(".", "_")):
                ask = told(need.ask, str(inputs["language"])) or f"Please tell us: {field}."
                found.setdefault(field, Missing(field, ask, need.name))
    return tuple(found.values())


def refuse(lacking: tuple[Missing, ...], status: str) -> None:
    """Raises Objection when a ticket is to end in a status (``resolved``, ``closed``) and something is missing."""
    if status not in ENDS or not lacking:
        return
    first = lacking[0]
    if first.field == "assets":
        fix = f"name the asset, or write {NONE} if it is about none"
        raise Objection(f"{first.rule}: the asset is not named", "assets", None, fix)
    raise Objection(f"{first.rule}: {first.field} is empty", first.field, None, f"fill in {first.field} first")
