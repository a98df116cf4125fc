"""Users: added, changed, disabled; each change in the audit trail, never a password."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from gateway.errors import Conflict, Invalid, NotFound
from gateway.people import sessions, tokens, users
from gateway.store import tables
from gateway.store.db import Store
from tests.people.support import AT, PASSWORD, add, by, connection


def told(store: Store, id: int) -> list[tuple[str, dict[str, object]]]:
    with store.read() as conn:
        rows = conn.execute(
            select(tables.audit.c.canon, tables.audit.c.payload)
            .where(tables.audit.c.subject == f"user:{id}")
            .order_by(tables.audit.c.seq)
        )
        return [(json.loads(row.canon)["verb"], json.loads(row.payload)) for row in rows]


def test_a_user_is_found_by_address_in_any_case(bare_store: Store) -> None:
    id = add(bare_store, " Ana@Example.ORG ")
    with bare_store.read() as conn:
        found = users.by_email(conn, "ANA@example.org")
        assert found is not None and (found.id, found.email, found.state) == (id, "ana@example.org", "active")
        assert users.by_email(conn, "nobody@example.org") is None
        assert [u.id for u in users.everyone(conn)] == [id]
    assert PASSWORD not in repr(found) and "argon2" not in repr(found)


def test_every_change_is_told_and_no_password_is(bare_store: Store) -> None:
    add(bare_store, "boss@example.org", "admin")
    id = add(bare_store)
    with bare_store.write() as conn:
        users.set_role(conn, by(), id, "auditor")
        users.set_password(conn, by(), id, "another password")
        users.disable(conn, by(), id)
        users.disable(conn, by(), id)
        users.enable(conn, by(), id)
    said = told(bare_store, id)
    assert [verb for verb, _ in said] == ["added", "role changed", "password changed", "disabled", "enabled"]
    assert said[1][1] == {"role": ["agent", "auditor"]}
    assert "argon2" not in json.dumps(said) and PASSWORD not in json.dumps(said)


@pytest.mark.parametrize("email", ["", "ana", "ana@", "@example.org", "a b@example.org", "a@b@c", "a,b@example.org"])
def test_addresses_that_are_none_are_refused(bare_store: Store, email: str) -> None:
    with pytest.raises(Invalid, match="e-mail address"):
        add(bare_store, email)


def test_an_address_belongs_to_one_user(bare_store: Store) -> None:
    add(bare_store)
    with pytest.raises(Conflict, match="exists"):
        add(bare_store, "ANA@example.org")


def test_a_provider_has_exactly_one_connection_and_others_have_none(bare_store: Store) -> None:
    acme = connection(bare_store)
    for role, where in (("provider", None), ("agent", acme), ("boss", None)):
        with pytest.raises(Invalid):
            add(bare_store, "x@example.org", role, connection_id=where)
    id = add(bare_store, "paula@acme.example", "provider", connection_id=acme)
    with bare_store.read() as conn:
        who = users.principal(conn, id)
    assert who is not None
    assert (who.connection_id, who.connection, who.provider, who.scope) == (acme, "acme", "acme-msp", "connection")


def test_disabling_ends_sessions_and_tokens_at_once(bare_store: Store) -> None:
    id = add(bare_store)
    with bare_store.write() as conn:
        cookie, _ = sessions.begin(conn, id, AT)
        _, text = tokens.create(conn, by(), "script", "agent", id)
    assert sessions.find(bare_store, cookie, AT) and tokens.check(bare_store, text, AT)
    with bare_store.write() as conn:
        users.disable(conn, by(), id)
    assert sessions.find(bare_store, cookie, AT) is None and tokens.check(bare_store, text, AT) is None
    with bare_store.write() as conn:
        users.enable(conn, by(), id)
    assert tokens.check(bare_store, text, AT) is None


def test_the_last_active_admin_stays(bare_store: Store) -> None:
    boss = add(bare_store, "boss@example.org", "admin")
    with bare_store.write() as conn:
        for attempt in (lambda: users.disable(conn, by(), boss), lambda: users.set_role(conn, by(), boss, "agent")):
            with pytest.raises(Conflict, match="last active admin"):
                attempt()
    other = add(bare_store, "other@example.org", "admin")
    with bare_store.write() as conn:
        users.disable(conn, by(), boss)
        with pytest.raises(Conflict):
            users.disable(conn, by(), other)


def test_unknown_users_are_not_found(bare_store: Store) -> None:
    with bare_store.write() as conn, pytest.raises(NotFound):
        users.disable(conn, by(), 1)
