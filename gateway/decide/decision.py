"""What every decision of a policy leaves behind: who or what was chosen, by which rule, and why not otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway import plain


@dataclass(frozen=True, slots=True)
class Decision:
    """``kind``: triage, routing ...; ``policy``: the version's label, ``routing@3``; ``inputs``: all it looked
    at, plain as JSON; ``lost``: the rules before the one that decided, each with what it lost by; ``because`` and
    ``otherwise``: in plain words, the reason, and what would have been without that rule."""

    kind: str
    outcome: str
    rule: str
    policy: str
    inputs: Mapping[str, Any]
    lost: Sequence[Sequence[str]]
    because: str
    otherwise: str = ""

    def data(self) -> dict[str, Any]:
        """What a plan's action says of it: the intent."""
        return {"kind": self.kind, "outcome": self.outcome, "rule": self.rule, "policy": self.policy}

    def payload(self) -> dict[str, Any]:
        """What is kept beside the intent."""
        told = {"because": self.because, "otherwise": self.otherwise}
        return {"inputs": dict(self.inputs), "lost": [list(one) for one in self.lost], **told}

    def text(self) -> str:
        """The whole decision as canonical JSON: the same decision is the same text, to the byte."""
        return plain.canonical({**self.data(), **self.payload()})
