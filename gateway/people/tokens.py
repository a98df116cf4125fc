"""Bearer tokens for the API: ``tdm_`` and 256 random bits, shown once, kept as a hash.

A token has a role of its own. One that belongs to a user dies with the user, and never allows more than the user may.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.errors import Invalid, NotFound
from gateway.journal.audit import note
from gateway.people.principal import MAY, Principal
from gateway.people.users import By, check_role
from gateway.store.db import Store
from gateway.store.ids import mint
from gateway.store.tables import connection, provider, team, token, user

PREFIX = "tdm_"
USED_EVERY = 600_000_000
"""Microseconds between two notes of when a token was last used: a request is not worth a commit."""


@dataclass(frozen=True)
class Token:
    """What is known of a token; never the token itself. Times in UTC microseconds."""

    id: int
    name: str
    role: str
    user_id: int | None
    connection: str
    created_at: int
    used_at: int | None
    expires_at: int | None
    revoked_at: int | None

    def state(self, at: int) -> str:
        """active | expired | revoked"""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "active"


def fresh() -> str:
    """The text of a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def create(
    conn: Connection,
    by: By,
    name: str,
    role: str,
    user_id: int | None = None,
    connection_id: int | None = None,
    expires_at: int | None = None,
    text: str = "",
) -> tuple[int, str]:
    """A new token's id, and the token: this is the only time it is seen. ``text``: one that ``fresh`` has made and
    somebody was already given. Raises Invalid."""
    check_role(role, connection_id)
    if role == "requester" and user_id is None:
        raise Invalid("a requester's token belongs to a user", "user", fix="Say whose tickets it is for.")
    id, text = mint(), text or fresh()
    values = {"name": name.strip(), "role": role, "user_id": user_id, "connection_id": connection_id}
    conn.execute(insert(token).values(id=id, hash=_hash(text), created_at=by.at, expires_at=expires_at, **values))
    note(conn, by.key, by.at, f"token:{id}", by.actor, "created", "", {**values, "expires_at": expires_at})
    return id, text


def revoke(conn: Connection, by: By, id: int) -> None:
    """End a token at once; again changes nothing. Raises NotFound."""
    row = conn.execute(select(token.c.revoked_at).where(token.c.id == id)).first()
    if row is None:
        raise NotFound("no such token", "token")
    if row.revoked_at is None:
        conn.execute(update(token).where(token.c.id == id).values(revoked_at=by.at))
        note(conn, by.key, by.at, f"token:{id}", by.actor, "revoked", "", {})


def everything(conn: Connection) -> list[Token]:
    """All tokens, the newest first."""
    rows = conn.execute(
        select(token, connection.c.name.label("at"))
        .outerjoin(connection, connection.c.id == token.c.connection_id)
        .order_by(token.c.id.desc())
    )
    return [
        Token(r.id, r.name, r.role, r.user_id, r.at or "", r.created_at, r.used_at, r.expires_at, r.revoked_at)
        for r in rows
    ]


def check(store: Store, text: str, at: int) -> Principal | None:
    """Who a bearer token stands for, or None: unknown, revoked, expired, its user disabled or of a lesser role."""
    if not text.startswith(PREFIX) or len(text) > 100 or not text.isascii():
        return None
    with store.read() as conn:
        row = conn.execute(_FIND.where(token.c.hash == _hash(text))).first()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
        return None
    if row.user_id is not None and not _within(row):
        return None
    if row.used_at is None or row.used_at + USED_EVERY < at:
        with store.write() as conn:
            conn.execute(update(token).where(token.c.id == row.id).values(used_at=at))
    return _principal(row)


_FIND = (
    select(
        token,
        user.c.state.label("user_state"),
        user.c.role.label("user_role"),
        user.c.connection_id.label("user_connection_id"),
        user.c.name.label("user_name"),
        user.c.email,
        user.c.language,
        team.c.slug.label("team"),
        connection.c.name.label("connection"),
        provider.c.slug.label("provider"),
    )
    .outerjoin(user, user.c.id == token.c.user_id)
    .outerjoin(team, team.c.id == user.c.team_id)
    .outerjoin(connection, connection.c.id == token.c.connection_id)
    .outerjoin(provider, provider.c.id == connection.c.provider_id)
)


def _within(row: Any) -> bool:
    """Whether the token's user is active and may, today, all that the token allows."""
    if row.user_state != "active" or not MAY[row.role] <= MAY[row.user_role]:
        return False
    return row.user_role != "provider" or bool(row.user_connection_id == row.connection_id)


def _principal(row: Any) -> Principal:
    return Principal(
        id=f"token:{row.id}",
        role=row.role,
        name=row.user_name or row.name,
        email=row.email or "",
        user_id=row.user_id,
        token_id=row.id,
        team=row.team or "",
        connection_id=row.connection_id,
        connection=row.connection or "",
        provider=row.provider or "",
        language=row.language or "",
    )


def _hash(text: str) -> str:
    """Enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()
