"""When to try again: 1 s, 5 s, 30 s, then ever longer, 75 hours in all; with jitter, and Retry-After honoured."""

from __future__ import annotations

SECONDS = (1, 5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 57_600, 54_000, 58_644)
"""Waits after the first, second ... failure; they add up to 75 hours. Standard Webhooks uses the same span."""

JITTER = 0.2
LONGEST_ASKED = 6 * 3600
"""A remote that asks for more than this (``Retry-After: 99999999``) is asked again after this many seconds."""


def wait(tries: int, after: float | None, chance: float) -> float | None:
    """Seconds until the next try after ``tries`` failures, or None when the schedule is over.

    ``after`` is what the remote asked for; ``chance`` in [0, 1) spreads the tries of many lanes."""
    if tries > len(SECONDS):
        return None
    own = SECONDS[max(tries, 1) - 1] * (1 + JITTER * (2 * chance - 1))
    return max(own, min(after, LONGEST_ASKED)) if after is not None else own
