"""Cheap password hashes, except in the test of their strength."""

from __future__ import annotations

import argon2
import pytest

from gateway.people import passwords


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_hashes" not in request.fixturenames:
        monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(1, 8, 1))
        passwords._nobody.cache_clear()


@pytest.fixture
def real_hashes() -> None:
    passwords._nobody.cache_clear()
