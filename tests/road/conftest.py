"""``scene`` makes scenes on both databases and closes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Maker
from tests.road.scene import Scene

Make = Callable[..., Scene]


@pytest.fixture
def scene(maker: Maker, tmp_path: Path) -> Iterator[Make]:
    """A scene with the given providers, quirks and mapping."""
    made: list[Scene] = []

    def make(**options: Any) -> Scene:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Scene(maker, folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
