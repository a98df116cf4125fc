"""E-mail keeps the contract, as far as a mailbox has what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import ClassVar
from unittest import SkipTest

import pytest

from connectors.base import Arrival, Receipt, Value
from connectors.contract import Contract, wires
from connectors.contract.rehearsal import ends, file_of
from connectors.contract.signins import SignIns
from connectors.errors import Refused, Retry, Unknown
from connectors.simulators.mail import Mail
from mappings.text import convert

NO_HTTP = "it speaks SMTP and IMAP, which have no such answers"


class TestByToken(SignIns):
    """Signed in by XOAUTH2, as Google asks for it."""

    kind = "mail"
    auth = "google"
    simulator = partial(Mail, signin="token")
    title = "subject"

    test_a09_check_gives_every_name_of_our_own_account = None  # by a comment, below

    def signed_in(self, since: int = 0) -> list[int]:
        """Its address is a setting."""
        return [at for at, each in list(enumerate(self.sim.asked))[since:] if each.path == "/token"]

    def test_a05_mails_leave_with_a_token_that_is_renewed_once(self) -> None:
        id = self.new()
        self.sim.expire()
        before = len(self.sim.asked)
        self.desk.comment(self.ctx(), id, "mail", "any news?", ["staff"])
        assert len(self.signed_in(before)) == 1 and len(self.sim.said(id)) == 1


class TestMail(Contract):
    kind = "mail"
    simulator = Mail
    title, body = "subject", "description"
    fields: ClassVar[Mapping[str, Value]] = {"status": "open"}
    status = ("status", "open", "solved")

    def words(self, text: str) -> str:
        """A mail as the mapping reads it: without what it quotes."""
        return str(convert(text, "mail", "plain"))

    def creates(self) -> str:
        """A mail at its dot, as the simulator names it."""
        return "POST"

    def writes(self, id: str) -> dict[str, tuple[str, Callable[[], Receipt]]]:
        """Whatever is written is a mail."""
        say = partial(self.desk.comment, self.ctx(), id, "mail", "a lost note", ["staff"])
        carry = partial(self.desk.attach, self.ctx(), id, "mail", file_of("log.txt", b"bytes"), ["staff"])
        turns = cycle(("waiting", "working", "solved"))  # what the thread tells already is not told again

        def move() -> Receipt:
            return self.desk.update(self.ctx(), id, {"status": next(turns)}, None)

        return {"comment": ("POST", say), "attach": ("POST", carry), "update": ("POST", move)}

    def test_u05_an_update_changes_what_it_names_and_nothing_else(self) -> None:
        """By the status, which alone can change."""
        id = self.new(description="Error 809.")
        before = self.record(id)
        self.desk.update(self.ctx(), id, {"status": "waiting"}, None)
        after = self.record(id)
        assert after.fields == {**before.fields, "status": "waiting"} and after.comments == before.comments

    def test_i08_what_the_desk_notes_of_a_change_is_no_comment(self) -> None:
        """By the status, which alone can change."""
        id = self.new()
        self.desk.update(self.ctx(), id, {"status": "waiting"}, None)
        self.sim.say(id, "the one comment", False)
        assert [self.words(each.text) for each in self.record(id).comments] == ["the one comment"]

    def arrival(self) -> tuple[str, Arrival]:
        """A mail of theirs, posted: there are no fields to change."""
        id = self.new()
        self.clock.forward(10)
        self.sim.say(id, "changed by them", False)
        return id, self.sim.told[-1]

    def test_h06_the_same_webhook_again_has_the_same_delivery_and_another_one_another(self) -> None:
        """By mails: there are no fields to change."""
        (id, arrival), now = self.arrival(), self.clock()
        self.sim.say(id, "changed once more", False)
        one, again, other = (self.desk.verify(each, now).delivery for each in (arrival, arrival, self.sim.told[-1]))
        assert one == again != other and one is not None

    def test_h08_what_makes_no_sense_is_ignored_with_a_reason(self) -> None:
        """Parked for a person, with a reason: nobody else would ever tell of a mail that got lost in here."""
        _, arrival = self.arrival()
        for body in (b"", b"[]", b"{}", b"not json", b'{"surprise": 1}', b"\xff\xfe"):
            for kind in ("message/rfc822", "application/json", "multipart/form-data; boundary=x", "text/plain"):
                odd = replace(arrival, body=body, headers={**arrival.headers, "content-type": kind})
                with pytest.raises(ValueError) as told:
                    self.desk.parse(odd)
                assert str(told.value)

    def test_a09_check_gives_every_name_of_our_own_account(self) -> None:
        """By a comment: there are no updates."""
        me = self.desk.check(self.ctx()).me
        id = self.new()
        self.desk.comment(self.ctx(), id, "mail", "ours", ["staff"])
        record = self.record(id)
        assert {record.author, *(each.author for each in record.comments)} == me

    def test_w02_a_redirect_is_not_followed(self) -> None:
        raise SkipTest(NO_HTTP)

    def test_w08_the_wait_that_a_429_asks_for_is_told(self) -> None:
        raise SkipTest(NO_HTTP)

    def test_w07_every_status_ends_as_the_table_says(self) -> None:
        """Their families alone: a temporary no before and after the dot, and a lasting one."""
        id = self.new()
        for status in (503, 451):
            self.sim.faults.plan("status", status=status, method="GET")
            ends(Retry, lambda: self.record(id))
            self.sim.faults.plan("status", status=status, method="POST")
            ends(Unknown, lambda: self.desk.comment(self.ctx(), id, "mail", "any news?", ["staff"]))
        assert wires.TABLE

    def test_w12_a_write_that_was_dropped_before_it_landed_may_be_repeated(self) -> None:
        """By a comment: there are no updates."""
        id = self.new()
        say = partial(self.desk.comment, self.ctx(), id, "mail", "once", ["staff"])
        self.sim.faults.plan("drop_before_commit", method="POST")
        ends(Unknown, say)
        assert self.record(id).comments == ()
        say()
        assert [each.text for each in self.record(id).comments] == ["once"]

    def test_i05_a_comment_whose_answer_was_lost_is_there_once_and_known_for_ours(self) -> None:
        """At its dot."""
        id = self.new()
        self.sim.faults.plan("commit_then_drop", method="POST")
        ends(Unknown, lambda: self.desk.comment(self.ctx(), id, "mail", "said once", ["staff"]))
        (read,) = self.record(id).comments
        assert read.text == "said once" and read.author in self.desk.check(self.ctx()).me

    def test_f01_changes_in_another_order_than_the_ids_are_all_told(self) -> None:
        """By answers: there are no fields to change."""
        cursors: dict[str, str] = {}
        ids = [self.sim.open_record(f"record {number}") for number in range(self.many)]
        self.polled(cursors)
        half = self.many // 2 + 20
        for id in (*ids[half:], *ids[:half]):
            self.sim.post(self.sim.write("changed by them", "Re: it", id))  # type: ignore[attr-defined]
        assert set(ids) <= self.polled(cursors), "what changed before the first page did was passed over"

    def test_f03_a_record_that_changes_between_polls_is_told_again(self) -> None:
        """By answers: there are no fields to change."""
        cursors: dict[str, str] = {}
        id = self.new()
        self.polled(cursors)
        for text in ("changed by them", "changed again"):
            self.sim.say(id, text, False)
            assert self.polled(cursors) == {id} and self.polled(cursors) == set()

    def test_f11_a_desk_that_was_set_back_is_noticed(self) -> None:
        """By the number that the next mail gets."""
        self.new()
        _, cursor = self.poll("mails")
        assert not self.desk.changed(self.ctx(), "mails", cursor).regressed
        with self.theirs():
            self.sim.set_back()  # type: ignore[attr-defined]
        assert self.desk.changed(self.ctx(), "mails", cursor).regressed

    def test_r09_a_time_is_the_moment_it_means(self) -> None:
        """When the server took it."""
        for ref, days in (("TDM-WINTER", 0.0), ("TDM-SUMMER", 200.0)):
            self.clock.forward(days * 86400)
            moment = self.clock()
            assert self.record(self.new(ref=ref)).created == moment

    def test_i02_a_channel_that_reaches_more_is_refused_and_nothing_is_sent(self) -> None:
        """Its only channel reaches the desk's people: it is refused to whoever may not have those."""
        id = self.new()
        before = len(self.sim.asked)
        for reaches in ([], ["requester"]):
            ends(Refused, partial(self.desk.comment, self.ctx(), id, "mail", "only for you", reaches))
            ends(Refused, partial(self.desk.attach, self.ctx(), id, "mail", file_of("a", b"a"), reaches))
        assert len(self.sim.asked) == before and self.sim.said(id) == []

    def test_i04_their_internal_note_is_read_as_internal(self) -> None:
        """Whatever they write is for our people alone."""
        id = self.new()
        self.sim.say(id, "between us", False)
        (read,) = self.record(id).comments
        assert (self.words(read.text), read.channel) == ("between us", "mail")
        assert self.desk.channels["mail"].reaches == {"staff"}
