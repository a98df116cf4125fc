"""The database of a command: opened, checked to be this version's and this key's, closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.config import Config
from gateway.store import schema
from gateway.store.db import Store


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """Raises ConfigError, with what to do, on a database that is not ready."""
    store = Store(config.database_url)
    try:
        schema.check(store)
        schema.installation(store, config)
        yield store
    finally:
        store.close()
