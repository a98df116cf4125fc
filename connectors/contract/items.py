"""I: comments, files and time, and who sees them."""

from __future__ import annotations

from unittest import SkipTest

from connectors.base import Item
from connectors.contract.rehearsal import Rehearsal, ends, file_of
from connectors.errors import Refused
from connectors.schema import seconds

BOTH = ["staff", "requester"]
NOTED = "changed by them, and noted"


class Items(Rehearsal):
    def test_i01_each_channel_lands_before_the_right_eyes(self) -> None:
        self.needs("comment")
        id = self.new()
        for public in (True, False):
            name = self.channel(public)
            made = self.desk.comment(self.ctx(), id, name, f"public is {public}", BOTH if public else ["staff"])
            self.took(made.id, "channels", name, "comment")
        said = {each.text: each.public for each in self.sim.said(id)}
        assert said == {"public is True": True, "public is False": False}
        read = {self.words(each.text): each.channel for each in self.record(id).comments}
        assert read == {"public is True": self.channel(True), "public is False": self.channel(False)}

    def test_i02_a_channel_that_reaches_more_is_refused_and_nothing_is_sent(self) -> None:
        self.needs("comment")
        id = self.new()
        before = len(self.sim.asked)
        ends(Refused, lambda: self.desk.comment(self.ctx(), id, self.channel(True), "only for you", ["staff"]))
        assert len(self.sim.asked) == before and self.sim.said(id) == []

    def test_i04_their_internal_note_is_read_as_internal(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.say(id, "between us", False)
            self.sim.say(id, "for all", True)
        read = {self.words(each.text): each.channel for each in self.record(id).comments}
        assert read == {"between us": self.channel(False), "for all": self.channel(True)}

    def test_i06_two_equal_comments_stay_two(self) -> None:
        self.needs("comment")
        id = self.new()
        for _ in range(2):
            self.desk.comment(self.ctx(), id, self.channel(False), "any news?", ["staff"])
            self.clock.forward(60)
        assert [self.words(each.text) for each in self.record(id).comments] == ["any news?"] * 2

    def test_i07_the_description_is_no_comment(self) -> None:
        more = {self.body: "what happened"} if self.body else {}
        record = self.record(self.new(**more))
        assert record.comments == () and record.complete

    def test_i08_what_the_desk_notes_of_a_change_is_no_comment(self) -> None:
        id = self.new()
        self.clock.forward(60)
        if "update" in self.desk.verbs:
            self.desk.update(self.ctx(), id, {self.title: "changed by us"}, self.record(id).version)
        self.clock.forward(60)
        with self.theirs():
            self.sim.change(id, {self.title: NOTED})
            self.sim.say(id, "for all", True)
        assert [self.words(each.text) for each in self.record(id).comments] == ["for all"]

    def test_i09_an_edit_of_theirs_is_seen_or_the_lack_is_said(self) -> None:
        id = self.new()
        with self.theirs():
            comment = self.sim.say(id, "first wording", False)
            self.sim.edit(id, comment, "second wording")
        assert [self.words(each.text) for each in self.record(id).comments] == ["second wording"]
        self.sim.edit(id, comment, None)
        assert self.record(id).comments == ()

    def test_i11_files_arrive_whole_both_ways(self) -> None:
        id = self.new()
        data = bytes(range(256)) * 40
        with self.theirs():
            self.sim.upload(id, "their log ü.txt", data, True)
        (theirs,) = self.record(id).files
        assert theirs.name == "their log ü.txt" and b"".join(self.desk.file(self.ctx(), theirs)) == data
        self.needs("attach")
        name, reaches = self.carrier()
        made = self.desk.attach(self.ctx(), id, name, file_of("our log ü.txt", data), reaches)
        self.took(made.id, "channels", name, "attach")
        ours = next(each for each in self.sim.kept(id) if each.name == "our log ü.txt")
        assert ours.data == data

    def carrier(self) -> tuple[str, list[str]]:
        """A channel that takes files, and whom it reaches."""
        return next((name, sorted(each.reaches)) for name, each in self.desk.channels.items() if each.attach)

    def test_i12_a_file_keeps_the_audience_of_its_channel(self) -> None:
        self.needs("attach")
        id = self.new()
        said = self.spec().part("attachments")
        on_the_record = said.get("reaches") if said.get("shown_with") == "record" else None
        for name, channel in self.desk.channels.items():
            if channel.attach:
                self.desk.attach(self.ctx(), id, name, file_of(f"{name}.txt", b"x"), sorted(channel.reaches))
                (kept,) = [each for each in self.sim.kept(id) if each.name == f"{name}.txt"]
                assert kept.public == ("requester" in (on_the_record or channel.reaches)), name

    def test_i13_time_is_written_down(self) -> None:
        self.needs("worklog")
        id = self.new()
        made = self.desk.worklog(self.ctx(), id, 15, "looked at the switch", self.clock())
        self.took(made.id, "calls", "worklog")
        assert self.sim.spent(id) == [15]

    def test_i14_more_comments_than_one_page_are_all_read(self) -> None:
        id = self.new()
        with self.theirs():
            for number in range(120):
                self.sim.say(id, f"line {number}", False)
        read = [self.words(each.text) for each in self.record(id).comments]
        assert sorted(read) == sorted(f"line {number}" for number in range(120))

    def test_i15_time_of_theirs_is_told_with_its_author_and_ours_as_ours(self) -> None:
        if "read_worklog" in self.desk.cannot:
            raise SkipTest(f"read_worklog: {self.desk.cannot['read_worklog']}")
        id = self.new()
        with self.theirs():
            self.sim.work(id, 30, "on site")
        if ours := "worklog" in self.desk.verbs:
            self.desk.worklog(self.ctx(), id, 15, "looked at the switch", self.clock())
        me, told = self.desk.check(self.ctx()).me, self.booked(id)
        by_us = {self.words(each.text): each.author in me for each in told}
        assert by_us == {"on site": False, **({"looked at the switch": True} if ours else {})}
        assert [each.minutes for each in told if each.author not in me] == [30]

    def booked(self, id: str) -> list[Item]:
        """The time on a record, as the feed of time tells it or the record itself."""
        found = list(self.record(id).worklogs)
        for feed, told in self.desk.feeds.items():
            if told.gives == "worklogs":
                self.clock.forward(seconds(self.spec().part("changed", feed).get("visible_after", "0s")))
                found += [each.item for each in self.poll(feed)[0] if each.item and each.record_id == id]
        return found
