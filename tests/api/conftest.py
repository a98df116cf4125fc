"""The API over a world with two providers, and a token for everybody who might ask."""

from __future__ import annotations

from collections.abc import Iterator

import argon2
import pytest

from gateway.config import Config
from gateway.people import passwords
from gateway.store.db import Store
from tests.api.support import Asking, asking


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(1, 8, 1))


@pytest.fixture
def api(store: Store, config: Config) -> Iterator[Asking]:
    made = asking(config)
    yield made
    made.world.rt.close()
