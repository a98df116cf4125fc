"""The share policy: what one provider may see. A document of its own, always the newest published (MAPPINGS.md 1).

The mapping says how a field travels, this says whether. Nothing published means nothing leaves (``NOTHING``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from mappings.loader import Node, load, plain
from mappings.model import Audience, Complaint, MappingError, Value, refuses
from mappings.schema import AUDIENCES, audience, nearest, size

KEYS = ("share", "provider", "fields", "audiences", "attachments", "worklogs")
FILES = ("max", "types")
LARGEST = 25_000_000
PERSON = ("email", "name", "login", "id")


@dataclass(frozen=True, slots=True)
class Share:
    """One provider's policy. ``fields`` holds canonical names, a person's attribute as ``requester.email``;
    ``max`` is the largest file in bytes, ``types`` MIME patterns."""

    provider: str
    hash: str
    fields: frozenset[str]
    audiences: frozenset[Audience]
    max: int
    types: tuple[str, ...]
    worklogs: bool

    def allows(self, field: str) -> bool:
        """Whether this field may leave: whole, or (a person) some attribute of it."""
        whole = field.rpartition(".")[0]
        return field in self.fields or whole in self.fields or any(name.startswith(f"{field}.") for name in self.fields)

    def allows_audience(self, audience: Audience) -> bool:
        """Whether comments for exactly these readers (relative to the link) may leave."""
        return audience in self.audiences

    def allows_file(self, bytes: int, mime: str) -> bool:
        """Whether a file of this size and type may leave."""
        return not self.refuses_file(bytes, mime)

    def refuses_file(self, bytes: int, mime: str) -> str:
        """Why a file of this size and type may not leave, "" if it may."""
        return refuses(bytes, mime, self.max, self.types) if self.types else "no files are shared"

    def narrow(self, field: str, value: Value) -> Value:
        """The value as far as it may leave: a person keeps the allowed attributes alone, None when nothing may."""
        if field in self.fields or not self.allows(field):
            return value if field in self.fields else None
        if not isinstance(value, dict):
            return None
        return {key: part for key, part in value.items() if f"{field}.{key}" in self.fields} or None


NOTHING = Share("", "", frozenset(), frozenset(), 0, (), False)
"""The policy of a provider for whom none is published."""


def compile_share(text: str, vocabulary: Mapping[str, Mapping[str, Any]], name: str = "share") -> Share:
    """Read a policy; raises ``MappingError`` (M001, M002, M003, M010)."""
    root = load(text, name)
    told = list(_complaints(root, vocabulary))
    if told:
        raise MappingError(told)
    files = root.get("attachments")
    return Share(
        provider=plain(root)["provider"],
        hash=sha256(text.encode()).hexdigest(),
        fields=frozenset(plain(root)["fields"]),
        audiences=frozenset(audience(word) or frozenset() for word in plain(root).get("audiences", [])),
        max=_largest(files),
        types=tuple(word.lower() for word in plain(files).get("types", ["*/*"])) if files is not None else (),
        worklogs=plain(root).get("worklogs") is True,
    )


def _largest(files: Node | None) -> int:
    told = files.get("max") if files is not None else None
    return (size(told.text or "") or 0) if told is not None else LARGEST


def _complaints(root: Node, vocabulary: Mapping[str, Mapping[str, Any]]) -> list[Complaint]:
    if root.table is None:
        return [root.complain("M003", "a share policy is a table of keys")]
    told = _unknown(root, KEYS)
    told += [root.complain("M003", f"`{key}` is missing") for key in KEYS[:3] if key not in root.table]
    for key, known in (("fields", _names(vocabulary)), ("audiences", [*AUDIENCES, "requester+provider"])):
        told += _listed(root.table.get(key), known, "M010" if key == "fields" else "M003")
    told += _words(root)
    return told


def _words(root: Node) -> list[Complaint]:
    told = []
    for path, right in (
        (("share",), lambda node: node.text == "1"),
        (("provider",), lambda node: bool(node.text)),
        (("worklogs",), lambda node: isinstance(node.value, bool)),
        (("attachments",), lambda node: node.table is not None),
        (("attachments", "max"), lambda node: node.text is not None and size(node.text) is not None),
        (("attachments", "types"), lambda node: node.items is not None and all(item.text for item in node.items)),
    ):
        node = root.get(*path)
        if node is not None and not right(node):
            told.append(node.complain("M003", f"wrong shape for `{'.'.join(path)}`"))
    files = root.get("attachments")
    return told + (_unknown(files, FILES) if files is not None and files.table is not None else [])


def _unknown(node: Node, known: tuple[str, ...]) -> list[Complaint]:
    return [
        value.complain("M002", f"no key `{key}` here", key=True, fix=nearest(key, known))
        for key, value in (node.table or {}).items()
        if key not in known
    ]


def _listed(node: Node | None, known: list[str], code: str) -> list[Complaint]:
    if node is None:
        return []
    if node.items is None:
        return [node.complain("M003", "a list is expected here")]
    return [
        item.complain(code, f"nothing here is called {item.text!r}", fix=nearest(item.text or "", known))
        for item in node.items
        if item.text not in known
    ]


def _names(vocabulary: Mapping[str, Mapping[str, Any]]) -> list[str]:
    people = [name for name, field in vocabulary.items() if field.get("type") == "person"]
    return [*vocabulary, *(f"{name}.{part}" for name in people for part in PERSON)]
