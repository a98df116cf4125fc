"""Shares of a count, with how far they can be trusted: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212, for one, and
Newcombe (1998), Stat. Med. 17, 873-890 (his method 10), for the difference of two."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from gateway.insight.survival import Z95


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``n``. ``low`` and ``high`` hold the true share with 95 %; without a count all three are None."""

    hits: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def low(self) -> float | None:
        return wilson(self.hits, self.n)[0] if self.n else None

    @property
    def high(self) -> float | None:
        return wilson(self.hits, self.n)[1] if self.n else None


def wilson(hits: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Between which shares the true one lies; ``n`` at least 1."""
    p, more = hits / n, z * z / n
    middle = p + more / 2
    width = z * sqrt(p * (1 - p) / n + more / (4 * n))
    return max(0.0, (middle - width) / (1 + more)), min(1.0, (middle + width) / (1 + more))


def difference(first: Share, second: Share) -> tuple[float, float] | None:
    """Between which bounds first minus second lies; None where one of them counts nothing."""
    if not first.n or not second.n:
        return None
    p, q = first.hits / first.n, second.hits / second.n
    (low, high), (under, over) = wilson(first.hits, first.n), wilson(second.hits, second.n)
    down = sqrt((p - low) ** 2 + (over - q) ** 2)
    up = sqrt((high - p) ** 2 + (q - under) ** 2)
    return p - q - down, p - q + up


def higher(first: Share, second: Share) -> bool:
    """Whether the first is surely higher: the whole interval of the difference lies above nothing."""
    bounds = difference(first, second)
    return bounds is not None and bounds[0] > 0
