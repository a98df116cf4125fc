"""Sign-in and sessions: fixation, stolen and old cookies, guessing, enumeration, a counter that is down."""

from __future__ import annotations

import argon2
import pytest
from limits.storage import MemoryStorage
from sqlalchemy import select

from gateway.errors import Busy, TandemError, Unauthenticated, Unavailable
from gateway.people import passwords, sessions, users
from gateway.people.signin import PER_ADDRESS, PER_PAIR, Attempts, sign_in
from gateway.store import tables
from gateway.store.db import Store
from tests.people.support import AT, HOUR, PASSWORD, SECOND, add, by

HERE = "192.0.2.1"


def enter(
    store: Store, attempts: Attempts, email: str = "ana@example.org", password: str = PASSWORD, **more: str
) -> tuple[str, str]:
    return sign_in(store, attempts, by(), email, password, more.pop("address", HERE), **more)


def refusal(store: Store, attempts: Attempts, *args: str, **more: str) -> TandemError:
    with pytest.raises(TandemError) as caught:
        enter(store, attempts, *args, **more)
    return caught.value


def test_the_right_password_begins_a_session(bare_store: Store) -> None:
    id = add(bare_store)
    cookie, csrf = enter(bare_store, Attempts(), " ANA@example.org")
    found = sessions.find(bare_store, cookie, AT)
    assert found is not None and found.principal.id == f"user:{id}" and found.principal.role == "agent"
    assert found.csrf_fits(csrf) and not found.csrf_fits("") and not found.csrf_fits(None) and not found.csrf_fits("ñ")
    assert csrf not in repr(found)


def test_every_refusal_says_the_same(bare_store: Store) -> None:
    add(bare_store)
    add(bare_store, "gone@example.org")
    add(bare_store, "sso@example.org", password=None)
    with bare_store.write() as conn:
        gone = users.by_email(conn, "gone@example.org")
        assert gone is not None
        users.disable(conn, by(), gone.id)
    attempts = Attempts()
    tries = [
        ("ana@example.org", "wrong password"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
        ("sso@example.org", PASSWORD),
        ("sso@example.org", ""),
        ("", ""),
        ("\ud800@example.org", "\ud800"),
        ("a\0@example.org", "\0"),
    ]
    said = {(type(e), str(e)) for e in (refusal(bare_store, attempts, *one) for one in tries)}
    assert {kind for kind, _ in said} == {Unauthenticated} and len(said) == 1


def test_guessing_ends_and_even_the_right_password_waits(bare_store: Store) -> None:
    add(bare_store)
    attempts = Attempts()
    kinds = [type(refusal(bare_store, attempts, password=f"guess {n:010}")) for n in range(30)]
    assert kinds == [Unauthenticated] * PER_PAIR + [Busy] * (30 - PER_PAIR)
    assert isinstance(refusal(bare_store, attempts), Busy)
    assert enter(bare_store, attempts, address="192.0.2.2")


def test_one_address_cannot_try_many_accounts(bare_store: Store) -> None:
    attempts = Attempts()
    kinds = [type(refusal(bare_store, attempts, f"user{n}@example.org")) for n in range(PER_ADDRESS + 5)]
    assert kinds == [Unauthenticated] * PER_ADDRESS + [Busy] * 5


def test_a_right_password_starts_the_count_again(bare_store: Store) -> None:
    add(bare_store)
    attempts = Attempts()
    for _ in range(3):
        for n in range(PER_PAIR - 1):
            refusal(bare_store, attempts, password=f"guess {n:010}")
        enter(bare_store, attempts)


def test_nobody_gets_in_while_tries_cannot_be_counted(bare_store: Store) -> None:
    class Down(MemoryStorage):
        def acquire_entry(self, *args: object, **more: object) -> bool:
            raise ConnectionError("the store is down")

    add(bare_store)
    assert isinstance(refusal(bare_store, Attempts(Down())), Unavailable)
    with bare_store.read() as conn:
        assert conn.execute(select(tables.session)).first() is None


def test_a_cookie_set_before_sign_in_is_worth_nothing_after_it(bare_store: Store) -> None:
    add(bare_store)
    planted, _ = enter(bare_store, Attempts())
    cookie, _ = enter(bare_store, Attempts(), before=planted)
    assert cookie != planted
    assert sessions.find(bare_store, planted, AT) is None and sessions.find(bare_store, cookie, AT)
    assert sessions.find(bare_store, "planted", AT) is None


def test_a_stolen_cookie_ends_with_the_sign_out(bare_store: Store) -> None:
    id = add(bare_store)
    cookies = [enter(bare_store, Attempts())[0] for _ in range(3)]
    with bare_store.write() as conn:
        sessions.end(conn, cookies[0])
    assert [bool(sessions.find(bare_store, c, AT)) for c in cookies] == [False, True, True]
    with bare_store.write() as conn:
        assert sessions.end_all(conn, id) == 2
    assert not any(sessions.find(bare_store, c, AT) for c in cookies)


def test_the_database_never_holds_the_cookie(bare_store: Store) -> None:
    add(bare_store)
    cookie, _ = enter(bare_store, Attempts())
    with bare_store.read() as conn:
        assert cookie not in str(conn.execute(select(tables.session)).all())
    assert sessions.find(bare_store, "", AT) is None and sessions.find(bare_store, "x" * 5000, AT) is None


def test_a_role_counts_from_the_next_request_on(bare_store: Store) -> None:
    id = add(bare_store)
    cookie, _ = enter(bare_store, Attempts())
    with bare_store.write() as conn:
        users.set_role(conn, by(), id, "auditor")
    found = sessions.find(bare_store, cookie, AT)
    assert found is not None and found.principal.role == "auditor"


def test_a_new_password_ends_the_sessions_of_the_old_one(bare_store: Store) -> None:
    id = add(bare_store)
    cookie, _ = enter(bare_store, Attempts())
    with bare_store.write() as conn:
        users.set_password(conn, by(), id, "another password")
    assert sessions.find(bare_store, cookie, AT) is None
    assert enter(bare_store, Attempts(), password="another password")


def test_sessions_end_when_idle_and_when_old(bare_store: Store) -> None:
    add(bare_store)
    idle, _ = enter(bare_store, Attempts())
    busy, _ = enter(bare_store, Attempts())
    for hours in range(1, 12):
        assert sessions.find(bare_store, busy, AT + hours * HOUR)
    assert sessions.find(bare_store, busy, AT + 12 * HOUR - SECOND)
    assert sessions.find(bare_store, busy, AT + 12 * HOUR) is None
    assert sessions.find(bare_store, idle, AT + 4 * HOUR) is None


def test_signing_in_is_told_and_sweeps_old_sessions_away(bare_store: Store) -> None:
    id = add(bare_store)
    enter(bare_store, Attempts())
    sign_in(bare_store, Attempts(), by(AT + 13 * HOUR), "ana@example.org", PASSWORD, HERE)
    with bare_store.read() as conn:
        assert len(conn.execute(select(tables.session)).all()) == 1
        seq = select(tables.subject.c.audit_seq).where(tables.subject.c.name == f"user:{id}")
        assert conn.scalar(seq) == 3


def test_a_weak_hash_is_renewed_at_the_next_sign_in(bare_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:

    add(bare_store)
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(2, 16, 1))
    enter(bare_store, Attempts())
    with bare_store.read() as conn:
        found = users.by_email(conn, "ana@example.org")
    assert found is not None and "m=16,t=2" in found.password
