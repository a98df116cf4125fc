"""What escalation wants done: plain data, carried out by ``carrying``.

``rule`` names the step (``p1/2``) or what else spoke (``silence``, ``deadlock``, ``nobody``); ``because`` and
``otherwise`` are plain words; ``inputs`` is all that was looked at, the same for every action of one look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.decide.decision import Decision

Lost = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HandOver:
    """``to`` gets the ticket: at once (``cold``), or when it has answered (``warm``). ``ends``: the provider that loses
    it; ``instead``: the team that has it where ``to`` cannot be reached."""

    to: str
    how: str
    because: str
    rule: str
    otherwise: str = ""
    ends: str = ""
    instead: str = ""
    lost: Lost = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The provider ``ends`` loses the ticket (or stops helping); where it was the holder, ``to`` is."""

    to: str
    ends: str
    because: str
    rule: str
    otherwise: str = ""
    lost: Lost = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promote:
    """A provider that was asked to help has answered: from now on it has the ticket."""

    provider: str
    because: str
    rule: str
    otherwise: str = ""
    lost: Lost = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inform:
    """These roles should know. ``roles``: names; ``people``: their users and e-mail addresses."""

    roles: tuple[str, ...]
    text: str
    rule: str
    people: tuple[str, ...] = ()
    otherwise: str = ""
    lost: Lost = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A line on the ticket for whoever works on it."""

    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class TellRequester:
    """A comment that the requester reads."""

    text: str
    rule: str


def decision(action: HandOver | TakeBack | Promote | Inform, policy: str) -> Decision:
    """What is kept of it. ``policy``: the label of the version."""
    if isinstance(action, HandOver):
        kind, outcome, because = "escalation", action.to, action.because
    elif isinstance(action, TakeBack):
        kind, outcome, because = "take_back", action.to, action.because
    elif isinstance(action, Promote):
        kind, outcome, because = "escalation", action.provider, action.because
    else:
        kind, outcome, because = "escalation", f"inform {', '.join(action.roles)}", action.text
    return Decision(kind, outcome, action.rule, policy, action.inputs, action.lost, because, action.otherwise)


Action = HandOver | TakeBack | Promote | Inform | Notice | TellRequester
