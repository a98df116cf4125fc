"""Secrets at rest: sealed with AES-256-GCM, bound to the place they belong to, opened only where they are used.

A sealed value names its key, so old and new keys open side by side and a rotation may stop and go on anywhere. The
place (connection and field) is authenticated with it: a sealed value copied to another row does not open.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import TandemError
from gateway.store.db import Road, Store

_NONCE = 12
_SCHEME = "s1"


class VaultError(TandemError):
    """A sealed value does not open: another key, another place, or tampering. Says nothing about its content."""

    status = 500


class Secret:
    """A text that shows itself only when asked with ``reveal``: never in logs, traces or representations."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret does not leave its process")


@dataclass(frozen=True)
class _Key:
    id: str
    cipher: AESGCM

    @classmethod
    def of(cls, secret: bytes) -> _Key:
        return cls(hmac.digest(secret, b"tandem vault key id", "sha256").hex()[:8], AESGCM(secret))


class Vault:
    """Seals with the current key; opens with that and the older ones."""

    def __init__(self, current: _Key, keys: Mapping[str, _Key]) -> None:
        self._current = current
        self._keys = keys

    @classmethod
    def of(cls, current: bytes, *older: bytes) -> Vault:
        """Keys of 32 bytes each (``Config.key("vault")``)."""
        keys = [_Key.of(secret) for secret in (current, *older)]
        return cls(keys[0], {key.id: key for key in keys})

    def seal(self, text: str, aad: str) -> str:
        """ASCII text to store. ``aad`` names the place, see ``place``; it has to be given again to open."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._current.cipher.encrypt(nonce, text.encode(), aad.encode())
        return f"{_SCHEME}.{self._current.id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, aad: str) -> Secret:
        """The secret. Raises VaultError."""
        scheme, _, rest = sealed.partition(".")
        id, _, body = rest.partition(".")
        key = self._keys.get(id)
        if scheme != _SCHEME or key is None:
            fix = "Start with the secret key it was sealed with."
            raise VaultError("a secret was sealed with a key that is not here", aad, fix=fix)
        try:
            raw = base64.b64decode(body, altchars=b"-_", validate=True)
            return Secret(key.cipher.decrypt(raw[:_NONCE], raw[_NONCE:], aad.encode()).decode())
        except (InvalidTag, binascii.Error, ValueError):
            fix = "Enter it again: it was changed, or moved here from elsewhere."
            raise VaultError("a sealed secret does not open", aad, fix=fix) from None

    def stale(self, sealed: str) -> bool:
        """Whether it is sealed with another key than the current one."""
        return not sealed.startswith(f"{_SCHEME}.{self._current.id}.")

    def renew(self, sealed: str, aad: str) -> str:
        """The same secret under the current key. Raises VaultError."""
        return self.seal(self.open(sealed, aad).reveal(), aad) if self.stale(sealed) else sealed


def place(connection: str, field: str) -> str:
    """Where a secret belongs: the connection's immutable name and the secret's name."""
    return f"{connection}/{field}"


def renew_all(store: Store, vault: Vault) -> int:
    """Re-seal every connection's secrets under the current key, a connection at a time; how many rows changed. May be
    stopped and run again at any moment. Raises VaultError at the first that does not open."""
    with store.read() as conn:
        ids = [id for (id,) in Road(conn, store.dialect).rows("select id from connection order by id")]
    return sum(_renew(store, vault, id) for id in ids)


def _renew(store: Store, vault: Vault, id: int) -> bool:
    with store.write() as conn:
        road = Road(conn, store.dialect)
        rows = road.rows("select name, secrets from connection where id = ? LOCK", id)
        if not rows:
            return False
        name, text = rows[0]
        secrets: dict[str, str] = json.loads(text)
        renewed = {field: vault.renew(sealed, place(name, field)) for field, sealed in secrets.items()}
        if renewed == secrets:
            return False
        road.run("update connection set secrets = ?, version = version + 1 where id = ?", json.dumps(renewed), id)
        return True
