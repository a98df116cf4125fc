"""How a plan says no."""

from __future__ import annotations

from typing import Any


class Objection(Exception):
    """A command that cannot be carried out: ``field``, ``value``, what would help. ``conflict``: someone was faster."""

    def __init__(self, text: str, field: str = "", value: Any = None, fix: str = "", conflict: bool = False) -> None:
        super().__init__(text)
        self.text, self.field, self.value, self.fix, self.conflict = text, field, value, fix, conflict
