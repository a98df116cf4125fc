"""The life of a connection: added, checked, paused, resumed; what its remote keeps telling us about itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.clock import now_us, utc
from gateway.desk.actors import names
from gateway.journal import chain
from gateway.journal.audit import note
from gateway.journal.chain import Key
from gateway.providers.vault import Vault, place
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint

STATES = ("active", "paused", "unauthorized", "regressed")
POLL_EVERY = 60_000_000  # microseconds

SHARE_ALL = """share: 1
provider: {provider}
fields: [title, description, kind, status, resolution_code, resolution_text, impact, urgency, priority, category,
         subcategory, service, assets, assignee, group, due, tags, requester.name, requester.email]
audiences: [provider, provider+requester]
attachments: {{max: 25 MB, types: ["*/*"]}}
worklogs: true
"""
"""What a new provider may have until an admin publishes something else; the admin is told so when adding it."""


def keeper(store: Store, vault: Vault, connection_id: int) -> Callable[[str, str], None]:
    """``keep`` of a connector's context: durable when it returns. ``secret.x`` and ``token.x`` are sealed."""

    def keep(name: str, value: str) -> None:
        c = tables.connection.c
        kind, _, rest = name.partition(".")
        with store.write() as conn:
            row = conn.execute(select(tables.connection).where(c.id == connection_id).with_for_update()).one()
            if kind == "found":
                values = {"found": json.dumps({**json.loads(row.found), rest: value})}
            else:
                stored = rest if kind == "secret" else name
                sealed = vault.seal(value, place(row.name, stored))
                values = {"secrets": json.dumps({**json.loads(row.secrets), stored: sealed})}
            conn.execute(
                update(tables.connection).where(c.id == connection_id).values(version=row.version + 1, **values)
            )

    return keep


def set_state(conn: Connection, key: Key, connection_id: int, state: str, reason: str, actor: str = "tandem") -> bool:
    """Pause, resume, or mark a connection; audited. False when it was in that state already."""
    c = tables.connection.c
    row = conn.execute(select(tables.connection).where(c.id == connection_id).with_for_update()).one()
    if row.state == state and (state != "active" or not row.state_reason):
        return False
    at = now_us()
    values: dict[str, Any] = {"state": state, "state_reason": reason, "version": row.version + 1}
    if state == "active":
        values["poll_at"] = at
        n = tables.notice.c
        told = (n.connection_id == connection_id) & n.kind.in_(("unauthorized", "regressed")) & (n.state == "open")
        conn.execute(update(tables.notice).where(told).values(state="closed", closed_at=at))
    conn.execute(update(tables.connection).where(c.id == connection_id).values(values))
    note(
        conn,
        key,
        at,
        f"connection:{row.name}",
        actor,
        state,
        "",
        {"before": row.state, "after": state, "reason": reason},
    )
    return True


def who_paused(conn: Connection, name: str) -> str:
    """``paused by Ana since 2026-11-22 09:30 UTC: their maintenance``, as far as it is known."""
    reason = conn.scalar(select(tables.connection.c.state_reason).where(tables.connection.c.name == name))
    a, said = tables.audit.c, "paused"
    for row in conn.execute(select(tables.audit).where(a.subject == f"connection:{name}").order_by(a.seq.desc())):
        entry = chain.read(bytes(row.canon))
        if entry.verb == "paused":
            said = f"paused by {names(conn, [entry.actor])[entry.actor]} since {utc(entry.at):%Y-%m-%d %H:%M} UTC"
            break
    return f"{said}: {reason}" if reason else said


def add(
    conn: Connection, key: Key, vault: Vault, doc: Mapping[str, Any], manifest: str, mapping_id: int, actor: str
) -> int:
    """Add a connection from an admin's document (already checked): ``name kind provider auth verify settings secrets
    declared intake poll``. Makes the provider, with the default share policy, where it is new."""
    at = now_us()
    provider = _provider(conn, key, str(doc["provider"]), str(doc.get("provider_name") or doc["provider"]), actor)
    id = mint()
    secrets = {
        name: vault.seal(str(value), place(str(doc["name"]), name)) for name, value in doc.get("secrets", {}).items()
    }
    conn.execute(
        insert(tables.connection).values(
            id=id, name=doc["name"], kind=doc["kind"], provider_id=provider, version=1, auth=doc.get("auth", ""),
            verify=doc.get("verify", ""), settings=json.dumps(doc.get("settings", {})), secrets=json.dumps(secrets),
            manifest=manifest, declared=json.dumps(doc.get("declared", {})), mapping_id=mapping_id,
            intake=doc.get("intake", "import"), poll_at=at, created_at=at,
            poll_every=int(float(doc.get("poll", POLL_EVERY / 1e6)) * 1e6),
        )
    )  # fmt: skip
    conn.execute(insert(tables.health).values(connection_id=id))
    told = {k: v for k, v in doc.items() if k != "secrets"}
    note(conn, key, at, f"connection:{doc['name']}", actor, "added", "", {"after": told})
    return id


def _provider(conn: Connection, key: Key, slug: str, name: str, actor: str) -> int:
    known = conn.execute(select(tables.provider.c.id).where(tables.provider.c.slug == slug)).scalar()
    if known is not None:
        return int(known)
    id, at = mint(), now_us()
    conn.execute(insert(tables.provider).values(id=id, slug=slug, name=name, created_at=at))
    text = SHARE_ALL.format(provider=slug)
    conn.execute(
        insert(tables.document).values(
            id=mint(),
            kind="share",
            name=slug,
            version=1,
            text=text,
            author=actor,
            reason="default for a new provider",
            created_at=at,
        )
    )
    note(conn, key, at, f"provider:{slug}", actor, "added", "", {"name": name, "share": text})
    return id
