"""E-mail keeps the contract, as far as a mailbox has what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from unittest import SkipTest

import pytest

from connectors.base import Arrival, Receipt
from connectors.contract import Contract, wires
from connectors.contract.rehearsal import ends, file_of
from connectors.errors import Refused, Retry, Unknown
from connectors.simulators.mail import Mail
from mappings.text import convert

NO_HTTP = "it speaks SMTP and IMAP, which have no such answers"


class TestMail(Contract):
    kind = "mail"
    simulator = Mail
    title, body = "subject", "description"

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
        return {"comment": ("POST", say), "attach": ("POST", carry)}

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

    def test_u07_a_value_that_the_desk_does_not_have_is_refused_before_anything_is_sent(self) -> None:
        self.needs("update")

    def test_u12_a_write_on_an_old_version_is_stale_where_the_desk_can_tell(self) -> None:
        self.needs("update")

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
