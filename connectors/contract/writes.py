"""U: creating and changing records."""

from __future__ import annotations

from unittest import SkipTest

from connectors.contract.records import Records
from connectors.contract.rehearsal import ends
from connectors.errors import Refused, Stale, Unknown


class Writes(Records):
    def test_u01_a_create_whose_answer_was_lost_is_found_and_made_once(self) -> None:
        self.needs("create", "find")
        count = len(self.sim.ids())
        self.sim.faults.plan("commit_then_drop", method=self.creates())
        ends(Unknown, lambda: self.new("lost", "TDM-LOST1"))
        self.clock.forward(self.desk.visible_after)
        (hit,) = self.desk.find(self.ctx(), "TDM-LOST1")
        assert self.sim.ids().count(hit.id) == 1 and len(self.sim.ids()) == count + 1

    def creates(self) -> str:
        """The method by which this desk makes a record."""
        return str(self.spec().part("calls", "create")["send"]).split()[0]

    def test_u02_our_reference_is_on_the_record(self) -> None:
        self.needs("create")
        if self.desk.reference:
            assert self.record(self.new(ref="TDM-HERE1")).fields.get(self.desk.reference) == "TDM-HERE1"

    def test_u03_find_gives_only_what_carries_the_reference(self) -> None:
        self.needs("find")
        assert self.desk.find(self.ctx(), "TDM-NOBODY") == []
        one, other = self.new("one", "TDM-ONE"), self.new("two", "TDM-TWO")
        self.clock.forward(self.desk.visible_after)
        assert [hit.id for hit in self.desk.find(self.ctx(), "TDM-ONE")] == [one]
        assert [hit.id for hit in self.desk.find(self.ctx(), "TDM-TWO")] == [other]

    def test_u05_an_update_changes_what_it_names_and_nothing_else(self) -> None:
        self.needs("update")
        id = self.new()
        before = self.record(id)
        self.clock.forward(60)
        self.desk.update(self.ctx(), id, {self.title: "another title"}, before.version)
        after = self.record(id).fields
        assert after[self.title] == "another title"
        specs = self.catalogue()["fields"]
        ours = {n for n, spec in specs.items() if spec.get("write", "always") == "always" and n != self.title}
        assert {n: after.get(n) for n in ours} == {n: before.fields.get(n) for n in ours}

    def test_u06_a_field_is_emptied(self) -> None:
        self.needs("update")
        id = self.new()
        specs = self.catalogue()["fields"]
        texts = [n for n, v in self.samples().items() if v == "a text" and "required" not in specs[n]]
        if not texts:
            raise SkipTest("it has no text of its own that may be empty")
        for name in texts:
            self.desk.update(self.ctx(), id, {name: "a text"}, self.record(id).version)
            self.desk.update(self.ctx(), id, {name: None}, self.record(id).version)
            assert self.record(id).fields.get(name) is None, name

    def test_u07_a_value_that_the_desk_does_not_have_is_refused_before_anything_is_sent(self) -> None:
        id = self.new()
        field = self.status[0]
        before = [request for request in self.sim.asked if request.method != "GET"]
        end = ends(Refused, lambda: self.desk.update(self.ctx(), id, {field: "no such value"}, None))
        assert isinstance(end, Refused) and end.field == field
        assert [request for request in self.sim.asked if request.method != "GET"] == before

    def test_u16_somebody_whom_the_desk_does_not_know_is_nobody(self) -> None:
        self.needs("person")
        if "email" in self.desk.people:
            assert self.desk.person(self.ctx(), email="nobody@nowhere.example") is None

    def test_u12_a_write_on_an_old_version_is_stale_where_the_desk_can_tell(self) -> None:
        if "lock" in self.desk.cannot:
            return
        id = self.new()
        old = self.record(id).version
        self.clock.forward(60)
        with self.theirs():
            self.sim.change(id, {self.title: "theirs came first"})
        ends(Stale, lambda: self.desk.update(self.ctx(), id, {self.title: "ours comes late"}, old))
        assert self.record(id).fields[self.title] == "theirs came first"

    def test_u14_a_status_is_reached_or_refused_in_words(self) -> None:
        self.needs("update")
        field, begins, reachable = self.status
        id = self.new()
        assert self.record(id).fields[field] == begins
        self.desk.update(self.ctx(), id, {field: reachable, **self.with_status()}, self.record(id).version)
        assert self.record(id).fields[field] == reachable

    def with_status(self) -> dict[str, str]:
        """What the desk requires beside that status."""
        return {}
