"""The contract of the connectors for Request Tracker, Redmine and mail, on the real servers."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest import SkipTest

from connectors import registry
from connectors.base import Arrival
from connectors.contract import Contract
from connectors.contract.run import Result, names, run
from connectors.feeds import SETTLED_AFTER, TICK
from tests.connectors import matrix
from tests.live.desks import RealRedmine, RealTracker
from tests.live.front import Front, RealTime
from tests.live.mailboxes import Mailboxes, RealMail
from tests.live.peers import Redmine, RequestTracker, Server

Peer = Server | Mailboxes
FRONTS: dict[type[Peer], type[Front[Any] | RealMail]] = {
    RequestTracker: RealTracker,
    Redmine: RealRedmine,
    Mailboxes: RealMail,
}
MANY = 230
LIVE = matrix.RESULTS.with_name("live.json")


class OnReal(Contract):
    """Where a real server, whose clock nobody can move, has to be met halfway."""

    def test_r09_a_time_is_the_moment_it_means(self) -> None:
        before = self.clock().replace(microsecond=0)
        assert before <= (self.record(self.new()).created or before - TICK) <= self.clock() + TICK


class OnRedmine(OnReal):
    """And where its feed goes by that clock."""

    def polled(self, cursors: dict[str, str]) -> set[str]:
        """What happened within the second of the last poll may look the same; a poll two seconds later tells it."""
        before = bool(cursors)
        told = super().polled(cursors)
        if before and not told:
            time.sleep(SETTLED_AFTER)
            told = super().polled(cursors)
        return told

    def test_f02_many_changes_of_one_second_are_all_told(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        self.polled(cursors)
        ids = {self.sim.open_record(f"record {number}") for number in range(self.many)}
        assert isinstance(self.sim, RealRedmine)
        self.sim.at_once(sorted(ids))
        assert ids <= self.polled(cursors)


class OnMail(OnReal):
    """And where no service posts what comes in."""

    def arrival(self) -> tuple[str, Arrival]:
        raise SkipTest("neither server posts the mails that come in")


HALFWAY: dict[type[Front[Any] | RealMail], type[Contract]] = {RealRedmine: OnRedmine, RealMail: OnMail}


def contract(server: Peer, many: int) -> type[Contract]:
    """The contract that the kind's own tests hold its simulator to, on ``server``."""
    front = FRONTS[type(server)]
    own = {
        "simulator": partial(cast(Any, front), server=server),
        "clocks": RealTime,
        "many": many,
        "verify": front.verify,
    }
    return type(f"On{front.__name__}", (HALFWAY.get(front, OnReal), matrix.contract(front.kind)), own)


def kept(servers: Sequence[Peer], many: int) -> dict[str, Any]:
    """One run on each of the servers of a kind, at the same time; what is written down of it. AssertionError where a
    test failed, or ended otherwise on another server."""
    with ThreadPoolExecutor(len(servers)) as pool:
        runs = list(pool.map(lambda server: _run(contract(server, many)), servers))
    assert all(run == runs[0] for run in runs), f"on one server so, on another so: {runs}"
    passed = [one.test for one in runs[0] if one.ended == "passed"]
    skipped = {one.test: one.why for one in runs[0] if one.ended == "skipped"}
    server = f"{registry.manifest(FRONTS[type(servers[0])].kind).name} {servers[0].version()}"
    return {"server": server, "instances": len(servers), "passed": passed, "skipped": skipped}


def _run(held: type[Contract]) -> list[Result]:
    """What needs a server that nobody used goes first."""
    results = list(run(held, sorted(names(held), key=lambda name: "_f10_" not in name)))
    failed = [f"{one.test}: {one.why}" for one in results if one.ended == "failed"]
    assert not failed, "\n".join(failed)
    return results


def main() -> int:
    """Two servers of each kind at once, and what they show is written down: ``python -m tests.live.contract``, perhaps
    with the kinds that are to be tried."""
    found = json.loads(LIVE.read_text("utf-8"))
    tried = {kind: front for kind, front in FRONTS.items() if front.kind in (sys.argv[1:] or [front.kind])}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as down:
        kinds = {
            kind: [kind(Path(folder, kind.name, n), Path(folder, "templates", kind.name)) for n in "12"]
            for kind in tried
        }
        for servers in kinds.values():
            for server in servers:
                server.up()
                down.callback(server.down)
        for kind, servers in kinds.items():
            found[FRONTS[kind].kind] = {**kept(servers, MANY), "date": datetime.now(UTC).date().isoformat()}
    LIVE.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(", ".join(f"{kind} {len(one['passed'])} passed" for kind, one in found.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
