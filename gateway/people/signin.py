"""Signing in with a password: one answer and one duration for every refusal, and only so many tries.

Tries are counted per account and address, per address, and per account; when they cannot be counted, nobody gets in.
"""

from __future__ import annotations

import hashlib
import logging

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import update

from gateway.errors import Busy, Unauthenticated, Unavailable
from gateway.journal.audit import note
from gateway.people import passwords, sessions, users
from gateway.people.users import By
from gateway.store.db import Store
from gateway.store.tables import user

WINDOW = 15
"""Minutes."""
PER_PAIR, PER_ADDRESS, PER_ACCOUNT = 10, 60, 100
"""Tries in a window: of one account from one address, from one address, of one account from anywhere."""
_log = logging.getLogger(__name__)


class Attempts:
    """Counts tries in a moving window, in this process's memory unless another ``limits`` storage is given."""

    def __init__(self, storage: Storage | None = None) -> None:
        self._limiter = MovingWindowRateLimiter(storage or MemoryStorage())

    def take(self, email: str, address: str) -> None:
        """Count one try. Raises Busy when there were too many, Unavailable when it cannot be counted."""
        try:
            free = [self._limiter.hit(item, *key) for item, key in self._counted(email, address)]
        except Exception as error:  # noqa: BLE001  a store that is down is not a way in, whatever it raises
            _log.error("sign-in tries cannot be counted: %s", type(error).__name__)
            raise Unavailable("nobody can sign in at the moment", fix="Try again in a minute.") from None
        if not all(free):
            raise Busy("too many tries", WINDOW * 60, f"Wait {WINDOW} minutes, or ask an admin for a new password.")

    def forgive(self, email: str, address: str) -> None:
        """After a right password the pair starts from nothing."""
        item, key = self._counted(email, address)[0]
        self._limiter.clear(item, *key)

    @staticmethod
    def _counted(email: str, address: str) -> list[tuple[RateLimitItemPerMinute, tuple[str, ...]]]:
        account = hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()
        return [
            (RateLimitItemPerMinute(PER_PAIR, WINDOW), ("pair", account, address)),
            (RateLimitItemPerMinute(PER_ADDRESS, WINDOW), ("address", address)),
            (RateLimitItemPerMinute(PER_ACCOUNT, WINDOW), ("account", account)),
        ]


def sign_in(
    store: Store, attempts: Attempts, by: By, email: str, password: str, address: str, before: str | None = None
) -> tuple[str, str]:
    """A new session's cookie and CSRF token; ``before`` is the cookie the browser had. ``by.actor`` is ignored: it is
    the user. Raises Unauthenticated (the same for every reason), Busy, Unavailable."""
    email = email.strip().lower()[:256]
    attempts.take(email, address)
    with store.read() as conn:
        found = users.by_email(conn, email)
    right = passwords.matches(found.password if found else "", password)
    if not right or found is None or found.state != "active":
        raise Unauthenticated("address and password do not belong together", fix="Try again.")
    attempts.forgive(email, address)
    renewed = passwords.make_hash(password) if passwords.outdated(found.password) else ""
    with store.write() as conn:
        if renewed:
            conn.execute(update(user).where(user.c.id == found.id).values(password=renewed))
        note(conn, by.key, by.at, f"user:{found.id}", f"user:{found.id}", "signed in", "", {"address": address})
        return sessions.begin(conn, found.id, by.at, before)
