"""What a check may look at: the effective document in ids, the two lists, the compiled mapping, the share policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.build import Built
from mappings.catalogue import Canonical, Catalogue, Remote
from mappings.loader import Node
from mappings.model import Complaint
from mappings.rules import STAR, Context, Field, Path, Resolved
from mappings.seeing import tree_of
from mappings.share import Share


@dataclass(frozen=True, slots=True)
class Facts:
    """One proof's subject. ``child`` is the text that was given, ``parent`` what it extends; ``doc`` the catalogue."""

    child: Node
    parent: Node | None
    found: Resolved
    remote: Catalogue
    ours: Mapping[str, Canonical]
    built: Mapping[str, Built]
    policy: Share | None
    doc: Mapping[str, Any]

    @property
    def root(self) -> Node:
        return self.found.root

    @property
    def rules(self) -> list[Field]:
        return list(self.found.fields.values())

    def status(self) -> Field | None:
        """The outward rule that writes the remote's status field."""
        return next((rule for rule in self.rules if rule.outward and rule.remotes[0].name == self.remote.status), None)


Check = Callable[[Facts], Iterator[Complaint]]


def contexts(rule: Field) -> Mapping[Context, Any]:
    """The tables of theirs this rule's own table should cover: context -> id -> label; empty where none are listed."""
    values = rule.remotes[0].values
    if values is None:
        return {}
    if rule.per is None and rule.remotes[0].per is not None:
        return {}
    return values


def written(rule: Field) -> Iterator[tuple[Context, str, Path]]:
    """Every (context, value of ours, path of theirs) this rule writes."""
    for context in rule.contexts():
        for ours, path in rule.inverse(context).items():
            if isinstance(path, tuple):
                yield context, ours, path


def reading(rule: Field, context: Context, path: Path) -> tuple[Path, str | None, bool]:
    """(matched path, meaning, known) of a path of theirs, as the engine reads it; known is False for unmapped."""
    leaf: Any = tree_of((rule.rows or {}).get(context, []))
    matched: list[str] = []
    for at in range(len(rule.remotes)):
        step = path[at] if at < len(path) else ""
        matched.append(step)
        leaf = leaf.get(step, leaf.get(STAR))
        if not isinstance(leaf, dict):
            break
    if isinstance(leaf, str):
        return tuple(matched), leaf, True
    return tuple(matched), None, leaf is False


def place(rule: Field, context: Context, ours: str) -> Node:
    """The row that says where a value of ours goes: of ``write``, else of ``values``, else the table itself."""
    target = rule.writes.get(context, {}).get(ours)
    if target is not None:
        return target.node
    for row in (rule.rows or {}).get(context, ()):
        if row.meaning == ours:
            return row.node
    return rule.node.get("write") or rule.at("values")


def label(remote: Remote, id: str) -> str:
    """Their own word for an id."""
    return remote.ids().get(id, id) or "empty"


def labels(rule: Field, path: Path) -> str:
    return ", ".join(label(remote, id) for remote, id in zip(rule.remotes, path, strict=False))


def sure(rule: Field) -> bool:
    """Whether this rule gives its remote field a value at every create: a field of ours that is never empty, and every
    value of it goes somewhere."""
    if not rule.outward or not rule.ours.required:
        return False
    return all(isinstance(path, tuple) for context in rule.contexts() for path in rule.inverse(context).values())
