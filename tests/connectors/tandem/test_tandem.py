"""What is special to Tandem as a desk: what it tells by webhook, what is read from its answers, what it never shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.egress import Egress
from connectors.errors import Retry, Unauthorized, Unverified
from connectors.manifest import BadManifest, load
from connectors.session import Session
from connectors.simulators.loopback import Loopback, Request, Response
from tests.connectors.tandem.other import US, Other
from tests.connectors.tandem.test_contract import TestTandem as Held


@pytest.fixture
def rig() -> Iterator[Held]:
    made = Held()
    made.setup_method()
    yield made
    made.teardown_method()


def other(rig: Held) -> Other:
    assert isinstance(rig.sim, Other)
    return rig.sim


def test_what_is_told_is_signed_and_is_what_the_other_side_verifies(rig: Held) -> None:
    heard: list[Request] = []
    answers = [Response(202), Response(401), Response(503)]
    with Loopback(lambda request: heard.append(request) or answers[len(heard) - 1]) as ear:
        rig.session = Session(Egress.parse(f"127.0.0.1:{ear.port}"))
        sends = registry.build("tandem", settings={"url": ear.url, "there": "us"},
                               secrets={"token": "tdm_x", "sign": "shared-secret", "webhook": "-"})  # fmt: skip
        takes = registry.build("tandem", settings={"url": ear.url, "there": "us"},
                               secrets={"token": "tdm_x", "sign": "-", "webhook": "shared-secret"})  # fmt: skip
        sends.tell(rig.ctx(), "some-ticket", "some-ticket.7")  # type: ignore[attr-defined]
        with pytest.raises(Unauthorized):
            sends.tell(rig.ctx(), "some-ticket", "some-ticket.7")  # type: ignore[attr-defined]
        with pytest.raises(Retry):
            sends.tell(rig.ctx(), "some-ticket", "some-ticket.8")  # type: ignore[attr-defined]
    first, again, later = heard
    assert first.path == "/hooks/us" and first.json() == {"ticket": "some-ticket"}
    arrival = Arrival("POST", {}, first.headers, first.body)
    verified = takes.verify(arrival, rig.clock())
    assert verified.delivery == "some-ticket.7" == again.headers["webhook-id"] != later.headers["webhook-id"]
    assert [event.record_id for event in takes.parse(arrival)] == ["some-ticket"]
    for away in (timedelta(minutes=50), timedelta(minutes=-50)):
        takes.verify(arrival, rig.clock() + away)
    with pytest.raises(Unverified):
        takes.verify(arrival, rig.clock() + timedelta(hours=2))
    with pytest.raises(Unverified):
        sends.verify(arrival, rig.clock())


def test_a_signature_has_a_secret_and_a_header() -> None:
    text = registry.manifest("tandem").text
    for part in ('secret: "{secret.sign}", ', "header: webhook-signature, ", "hash: sha256, "):
        with pytest.raises(BadManifest, match="is missing"):
            load(text.replace(part, "", 1))


def test_only_what_we_brought_is_in_the_feed_and_reaches_us(rig: Held) -> None:
    desk = other(rig)
    made = desk._wish("create", None, fields={"title": "their own"})
    desk._wish("escalate", desk.rt.ids.public(made.ticket.id), connection=US)
    ours = rig.new()
    told, _ = rig.poll("tickets")
    assert [change.record_id for change in told] == [ours]
    assert desk.told == []  # neither what is theirs to do, nor what we did ourselves, is news to us


def test_a_file_whose_bytes_are_not_there_yet_is_not_read(rig: Held) -> None:
    id = rig.new()
    other(rig).upload(id, "here.txt", b"x", True)
    other(rig).upload(id, "coming.txt", b"y", True)
    with other(rig).rt.store.road(write=True) as road:
        road.run("update attachment set state = 'remote' where name = 'coming.txt'")
    assert [each.name for each in rig.record(id).files] == ["here.txt"]
