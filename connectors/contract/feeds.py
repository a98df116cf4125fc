"""F: what changed since: nothing is passed over, nothing is taken for deleted."""

from __future__ import annotations

from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Gone, Outcome


class Feeds(Rehearsal):
    def test_f01_more_changes_than_one_page_are_all_told(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        self.polled(cursors)
        ids = set()
        with self.theirs():
            for number in range(self.many):
                ids.add(self.sim.open_record(f"record {number}"))
                self.clock.forward(1)
        assert ids <= self.polled(cursors)

    def test_f01_changes_in_another_order_than_the_ids_are_all_told(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        with self.theirs():
            ids = [self.sim.open_record(f"record {number}") for number in range(self.many)]
        self.clock.forward(3600)
        self.polled(cursors)
        self.clock.forward(3600)
        half = self.many // 2 + 20
        for id in (*ids[half:], *ids[:half]):
            with self.theirs():
                self.sim.change(id, {self.title: "changed by them"})
            self.clock.forward(10)
        assert set(ids) <= self.polled(cursors), "what changed before the first page did was passed over"

    def test_f02_many_changes_of_one_second_are_all_told(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        self.polled(cursors)
        with self.theirs():
            ids = {self.sim.open_record(f"record {number}") for number in range(self.many)}
        assert ids <= self.polled(cursors)

    def test_f03_a_record_that_changes_between_polls_is_told_again(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        id = self.new()
        self.polled(cursors)
        self.clock.forward(3600)
        with self.theirs():
            self.sim.change(id, {self.title: "changed by them"})
        assert id in self.polled(cursors)

    def test_f03_a_comment_of_theirs_is_told(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        id = self.new()
        self.polled(cursors)
        self.clock.forward(3600)
        with self.theirs():
            self.sim.say(id, "any news?", True)
        assert id in self.polled(cursors)

    def test_f08_a_record_that_was_deleted_is_gone(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.remove(id)
        try:
            assert self.record(id).state == "gone"
        except Gone:
            return

    def test_f08_a_record_that_was_moved_has_left(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.move(id)
        assert self.record(id).state == "left"

    def test_f10_a_first_poll_of_an_empty_desk_goes_on_from_there(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        assert self.polled(cursors) == set()
        self.clock.forward(60)
        id = self.new()
        assert id in self.polled(cursors)

    def test_f12_a_page_that_fails_moves_no_cursor(self) -> None:
        self.needs("changed")
        cursors: dict[str, str] = {}
        self.polled(cursors)
        self.clock.forward(60)
        id = self.new()
        before = dict(cursors)
        self.sim.faults.plan("status", status=500, times=1)
        try:
            self.polled(cursors)
        except Outcome:  # the next poll has to see the record
            cursors = before
        assert id in self.polled(cursors)
