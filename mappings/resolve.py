"""Names to ids: every word of an effective document looked up in the two lists it lies between.

Complaints: M003 where a table has another shape than its fields, M010 to M014, M080 for what may never be sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mappings import normal
from mappings.catalogue import Canonical, Catalogue, Remote
from mappings.loader import Node, plain
from mappings.model import Complaint
from mappings.rules import STAR, Context, Field, Path, Resolved, Row, Target
from mappings.schema import IGNORE, TEAM, audience, nearest, size


def resolve(root: Node, remote: Catalogue, ours: Mapping[str, Canonical]) -> tuple[Resolved, list[Complaint]]:
    """Look every name up; the result is usable where there are no complaints."""
    work = _Resolver(root, remote, ours)
    return work.run(), work.told


class _Resolver:
    def __init__(self, root: Node, remote: Catalogue, ours: Mapping[str, Canonical]) -> None:
        self.root, self.remote, self.ours = root, remote, ours
        self.told: list[Complaint] = []

    def run(self) -> Resolved:
        connector = self._text("connector")
        if self.remote.connector and connector != self.remote.connector:
            cause = f"a mapping for {connector}, the catalogue is {self.remote.connector}'s"
            self.told.append((self.root.get("connector") or self.root).complain("M003", cause))
        reference = self._text("reference")
        self._field(reference, self.root.get("reference"))
        found = {name: rule for name, node in self._rows("fields") if (rule := self._rule(name, node)) is not None}
        fields = {name: found[name] for name in self.ours if name in found}  # whatever order they were written in
        unsupported = {name: str(node.value) for name, node in self._rows("unsupported") if self._canonical(name, node)}
        return Resolved(
            root=self.root,
            name=self._text("name"),
            connector=connector,
            reference=reference,
            fields=fields,
            defaults={name: value for name, node in self._rows("defaults") for value in self._default(name, node)},
            unsupported=unsupported,
            reaches=self._reaches(),
            outward=self._outward(),
            inward=self._inward(),
            attachments=self._attachments(),
            worklogs=self._text("worklogs") or "none",
        )

    # names -----------------------------------------------------------------------------------------------------------

    def _text(self, key: str) -> str:
        node = self.root.get(key)
        return node.text or "" if node is not None else ""

    def _rows(self, *path: str) -> list[tuple[str, Node]]:
        node = self.root.get(*path)
        return list((node.table or {}).items()) if node is not None else []

    def _canonical(self, name: str, node: Node) -> Canonical | None:
        found = self.ours.get(name)
        if found is None:
            self.told.append(node.complain("M010", f"no field {name!r} here", key=True, fix=nearest(name, self.ours)))
        return found

    def _field(self, name: str, node: Node | None, *, key: bool = False) -> Remote | None:
        found = self.remote.field(name)
        if found is None:
            fix = nearest(name, self.remote.fields)
            where = node or self.root
            self.told.append(where.complain("M011", f"{self.remote.connector} has no field {name!r}", key=key, fix=fix))
        return found

    # rules -----------------------------------------------------------------------------------------------------------

    def _rule(self, name: str, node: Node) -> Field | None:
        ours = self._canonical(name, node)
        named = node.get("field")
        if ours is None or named is None:
            return None
        places = named.items if named.items is not None else (named,)
        remotes = tuple(found for place in places if (found := self._field(place.text or "", place)) is not None)
        if len(remotes) != len(places):
            return None
        rule = Field(
            name=name,
            ours=ours,
            node=node,
            direction=self._word(node, "direction") or "both",
            policy=self._word(node, "conflict") or ours.owner,
            remotes=remotes,
            transform=plain(node.table["transform"]) if node.table and "transform" in node.table else None,
            expr=self._word(node, "expr"),
            match=self._word(node, "match"),
            unmapped=self._word(node, "unmapped") or "hold",
            overlong=self._word(node, "overlong"),
        )
        per = node.get("per")
        if per is not None:
            rule.per = self._field(per.text or "", per)
        rule.rows = self._values(rule)
        rule.writes = self._writes(rule)
        rule.avoid = self._avoid(rule)
        return rule

    def _word(self, node: Node, key: str) -> str | None:
        found = node.get(key)
        return found.text if found is not None else None

    def _values(self, rule: Field) -> dict[Context, list[Row]] | None:
        node = rule.node.get("values")
        if node is None:
            return self._identity(rule)
        return {context: list(self._table(rule, table, context, ())) for context, table in self._contexts(rule, node)}

    def _identity(self, rule: Field) -> dict[Context, list[Row]] | None:
        """Two choices without a table: each value means itself, where both lists have it."""
        theirs = rule.remotes[0]
        simple = rule.transform is None and rule.expr is None and len(rule.remotes) == 1
        if not simple or (rule.ours.type, theirs.type) != ("choice", "choice") or rule.node.get("write") is not None:
            return None
        ids = theirs.ids() or dict.fromkeys(rule.ours.values or (), "")
        return {None: [Row((id,), id, rule.node) for id in ids if id in (rule.ours.values or ())]}

    def _contexts(self, rule: Field, node: Node) -> Iterator[tuple[Context, Node]]:
        """The tables by context; a context is named by id or label of the field ``per`` names."""
        if rule.per is None:
            yield None, node
            return
        for key, table in (node.table or {}).items():
            if table.table is None:
                self.told.append(table.complain("M003", f"{rule.name}: one table for each {rule.per.name}"))
                continue
            for id in self._ids(rule.per, None, key, table, key=True):
                yield id, table

    def _table(self, rule: Field, node: Node, context: Context, above: Path) -> Iterator[Row]:
        remote = rule.remotes[len(above)]
        named = {id for key in node.table or {} for id in _named(remote, context, key)}
        seen: set[Path] = set()
        for key, value in (node.table or {}).items():
            if key == STAR:
                ids = [STAR]
            elif key.startswith("is:"):
                ids = self._flagged(remote, context, key, named, value)
            else:
                ids = self._ids(remote, context, key, value, key=True)
            for id in ids:
                path = (*above, id)
                if path in seen:
                    self.told.append(value.complain("M014", f"{key!r} is {remote.name} {id!r} once more", key=True))
                seen.add(path)
                if value.table is None:
                    yield Row(path, self._meaning(rule, value), value)
                elif len(path) < len(rule.remotes):
                    yield from self._table(rule, value, context, path)
                else:
                    self.told.append(value.complain("M003", f"{rule.name}: a table deeper than its fields"))

    def _meaning(self, rule: Field, node: Node) -> str | None:
        if node.items is not None:
            return None
        word = node.text or ""
        if rule.ours.values is not None and word not in rule.ours.values:
            fix = nearest(word, rule.ours.values)
            self.told.append(node.complain("M012", f"{rule.name} is never {word!r}", fix=fix))
        return word

    def _writes(self, rule: Field) -> dict[Context, dict[str, Target]]:
        node = rule.node.get("write")
        if node is None:
            return {}
        found: dict[Context, dict[str, Target]] = {}
        for context, table in self._contexts(rule, node):
            rows = found.setdefault(context, {})
            for ours, target in (table.table or {}).items():
                if rule.ours.values is not None and ours not in rule.ours.values:
                    fix = nearest(ours, rule.ours.values)
                    self.told.append(target.complain("M012", f"{rule.name} is never {ours!r}", key=True, fix=fix))
                    continue
                rows[ours] = Target(self._path(rule, context, target), target)
        return found

    def _path(self, rule: Field, context: Context, node: Node) -> Path | None:
        places = node.items if node.items is not None else (node,)
        if len(places) > len(rule.remotes) or any(place.text is None for place in places):
            self.told.append(node.complain("M003", f"{rule.name}: a path longer than its fields"))
            return None
        pairs = zip(rule.remotes, places, strict=False)
        steps = [self._ids(remote, context, place.text or "", place) for remote, place in pairs]
        return tuple(ids[0] for ids in steps if ids) or None

    def _avoid(self, rule: Field) -> frozenset[str]:
        node = rule.node.get("avoid")
        return frozenset(
            id
            for item in (node.items or () if node is not None else ())
            for context in (rule.remotes[0].values or {None: {}})
            for id in self._ids(rule.remotes[0], context, item.text or "", item)
        )

    # values ----------------------------------------------------------------------------------------------------------

    def _ids(self, remote: Remote, context: Context, word: str, node: Node, *, key: bool = False) -> list[str]:
        """The id a word names: an id, else exactly one label. Where nothing is listed the word stands for itself."""
        if remote.type == "number":
            return [normal.number(word)]
        if remote.type == "bool" and word not in ("true", "false"):
            self.told.append(node.complain("M013", f"{remote.name} is true or false", key=key))
            return []
        known = _known(remote, context)
        if known is None or word == "":
            return [word]
        ids = _named(remote, context, word)
        if len(ids) > 1:
            cause = f"{word!r} names {' and '.join(sorted(ids))} of {remote.name}"
            self.told.append(node.complain("M014", cause, key=key))
        elif not ids:
            fix = nearest(word, [*known, *known.values()])
            self.told.append(node.complain("M013", f"{remote.name} has no value {word!r}", key=key, fix=fix))
        return ids[:1]

    def _flagged(self, remote: Remote, context: Context, key: str, named: set[str], node: Node) -> list[str]:
        """Every value with a flag that no other row names."""
        flag = key.removeprefix("is:")
        if not any(flag in remote.flags.get(id, ()) for id in _known(remote, context) or {}):
            flags = {f"is:{word}" for words in remote.flags.values() for word in words}
            cause = f"no value of {remote.name} is {flag!r}"
            self.told.append(node.complain("M013", cause, key=True, fix=nearest(key, flags)))
        found = [id for id in _known(remote, context) or {} if flag in remote.flags.get(id, ()) and id not in named]
        named.update(found)
        return found

    def _default(self, name: str, node: Node) -> Iterator[Any]:
        remote = self._field(name, node, key=True)
        if remote is None:
            return
        if remote.type == "user":
            yield plain(node) if node.table is not None else {"id": node.text or ""}
        elif remote.type == "bool":
            yield node.value is True or node.text == "true"
        elif remote.type == "set":
            yield normal.normal_of(remote)(plain(node))
        else:
            ids = self._ids(remote, None, node.text or "", node) if remote.type in ("choice", "number") else [node.text]
            yield from ids

    # comments and files ----------------------------------------------------------------------------------------------

    def _channel(self, name: str, node: Node, *, key: bool) -> bool:
        if name in self.remote.channels:
            return True
        fix = nearest(name, self.remote.channels)
        self.told.append(node.complain("M011", f"{self.remote.connector} has no channel {name!r}", key=key, fix=fix))
        return False

    def _reaches(self) -> dict[str, frozenset[str]]:
        reaches = {name: channel.reaches for name, channel in self.remote.channels.items()}
        for name, node in self._rows("comments", "reaches"):
            if self._channel(name, node, key=True):
                reaches[name] |= audience(node.text or "") or frozenset()
        return reaches

    def _outward(self) -> dict[frozenset[str], str | None]:
        found: dict[frozenset[str], str | None] = {}
        for word, node in self._rows("comments", "outward"):
            readers = audience(word)
            if word == TEAM or readers is None:
                self.told.append(node.complain("M080", "what is for the team alone is never sent", key=True))
            elif node.text == IGNORE:
                found[readers] = None
            elif self._channel(node.text or "", node, key=False):
                found[readers] = node.text
        return found

    def _inward(self) -> dict[str, frozenset[str] | None]:
        rows = self._rows("comments", "inward")
        return {name: audience(node.text or "") for name, node in rows if self._channel(name, node, key=True)}

    def _attachments(self) -> dict[str, Any]:
        node = self.root.get("attachments")
        if node is None or node.table is None:
            return {"direction": "none"}
        types = node.get("types")
        return {
            "direction": self._word(node, "direction") or "both",
            "max": size(self._word(node, "max") or "25 MB") or 0,
            "types": plain(types) if types is not None else ["*/*"],
            "reaches": self._word(node, "reaches"),
        }


def _known(remote: Remote, context: Context) -> Mapping[str, str] | None:
    if remote.values is None or remote.type not in ("choice", "set", "bool"):
        return None
    if context in remote.values:
        return remote.values[context]
    return remote.values[None] if None in remote.values else remote.ids()


def _named(remote: Remote, context: Context, word: str) -> list[str]:
    known = _known(remote, context)
    if known is None:
        return [word]
    labelled = [id for id, label in known.items() if label == word and id != word]
    return ([word] if word in known else []) + labelled
