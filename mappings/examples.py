"""The examples a mapping carries, run: each is a small test that its author wrote down, equal to the letter.

``in`` reads a record, ``out`` and ``create`` write changes (``on`` is the record as it stands there), ``comment`` asks
for a channel. ``held`` and ``unknown`` name the fields that were held or only noted.
"""

from __future__ import annotations

import json
from typing import Any

from mappings.engine import Mapping
from mappings.loader import Node, plain
from mappings.model import Complaint
from mappings.schema import IGNORE, audience


def failures(mapping: Mapping, root: Node) -> list[Complaint]:
    """M007 for every example of this document that does not hold, with what came out instead."""
    examples = root.get("examples")
    told = []
    for example in (examples.items or ()) if examples is not None else ():
        wanted, got = _wanted(plain(example)), _got(mapping, plain(example))
        for key, value in wanted.items():
            if got[key] != value:
                cause = f"{plain(example).get('name', 'an example')}: {key} is {_json(got[key])}, not {_json(value)}"
                told.append((example.get(key) or example).complain("M007", cause, key=True))
    return told


def _wanted(example: dict[str, Any]) -> dict[str, Any]:
    if "comment" in example:
        return {"gives": example["gives"]}
    wanted = {"gives": example["gives"], "held": sorted(example.get("held", []))}
    if "in" in example:
        wanted["unknown"] = sorted(example.get("unknown", []))
    if "path" in example:
        wanted["path"] = example["path"]
    return wanted


def _got(mapping: Mapping, example: dict[str, Any]) -> dict[str, Any]:
    if "comment" in example:
        return {"gives": mapping.channel_out(audience(example["comment"]) or frozenset()) or IGNORE}
    if "in" in example:
        values, held, notes = mapping.inward(example["in"])
        return {"gives": values, "held": sorted(name for name, _ in held), "unknown": sorted(name for name, _ in notes)}
    create = "create" in example
    out = mapping.write(example["create" if create else "out"], example.get("on", {}), create)
    return {"gives": out.fields, "held": sorted(name for name, _ in out.held), "path": out.path}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
