"""The people who sign in. Every change is audited under ``user:<id>``; nobody is ever deleted, only disabled."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from gateway.errors import Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.journal.chain import Key
from gateway.people.passwords import make_hash
from gateway.people.principal import ROLES, Principal
from gateway.store.ids import mint
from gateway.store.tables import connection, provider, session, team, token, user

_PART = r"[^@\s<>,;:\"\x00-\x1f\x7f\ud800-\udfff]"
_EMAIL = re.compile(f"{_PART}{{1,64}}@{_PART}{{1,190}}")


@dataclass(frozen=True)
class User:
    """``state``: active | disabled. ``created_at`` in UTC microseconds."""

    id: int
    email: str
    name: str
    role: str
    state: str
    team: str
    connection: str
    language: str
    created_at: int
    password: str = field(repr=False)


@dataclass(frozen=True)
class By:
    """Who changes something and when: the actor's id, the audit key and UTC microseconds."""

    actor: str
    key: Key
    at: int


def add(
    conn: Connection,
    by: By,
    email: str,
    name: str,
    role: str,
    password: str | None = None,
    team_id: int | None = None,
    connection_id: int | None = None,
    language: str = "",
) -> int:
    """A new user's id. Without a password nobody can sign in with one. Raises Invalid, Conflict."""
    email = clean_email(email)
    check_role(role, connection_id)
    if conn.execute(select(user.c.id).where(user.c.email == email)).first():
        raise Conflict("a user with this address exists", "email", email, "Change that one, or take another address.")
    if not name.strip():
        raise Invalid("a user has a name", "name", fix="Say who this is.")
    id = mint()
    stored = make_hash(password) if password is not None else ""
    values: dict[str, Any] = {"email": email, "name": name.strip(), "role": role, "language": language}
    values |= {"team_id": team_id, "connection_id": connection_id}
    conn.execute(insert(user).values(id=id, password=stored, created_at=by.at, **values))
    note(conn, by.key, by.at, f"user:{id}", by.actor, "added", "", values)
    return id


def by_email(conn: Connection, email: str) -> User | None:
    email = email.strip().lower()
    rows = _users(conn, user.c.email == email) if _EMAIL.fullmatch(email) else []
    return rows[0] if rows else None


def by_id(conn: Connection, id: int) -> User | None:
    rows = _users(conn, user.c.id == id)
    return rows[0] if rows else None


def everyone(conn: Connection) -> list[User]:
    """All users in the order of their addresses."""
    return _users(conn, user.c.id > 0)


def disable(conn: Connection, by: By, id: int) -> None:
    """End a user's access at once: sessions and tokens go too. Raises NotFound, and Conflict for the last admin."""
    known = _known(conn, id)
    if known.state == "disabled":
        return
    if known.role == "admin" and _admins(conn) == 1:
        raise Conflict("this is the last active admin", "user", known.email, "Make another admin first.")
    conn.execute(update(user).where(user.c.id == id).values(state="disabled"))
    conn.execute(session.delete().where(session.c.user_id == id))
    conn.execute(update(token).where(token.c.user_id == id, token.c.revoked_at.is_(None)).values(revoked_at=by.at))
    note(conn, by.key, by.at, f"user:{id}", by.actor, "disabled", "", {"state": ["active", "disabled"]})


def enable(conn: Connection, by: By, id: int) -> None:
    """Let a disabled user sign in again. Raises NotFound."""
    if _known(conn, id).state == "disabled":
        conn.execute(update(user).where(user.c.id == id).values(state="active"))
        note(conn, by.key, by.at, f"user:{id}", by.actor, "enabled", "", {"state": ["disabled", "active"]})


def set_role(conn: Connection, by: By, id: int, role: str, connection_id: int | None = None) -> None:
    """Change a role; it counts from the user's next request on. Raises NotFound, Invalid, Conflict."""
    known = _known(conn, id)
    check_role(role, connection_id)
    if known.role == "admin" and role != "admin" and known.state == "active" and _admins(conn) == 1:
        raise Conflict("this is the last active admin", "user", known.email, "Make another admin first.")
    conn.execute(update(user).where(user.c.id == id).values(role=role, connection_id=connection_id))
    note(conn, by.key, by.at, f"user:{id}", by.actor, "role changed", "", {"role": [known.role, role]})


def set_password(conn: Connection, by: By, id: int, password: str) -> None:
    """Set a new password and end every session that the old one began. Raises NotFound, Invalid."""
    _known(conn, id)
    conn.execute(update(user).where(user.c.id == id).values(password=make_hash(password)))
    conn.execute(session.delete().where(session.c.user_id == id))
    note(conn, by.key, by.at, f"user:{id}", by.actor, "password changed", "", {})


def principal(conn: Connection, id: int) -> Principal | None:
    """The user as the one who asks, with the role of this moment; None when disabled or not there."""
    row = conn.execute(
        select(user, team.c.slug.label("team"), connection.c.name.label("connection"), provider.c.slug)
        .outerjoin(team, team.c.id == user.c.team_id)
        .outerjoin(connection, connection.c.id == user.c.connection_id)
        .outerjoin(provider, provider.c.id == connection.c.provider_id)
        .where(user.c.id == id, user.c.state == "active")
    ).first()
    if row is None:
        return None
    return Principal(
        id=f"user:{id}",
        role=row.role,
        name=row.name,
        email=row.email,
        user_id=id,
        team=row.team or "",
        connection_id=row.connection_id,
        connection=row.connection or "",
        provider=row.slug or "",
        language=row.language,
    )


def clean_email(text: str) -> str:
    """The address in lower case. Raises Invalid."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Invalid("not an e-mail address", "email", text, "Write one like ana@example.org.")
    return email


def check_role(role: str, connection_id: int | None) -> None:
    """Raises Invalid on an unknown role, or one that does not go with having (or lacking) a connection."""
    if role not in ROLES:
        raise Invalid("no such role", "role", role, f"Choose one of: {', '.join(ROLES)}.")
    if (role == "provider") != (connection_id is not None):
        raise Invalid("a provider has exactly one connection, and nobody else has one", "connection", fix="Name it.")


def _users(conn: Connection, which: Any) -> list[User]:
    columns = [user.c[name] for name in ("id", "email", "name", "role", "state", "language", "created_at", "password")]
    rows = conn.execute(
        select(*columns, func.coalesce(team.c.slug, "").label("team"), func.coalesce(connection.c.name, "").label("at"))
        .outerjoin(team, team.c.id == user.c.team_id)
        .outerjoin(connection, connection.c.id == user.c.connection_id)
        .where(which)
        .order_by(user.c.email)
    )
    return [
        User(r.id, r.email, r.name, r.role, r.state, r.team, r.at, r.language, r.created_at, r.password) for r in rows
    ]


def _known(conn: Connection, id: int) -> User:
    found = by_id(conn, id)
    if found is None:
        raise NotFound("no such user", "user")
    return found


def _admins(conn: Connection) -> int:
    active = (user.c.role == "admin") & (user.c.state == "active")
    return len(conn.execute(select(user.c.id).where(active).with_for_update()).all())
