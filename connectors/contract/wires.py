"""W: what happens on the wire, and what is made of it (the outcome table of docs/connector-guide.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

from connectors.base import Receipt
from connectors.contract.rehearsal import Rehearsal, ends, file_of
from connectors.errors import Gone, Outcome, Refused, Retry, Unauthorized, Unknown
from connectors.simulators.faults import What

LOST: tuple[What, ...] = ("commit_then_drop", "commit_then_status", "truncate_head")
TRAPS = (
    "x^ORactive=true",
    'quo"te',
    "back\\slash",
    "line\nbreak",
    "brace}",
    "{settings.url}",
    "'; drop table",
    "%00%0a",
)
TABLE: tuple[tuple[int, type[Outcome], type[Outcome]], ...] = (
    (301, Unauthorized, Unauthorized), (302, Unauthorized, Unauthorized), (401, Unauthorized, Unauthorized),
    (407, Unauthorized, Unauthorized), (410, Gone, Gone), (423, Retry, Retry), (425, Retry, Retry),
    (429, Retry, Retry), (400, Refused, Refused), (403, Refused, Refused), (408, Retry, Unknown),
    (500, Retry, Unknown), (502, Retry, Unknown), (503, Retry, Unknown), (504, Retry, Unknown),
)  # fmt: skip
"""Status, what a read ends in, what a write ends in."""


class Wires(Rehearsal):
    def test_w02_a_redirect_is_not_followed(self) -> None:
        id = self.new()
        before = len(self.sim.asked)
        self.sim.faults.plan("redirect", url=f"{self.sim.url}/elsewhere")
        ends(Unauthorized, lambda: self.record(id))
        assert not any("elsewhere" in request.path for request in self.sim.asked[before:])

    def test_w05_a_reply_that_trickles_ends_at_the_deadline(self) -> None:
        id = self.new()
        self.sim.faults.plan("slowloris", seconds=0.2)
        began = time.monotonic()
        ends(Retry, lambda: self.desk.fetch(self.ctx(seconds=0.6), id))
        assert time.monotonic() - began < 3

    def test_w06_a_login_page_at_200_is_no_answer(self) -> None:
        id = self.new()
        self.sim.faults.plan("html_login_page")
        ends(Retry, lambda: self.record(id))

    def test_w07_every_status_ends_as_the_table_says(self) -> None:
        id = self.new()
        version = self.record(id).version
        for status, read, write in TABLE:
            self.sim.faults.plan("status", status=status, times=9)
            end = _end(lambda: self.record(id))
            assert isinstance(end, read) or self.ruled(status), f"{status} on a read: {type(end).__name__} {end.said}"
            self.sim.faults.clear()
            self.sim.faults.plan("status", status=status, times=9)
            end = _end(partial(self.desk.update, self.ctx(), id, {self.title: f"at {status}"}, version))
            assert isinstance(end, write) or self.ruled(status), f"{status} on a write: {type(end).__name__} {end.said}"
            self.sim.faults.clear()

    def ruled(self, status: int) -> bool:
        """Whether the manifest has rules of its own for a status."""
        return any(rule.get("status") == status for rule in self.spec().part("errors").get("rules", ()))

    def test_w08_the_wait_that_a_429_asks_for_is_told(self) -> None:
        id = self.new()
        moment = format_datetime(self.clock() + timedelta(hours=1), usegmt=True)
        for given, least, most in (("7", 7, 7), (moment, 3590, 3600), (None, 0, 0)):
            self.sim.faults.plan("status", status=429, retry_after=given)
            end = ends(Retry, lambda: self.record(id))
            assert end.after is None if given is None else least <= (end.after or 0) <= most, (given, end.after)
            self.desk = self.connect(
                found=self.desk.check(self.ctx()).values
            )  # without its memory of being told to wait

    def test_w10_w11_a_write_whose_answer_is_lost_is_unknown(self) -> None:
        id = self.new()
        for verb, (method, write) in self.writes(id).items():
            for fault in LOST:
                self.sim.faults.plan(fault, method=method, status=502)
                end = _end(write)
                assert isinstance(end, Unknown), f"{verb} after {fault}: {type(end).__name__} {end.said}"
                self.sim.faults.clear()

    def test_w12_a_write_that_was_dropped_before_it_landed_may_be_repeated(self) -> None:
        id = self.new()
        count = len(self.sim.ids())
        version = self.record(id).version
        self.sim.faults.plan("drop_before_commit")
        ends(Unknown, lambda: self.desk.update(self.ctx(), id, {self.title: "again"}, version))
        self.desk.update(self.ctx(), id, {self.title: "again"}, version)
        assert self.record(id).fields[self.title] == "again" and len(self.sim.ids()) == count

    def test_w14_the_vendors_own_words_arrive(self) -> None:
        end = _end(lambda: self.desk.fetch(self.ctx(), "999999999"))
        assert end.said.strip()

    def test_w15_no_value_changes_the_request_around_it(self) -> None:
        self.needs("find")
        count = len(self.sim.ids())
        mine = self.new("the one")
        for trap in TRAPS:
            try:
                hits = self.desk.find(self.ctx(), trap)
            except Refused:
                hits = []
            assert mine not in {hit.id for hit in hits}, f"{trap!r} found what it does not name"
            id = self.new(f"a {trap} title".replace("\n", " "), f"TDM-{abs(hash(trap))}")
            assert self.record(id).fields[self.title] == f"a {trap} title".replace("\n", " ")
        assert len(self.sim.ids()) == count + 1 + len(TRAPS)

    # what the writes are

    def writes(self, id: str) -> dict[str, tuple[str, Callable[[], Receipt]]]:
        """Every write that this desk has: the method of its request, and the write itself."""
        desk, calls, channels = self.desk, self.spec().part("calls"), self.spec().part("channels")
        found: dict[str, tuple[str, Callable[[], Receipt]]] = {}
        if "update" in calls:
            version = self.record(id).version
            found["update"] = _method(calls["update"]), lambda: desk.update(self.ctx(), id, {self.title: "x"}, version)
        internal = next((name for name, one in desk.channels.items() if one.comment and one.reaches == {"staff"}), None)
        if internal:
            say = lambda: desk.comment(self.ctx(), id, internal, "a lost note", ["staff"])  # noqa: E731
            found["comment"] = _method(channels[internal]["comment"]), say
        carrier = next((name for name, one in desk.channels.items() if one.attach), None)
        if carrier:
            reaches, file = sorted(desk.channels[carrier].reaches), file_of("log.txt", b"bytes")
            found["attach"] = (
                _method(channels[carrier]["attach"]),
                lambda: desk.attach(self.ctx(), id, carrier, file, reaches),
            )
        if "worklog" in calls:
            log = lambda: desk.worklog(self.ctx(), id, 15, "looked", self.clock())  # noqa: E731
            found["worklog"] = _method(calls["worklog"]), log
        return found


def _method(call: Mapping[str, Any]) -> str:
    return str(call["send"]).split()[0]


def _end(call: Callable[[], object]) -> Outcome:
    try:
        got = call()
    except Outcome as end:
        return end
    raise AssertionError(f"no outcome but {got!r}")
