"""The worlds in which a stored item is planned: as it was then, and as it is today with one mapping or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.decide.facts import Leg, Legs, Link
from gateway.decide.inforce import NOWHERE, Around, InForce
from gateway.providers.desks import Desks

DRAFT = -1
"""The draft in place of a version's number."""


@dataclass(frozen=True, slots=True)
class Ground:
    """``planning.Ground`` of stored facts: what the database answered then is in them. ``pins``: the version of links
    that begin, by connection."""

    as_of: int
    legs: Legs
    policies: InForce
    pins: Mapping[int, int]
    around: Around = NOWHERE

    def making(self, connection: int) -> bool:
        return False  # where one was, the input was put off, and is not planned again

    def pinned(self, connection: int) -> int:
        return self.pins[connection]

    def drop(self, link: Link) -> None:
        """Nothing is stored."""


class Then:
    """What the connections said when the facts were read, as far as these tell it. ``Legs``."""

    def __init__(self, desks: Desks, versions: Mapping[str, Any]) -> None:
        self._desks, self._told = desks, versions["desks"]
        self._legs: dict[tuple[int, int], Leg] = {}

    def of(self, connection_id: int, mapping_id: int) -> Leg:
        leg = self._legs.get((connection_id, mapping_id))
        if leg is None:
            leg = self._legs[connection_id, mapping_id] = self._leg(connection_id, mapping_id)
        return leg

    def _leg(self, connection_id: int, mapping_id: int) -> Leg:
        leg, told = self._desks.of(connection_id, mapping_id), self._told.get(str(connection_id))
        if told is None:
            return leg
        _, _, share, me, intake, _ = told
        return replace(leg, share=self._desks.share_by_id(share), me=frozenset(me), intake=intake)

    def named(self, name: str) -> Leg | None:
        """Of those that were active then."""
        rows = [row for row in self._desks.rows() if name in (row.name, row.provider) and str(row.id) in self._told]
        rows = [row for row in rows if self._told[str(row.id)][5] != "paused"]
        rows.sort(key=lambda row: (row.name != name, row.id))
        return self.of(rows[0].id, int(self._told[str(rows[0].id)][0])) if rows else None

    def stopped(self, name: str) -> str:
        return ""


class Today:
    """What connections say now, those that were active then; links of one of them have ``target``. ``Legs``."""

    def __init__(self, desks: Desks, then: Then, target: Leg) -> None:
        self._desks, self._then, self._target = desks, then, target

    def of(self, connection_id: int, mapping_id: int) -> Leg:
        if (connection_id, mapping_id) == (self._target.connection_id, self._target.mapping_id):
            return self._target
        return self._desks.of(connection_id, mapping_id)

    def named(self, name: str) -> Leg | None:
        leg = self._then.named(name)
        if leg is None:
            return None
        return (
            self._target
            if leg.connection_id == self._target.connection_id
            else self.of(leg.connection_id, leg.mapping_id)
        )

    def stopped(self, name: str) -> str:
        return ""
