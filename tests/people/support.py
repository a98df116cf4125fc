"""People for tests, made by the functions under test; argon2 is turned down where its strength is not the point."""

from __future__ import annotations

from sqlalchemy import insert

from gateway.journal.chain import Key
from gateway.people import users
from gateway.people.users import By
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint

KEY = Key.of(b"k" * 32)
AT = 1_763_768_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
PASSWORD = "correct horse battery"


def by(at: int = AT) -> By:
    return By("cli", KEY, at)


def add(store: Store, email: str = "ana@example.org", role: str = "agent", **more: object) -> int:
    with store.write() as conn:
        return users.add(conn, by(), email, "Ana", role, **{"password": PASSWORD, **more})  # type: ignore[arg-type]


def connection(store: Store, name: str = "acme") -> int:
    id = mint()
    with store.write() as conn:
        provider, mapping = mint(), mint()
        conn.execute(insert(tables.provider).values(id=provider, slug=f"{name}-msp", name=name, created_at=1))
        conn.execute(insert(tables.document).values(id=mapping, kind="mapping", name=name, text="", created_at=1))
        row = {"id": id, "name": name, "kind": "memory", "auth": "", "poll_every": 1, "created_at": 1}
        conn.execute(insert(tables.connection).values(provider_id=provider, mapping_id=mapping, **row))
    return id
