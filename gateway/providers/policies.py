"""What is shared with each provider, and who gets a new ticket: documents, checked and published version by version.

A policy's name is ``share:<provider>`` or ``routing``. The newest published version is in force, for everything from
then on (``providers.desks`` reads it again); links pin mappings, never these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from gateway.decide.conditions import BadCondition, condition, variables
from gateway.decide.routing import compile_routing
from gateway.errors import Invalid
from gateway.people.users import By
from gateway.providers import versions
from gateway.providers.documents import Mistakes, nearest
from gateway.providers.meanings import mistakes
from gateway.providers.versions import Kind, New, Version
from gateway.store import tables
from gateway.tickets.vocabulary import document as vocabulary
from mappings.loader import Node, load, plain
from mappings.model import MappingError
from mappings.share import Share, compile_share

ROUTING = "routing"
KEYS = ("policy", "name", "rules", "default")
RULE = ("name", "when", "to", "because")
_VARIABLES = f"It sees {', '.join(variables())}."


@dataclass(frozen=True)
class Draft:
    """A policy that may be published. ``notes``: what its author should know all the same."""

    kind: Kind
    key: str
    text: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return versions.title(self.kind, self.key)


def named(name: str) -> tuple[Kind, str]:
    """The kind of a policy, and its name within the kind: ``share:acme`` is the share policy of acme."""
    kind, _, provider = name.partition(":")
    return ("share", provider) if kind == "share" and provider else ("policy", name)


def history(conn: Connection, name: str = "") -> list[Version]:
    """The published versions, newest first; of one policy, or the newest of each."""
    if name:
        return versions.history(conn, *named(name))
    return versions.newest_of_each(conn, "share", "policy")


def version(conn: Connection, name: str, number: int | None = None) -> Version:
    """One version, without a number the one in force. Raises NotFound."""
    return versions.find(conn, *named(name), number)


# --- checked ---


def read(conn: Connection, text: str, file: str = "policy") -> Draft:
    """A checked policy; ``file`` is what complaints call it. Raises Mistakes with everything that is wrong."""
    try:
        root = load(text, file)
    except MappingError as error:
        raise Mistakes(file, mistakes(error.complaints)) from None
    keys = root.table or {}
    if "share" in keys:
        return _share(conn, root, text, file)
    if "policy" in keys:
        return _routing(conn, root, text, file)
    raise Mistakes(file, [Invalid("not a policy", file, fix="Begin it with share: 1, or with policy: 1.")])


def _share(conn: Connection, root: Node, text: str, file: str) -> Draft:
    try:
        share = compile_share(text, vocabulary(), file)
    except MappingError as error:
        raise Mistakes(file, mistakes(error.complaints)) from None
    known = _slugs(conn, tables.provider)
    if share.provider not in known:
        fix = nearest(share.provider, known) if known else "A connection brings its provider: add one first."
        raise Mistakes(file, [Invalid("no such provider", "provider", share.provider, fix)])
    notes = [] if share.allows("title") else ["The title is not shared: most desks refuse a record without one."]
    if not share.audiences:
        notes.append("No audience is shared: no comment reaches this provider.")
    return Draft("share", share.provider, text, tuple(notes))


def _routing(conn: Connection, root: Node, text: str, file: str) -> Draft:
    checked = _Routing(conn, file)
    checked.check(root)
    if checked.wrong:
        raise Mistakes(file, checked.wrong)
    return Draft("policy", ROUTING, text, tuple(checked.notes))


class _Routing:
    """Goes through a routing policy once and collects what is wrong."""

    def __init__(self, conn: Connection, file: str) -> None:
        self.file = file
        self.teams, self.providers = _slugs(conn, tables.team), _slugs(conn, tables.provider)
        p, c = tables.provider.c, tables.connection.c
        active = select(p.slug).join(tables.connection, c.provider_id == p.id).where(c.state != "paused")
        self.active = set(conn.scalars(active))
        self.wrong: list[Invalid] = []
        self.notes: list[str] = []

    def check(self, root: Node) -> None:
        self._keys(root, KEYS, "")
        if (one := root.get("policy")) is not None and one.text != "1":
            self._say(one, "this language has version 1", "policy", "Write policy: 1.")
        name = root.get("name")
        if name is None or name.text != ROUTING:
            self._say(name or root, "the one policy there is so far is routing", "name", "Write name: routing.")
        rules = root.get("rules")
        if rules is None or rules.items is None:
            self._say(rules or root, "a list of rules is expected", "rules", "Write rules: with - name: ...")
        else:
            self._rules(rules.items)
        default = root.get("default")
        if default is not None:
            self._to(default, "default")

    def _rules(self, rules: Sequence[Node]) -> None:
        seen: dict[str, int] = {}
        last = ""
        for number, rule in enumerate(rules):
            at = f"rules[{number}]"
            if rule.table is None:
                self._say(rule, "a rule has name, when, to and because", at, "Write - name: ...")
                continue
            self._keys(rule, RULE, f"{at}.")
            name = rule.get("name")
            if name is None or not name.text:
                self._say(name or rule, "a rule needs a name: it stands on the tickets", f"{at}.name", "Give it one.")
            elif name.text in seen:
                self._say(name, f"the name of rules[{seen[name.text]}] too", f"{at}.name", "Give it another name.")
            else:
                seen[name.text] = number
            if last:
                self.notes.append(f"{at} is never reached: {last} matches every ticket.")
            always = self._when(rule, f"{at}.when")
            last = last or (at if always else "")
            to = rule.get("to")
            if to is None:
                self._say(rule, "is needed", f"{at}.to", "Write team:<slug> or provider:<slug>.")
            else:
                self._to(to, f"{at}.to")
            because = rule.get("because")
            if because is not None and not because.text:
                self._say(because, "a sentence is expected", f"{at}.because", "Say why, or leave it out.")

    def _when(self, rule: Node, at: str) -> bool:
        """Whether the rule matches every ticket."""
        when = rule.get("when")
        if when is None or when.value is True:
            return True
        if not when.text:
            self._say(when, "a condition is expected", at, "Write one in quotes: 'category == \"network\"'.")
            return False
        try:
            condition(when.text)
        except BadCondition as error:
            self._say(when, str(error), at, _VARIABLES)
        return when.text.strip() == "true"

    def _to(self, node: Node, at: str) -> None:
        kind, _, slug = (node.text or "").partition(":")
        known = {"team": self.teams, "provider": self.providers}.get(kind)
        if known is None:
            self._say(node, "not somebody a ticket can be given to", at, "Write team:<slug> or provider:<slug>.")
        elif slug not in known:
            fix = nearest(slug, known) if known else f"There is no {kind} yet."
            self._say(node, f"no such {kind}", at, fix)
        elif kind == "provider" and slug not in self.active:
            self.notes.append(f"{at}: {slug} has no active connection: its tickets stay with the service desk.")

    def _keys(self, node: Node, known: Sequence[str], prefix: str) -> None:
        if node.table is None:
            self._say(node, "a table of keys is expected", prefix or self.file, "Write policy: 1, name: routing ...")
        for key, value in (node.table or {}).items():
            if key not in known:
                title, field = "there is no such key", f"{prefix}{key}"
                self.wrong.append(Invalid(f"{title} (line {value.key_line})", field, fix=nearest(key, known)))

    def _say(self, node: Node, title: str, field: str, fix: str) -> None:
        value = node.text or None
        self.wrong.append(Invalid(f"{title} (line {node.line})", field, value and value[:200], fix))


def _slugs(conn: Connection, table: Any) -> list[str]:
    return sorted(conn.scalars(select(table.c.slug)))


# --- published ---


def publish(conn: Connection, by: By, draft: Draft, reason: str) -> Version:
    """Put a policy in force as its name's next version. Raises Conflict when the very same one is in force already."""
    return versions.publish(conn, by, New(draft.kind, draft.key, draft.text, reason))


