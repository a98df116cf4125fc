"""The breaker of a connection: after several failures in a row nothing is sent for a while, then a few probes.

Its row is shared by all workers and never locked together with tickets. Waiting for it burns no attempt.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.db import Road

FAILS = 5  # in a row, until it opens
FIRST, LONGEST = 5_000_000, 300_000_000  # microseconds it stays open: doubling from the first to the longest
PROBES = 2  # lanes at once while half open


@dataclass(frozen=True, slots=True)
class Breaker:
    state: str = "closed"
    fails: int = 0
    opens: int = 0
    until: int | None = None

    def room(self, now: int, cap: int) -> int:
        """How many lanes may be in flight now."""
        if self.state == "closed":
            return cap
        return min(PROBES, cap) if self.until is None or self.until <= now else 0


def read(road: Road, connections: list[int]) -> dict[int, Breaker]:
    rows = road.rows(
        "select connection_id, breaker, fails, opens, until from health where connection_id INTS(?)", connections
    )
    return {row[0]: Breaker(*row[1:]) for row in rows}


def record(road: Road, connection: int, ok: int, failed: int, said: str, now: int) -> None:
    """What a batch of steps says about a connection. Any success closes the breaker; failures alone open it."""
    if ok:
        road.run(
            "update health set breaker = 'closed', fails = 0, opens = 0, until = null, last_ok_at = ?"
            " where connection_id = ?",
            now, connection,
        )  # fmt: skip
        return
    row = road.rows("select breaker, fails, opens from health where connection_id = ? LOCK", connection)
    if not row:
        return
    state, fails, opens = row[0]
    fails += failed
    if state == "closed" and fails < FAILS:
        sql = "update health set fails = ?, last_error_at = ?, last_error = ? where connection_id = ?"
        road.run(sql, fails, now, said, connection)
        return
    until = now + min(LONGEST, FIRST * 2 ** min(opens, 10))
    road.run(
        "update health set breaker = 'open', fails = ?, opens = ?, until = ?, last_error_at = ?, last_error = ?"
        " where connection_id = ?",
        fails, opens + 1, until, now, said, connection,
    )  # fmt: skip
