"""Bearer tokens: seen once, kept as a hash, ended by time, by hand and with their user."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.errors import Invalid, NotFound
from gateway.people import tokens, users
from gateway.store import tables
from gateway.store.db import Store
from tests.people.support import AT, HOUR, add, by, connection


def create(store: Store, role: str = "agent", **more: object) -> tuple[int, str]:
    with store.write() as conn:
        return tokens.create(conn, by(), "a script", role, **more)  # type: ignore[arg-type]


def test_a_token_stands_for_its_role(bare_store: Store) -> None:
    id, text = create(bare_store)
    assert text.startswith("tdm_") and len(text) == 47
    who = tokens.check(bare_store, text, AT)
    assert who is not None
    assert (who.id, who.role, who.token_id, who.scope) == (f"token:{id}", "agent", id, "all")


def test_the_database_never_holds_the_token(bare_store: Store) -> None:
    _, text = create(bare_store)
    with bare_store.read() as conn:
        held = str(conn.execute(select(tables.token)).all()) + str(conn.execute(select(tables.audit.c.payload)).all())
        assert text not in held and text.removeprefix("tdm_") not in held
        assert "hash" not in repr(tokens.everything(conn))


@pytest.mark.parametrize(
    "text", ["", "tdm_", "tdm_" + "x" * 43, "TDM_x", "Bearer x", "tdm_" + "x" * 500, "tdm_é\ud800"]
)
def test_anything_else_is_nobody(bare_store: Store, text: str) -> None:
    create(bare_store)
    assert tokens.check(bare_store, text, AT) is None


def test_a_token_ends_by_time_and_by_hand(bare_store: Store) -> None:
    _, short = create(bare_store, expires_at=AT + HOUR)
    id, other = create(bare_store)
    assert tokens.check(bare_store, short, AT + HOUR - 1) and not tokens.check(bare_store, short, AT + HOUR)
    for _ in range(2):
        with bare_store.write() as conn:
            tokens.revoke(conn, by(), id)
    assert tokens.check(bare_store, other, AT) is None
    with bare_store.read() as conn:
        states = {t.id: t.state(AT + HOUR) for t in tokens.everything(conn)}
        subjects = select(tables.subject.c.audit_seq).where(tables.subject.c.name == f"token:{id}")
        assert conn.scalar(subjects) == 2
    assert states[id] == "revoked" and set(states.values()) == {"revoked", "expired"}
    with bare_store.write() as conn, pytest.raises(NotFound):
        tokens.revoke(conn, by(), 1)


def test_a_token_never_allows_more_than_its_user_may_now(bare_store: Store) -> None:
    add(bare_store, "boss@example.org", "admin")
    id = add(bare_store, role="admin")
    _, strong = create(bare_store, "admin", user_id=id)
    _, weak = create(bare_store, "agent", user_id=id)
    assert tokens.check(bare_store, strong, AT) and tokens.check(bare_store, weak, AT)
    with bare_store.write() as conn:
        users.set_role(conn, by(), id, "agent")
    assert tokens.check(bare_store, strong, AT) is None and tokens.check(bare_store, weak, AT)
    with bare_store.write() as conn:
        users.set_role(conn, by(), id, "auditor")
    assert tokens.check(bare_store, weak, AT) is None


def test_a_provider_token_has_its_connection_and_keeps_to_its_user_s(bare_store: Store) -> None:
    acme, other = connection(bare_store), connection(bare_store, "other")
    _, text = create(bare_store, "provider", connection_id=acme)
    who = tokens.check(bare_store, text, AT)
    assert who is not None and (who.connection_id, who.connection, who.provider) == (acme, "acme", "acme-msp")
    paula = add(bare_store, "paula@acme.example", "provider", connection_id=acme)
    _, foreign = create(bare_store, "provider", user_id=paula, connection_id=other)
    assert tokens.check(bare_store, foreign, AT) is None


@pytest.mark.parametrize("role", ["provider", "requester", "root"])
def test_tokens_that_would_stand_for_nobody_in_particular_are_refused(bare_store: Store, role: str) -> None:
    with pytest.raises(Invalid):
        create(bare_store, role)


def test_its_use_is_noted_now_and_then(bare_store: Store) -> None:
    _, text = create(bare_store)

    def used() -> int | None:
        with bare_store.read() as conn:
            return tokens.everything(conn)[0].used_at

    assert used() is None
    seen = []
    for at in (AT, AT + 1, AT + tokens.USED_EVERY, AT + tokens.USED_EVERY + 1):
        tokens.check(bare_store, text, at)
        seen.append(used())
    assert seen == [AT, AT, AT, AT + tokens.USED_EVERY + 1]
