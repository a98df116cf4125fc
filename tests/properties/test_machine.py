"""Runs of the state machine, each decided by its seed: edits on both sides or on one, and all that can go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Maker
from tests.properties.machine import random_run

RUNS, IN_FULL = 50, 10_000
SLICE = 10  # runs in one test: a failure names its seed


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker("sqlite", tmp_path_factory.mktemp("template"), None)


@pytest.mark.parametrize("first", range(0, RUNS, SLICE))
def test_both_sides_agree_after_everything(sqlite: Maker, tmp_path: Path, first: int) -> None:
    runs(sqlite, tmp_path, range(first, first + SLICE))


def test_the_campaign(sqlite: Maker, tmp_path: Path, full: bool) -> None:
    if not full:
        pytest.skip("ten thousand runs belong to the campaign")
    runs(sqlite, tmp_path, range(RUNS, IN_FULL))


def runs(maker: Maker, folder: Path, seeds: range) -> None:
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        random_run(maker, place, seed)
