"""H: webhooks: who sent them, what they say, and what is not believed of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import SkipTest

from connectors.base import Arrival
from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Unverified
from connectors.manifest import Manifest


class Webhooks(Rehearsal):
    def arrival(self) -> tuple[str, Arrival]:
        """A record's id, and the webhook that told of its last change."""
        self.needs("webhook")
        id = self.new()
        self.clock.forward(10)
        with self.theirs():
            self.sim.change(id, {self.title: "changed by them"})
        assert self.sim.told, "the simulator sends no webhook for a change"
        return id, self.sim.told[-1]

    def good(self, arrival: Arrival) -> bool:
        try:
            self.desk.verify(arrival, self.clock())
        except Unverified:
            return False
        return True

    def test_h01_a_good_webhook_is_taken_and_a_bad_one_is_not(self) -> None:
        _, arrival = self.arrival()
        self.desk.verify(arrival, self.clock())
        assert not self.good(replace(arrival, headers={}))

    def test_h02_no_bit_of_the_body_may_be_another(self) -> None:
        _, arrival = self.arrival()
        if not self.signed():
            raise SkipTest("a shared secret in a header says nothing of the body")
        for at in range(0, len(arrival.body), max(1, len(arrival.body) // 64)):
            body = bytearray(arrival.body)
            body[at] ^= 1
            assert not self.good(replace(arrival, body=bytes(body))), at

    def signed(self) -> bool:
        """Whether the chosen way to verify looks at the body."""
        spec = self.spec()
        return "verify" in spec.part("hooks") or "hmac" in spec.choice("webhook.verify", self.verify)[1]

    def test_h03_a_stamp_out_of_its_window_is_refused(self) -> None:
        _, arrival = self.arrival()
        if "stamp" not in self.spec().choice("webhook.verify", self.verify)[1]:
            raise SkipTest("its webhooks carry no signed time")
        for away in (timedelta(days=3), timedelta(days=-3)):
            try:
                self.desk.verify(arrival, self.clock() + away)
            except Unverified:
                continue
            raise AssertionError(f"{away} away, and taken")

    def test_h04_two_secrets_are_good_while_one_is_exchanged(self) -> None:
        _, arrival = self.arrival()
        given = self.sim.secrets["webhook"]
        both = self.connect(secrets={"webhook": "n3w-" + "y" * 28, "webhook.previous": given})
        assert both.verify(arrival, self.clock()).secret

    def test_h05_what_another_connections_desk_signed_is_not_taken(self) -> None:
        _, arrival = self.arrival()
        stranger = self.connect(secrets={"webhook": "theirs-" + "y" * 28})
        try:
            stranger.verify(arrival, self.clock())
        except Unverified:
            return
        raise AssertionError("a webhook signed with a secret that is not ours was taken")

    def test_h06_the_same_webhook_again_has_the_same_delivery_and_another_one_another(self) -> None:
        id, arrival = self.arrival()
        if self.desk.verify(arrival, self.clock()).delivery is None:
            raise SkipTest("its webhooks carry no id of their delivery: nothing counts as a repeat")
        with self.theirs():
            self.sim.change(id, {self.title: "changed once more"})
        one, again, other = (self.desk.verify(each, self.clock()) for each in (arrival, arrival, self.sim.told[-1]))
        assert one.delivery == again.delivery != other.delivery

    def test_h07_the_same_words_twice_are_two_hints(self) -> None:
        _, arrival = self.arrival()
        assert self.desk.parse(arrival) == self.desk.parse(arrival) != []

    def test_h08_what_makes_no_sense_is_ignored_with_a_reason(self) -> None:
        _, arrival = self.arrival()
        for body in (b"", b"[]", b"{}", b"not json", b'{"surprise": 1}', b"\xff\xfe"):
            for event in self.desk.parse(replace(arrival, body=body)):
                assert event.kind == "ignored" and event.reason, (body, event)

    def test_h09_a_header_may_be_spelled_in_small_or_in_capital_letters(self) -> None:
        _, arrival = self.arrival()
        spec = self.spec()
        respelled = Manifest({**spec.doc, "webhook": _respelled(spec.part("webhook"))}, spec.text, spec.hooks)
        other = self.connect(spec=respelled)
        assert other.verify(arrival, self.clock()) == self.desk.verify(arrival, self.clock())

    def test_h10_a_webhook_names_its_record_and_its_actor(self) -> None:
        id, arrival = self.arrival()
        (event,) = self.desk.parse(arrival)
        assert event.record_id == id and event.kind in ("created", "changed")
        assert event.actor not in self.desk.check(self.ctx()).me or event.actor is None

    def test_h11_a_question_before_webhooks_is_answered_and_nothing_else_is(self) -> None:
        secret = self.sim.secrets.get("webhook", "")
        for query in ({}, {"crc_token": ""}, {"challenge": "surprise"}, {"q": "?"}):
            answer = self.desk.challenge(Arrival("GET", query, {}, b""))
            assert answer is None or (secret and secret.encode() not in answer.body)
        if "challenge" not in self.spec().part("hooks"):
            return
        arrival, right = self.sim.challenged()
        answer = self.desk.challenge(arrival)
        assert answer is not None and answer.body == right
        assert self.desk.challenge(replace(arrival, method="POST")) is None

    def test_h12_a_payload_makes_nothing_private_public(self) -> None:
        id, _ = self.arrival()
        before = len(self.sim.told)
        with self.theirs():
            self.sim.say(id, "between us alone", False)
        for arrival in self.sim.told[before:]:
            for event in self.desk.parse(arrival):
                shown = event.record.fields.values() if event.record else ()
                assert not any("between us alone" in str(value) for value in shown)
                for each in event.record.comments if event.record else ():
                    reaches = self.desk.channels[each.channel].reaches
                    assert "between us alone" not in each.text or "requester" not in reaches


def _respelled(node: Any, key: str = "") -> Any:
    """A part of a manifest with the names of its headers in other letters."""
    if isinstance(node, dict):
        return {name: _respelled(child, name) for name, child in node.items()}
    if isinstance(node, list):
        return [_respelled(child) for child in node]
    if isinstance(node, str) and (key == "header" or node.startswith("header:")):
        head, colon, name = node.rpartition(":")
        return head + colon + name.swapcase()
    return node
