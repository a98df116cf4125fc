"""``tandem user`` and ``tandem token``, on both databases."""

from __future__ import annotations

import json

import pytest

from gateway.clock import now_us
from gateway.errors import Conflict, Invalid, NotFound
from gateway.people import passwords, tokens, users
from gateway.store.db import Store
from tests.commandline import Run
from tests.people.support import PASSWORD, connection


def test_a_user_is_added_listed_and_disabled(tandem: Run, store: Store) -> None:
    added = tandem("user", "add", "ana@example.org", "--role", "admin")
    assert added.exit_code == 0, added.output
    password = added.output.rsplit(" ", 1)[1].strip()
    with store.read() as conn:
        found = users.by_email(conn, "ana@example.org")
    assert found is not None and passwords.matches(found.password, password) and found.name == "ana"
    assert "ana@example.org" in tandem("user", "list").output
    tandem(
        "user", "add", "bob@example.org", "--role", "agent", "--name", "Bob", "--password-stdin", input=PASSWORD + "\n"
    )
    assert tandem("user", "disable", "BOB@example.org").output == "bob@example.org: disabled\n"
    listed = json.loads(tandem("user", "list", "--json").output)
    assert [(u["email"], u["name"], u["role"], u["state"]) for u in listed] == [
        ("ana@example.org", "ana", "admin", "active"),
        ("bob@example.org", "Bob", "agent", "disabled"),
    ]


def test_a_given_password_is_not_printed(tandem: Run) -> None:
    said = tandem("user", "add", "ana@example.org", "--role", "agent", "--password-stdin", input=PASSWORD + "\n")
    assert said.output == "ana@example.org: added as agent\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("user", "add", "nobody", "--role", "agent"), Invalid),
        (("user", "add", "p@example.org", "--role", "provider"), Invalid),
        (("user", "add", "p@example.org", "--role", "provider", "--connection", "none"), NotFound),
        (("user", "disable", "nobody@example.org"), NotFound),
        (("token", "create", "--role", "provider"), Invalid),
        (("token", "create", "--role", "agent", "--user", "nobody@example.org"), NotFound),
        (("token", "revoke", "1"), NotFound),
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(tandem: Run, words: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(tandem(*words).exception, error)
    assert json.loads(tandem("user", "list", "--json").output) == json.loads(tandem("token", "list", "--json").output)


def test_the_last_admin_cannot_be_disabled(tandem: Run) -> None:
    tandem("user", "add", "ana@example.org", "--role", "admin")
    assert isinstance(tandem("user", "disable", "ana@example.org").exception, Conflict)


def test_a_token_is_printed_alone_and_works(tandem: Run, store: Store) -> None:
    acme = connection(store)
    made = tandem("token", "create", "--role", "provider", "--connection", "acme", "--name", "acme's script")
    who = tokens.check(store, made.output.strip(), now_us())
    assert who is not None and (who.role, who.connection_id, who.provider) == ("provider", acme, "acme-msp")
    assert (
        "acme's script" in tandem("token", "list").output and made.output.strip() not in tandem("token", "list").output
    )
    assert tandem("token", "revoke", str(who.token_id)).exit_code == 0
    assert tokens.check(store, made.output.strip(), now_us()) is None


def test_a_token_may_belong_to_a_user_and_end_by_itself(tandem: Run, store: Store) -> None:
    tandem("user", "add", "rita@example.org", "--role", "requester")
    text = tandem("token", "create", "--role", "requester", "--user", "rita@example.org", "--days", "2").output.strip()
    who = tokens.check(store, text, now_us())
    assert who is not None and (who.email, who.scope) == ("rita@example.org", "own")
    assert tokens.check(store, text, now_us() + 3 * 86_400_000_000) is None
    assert tandem("token", "create", "--role", "agent", "--days", "0").exit_code == 2
