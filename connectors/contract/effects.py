"""U8 U9 U11 U13 U15, I5 I10: what really came of a write."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from unittest import SkipTest

from connectors.base import Value
from connectors.contract.rehearsal import ends
from connectors.contract.writes import Writes
from connectors.errors import Refused, Unknown

WAS, WISH, MADE = "as-it-was", "as-we-wish", "as-they-like"


class Effects(Writes):
    def test_u08_a_write_that_the_desk_ignores_is_seen_not_to_be_there(self) -> None:
        assert self.read_back(WAS) == WAS

    def test_u09_what_the_desk_makes_of_a_value_is_seen(self) -> None:
        assert self.read_back(MADE) == MADE

    def read_back(self, instead: str) -> Value:
        """What an update shows, or a fetch where the desk says so, when a rule of theirs puts ``instead`` there."""
        self.over_http()
        self.needs("update")
        id = self.new(WAS)
        version = self.record(id).version
        self.clock.forward(60)
        self.sim.coming = lambda each: replace(each, body=each.body.replace(WISH.encode(), instead.encode()))
        receipt = self.desk.update(self.ctx(), id, {self.title: WISH}, version)
        self.sim.coming = None
        record = receipt.record if receipt.read_back == "reply" else self.record(id)
        assert record is not None, "the reply is to be read back, and shows no record"
        return record.fields[self.title]

    def test_u11_a_value_that_needs_another_is_refused_by_the_others_name(self) -> None:
        self.needs("update")
        owed: dict[tuple[str, str], set[str]] = {}
        for name, spec in self.spec().part("fields").items():
            for other, values in spec.get("required_when", {}).items():
                for value in values:
                    owed.setdefault((other, value), set()).add(name)
        if not owed:
            raise SkipTest("no value needs another")
        id = self.new()
        before = self.record(id)
        for (field, value), names in owed.items():
            end = ends(Refused, partial(self.desk.update, self.ctx(), id, {field: value}, before.version))
            assert isinstance(end, Refused) and end.field in names, (field, value, end.said)
            assert self.record(id).fields[field] != value

    def test_u13_what_only_creation_sets_is_not_updated_and_what_it_cannot_follows(self) -> None:
        self.needs("create", "update")
        field, _, reachable = self.status
        given = {**self.fields, self.title: "VPN down", field: reachable, **self.with_status()}
        made = self.desk.create(self.ctx(), given, "TDM-LATER", "key-later")
        assert made.id is not None
        if made.later:
            follow = {name: given[name] for name in made.later}
            self.desk.update(self.ctx(), made.id, follow, self.record(made.id).version)
        before, count = self.record(made.id), len(self.sim.asked)
        assert before.fields[field] == reachable, f"neither made nor left for later: {made.later}"
        for name, spec in self.spec().part("fields").items():
            if spec.get("only_on") == "create":
                end = ends(Refused, partial(self.desk.update, self.ctx(), made.id, {name: "1"}, before.version))
                assert isinstance(end, Refused) and end.field == name and len(self.sim.asked) == count

    def test_u15_a_record_that_is_over_refuses_in_words(self) -> None:
        self.needs("update")
        id = self.new()
        with self.theirs():
            self.sim.seal(id)
        before = self.record(id)
        late = partial(self.desk.update, self.ctx(), id, {self.title: "after all"}, before.version)
        assert ends(Refused, late).said.strip()
        assert self.record(id).fields[self.title] == before.fields[self.title]

    def test_i05_a_comment_whose_answer_was_lost_is_there_once_and_known_for_ours(self) -> None:
        self.over_http()
        self.needs("comment")
        id, name = self.new(), self.channel(False)
        send = str(self.spec().part("channels")[name]["comment"]["send"])
        self.sim.faults.plan("commit_then_drop", method=send.split()[0])
        ends(Unknown, lambda: self.desk.comment(self.ctx(), id, name, "said once", ["staff"]))
        self.clock.forward(self.desk.visible_after)
        found = [each for each in self.record(id).comments if self.words(each.text).strip() == "said once"]
        me = self.desk.check(self.ctx()).me
        assert len(found) == 1
        assert found[0].author in me or (found[0].author is None and "comment_author" in self.desk.cannot)

    def test_i10_a_comment_changes_no_field_but_those_that_its_channel_names(self) -> None:
        self.needs("comment")
        for number, (name, channel) in enumerate(self.desk.channels.items()):
            if not channel.comment:
                continue
            for status in (None, self.status[2]):
                id = self.new(ref=f"TDM-SIDE{number}{status}".replace(" ", ""))
                if status and self.desk.status in self.record(id).fields and "update" in self.desk.verbs:
                    move: dict[str, Value] = {self.status[0]: status, **self.with_status()}
                    self.desk.update(self.ctx(), id, move, self.record(id).version)
                before = self.record(id).fields
                self.clock.forward(60)
                self.desk.comment(self.ctx(), id, name, f"in state {status}", sorted(channel.reaches))
                after = self.record(id).fields
                changed = {each for each in self.ours() if after.get(each) != before.get(each)}
                assert changed <= set(channel.side_effects), (name, changed)

    def ours(self) -> set[str]:
        """The fields that we may write."""
        specs = self.catalogue()["fields"]
        return {name for name, spec in specs.items() if spec.get("write", "always") in ("always", "update")}
