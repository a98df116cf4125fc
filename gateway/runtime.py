"""One process's tools: database, keys, desks, files, the clock, the waker. Passed to the pipeline."""

from __future__ import annotations

import base64
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from connectors import registry
from connectors.base import Connector, Context
from connectors.egress import Egress
from connectors.session import Session
from gateway import clock
from gateway.config import Config
from gateway.insight.reading import Histories
from gateway.journal.chain import Key
from gateway.outbox.attempt import Tools
from gateway.outbox.lanes import DEADLINE
from gateway.providers import outside
from gateway.providers.connection import keeper
from gateway.providers.desks import Builder, Desk, Desks, Row
from gateway.providers.renewal import given, renewal
from gateway.providers.vault import Vault
from gateway.store import schema
from gateway.store.db import Road, Store
from gateway.store.files import Files
from gateway.store.ids import Ids

SENDERS = 64
TELL_EVERY = 10.0  # seconds between two looks at the database's clock
log = logging.getLogger("tandem")


@dataclass
class Runtime:
    """``wake(name)`` tells a drain that there is work, once it is committed; the sweep would find it too."""

    config: Config
    store: Store
    key: Key
    vault: Vault
    ids: Ids
    code: str
    desks: Desks
    files: Files
    session: Session
    histories: Histories
    wake: Callable[[str], None] = lambda name: None
    drain: str = field(default_factory=lambda: secrets.token_hex(8))
    now: Callable[[], int] = clock.now_us
    senders: int = SENDERS
    _told_at: float = float("-inf")
    _pool: ThreadPoolExecutor | None = None

    @classmethod
    def open(cls, config: Config, builder: Builder | None = None, wake: Callable[[str], None] | None = None) -> Runtime:
        """The runtime of a prepared database. ``builder`` replaces how connectors are built (tests)."""
        outside.take(config.connectors)
        store = Store(config.database_url)
        made = schema.installation(store, config)
        vault = Vault.of(config.key("vault"))
        session = Session(Egress.parse(",".join(config.egress_allow)))
        desks = Desks(store, vault, builder or _builder(store, vault))
        runtime = cls(
            config, store, Key.of(config.key("audit")), vault, Ids(made.id_salt), made.code, desks,
            Files(config.home / "files"), session, Histories(store),
        )  # fmt: skip
        if wake is not None:
            runtime.wake = wake
        desks.load()
        return runtime

    @property
    def pool(self) -> ThreadPoolExecutor:
        """The sender threads, made at their first use (after any fork)."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.senders, thread_name_prefix="sender")
        return self._pool

    def reference(self, link: int) -> str:
        """What we write at the remote to find our record again: ``TDM-<installation>-<link>`` in base32."""
        return f"TDM-{self.code}-{base64.b32encode(link.to_bytes(8, 'big')).decode().rstrip('=')}"

    def link_of(self, reference: str) -> int | None:
        """The link a reference of this installation names; None for any other text."""
        prefix = f"TDM-{self.code}-"
        if not isinstance(reference, str) or not reference.startswith(prefix) or len(reference) != len(prefix) + 13:
            return None
        try:
            return int.from_bytes(base64.b32decode(reference[len(prefix) :] + "==="), "big")
        except ValueError:
            return None

    def tell_time(self, road: Road) -> None:
        """Set our clock by the database's, which all machines share; on SQLite they are one."""
        if road.dialect != "sqlite" and clock.monotonic() - self._told_at > TELL_EVERY:
            offset = road.lease_now() - clock.now_us()
            self.now = lambda: clock.now_us() + offset
            self._told_at = clock.monotonic()

    def context(self, desk: Desk) -> Context:
        """What one call of a connector may use, from now on for ``DEADLINE`` seconds."""
        deadline = clock.monotonic() + DEADLINE
        return Context(
            clock.utc(self.now()),
            clock.monotonic,
            self.session,
            log,
            deadline,
            keeper(self.store, self.vault, desk.row.id),
        )

    def tools(self) -> Tools:
        """A sender's tools."""
        return Tools(
            self.now, clock.utc, self.context, self.reference, self.ids.public, self.files.open, self.files.put, log
        )

    def crash(self, point: str) -> None:
        """Die here, at once and without a word, when a test asked for it (``TANDEM_CRASH_AT=point[:nth]``)."""
        if self.config.crash_at:
            _crash(self.config.crash_at, point)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self.store.close()


_passes: dict[str, int] = {}
_passing = threading.Lock()


def _crash(asked: str, point: str) -> None:
    name, _, nth = asked.partition(":")
    if name == point:
        with _passing:
            _passes[point] = _passes.get(point, 0) + 1
            if _passes[point] == int(nth or 1):
                os.kill(os.getpid(), signal.SIGKILL)


def _builder(store: Store, vault: Vault) -> Builder:
    """How connectors are built: sign-ins are shared among processes, and a token they keep is none of the settings."""

    def build(row: Row, secrets_: Mapping[str, str]) -> Connector:
        return registry.build(
            registry.load(row.manifest) if row.manifest else row.kind,
            settings=row.settings,
            secrets=given(secrets_),
            found={name: value for name, value in row.found.items() if isinstance(value, str)},
            auth=row.auth,
            verify=row.verify,
            renewal=partial(renewal, store, vault, row.id),
            lists=row.found.get("lists"),
            declared=row.declared,
        )

    return build
