"""The configured connections at work: connectors built, mappings compiled, share policies read.

``Desks`` rereads the rows when one changed (``refresh``, one small statement) and builds a desk when it is first used.
A desk is safe for all threads of a process. Mapping versions belong to links: ``of`` gives the version
a link is pinned to.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version as package_version
from typing import Any

from sqlalchemy import select

from connectors.base import Connector
from gateway.clock import now_us
from gateway.decide.facts import Leg
from gateway.decide.inforce import InForce
from gateway.plain import canonical as as_text
from gateway.providers import languages, meanings, versions, watch
from gateway.providers.connection import who_paused
from gateway.providers.renewal import given
from gateway.providers.vault import Vault, place
from gateway.store import tables
from gateway.store.db import Road, Store
from gateway.tickets.vocabulary import document
from mappings.engine import Mapping as Compiled
from mappings.engine import compile_mapping
from mappings.model import MappingError
from mappings.share import Share, compile_share

Builder = Callable[["Row", Mapping[str, str]], Connector]
"""Makes the connector of a connection from its row and its opened secrets; no network."""

TELL_EVERY = 10_000_000  # microseconds between two notes that a connection is well
PERSON_LASTS = 86_400_000_000  # microseconds: a person looked up is believed for a day


@dataclass(frozen=True)
class Row:
    """A connection as it is stored."""

    id: int
    name: str
    kind: str
    provider: str
    version: int
    auth: str
    verify: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    found: Mapping[str, Any]
    me: frozenset[str]
    manifest: str
    declared: Mapping[str, Any]
    mapping_id: int
    intake: str
    state: str


@dataclass
class Desk:
    """One connection: its row, its connector, and the people of that desk as far as they are known."""

    row: Row
    connector: Connector
    people: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)  # id -> (person, fetched at)
    unkept: str = ""  # why our reference is not to be found there, if the last record made does not carry it

    def person(self, id: str, now: int) -> dict[str, str] | None:
        known = self.people.get(id)
        return known[0] if known is not None and now - known[1] < PERSON_LASTS else None

    @cached_property
    def catalogue(self) -> str:
        """The hash of what its manifest and the desk itself say of its fields, values and channels."""
        made = self.connector.catalogue(self.row.found.get("lists"), self.row.declared).doc
        return hashlib.sha256(as_text(made).encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def person_fields(self) -> tuple[str, ...]:
        """The catalogue fields that hold a person."""
        fields = self.connector.catalogue().doc["fields"]
        return tuple(name for name, spec in fields.items() if spec.get("type") == "user")


class Desks:
    """All connections of an installation. Also ``decide.facts.Legs``."""

    def __init__(self, store: Store, vault: Vault, build: Builder) -> None:
        self._store, self._vault, self._build = store, vault, build
        self._lock = threading.RLock()
        self._stamp: tuple[Any, ...] = ()
        self._rows: dict[int, Row] = {}
        self._names: dict[str, int] = {}
        self._desks: dict[int, Desk] = {}
        self._legs: dict[tuple[int, int], Leg] = {}
        self._shares: dict[str, Share | None] = {}
        self._compiled: dict[tuple[int, str], Compiled] = {}
        self._labels: dict[int, str] = {}  # mapping versions as people call them
        self.policies = InForce()
        self._named: dict[str, int] = {}  # share policies in force by provider, as document ids
        self._older: dict[int, Share] = {}  # share policies that previews asked for, by document
        self._troubled: set[int] = set()
        self._told: dict[tuple[str, int], int] = {}

    # -- reading the rows again --

    def refresh(self, road: Road) -> None:
        """Notice connections, mappings and policies that changed since; one statement when nothing did."""
        stamp = road.rows(
            "select (select count(*) from connection), (select coalesce(sum(version), 0) from connection),"
            " (select count(*) from document where version is not null), (select coalesce(max(id), 0) from document"
            " where version is not null)"
        )[0]
        if stamp != self._stamp:
            with self._lock:
                self._load()
                self._stamp = stamp

    def load(self) -> None:
        with self._store.road() as road:
            self.refresh(road)

    def _load(self) -> None:
        with self._store.read() as conn:
            p, d = tables.provider.c, tables.document.c
            query = select(tables.connection, p.slug.label("provider")).join_from(tables.connection, tables.provider)
            rows = {row.id: _row(row) for row in conn.execute(query)}
            shares = conn.execute(
                select(d.name, d.text, d.id).where(d.kind == "share", d.version.is_not(None)).order_by(d.version)
            ).all()
            self._shares = {name: compile_share(text, document(), name) for name, text, _ in shares}
            newest = {one.name: one for one in versions.newest_of_each(conn, "policy")}
        if {name: one.id for name, one in newest.items()} != self.policies.ids:
            self.policies = languages.in_force(newest.values())
        self._named = {name: id for name, _, id in shares}
        for id, row in rows.items():
            known = self._rows.get(id)
            if known is None or _rebuilds(known) != _rebuilds(row):
                self._desks.pop(id, None)
            elif id in self._desks:
                self._desks[id].row = row
        self._rows, self._names, self._legs = rows, {row.name: id for id, row in rows.items()}, {}

    # -- what others ask --

    def worth_telling(self, what: str, id: int, now: int) -> bool:
        """Whether a sign of life is to be written down: not again within ``TELL_EVERY``."""
        if now - self._told.get((what, id), 0) < TELL_EVERY:
            return False
        self._told[what, id] = now
        return True

    def troubled(self, id: int) -> bool:
        """Whether this process last saw the connection fail: only then a success is worth writing down."""
        return id in self._troubled

    def trouble(self, id: int, failing: bool) -> None:
        (self._troubled.add if failing else self._troubled.discard)(id)

    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def id_of(self, name: str) -> int | None:
        return self._names.get(name)

    def row(self, id: int) -> Row:
        return self._rows[id]

    def desk(self, id: int) -> Desk:
        """The connection at work; raises what building it raises (a bad manifest, a missing setting)."""
        desk = self._desks.get(id)
        if desk is None:
            with self._lock:
                row = self._rows[id]
                secrets = {
                    n: self._vault.open(sealed, place(row.name, n)).reveal() for n, sealed in row.secrets.items()
                }
                desk = self._desks[id] = Desk(row, self._build(row, secrets), self._people(id))
        return desk

    def of(self, connection_id: int, mapping_id: int) -> Leg:
        """What decisions ask of a link at this connection, with the mapping version it is pinned to."""
        leg = self._legs.get((connection_id, mapping_id))
        if leg is None:
            with self._lock:
                leg = self._legs[connection_id, mapping_id] = self._leg(connection_id, mapping_id)
        return leg

    def named(self, name: str) -> Leg | None:
        """The leg of the connection of that name, or of that provider's first active connection."""
        rows = [r for r in self._rows.values() if name in (r.name, r.provider) and r.state != "paused"]
        rows.sort(key=lambda r: (r.name != name, r.id))
        return self.of(rows[0].id, rows[0].mapping_id) if rows else None

    def stopped(self, name: str) -> str:
        """Who paused the connection (or provider) of that name, since when and why, "" where there is none."""
        rows = [r for r in self._rows.values() if name in (r.name, r.provider) and r.state == "paused"]
        rows.sort(key=lambda r: (r.name != name, r.id))
        if not rows:
            return ""
        with self._store.read() as conn:
            return who_paused(conn, rows[0].name)

    def versions(self, connections: Iterable[int] | None = None) -> dict[str, Any]:
        """What is in force now, by ids and hashes, for these connections (all): what stored facts tell of it. The
        connections in order: their mapping, catalogue, share policy, own names, intake, state."""
        told = {}
        for id in sorted(self._rows if connections is None else connections):
            row = self._rows[id]
            known = self._desks.get(id)
            catalogue = known.catalogue if known is not None else ""
            told[str(id)] = [
                row.mapping_id, catalogue, self._named.get(row.provider, 0), sorted(row.me), row.intake, row.state,
            ]  # fmt: skip
        return {"code": _code(), "vocabulary": _vocabulary(), "policies": dict(self.policies.ids), "desks": told}

    def share(self, provider: str) -> Share | None:
        """The share policy in force for a provider, by slug; None when none was ever published."""
        return self._shares.get(provider)

    def _people(self, id: int) -> dict[str, tuple[dict[str, str], int]]:
        c = tables.person.c
        with self._store.read() as conn:
            rows = conn.execute(
                select(tables.person).where(c.connection_id == id, c.fetched_at > now_us() - PERSON_LASTS)
            )
            return {
                row.remote_id: (
                    {
                        k: v
                        for k, v in (
                            ("id", row.remote_id),
                            ("email", row.email),
                            ("login", row.login),
                            ("name", row.name),
                        )
                        if v
                    },
                    row.fetched_at,
                )
                for row in rows
            }

    def know(self, road: Road, connection_id: int, people: Mapping[str, Mapping[str, str]], now: int) -> None:
        """Remember people that a desk told of."""
        desk = self.desk(connection_id)
        rows = []
        for id, person in people.items():
            desk.people[id] = (dict(person), now)
            rows.append(
                (connection_id, id, person.get("email", ""), person.get("login", ""), person.get("name", ""), now)
            )
        columns = ("connection_id", "remote_id", "email", "login", "name", "fetched_at")
        road.upsert(tables.person, ("connection_id", "remote_id"), columns, rows)

    def under(self, connection_id: int, mapping_id: int, mapping: Compiled, label: str) -> Leg:
        """The leg of a connection as it would be with a mapping that has no version: a draft's, for a preview."""
        return self._leg(connection_id, mapping_id, mapping, label)

    def share_by_id(self, document_id: int) -> Share | None:
        """A share policy that was in force once, by its document; None for 0, when there was none."""
        if document_id and document_id not in self._older:
            d = tables.document.c
            with self._store.read() as conn:
                name, text = conn.execute(select(d.name, d.text).where(d.id == document_id)).one()
            self._older[document_id] = compile_share(text, document(), name)
        return self._older[document_id] if document_id else None

    def policies_of(self, ids: Mapping[str, int]) -> InForce:
        """The policies that were in force once, by their documents."""
        if ids == self.policies.ids:
            return self.policies
        with self._store.read() as conn:
            return languages.in_force(versions.by_id(conn, id) for id in ids.values())

    def _leg(self, connection_id: int, mapping_id: int, mapping: Compiled | None = None, label: str = "") -> Leg:
        row, desk = self._rows[connection_id], self.desk(connection_id)
        mapping = mapping or self.mapping(connection_id, mapping_id)
        effects = {
            name: tuple(f for f, rule in mapping.fields.items() if set(rule.remote) & set(channel.side_effects))
            for name, channel in desk.connector.channels.items()
            if channel.side_effects
        }
        readers: dict[str, tuple[str, ...]] = {}
        for name, rule in mapping.fields.items():
            for used in rule.uses:
                readers[used] = (*readers.get(used, ()), name)
        return Leg(
            connection_id, row.name, row.provider, mapping_id, mapping, self._shares.get(row.provider),
            desk.connector.record_version_order, row.me, row.intake, effects, desk.connector.verbs,
            horizon=int(desk.connector.apply_horizon * 1_000_000), readers=readers,
            version=label or self._labels[mapping_id],
        )  # fmt: skip

    def mapping(self, connection_id: int, mapping_id: int) -> Compiled:
        """The compiled mapping version, against this connection's catalogue."""
        row, desk = self._rows[connection_id], self.desk(connection_id)
        lists = row.found.get("lists")
        key = (mapping_id, json.dumps([row.kind, row.manifest, lists, row.declared], sort_keys=True))
        compiled = self._compiled.get(key)
        if compiled is None:
            with self._store.read() as conn:
                version = versions.by_id(conn, mapping_id)
                text, parent = version.text, None
                if version.effective:  # in ids already: a label that was renamed there breaks nothing
                    text = meanings.readable(version.effective)
                elif version.parent:
                    name, _, number = version.parent.partition("@")
                    parent = versions.find(conn, "mapping", name, int(number)).text
                known = watch.both(conn, connection_id, lists)
            try:
                catalogue = desk.connector.catalogue(lists, row.declared).doc
                compiled = compile_mapping(text, catalogue, document(), parent, version.name)
            except MappingError:  # something it names is gone there since: the rest of it goes on
                catalogue = desk.connector.catalogue(known, row.declared).doc
                compiled = compile_mapping(text, catalogue, document(), parent, version.name)
            self._compiled[key], self._labels[mapping_id] = compiled, version.label
        return compiled


@cache
def _code() -> str:
    """The version of Tandem: what decides is code, too."""
    return package_version("tandem")


@cache
def _vocabulary() -> str:
    return hashlib.sha256(as_text(document()).encode()).hexdigest()


def _rebuilds(row: Row) -> tuple[Any, ...]:
    """What a connector is built from: when this changes, it is built again."""
    return (
        row.kind,
        row.auth,
        row.verify,
        json.dumps([row.settings, given(row.secrets), row.found, row.declared], sort_keys=True),
        row.manifest,
    )


def _row(row: Any) -> Row:
    return Row(
        row.id, row.name, row.kind, row.provider, row.version, row.auth, row.verify, json.loads(row.settings),
        json.loads(row.secrets), json.loads(row.found), frozenset(json.loads(row.me)), row.manifest,
        json.loads(row.declared), row.mapping_id, row.intake, row.state,
    )  # fmt: skip
