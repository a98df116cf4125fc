"""The state machine under policies (``governed``): a few seeds as a rule, a thousand with ``--full``."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.databases import Maker
from tests.properties.governed import governed_run

DECIDED = {"triage", "routing", "hours", "escalation", "take_back"}


@pytest.mark.parametrize("shard", range(2))
def test_whatever_happens_under_policies_the_books_balance(
    maker: Maker, tmp_path: Path, full: bool, shard: int
) -> None:
    usual, many = (10, 500) if maker.dialect == "sqlite" else (2, 25)
    found: Counter[str] = Counter()
    for seed in range(shard * many, shard * many + (many if full else usual)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        found += governed_run(maker, folder, seed)
        shutil.rmtree(folder)
    if maker.dialect == "sqlite":
        assert set(found) >= DECIDED
