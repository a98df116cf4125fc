"""Figures are made of rows and moments that are handed in: one room alone opens the database, none knows the time."""

from __future__ import annotations

from tests.architecture.test_imports import IMPURE, breaches, wall_clocks
from tests.architecture.tree import modules

DOOR = "gateway.insight.reading"
CHANCE = ("random",)
"""A simulator draws numbers, from a seed that is handed in."""


def test_one_room_alone_opens_the_database() -> None:
    rooms = tuple(module for module in modules("gateway.insight") if module.name != DOOR)
    assert len(rooms) > 8
    assert breaches(rooms, tuple(name for name in IMPURE if name not in CHANCE)) == []


def test_no_room_asks_for_the_time() -> None:
    assert wall_clocks(modules("gateway.insight")) == []
    assert breaches(modules("gateway.insight"), ("gateway.clock",)) == []
