"""The shape of a mapping: twelve top-level keys, twelve keys in a field's rule, closed words, nothing else.

``shape`` looks at one text alone; ``merge`` makes parent and child one document (JSON Merge Patch, RFC 7396, after the
one shorthand ``due: Due`` is expanded); ``complete`` looks at what only the whole can tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from mappings.loader import Node
from mappings.model import Complaint, MappingError

__all__ = ["Complaint", "MappingError", "audience", "complete", "expand", "merge", "nearest", "shape", "size"]

TOP = (
    "mapping",
    "name",
    "connector",
    "extends",
    "reference",
    "defaults",
    "fields",
    "unsupported",
    "comments",
    "attachments",
    "worklogs",
    "examples",
)
RULE = (
    "field",
    "direction",
    "values",
    "write",
    "per",
    "transform",
    "expr",
    "match",
    "unmapped",
    "overlong",
    "conflict",
    "avoid",
)
EXAMPLE = ("name", "in", "out", "create", "comment", "on", "gives", "held", "unknown", "path")
WORDS: Mapping[str, tuple[str, ...]] = {
    "direction": ("both", "in", "out"),
    "unmapped": ("hold", "note"),
    "overlong": ("comment", "attach", "hold"),
    "conflict": ("ours", "theirs", "newest", "ask"),
    "worklogs": ("none", "in", "out", "both"),
}
AUDIENCES: Mapping[str, frozenset[str]] = {
    "provider": frozenset({"provider"}),
    "provider+requester": frozenset({"provider", "requester"}),
}
IGNORE = "ignore"
TEAM = "team"

_SIZE = re.compile(r"(\d+)(?: ?(kB|MB))?")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")

Check = Callable[[Node, bool], Iterable[Complaint]]


def audience(word: str) -> frozenset[str] | None:
    """``provider`` or ``provider+requester`` as a set; None for any other word."""
    return AUDIENCES.get(word) or (AUDIENCES["provider+requester"] if word == "requester+provider" else None)


def size(word: str) -> int | None:
    """Bytes of ``10 MB``, ``500 kB`` or ``1024`` (decimal units); None for any other word."""
    found = _SIZE.fullmatch(word)
    return int(found[1]) * {"kB": 1_000, "MB": 1_000_000}.get(found[2], 1) if found else None


def nearest(word: str, known: Iterable[str]) -> str:
    """A fix that names the closest known word, or the known ones where none is close."""
    words = sorted(set(known))
    close = get_close_matches(word, words, 1, 0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"one of: {', '.join(words[:12])}{', ...' if len(words) > 12 else ''}" if words else ""


def shape(root: Node) -> list[Complaint]:
    """M002 and M003 of one text by itself (a child of another where it has ``extends``)."""
    if root.table is None:
        return [root.complain("M003", "a mapping is a table of keys")]
    child = "extends" in root.table
    told = _keys(root, TOP)
    told += [_absent(root, key) for key in _needed(child) if key not in root.table]
    for key, check in _TOP.items():
        node = root.table.get(key)
        if node is not None:
            told += _present(node, child, check)
    return told


def expand(root: Node) -> Node:
    """The one shorthand: ``due: Due`` is ``due: {field: Due}``."""
    fields = root.get("fields")
    if root.table is None or fields is None or fields.table is None:
        return root
    rules = {
        name: rule.holding({"field": rule}) if rule.text is not None else rule for name, rule in fields.table.items()
    }
    return root.holding(root.table | {"fields": fields.holding(rules)})


def merge(parent: Node, child: Node) -> Node:
    """The effective document, both already expanded; every node keeps the file it came from."""
    inherited = {key: node for key, node in (parent.table or {}).items() if key not in ("examples", "extends")}
    own = {key: node for key, node in (child.table or {}).items() if key != "extends"}
    return _patched(parent.holding(inherited), child.holding(own))


def complete(root: Node) -> list[Complaint]:
    """M003 of the whole: a rule without a field, two ways to compute one, keys of the other direction."""
    told = [_absent(root, key) for key in ("connector", "reference", "fields") if root.get(key) is None]
    fields = root.get("fields")
    for name, rule in (fields.table or {}).items() if fields is not None else ():
        told += _whole_rule(name, rule)
    return told


def _absent(root: Node, key: str) -> Complaint:
    return root.complain("M003", f"`{key}` is missing", fix=f"add `{key}:`")


def _whole_rule(name: str, rule: Node) -> Iterable[Complaint]:
    table = rule.table or {}
    direction = table["direction"].text if "direction" in table else "both"
    if "field" not in table:
        yield rule.complain("M003", f"{name}: no `field`", key=True, fix="name the remote field")
    ways = [key for key in ("values", "transform", "expr") if key in table]
    if len(ways) > 1:
        yield table[ways[1]].complain("M003", f"{name}: `{ways[0]}` and `{ways[1]}`", key=True, fix="one of them")
    if "write" in table and ("transform" in table or "expr" in table):
        yield table["write"].complain("M003", f"{name}: `write` beside a {ways[0]}", key=True, fix="one of them")
    for key, other in (("values", "out"), ("write", "in"), ("overlong", "in"), ("unmapped", "out")):
        if key in table and direction == other:
            cause = f"{name}: `{key}` on a field that only goes {other}"
            yield table[key].complain("M003", cause, key=True, fix="remove it")
    if "conflict" in table and direction != "both":
        yield table["conflict"].complain("M003", f"{name}: `conflict` on a one-way field", key=True, fix="remove it")
    if "avoid" in table and name != "status":
        yield table["avoid"].complain("M003", f"{name}: `avoid` is for the status alone", key=True, fix="remove it")
    if "per" in table and "values" not in table and "write" not in table:
        yield table["per"].complain("M003", f"{name}: `per` without a table", key=True, fix="give `values` by context")


def _patched(target: Node, patch: Node) -> Node:
    if patch.table is None:
        return patch
    rows = dict(target.table or {})
    for key, node in patch.table.items():
        if key == "examples":
            rows[key] = node
        elif node.value is None:
            rows.pop(key, None)
        else:
            rows[key] = _patched(rows[key], node) if key in rows else _patched(node.holding({}), node)
    place = target if target.table else patch
    return place.holding(rows)


def _needed(child: bool) -> tuple[str, ...]:
    return ("mapping", "name") if child else ("mapping", "name", "connector", "reference", "fields")


def _present(node: Node, child: bool, check: Check) -> list[Complaint]:
    """Null is allowed in a child alone, where it removes what is inherited."""
    if node.value is None:
        told = node.complain("M003", "null, in a mapping that inherits nothing", fix="leave the key out")
        return [] if child else [told]
    return list(check(node, child))


def _keys(node: Node, known: tuple[str, ...]) -> list[Complaint]:
    return [
        value.complain("M002", f"no key `{key}` here", key=True, fix=nearest(key, known))
        for key, value in (node.table or {}).items()
        if key not in known
    ]


def _text(node: Node, _: bool) -> Iterable[Complaint]:
    if node.text is None:
        yield node.complain("M003", "a text is expected here")


def _word(known: Iterable[str]) -> Check:
    words = tuple(known)

    def check(node: Node, _: bool) -> Iterable[Complaint]:
        if node.text not in words:
            yield node.complain("M003", f"{_shown(node)} is no word for this", fix=nearest(node.text or "", words))

    return check


def _name(node: Node, _: bool) -> Iterable[Complaint]:
    if node.text is None or not _NAME.fullmatch(node.text):
        yield node.complain("M003", "a name is lower-case letters, digits and - . _", fix="such as acme-rt")


def _texts(node: Node, _: bool) -> Iterable[Complaint]:
    if node.items is None or any(item.text is None for item in node.items):
        yield node.complain("M003", "a list of texts is expected here")


def _table(row: Check) -> Check:
    def check(node: Node, child: bool) -> Iterable[Complaint]:
        if node.table is None:
            yield node.complain("M003", "a table is expected here")
            return
        for value in node.table.values():
            yield from _present(value, child, row)

    return check


def _record(checks: Mapping[str, Check]) -> Check:
    known = tuple(checks)

    def check(node: Node, child: bool) -> Iterable[Complaint]:
        if node.table is None:
            yield node.complain("M003", "a table is expected here")
            return
        yield from _keys(node, known)
        for key, value in node.table.items():
            if key in checks:
                yield from _present(value, child, checks[key])

    return check


def _remote(node: Node, child: bool) -> Iterable[Complaint]:
    if node.items is None:
        yield from _text(node, child)
    elif not node.items:
        yield node.complain("M003", "a field name is expected here")
    else:
        yield from _texts(node, child)


def _meaning(node: Node, child: bool) -> Iterable[Complaint]:
    """A value of ours, `[]` for nothing, or a table one level down (several fields, or contexts)."""
    if node.table is not None:
        yield from _table(_meaning)(node, child)
    elif node.items != () and node.text is None:
        yield node.complain("M003", "a value, a table, or [] for nothing")


def _target(node: Node, child: bool) -> Iterable[Complaint]:
    """A value of theirs, a path of them, `[]` for nothing, or a table one level down (contexts)."""
    if node.table is not None:
        yield from _table(_target)(node, child)
    elif node.items is not None:
        yield from _texts(node, child)
    else:
        yield from _text(node, child)


def _transform(node: Node, child: bool) -> Iterable[Complaint]:
    if node.table is None and node.text is None:
        yield node.complain("M003", "a transform is a word or a table")


def _default(node: Node, child: bool) -> Iterable[Complaint]:
    if node.table is not None:
        yield from _record(dict.fromkeys(("email", "login", "id", "name"), _text))(node, child)
    elif node.items is not None:
        yield from _texts(node, child)
    elif node.text is None and not isinstance(node.value, bool):
        yield node.complain("M003", "a value of theirs, a list of them or a person")


def _audience(extra: tuple[str, ...]) -> Check:
    return _word((*AUDIENCES, "requester+provider", *extra))


def _outward(node: Node, child: bool) -> Iterable[Complaint]:
    yield from _table(_text)(node, child)
    for key, value in (node.table or {}).items():
        if key != TEAM and audience(key) is None:
            yield value.complain("M003", f"`{key}` is no audience", key=True, fix=nearest(key, AUDIENCES))


def _max(node: Node, _: bool) -> Iterable[Complaint]:
    if node.text is None or size(node.text) is None:
        yield node.complain("M003", f"{_shown(node)} is no size", fix="such as 10 MB")


def _version(node: Node, _: bool) -> Iterable[Complaint]:
    if node.text != "1":
        yield node.complain("M003", f"language version {_shown(node)}", fix="mapping: 1")


def _rule(node: Node, child: bool) -> Iterable[Complaint]:
    if node.text is None:
        yield from _RULE(node, child)


def _examples(node: Node, _: bool) -> Iterable[Complaint]:
    if node.items is None:
        yield node.complain("M003", "examples are a list")
        return
    for item in node.items:
        if item.table is None:
            yield item.complain("M003", "an example is a table")
            continue
        yield from _keys(item, EXAMPLE)
        kinds = [key for key in ("in", "out", "create", "comment") if key in item.table]
        if len(kinds) != 1:
            yield item.complain("M003", "an example has one of in, out, create, comment", fix="one of them")
        if "gives" not in item.table:
            yield item.complain("M003", "an example says what it `gives`", fix="add `gives:`")


def _shown(node: Node) -> str:
    return repr(node.text) if node.text is not None else "this"


_RULE = _record(
    {
        "field": _remote,
        "direction": _word(WORDS["direction"]),
        "values": _table(_meaning),
        "write": _table(_target),
        "per": _text,
        "transform": _transform,
        "expr": _text,
        "match": _text,
        "unmapped": _word(WORDS["unmapped"]),
        "overlong": _word(WORDS["overlong"]),
        "conflict": _word(WORDS["conflict"]),
        "avoid": _texts,
    }
)
_TOP: Mapping[str, Check] = {
    "mapping": _version,
    "name": _name,
    "connector": _text,
    "extends": _text,
    "reference": _text,
    "defaults": _table(_default),
    "fields": _table(_rule),
    "unsupported": _table(_text),
    "comments": _record(
        {"reaches": _table(_audience(())), "outward": _outward, "inward": _table(_audience((IGNORE,)))},
    ),
    "attachments": _record(
        {"direction": _word(("none", "in", "out", "both")), "max": _max, "types": _texts, "reaches": _audience(())}
    ),
    "worklogs": _word(WORDS["worklogs"]),
    "examples": _examples,
}
