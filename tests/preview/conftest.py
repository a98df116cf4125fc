"""``scene`` makes scenes on both databases and closes them."""

from __future__ import annotations

from tests.road.conftest import scene

__all__ = ["scene"]
