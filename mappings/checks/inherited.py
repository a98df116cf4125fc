"""A child states only its differences (M006)."""

from __future__ import annotations

from collections.abc import Iterator

from mappings.checks.facts import Facts
from mappings.loader import Node, plain
from mappings.model import Complaint
from mappings.schema import expand

OWN = ("mapping", "name", "extends", "examples", "connector")


def m006(facts: Facts) -> Iterator[Complaint]:
    """No difference is equal to what is inherited."""
    if facts.parent is None:
        return
    parent, child = expand(facts.parent), expand(facts.child)
    for key, node in (child.table or {}).items():
        if key not in OWN:
            yield from _equal(node, parent.get(key), key)


def _equal(child: Node, parent: Node | None, path: str) -> Iterator[Complaint]:
    if child.value is None:
        if parent is None:
            yield child.complain("M006", f"{path} is not inherited", key=True)
    elif parent is not None and child.table is not None and parent.table is not None and child.table:
        for key, node in child.table.items():
            yield from _equal(node, parent.get(key), f"{path}.{key}")
    elif parent is not None and plain(child) == plain(parent):
        yield child.complain("M006", f"{path} is inherited as it is", key=True)
