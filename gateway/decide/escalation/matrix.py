"""The escalation matrix as it is written: service x priority -> steps in time, who is informed, who gets the ticket.

    policy: 1
    name: escalation
    roles:
      desk-lead: {users: [ana], email: [lead@example.com]}
    acknowledge: {after: 1 h, calendar: holder}
    fallback: {to: team:service-desk, unassigned: 1 h, inform: [desk-lead]}
    deadlock: {returns: 2, messages: 12, inform: [desk-lead]}
    matrix:
      - name: p1
        priority: [P1]
        steps:
          - {after: 15 min, since: unacknowledged, clock: wall, do: hierarchical, inform: [desk-lead]}
          - {after: 30 min, since: unacknowledged, clock: wall, do: functional, to: provider:acme}

The first row that names a ticket's service and priority is its path. ``checks`` finds holes, loops and what
can never be reached; ``escalation`` follows a ticket along its path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RESET = ("holder", "unacknowledged")
"""These begin again when somebody else gets the ticket."""

WALL = "wall"
"""In the place of a calendar: every hour counts."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A length of time in microseconds, and whose hours count: ``wall``, ``desk``, ``holder``, ``team:x`` ..."""

    length: int
    calendar: str


@dataclass(frozen=True, slots=True)
class Role:
    """People who are informed: their names here, addresses of others, and whoever is on call in a rotation then."""

    name: str
    users: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    on_call: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path. ``to`` is set for a functional one, ``inform`` for a hierarchical one; ``ends``: nothing
    follows it; ``acknowledge``: how long a provider may be silent then; ``otherwise``: who has it if nobody answers."""

    name: str
    wait: Wait
    since: str
    do: str
    to: str = ""
    how: str = "cold"
    acknowledge: Wait | None = None
    otherwise: str = ""
    inform: tuple[str, ...] = ()
    text: str = ""
    because: str = ""
    ends: bool = False

    @property
    def functional(self) -> bool:
        return self.do == "functional"


@dataclass(frozen=True, slots=True)
class Row:
    """A path. ``services`` in lower case and ``priorities``; empty: any."""

    name: str
    services: tuple[str, ...]
    priorities: tuple[str, ...]
    steps: tuple[Step, ...]

    def covers(self, service: str, priority: str) -> bool:
        return (not self.services or service.casefold() in self.services) and (
            not self.priorities or priority in self.priorities
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """A compiled escalation policy, as the version of its label. Lengths of time in microseconds. ``notes``: for its
    author."""

    rows: tuple[Row, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    follow: str = "holder"
    waits: tuple[str, ...] = ()
    acknowledge: Wait = Wait(0, WALL)  # 0: a provider may be silent for ever
    fallback: str = "team:service-desk"
    unassigned: Wait = Wait(0, WALL)  # 0: nobody is told
    unassigned_inform: tuple[str, ...] = ()
    returned: str = "before"
    returns: int = 2
    messages: int = 0  # 0: not counted
    deadlock_inform: tuple[str, ...] = ()
    label: str = ""
    notes: tuple[str, ...] = ()

    def row(self, service: str, priority: str) -> Row | None:
        """The path of a cell; None where the matrix has a hole."""
        return next((row for row in self.rows if row.covers(service, priority)), None)
