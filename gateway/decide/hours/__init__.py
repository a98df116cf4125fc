"""The ``calendars`` policy: hours with zones and holidays, who keeps which, on-call rotations, and what holds outside.

``compile_calendars`` is the one check there is; docs/policies.md describes the language. What others ask of the result
is in ``Calendars`` and ``Hours``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from gateway.decide.hours.calendars import NO_RULE, OPEN, Calendars, Rule, Ruling
from gateway.decide.hours.days import Country, Days
from gateway.decide.hours.decision import choose, replay
from gateway.decide.hours.oncall import Override, Person, Rotation
from gateway.decide.hours.open import ALWAYS, Hours, NeverOpens
from gateway.decide.hours.outside import people, rotations, rules, texts
from gateway.decide.hours.policy import calendars
from gateway.decide.hours.reading import named
from gateway.decide.language import Known, Reader

T = TypeVar("T")

_NEEDED = ("default", "calendars", "texts", "out_of_hours")
_KEYS = (*_NEEDED, "people", "rotations")
_OUTSIDE = ("text", "rules")


def compile_calendars(doc: Mapping[str, Any], known: Known | None = None, label: str = "calendars") -> Calendars:
    """Compile a policy; ``label`` is the version that decisions name: ``calendars@3``. Raises ``BadPolicy`` with
    everything that is wrong with it."""
    r = Reader(known)
    top = r.head(doc, "calendars", _KEYS)
    for key in _NEEDED:
        if top.get(key) is None:
            r.fault(key, "is needed", None, "Add it.")
    said = texts(r, top.get("texts", {}), "texts")
    called = people(r, top.get("people", {}), "people")
    turns = rotations(r, top.get("rotations", {}), "rotations", called)
    hours, keepers = calendars(r, top.get("calendars", {}), "calendars", said, label)
    default = named(r, top.get("default"), "default", hours, "calendar")
    outside = r.table(top.get("out_of_hours", {}), "out_of_hours", _OUTSIDE, ("text",) if "out_of_hours" in top else ())
    text = named(r, outside.get("text"), "out_of_hours.text", said, "text")
    ruled = rules(r, outside.get("rules"), "out_of_hours.rules", turns, said)
    r.done()
    return Calendars(label, _read(hours), default, keepers, _read(turns), said, text, ruled)


def _read(made: Mapping[str, T | None]) -> dict[str, T]:
    """All of them: none has a fault where the whole document has none."""
    return {name: one for name, one in made.items() if one is not None}


__all__ = [
    "ALWAYS",
    "NO_RULE",
    "OPEN",
    "Calendars",
    "Country",
    "Days",
    "Hours",
    "NeverOpens",
    "Override",
    "Person",
    "Rotation",
    "Rule",
    "Ruling",
    "choose",
    "compile_calendars",
    "replay",
]