def changes(conn: Connection, draft: Draft) -> list[str]:
    """What publishing a policy would change, beside the one in force, in short sentences."""
    return compared(conn, draft)[1]


def compared(conn: Connection, draft: Draft, number: int | None = None) -> tuple[str, list[str]]:
    """The diff of a policy against a version (the one in force), and in short sentences what it changes. Raises
    NotFound for a number that was never given."""
    if number is None and not history(conn, draft.name):
        return versions.diff("", draft.text, ("nothing", "draft")), ["there is none yet"]
    before = version(conn, draft.name, number)
    told = (_shared if draft.kind == "share" else _routed)(before.text, draft.text)
    return versions.diff(before.text, draft.text, (before.label, "draft")), list(told)


def _shared(before: str, after: str) -> Iterator[str]:
    was, now = (compile_share(text, vocabulary()) for text in (before, after))
    for what, old, new in (("", was.fields, now.fields), ("comments for ", _parties(was), _parties(now))):
        yield from (f"+ {what}{one}" for one in sorted(new - old))
        yield from (f"- {what}{one}" for one in sorted(old - new))
    if (now.max, now.types) != (was.max, was.types):
        yield f"files: up to {now.max:,} bytes of {', '.join(now.types) or 'no type'}"
    if now.worklogs != was.worklogs:
        yield f"{'+' if now.worklogs else '-'} time spent"


def _parties(share: Share) -> frozenset[str]:
    return frozenset("+".join(sorted(one)) for one in share.audiences)


def _routed(before: str, after: str) -> Iterator[str]:
    was, now = (compile_routing(plain(load(text, ROUTING))) for text in (before, after))
    rules = [{rule.name: (rule.source, rule.to) for rule in one.rules} for one in (was, now)]
    yield from (f"+ {name}, to {rules[1][name][1]}" for name in rules[1] if name not in rules[0])
    yield from (f"- {name}" for name in rules[0] if name not in rules[1])
    common = [name for name in rules[1] if name in rules[0]]
    yield from (f"{name}: changed, to {rules[1][name][1]}" for name in common if rules[0][name] != rules[1][name])
    if common != [name for name in rules[0] if name in rules[1]]:
        yield "the rules have another order"
    if now.default != was.default:
        yield f"default: {now.default} instead of {was.default}"
