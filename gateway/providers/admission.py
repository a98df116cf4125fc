"""From a checked document to a connection at work: the desk is asked who we are, its mapping proved, then it is stored.

What the desk told (``found``, our own names ``me``, its live lists) is kept with the connection; the same is done again
whenever somebody checks it. A desk that does not answer is stored only where the admin wants it so, and then paused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select, update

from connectors import errors
from connectors.base import Connector, Context, Json
from connectors.signing import PREVIOUS, SECRET
from gateway import clock
from gateway.errors import Conflict, Invalid, NotFound, TandemError, Unavailable
from gateway.journal.audit import note
from gateway.people.users import By
from gateway.providers import connection, meanings, policies, publishing, versions, watch
from gateway.providers.documents import Draft, Mistakes
from gateway.providers.vault import place
from gateway.providers.versions import New
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.tickets.vocabulary import document
from mappings.engine import Mapping as Compiled
from mappings.model import MappingError
from mappings.share import Share, compile_share

SECONDS = 60.0
"""What a check may take in all: sign-in, our account, the live lists."""

EGRESS = "TANDEM_EGRESS_ALLOW"
"""Named by the session's guard when an address is not public and not listed."""

UNCHECKED = "never checked: it was added while the desk was not asked"

log = logging.getLogger("tandem")
_C = tables.connection.c


@dataclass(frozen=True)
class Told:
    """What a desk told of itself. ``me``: all names of our account there; ``remote``: its version, where it says one;
    ``kept``: what the sign-in asked us to keep (``secret.x``, ``token.x``); ``warnings``: what the proof of the mapping
    against it has to say, though it holds."""

    me: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Json] = field(default_factory=dict)
    remote: str = ""
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()


def ask(connector: Connector, ctx: Context) -> Told:
    """Ask a desk who we are and what it has. Raises Unavailable or Invalid, in the desk's own words."""
    try:
        found = connector.check(ctx)
        lists = connector.lists(ctx)
    except errors.Outcome as error:
        raise refusal(error) from error
    return Told(tuple(sorted(found.me)), dict(found.values), dict(lists), found.remote)


def refusal(error: errors.Outcome) -> TandemError:
    """Why a desk could not be checked, and what would help."""
    match error:
        case errors.Unauthorized():
            return Invalid(f"the desk does not let us in: {error.said}", "secrets", fix="Check the account's secrets.")
        case errors.Retry() | errors.Unknown():
            return Unavailable(f"the desk does not answer: {error.said}", "settings", fix="Check address and egress.")
        case errors.Refused() if EGRESS in error.said:
            return Invalid(f"the desk may not be reached: {error.said}", "settings", fix="The operator lists it there.")
        case _:
            return Invalid(f"the desk refuses to be checked: {error.said}", "settings", fix="Check the settings.")


def trial(rt: Runtime, draft: Draft) -> Told:
    """Check a desk that is not stored yet; what it wants kept comes back as ``kept``."""
    kept: dict[str, str] = {}
    now = clock.utc(rt.now())
    ctx = Context(now, clock.monotonic, rt.session, log, clock.monotonic() + SECONDS, kept.__setitem__)
    told = ask(draft.connector(), ctx)
    return replace(told, kept={k: v for k, v in kept.items() if not k.startswith("found.")})


def add(rt: Runtime, by: By, draft: Draft, unchecked: bool = False, why: str = UNCHECKED) -> tuple[int, Told]:
    """Store a new connection, checked and at work, or ``unchecked`` and paused, for the reason ``why``. Raises Conflict
    when its name is taken, Mistakes on a mapping that does not fit, and what ``ask`` raises."""
    with rt.store.read() as conn:
        if _known(conn, draft.name) is not None:
            fix = "Take another name, or change that one with --update."
            raise Conflict("a connection of this name is there", "name", draft.name, fix)
    told = Told() if unchecked else trial(rt, draft)
    with rt.store.write() as conn:
        mapping_id, warnings = mapping(conn, by, draft, told.lists)
        id = connection.add(conn, by.key, rt.vault, _document(draft, told), draft.manifest, mapping_id, by.actor)
        conn.execute(update(tables.connection).where(_C.id == id).values(_told(told, {})))
        if unchecked:
            connection.set_state(conn, by.key, id, "paused", why, by.actor)
    rt.desks.load()
    return id, replace(told, warnings=warnings)


def change(rt: Runtime, by: By, draft: Draft, unchecked: bool = False) -> tuple[int, Told]:
    """Give a connection other settings, secrets or another mapping (for links made from now on). The webhook secret
    before stays good beside the new one. Kind and provider never change. Raises NotFound, Conflict, what ``add`` does.
    """
    told = Told() if unchecked else trial(rt, draft)
    with rt.store.write() as conn:
        row = _known(conn, draft.name)
        if row is None:
            raise NotFound("no such connection", "name", draft.name, "Add it without --update.")
        if row.kind != draft.kind or row.provider != draft.provider:
            fix = "Add a connection of another name, and pause this one."
            raise Conflict("kind and provider of a connection never change", "name", draft.name, fix)
        given = _document(draft, told)["secrets"]
        before = {
            name: rt.vault.open(text, place(row.name, name)).reveal() for name, text in json.loads(row.secrets).items()
        }
        if before.get(SECRET) and given.get(SECRET) not in (None, before[SECRET]):
            given.setdefault(SECRET + PREVIOUS, before[SECRET])
        mapping_id, warnings = mapping(conn, by, draft, told.lists)
        values: dict[str, Any] = {
            "auth": draft.auth, "verify": draft.verify, "settings": json.dumps(draft.settings),
            "secrets": json.dumps({name: rt.vault.seal(text, place(row.name, name)) for name, text in given.items()}),
            "manifest": draft.manifest, "declared": json.dumps(draft.declared), "intake": draft.intake,
            "poll_every": int(draft.poll * 1_000_000), "mapping_id": mapping_id,
            "version": row.version + 1, **(_told(told, {}) if not unchecked else {}),
        }  # fmt: skip
        conn.execute(update(tables.connection).where(_C.id == row.id).values(values))
        watch.forget(conn, row.id)
        after = {k: v for k, v in _document(draft, told).items() if k != "secrets"}
        note(conn, by.key, by.at, f"connection:{row.name}", by.actor, "changed", "", {"after": after})
    rt.desks.load()
    return int(row.id), replace(told, warnings=warnings)


