"""One sign-in at a time per connection, among all processes: whoever comes second takes what the first one kept."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import select

from connectors.errors import Retry
from gateway.providers.vault import Vault, place
from gateway.store import leases, tables
from gateway.store.db import Store

LEASE = 45.0
WAIT = 20.0
LOOK = 0.05
"""Seconds: longer than a sign-in may take, until one that waits gives up, and between two looks."""

TOKEN = "token."  # noqa: S105 - the prefix of what a sign-in keeps beside the secrets an admin gave
"""Prefix of the names under which a sign-in's own values are kept."""


@contextmanager
def renewal(store: Store, vault: Vault, connection_id: int) -> Iterator[Mapping[str, str]]:
    """Hold the connection's sign-in; gives what was kept last: ``secret.x``, ``token.access``, ``token.until``. Raises
    Retry when another process does not let go of it."""
    name, owner = f"signin:{connection_id}", secrets.token_hex(8)
    until = time.monotonic() + WAIT
    while not leases.take(store, name, owner, LEASE):
        if time.monotonic() > until:
            raise Retry("another process is signing in")
        time.sleep(LOOK)
    try:
        yield _kept(store, vault, connection_id)
    finally:
        leases.give_back(store, name, owner)


def _kept(store: Store, vault: Vault, connection_id: int) -> dict[str, str]:
    c = tables.connection.c
    with store.read() as conn:
        name, text = conn.execute(select(c.name, c.secrets).where(c.id == connection_id)).one()
    sealed: dict[str, str] = json.loads(text)
    opened = {field: vault.open(value, place(name, field)).reveal() for field, value in sealed.items()}
    return {field if field.startswith(TOKEN) else f"secret.{field}": value for field, value in opened.items()}


def given(stored: Mapping[str, str]) -> dict[str, str]:
    """The secrets an admin gave (or a sign-in rotated), without a sign-in's own tokens."""
    return {name: value for name, value in stored.items() if not name.startswith(TOKEN)}
