"""What the form of a new ticket says beside its fields: the rule of thumb, and what was decided on grey areas."""

from __future__ import annotations

from typing import Any

from gateway.console.web import runtime
from gateway.console.words import language


def guide() -> dict[str, Any]:
    """``help`` and ``decided`` of the triage policy in force, in the language of this request; empty where there is
    none."""
    desks = runtime().desks
    desks.load()
    policy = desks.policies.triage
    return policy.guide(language()) if policy is not None else {"help": "", "decided": []}
