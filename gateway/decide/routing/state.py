"""What routing remembers of a ticket, under ``routing`` in its ledger: who had it, who gave it back without work, and
the choice of a person, which holds until that holder gives the ticket back or a person chooses again.

``{"had": [...], "bounced": [...], "override": {to, by, because, at}}``; holders as ``team:<slug>`` and
``provider:<slug>``, times in UTC microseconds. Everything follows from the signals of the ticket's plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.signals import Signal

KEPT = 20
"""How many holders are remembered, the newest ones."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A person has passed the ticket on."""

    by: str
    because: str


def follow(state: Mapping[str, Any], signals: Iterable[Signal], chosen: Chosen | None = None) -> dict[str, Any]:
    """The state after these signals. ``chosen``: who passed the ticket on, where a person did."""
    had, bounced = list(state.get("had", ())), list(state.get("bounced", ()))
    override = state.get("override")
    for signal in signals:
        if signal.kind == "holder":
            had = _last(had, signal.before, signal.after)
            if chosen is not None:
                override = {"to": signal.after, "by": chosen.by, "because": chosen.because, "at": signal.at}
                bounced = [one for one in bounced if one != signal.after]  # whoever is asked again may have it again
        elif signal.kind == "returned":
            bounced = _last(bounced, signal.party)
            override = None if override and override["to"] == signal.party else override
    found = {"had": had, "bounced": bounced, "override": override}
    return {name: value for name, value in found.items() if value}


def _last(known: list[str], *new: str) -> list[str]:
    """Each once, by when it was last there."""
    said = list(dict.fromkeys(one for one in new if one))
    return [*(one for one in known if one not in said), *said][-KEPT:]
