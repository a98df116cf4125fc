"""Passwords: argon2id (RFC 9106), the same time for a user who is not there, a bound on memory."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import Invalid

SHORTEST, LONGEST = 10, 256
"""Characters."""
_HASHER = PasswordHasher()  # 64 MiB, three passes
_AT_ONCE = threading.BoundedSemaphore(4)  # 4 x 64 MiB, however many ask to sign in


def make_hash(password: str) -> str:
    """What is stored. Raises Invalid on a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters", "password", fix="Choose another one.")
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def matches(stored: str, password: str) -> bool:
    """Whether the password is the stored one's. With nothing stored it takes as long, and is false."""
    with _AT_ONCE:
        try:
            right = _HASHER.verify(stored or _nobody(), _normal(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return right and bool(stored) and len(password) <= LONGEST


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker settings than today's, so that the next sign-in should renew it."""
    return _HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash of today's settings that no password has."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def _normal(password: str) -> bytes:
    """The same bytes however a keyboard composed the characters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