def check(rt: Runtime, id: int) -> Told:
    """Ask a stored connection's desk again and keep what it tells. Raises what ``ask`` raises, and Mistakes when its
    mapping no longer fits."""
    desk = rt.desks.desk(id)
    told = ask(desk.connector, rt.context(desk))
    with rt.store.write() as conn:
        row = conn.execute(select(tables.connection).where(_C.id == id).with_for_update()).one()
        watch.remember(conn, row)
        values = _told(told, {name: value for name, value in json.loads(row.found).items() if name != "lists"})
        if any(json.loads(values[name]) != json.loads(getattr(row, name)) for name in values):
            conn.execute(update(tables.connection).where(_C.id == id).values(version=row.version + 1, **values))
        used = versions.by_id(conn, row.mapping_id)
        above = publishing.pinned(conn, used)
    rt.desks.load()
    catalogue = desk.connector.catalogue(told.lists, desk.row.declared).doc
    policy = rt.desks.share(desk.row.provider)
    try:
        _, warnings = _proved(used.text, catalogue, above, used.name, policy)
    except Mistakes:
        if not used.effective:
            raise
        _, warnings = _proved(meanings.readable(used.effective), catalogue, None, used.label, policy)
    return replace(told, warnings=warnings)


def mapping(conn: Connection, by: By, draft: Draft, lists: Mapping[str, Json]) -> tuple[int, tuple[str, ...]]:
    """The mapping version a document asks for, proved against the desk's catalogue and the provider's share policy, and
    the warnings of that proof. Raises NotFound, Mistakes."""
    policy = _policy(conn, draft.provider)
    catalogue = draft.connector().catalogue(lists, draft.declared).doc
    if not draft.mapping_text:
        found = versions.find(conn, "mapping", draft.mapping)
        return found.id, _proved(found.text, catalogue, publishing.pinned(conn, found), found.name, policy)[1]
    text = draft.mapping_text
    try:
        parent = meanings.parent_of(conn, text, draft.mapping)
    except MappingError as error:
        raise Mistakes(draft.mapping, meanings.mistakes(error.complaints)) from None
    compiled, warnings = _proved(text, catalogue, parent.text if parent else None, draft.mapping, policy)
    known = versions.same(conn, "mapping", compiled.name, text)
    if known is not None:
        return known.id, warnings
    publishing.own(versions.history(conn, "mapping", compiled.name), compiled.name)
    new = New(
        "mapping", compiled.name, text, f"came with the connection {draft.name}",
        parent.label if parent is not None else "", meanings.canonical(compiled.document),
        versions.digest(meanings.canonical(catalogue)),
    )  # fmt: skip
    return versions.publish(conn, by, new).id, warnings


def _policy(conn: Connection, provider: str) -> Share | None:
    """The provider's share policy; of a new one, the one it will begin with."""
    found = policies.history(conn, f"share:{provider}")
    text = found[0].text if found else connection.SHARE_ALL.format(provider=provider)
    return compile_share(text, document())


def _proved(
    text: str, catalogue: Mapping[str, Any], parent: str | None, name: str, policy: Share | None
) -> tuple[Compiled, tuple[str, ...]]:
    """The proved mapping, and the warnings. Raises Mistakes."""
    compiled, told = meanings.prove(text, catalogue, parent, name, policy)
    wrong = [one for one in told if one.severity == "E"]
    if compiled is None or wrong:
        raise Mistakes(name, meanings.mistakes(wrong))
    return compiled, tuple(map(str, told))


def _known(conn: Connection, name: str) -> Any:
    query = select(tables.connection, tables.provider.c.slug.label("provider")).join(tables.provider)
    return conn.execute(query.where(_C.name == name).with_for_update(of=tables.connection)).one_or_none()


def _document(draft: Draft, told: Told) -> dict[str, Any]:
    """The draft as ``connection.add`` takes it, with the secrets as the sign-in left them."""
    rotated = {name.removeprefix("secret."): text for name, text in told.kept.items()}
    return {
        "name": draft.name, "kind": draft.kind, "provider": draft.provider, "provider_name": draft.provider_name,
        "auth": draft.auth, "verify": draft.verify, "settings": dict(draft.settings),
        "secrets": {**draft.secrets, **rotated}, "declared": dict(draft.declared), "intake": draft.intake,
        "poll": draft.poll,
    }  # fmt: skip


def _told(told: Told, before: Mapping[str, Any]) -> dict[str, str]:
    """The columns that hold what a desk told."""
    found = {**before, **told.values, **({"lists": told.lists} if told.lists else {})}
    return {"found": json.dumps(found), "me": json.dumps(told.me)}
