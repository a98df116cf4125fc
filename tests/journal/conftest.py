"""An empty trail."""

from __future__ import annotations

import pytest

from gateway.config import Config
from gateway.store.db import Store
from tests.journal.trail import Trail


@pytest.fixture
def trail(bare_store: Store, config: Config) -> Trail:
    return Trail(bare_store, config)
