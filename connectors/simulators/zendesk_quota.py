"""How many calls a Zendesk account takes: per account, for updates, per ticket, for the export; in fixed windows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Rule = tuple[str, int, int]
"""(what is counted, calls, seconds)"""


class Quota:
    """``account``: requests a minute, by plan 200 to 2,500. The other limits are the same for all; ``off`` for none."""

    def __init__(self, clock: Callable[[], datetime], account: int = 700) -> None:
        self.account = account
        self.off = False
        self._clock = clock
        self._spent: dict[tuple[str, int], int] = {}

    def spend(self, method: str, parts: list[str]) -> tuple[dict[str, str], bool]:
        """(headers, whether the call is one too many)."""
        now = int(self._clock().timestamp())
        over: list[int] = []
        for name, most, seconds in self._rules(method, parts):
            window = (name, now // seconds)
            self._spent[window] = self._spent.get(window, 0) + 1
            if self._spent[window] > most and not self.off:
                over.append(seconds - now % seconds)
        left = max(self.account - self._spent["account", now // 60], 0)
        headers = {"X-Rate-Limit": str(self.account), "X-Rate-Limit-Remaining": str(left)}
        headers |= {
            "ratelimit-limit": str(self.account),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(60 - now % 60),
        }
        return headers | ({"Retry-After": str(max(over))} if over else {}), bool(over)

    def _rules(self, method: str, parts: list[str]) -> list[Rule]:
        found: list[Rule] = [("account", self.account, 60)]
        if method == "PUT" and parts[0] == "tickets":
            found += [("updates", 100, 60), (f"ticket {parts[1]}", 30, 600)]
        if parts[0] == "incremental":
            found.append(("export", 10, 60))
        return found
