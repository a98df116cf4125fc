"""What estimates are made of: one ticket's times and kind. Times and durations are integers, UTC microseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Key = tuple[tuple[str, str], ...]
"""A group of tickets: ``(("category", "network"), ("priority", "P3"))``; the empty one holds all."""

LEVELS: tuple[tuple[str, ...], ...] = (("category", "subcategory", "priority"), ("category", "priority"), ("priority",))
"""From the closest kin outwards; after the last come all tickets."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a ticket is about, as far as it tells how long it takes; "" where it is not known."""

    category: str = ""
    subcategory: str = ""
    priority: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Kind:
        """The kind of a ticket with these canonical fields."""
        return cls(*(str(fields.get(name) or "") for name in LEVELS[0]))

    def groups(self) -> list[Key]:
        """The groups it belongs to, the closest first. A level of which something is not known is left out."""
        named = [tuple((name, getattr(self, name)) for name in level) for level in LEVELS]
        return [*(key for key in named if all(value for _, value in key)), ()]


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket. ``resolved``: when the resolution that held was reached; None while it is open. Cancelled tickets are
    no cases: nobody waited for their solution. ``told``: what its requester was told at the time, for half, 8 and 9 of
    10; None where nothing was. ``complexity``: as it was set by hand, else what the ticket's category is called."""

    created: int
    resolved: int | None
    kind: Kind = Kind()
    service: str = ""
    told: tuple[int | None, ...] | None = None
    complexity: str = ""
