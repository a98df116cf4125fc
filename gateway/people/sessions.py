"""Signed-in browsers, remembered on the server: a cookie is a random name, kept here as a hash.

A session ends when it is revoked, unused for four hours, or twelve hours old. Role and state of its user are read anew
at each request. Each session has a CSRF token, which every unsafe request must carry.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from gateway.people import users
from gateway.people.principal import Principal
from gateway.store.db import Store
from gateway.store.tables import session

LONGEST = 12 * 3_600_000_000
IDLE = 4 * 3_600_000_000
SEEN_EVERY = 60_000_000
"""Microseconds, all three; a session's last use is noted at most once a minute."""


@dataclass(frozen=True)
class Session:
    principal: Principal
    csrf: str = field(repr=False)

    def csrf_fits(self, given: str | None) -> bool:
        """Whether an unsafe request's token is this session's."""
        return bool(given) and hmac.compare_digest((given or "").encode(), self.csrf.encode())


def begin(conn: Connection, user_id: int, at: int, before: str | None = None) -> tuple[str, str]:
    """A new session's cookie and CSRF token. ``before`` is the cookie that the browser had: it ends, whoever set it."""
    if before:
        end(conn, before)
    conn.execute(delete(session).where(session.c.expires_at <= at))
    cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    times = {"created_at": at, "seen_at": at, "expires_at": at + LONGEST}
    conn.execute(insert(session).values(hash=_hash(cookie), user_id=user_id, csrf=csrf, **times))
    return cookie, csrf


def find(store: Store, cookie: str | None, at: int) -> Session | None:
    """The session of a cookie, with its user as of now; None when there is none, it ended, or the user is disabled."""
    if not cookie or len(cookie) > 100:
        return None
    with store.read() as conn:
        row = conn.execute(select(session).where(session.c.hash == _hash(cookie))).first()
        if row is None or row.expires_at <= at or row.seen_at + IDLE <= at:
            return None
        principal = users.principal(conn, row.user_id)
    if principal is None:
        return None
    if row.seen_at + SEEN_EVERY < at:
        with store.write() as conn:
            conn.execute(update(session).where(session.c.hash == row.hash).values(seen_at=at))
    return Session(principal, row.csrf)


def end(conn: Connection, cookie: str) -> None:
    """Sign out."""
    conn.execute(delete(session).where(session.c.hash == _hash(cookie)))


def end_all(conn: Connection, user_id: int) -> int:
    """Sign a user out everywhere; how many sessions ended."""
    return int(conn.execute(delete(session).where(session.c.user_id == user_id)).rowcount)


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
