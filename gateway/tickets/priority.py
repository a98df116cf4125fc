"""Priority is never typed in: it follows from impact and urgency by one table (DESIGN.md 1b)."""

from __future__ import annotations

from gateway.tickets.vocabulary import LEVELS

_MATRIX = {
    ("high", "high"): "P1",
    ("high", "medium"): "P2",
    ("high", "low"): "P3",
    ("medium", "high"): "P2",
    ("medium", "medium"): "P3",
    ("medium", "low"): "P4",
    ("low", "high"): "P3",
    ("low", "medium"): "P4",
    ("low", "low"): "P5",
}


def priority(impact: str, urgency: str) -> str:
    """``P1`` to ``P5`` from two of ``high medium low``; raises ``ValueError`` for any other word."""
    try:
        return _MATRIX[impact, urgency]
    except KeyError:
        raise ValueError(f"impact and urgency are one of {', '.join(LEVELS)}: {impact!r}, {urgency!r}") from None
