"""What happened to a ticket in one plan, for its clocks and timers; and the ticket as these see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Signal:
    """``kind``: opened, status, holder, priority (with ``before`` and ``after``), replied (``public``: the requester
    can read it; ``useful``: not an automatic or empty one), spoke (the requester wrote), accepted (a provider's desk
    has the record), answered (a provider's sign of work, no echo of ours), worked, returned, stuck, policy, clock,
    breach (``after``: the clock), warm (``after``: the provider that gets the ticket when it has answered).
    ``at``: when it happened, in UTC microseconds, by the remote's date where it gives one; ``party``: whose doing it
    was, ``team:<slug>``, ``provider:<slug>``, ``requester`` or ``tandem``."""

    kind: str
    at: int
    party: str = "tandem"
    before: str = ""
    after: str = ""
    public: bool = False
    useful: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """A ticket after a plan. ``fields``: its canonical fields; ``legs``: provider slug -> (role, leg status);
    ``requester``: email, site, language, clientele; ``as_of`` and ``created_at`` in UTC microseconds."""

    as_of: int
    number: int
    fields: Mapping[str, Any]
    holder: str
    created_at: int
    legs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    requester: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.fields.get("status", ""))

    @property
    def priority(self) -> str:
        return str(self.fields.get("priority", ""))
