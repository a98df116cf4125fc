"""Mails that are posted to us: proved, known again by their Message-ID, and read as the poll reads them."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.contract.rehearsal import ends
from connectors.errors import Refused, Unverified
from connectors.mail.inbound import message
from connectors.signing import sign
from connectors.simulators.mail import OURS, PAULA, THEIRS, Mail
from gateway import pipeline
from gateway.inbox.webhooks import Door
from tests.connectors.mail.test_contract import TestMail as Bench
from tests.connectors.mail.test_road import mails, make, maker, sim, status
from tests.databases import Maker
from tests.worlds import World

__all__ = ["maker", "sim"]
NAMES = registry.manifest("mail").part("webhook")["message"]
RAW = b"From: paula@provider.example\r\nMessage-ID: <a@b>\r\nSubject: caf\xe9\r\n\r\nHello \xff\r\n--x\r\n\r\nbye\r\n"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.setup_method()
    yield made
    made.teardown_method()


def form(boundary: str = "xYzZY") -> tuple[str, bytes]:
    head = b'--xYzZY\r\nContent-Disposition: form-data; name="to"\r\n\r\nus\r\n--xYzZY\r\n'
    body = head + b'Content-Disposition: form-data; name="email"\r\n\r\n' + RAW + b"\r\n--xYzZY--\r\n"
    return f"multipart/form-data; boundary={boundary}", body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("message/rfc822", RAW),
        ("", RAW),
        form(),
        form('"xYzZY"'),
        ("application/x-www-form-urlencoded", urlencode({"sender": "x", "body-mime": RAW}).encode()),
        ("application/json; charset=utf-8", json.dumps({"raw": base64.b64encode(RAW).decode()}).encode()),
        ("application/json", json.dumps({"RawEmail": RAW.decode("utf-8", "surrogateescape")}).encode()),
    ],
)
def test_the_message_is_taken_out_whole(kind: str, body: bytes) -> None:
    assert message(Arrival("POST", {}, {"content-type": kind}, body), NAMES) == RAW


@pytest.mark.parametrize("choice", ["standard", "body", "bearer"])
def test_each_way_to_prove_it(choice: str, bench: Bench) -> None:
    scheme = registry.manifest("mail").part("webhook", "verify", choice)
    desk, now = bench.connect(verify=choice), bench.clock()
    stamp = {"webhook-id": "d1", "webhook-timestamp": str(int(now.timestamp()))} if choice == "standard" else {}
    good = Arrival("POST", {}, sign(scheme, RAW, bench.sim.secrets["webhook"], stamp), RAW)
    assert desk.verify(good, now).delivery == "a@b"
    bad = [sign(scheme, RAW, "whsec_AAAA", stamp), stamp, {**good.headers, **dict.fromkeys(good.headers, "x")}]
    for headers in bad:
        with pytest.raises(Unverified):
            desk.verify(Arrival("POST", {}, headers, RAW), now)


def test_a_mail_that_is_posted_says_what_the_poll_says(bench: Bench) -> None:
    """The same record, by the same person; what is nobody's answer is left out alike, and said."""
    sim, desk = bench.sim, bench.desk
    id = bench.new(ref="TDM-CONTRACT-AAAAAAAAAAAAB")
    said = desk.comment(bench.ctx(), id, "mail", "Any news?", ["staff"]).id
    theirs = sim.open_record("Your certificate")
    ours = desk.comment(bench.ctx(), theirs, "mail", "Thank you.", ["staff"]).id
    cursor, before = desk.changed(bench.ctx(), "mails", None).cursor, len(sim.told)
    robot, stranger = {"Auto-Submitted": "auto-replied"}, {"From": "mallory@elsewhere.example"}
    written: list[EmailMessage] = [
        sim.write("one", "Re: VPN", id),  # type: ignore[attr-defined]
        sim.write("two", "Re: VPN", "", {"In-Reply-To": f"<{said}>"}),  # type: ignore[attr-defined]
        sim.write("three", "AW: [TDM-CONTRACT-AAAAAAAAAAAAB] VPN"),  # type: ignore[attr-defined]
        sim.write("four", "Re: Your", "", {"References": f"<{theirs}> <{ours}>"}),  # type: ignore[attr-defined]
        sim.write("five", "Re: Your", theirs),  # type: ignore[attr-defined]
        sim.write("six", "News"),  # type: ignore[attr-defined]
        sim.write("seven", "News", "", {"Precedence": "bulk"}),  # type: ignore[attr-defined]
        sim.write("eight", "Re: VPN", id, robot),  # type: ignore[attr-defined]
        sim.write("nine", "Re: VPN", id, stranger),  # type: ignore[attr-defined]
    ]
    for mail in written:
        sim.post(mail)  # type: ignore[attr-defined]
    sim.bounce(id)  # type: ignore[attr-defined]
    polled = [(each.record_id, each.author) for each in desk.changed(bench.ctx(), "mails", cursor).changes]
    events = [event for each in sim.told[before:] for event in desk.parse(each)]
    posted = [(event.record_id, event.actor) for event in events if event.kind != "ignored"]
    # the poll alone can tell whether a mail to a mail of theirs, or with a reference in its subject, goes with others
    assert Counter(polled) - Counter(posted) == {(theirs, PAULA): 1, (id, PAULA): 1} and Counter(posted) <= Counter(
        polled
    )
    assert len(polled) == 7
    assert all(event.reason and event.record is None for event in events)


def posts(sim: Mail, world: World, name: str = "acme") -> list[int]:
    """Posts what came to us since; how each was answered."""
    door, told = Door(world.rt), list(sim.told)
    sim.told.clear()
    return [door.knock(name, each).status for each in told]


SECRETS = {"webhook": {"env": "MAIL_WEBHOOK"}}


@pytest.fixture
def world(sim: Mail, maker: Maker, tmp_path: Path) -> Iterator[World]:
    """Without a mailbox to look into: what is posted is all there is."""
    yield from make(sim, maker, tmp_path, {"incoming": "webhook"}, SECRETS)


def run(sim: Mail, world: World) -> None:
    for _ in range(2):
        posts(sim, world)
        world.run()


def reads(sim: Mail) -> int:
    return len([each for each in sim.asked if each.path.startswith("/imap")])


def test_a_ticket_goes_its_way_without_any_mailbox(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down ☂", description="Error 809.", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    world.run()
    run(sim, world)
    (id,) = sim.ids()
    world.wish("comment", ticket, text="we called them", audience=["provider:acme"])
    world.run()
    sim.say(id, "restart it", False)
    sim.upload(id, "log ü.txt", b"what the switch said", False)
    run(sim, world)
    said = sorted(body for (body,) in world.rows("select body from comment"))
    assert said == ["Here it is.", "restart it", "we called them"]
    assert world.rows("select name, size, state from attachment") == [("log ü.txt", 20, "stored")]
    token = str(sim.boxes[THEIRS].mails[0].mail["Subject"]).partition(" ")[0]
    sim.post(sim.write("by its subject", f"News of {token}"))
    run(sim, world)
    assert ("by its subject",) in world.rows("select body from comment")
    new = sim.open_record("Your certificate")
    run(sim, world)
    assert world.rows("select remote_id from link order by id") == [(id,), (new,)]
    assert world.rows("select title, description from ticket order by id")[1] == (
        "Your certificate",
        "About Your certificate.",
    )
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []
    assert world.rows("select kind, text from notice") == [] and reads(sim) == 0


def test_the_same_mail_counts_once_and_a_forged_one_not_at_all(sim: Mail, world: World) -> None:
    sim.open_record("Your certificate")
    (told,) = sim.told
    door = Door(world.rt)
    forged: list[Mapping[str, str]] = [{}, {**told.headers, "webhook-signature": "v1,AAAA"}]
    answers = [door.knock("acme", Arrival("POST", {}, headers, told.body)).status for headers in forged]
    assert answers == [401, 401] and world.rows("select id from arrival") == []
    other = sim.sign(told.body, "another-delivery")
    assert [door.knock("acme", told).status, door.knock("acme", told).status] == [202, 200]
    again = Arrival("POST", {}, {name.lower(): value for name, value in other.items()}, told.body)
    assert door.knock("acme", again).status == 200
    world.run()
    assert len(world.rows("select id from ticket")) == 1


def test_a_broken_mail_is_parked_alone(sim: Mail, world: World) -> None:
    for body in (b"no mail at all", b"\r\n\r\n", b"Subject: nobody\r\n\r\nx"):
        sim.announce(body)
    sim.open_record("Your certificate")
    assert posts(sim, world) == [202] * 4
    world.run()
    parked = world.rows("select said from arrival where state = 2")
    assert parked == [("ValueError: this is no mail: nobody sent it",)] * 3
    assert world.rows("select title from ticket") == [("Your certificate",)]


def test_an_answer_that_comes_while_ours_is_on_its_way_waits(sim: Mail, world: World) -> None:
    """Nobody could look again: it is not dropped for a look that shows nothing."""
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    run(sim, world)
    (id,) = sim.ids()
    sim.say(id, "restart it", False)
    sim.faults.plan("commit_then_delay", method="POST", seconds=0.3)
    world.wish("comment", ticket, text="any news?", audience=["provider:acme"])
    link = world.value("select id from link")
    begun = "insert into attempt (id, link_id, kind, started_at, vals, delivery_ids) values (1, ?, 'comment', ?, ?, ?)"
    with world.rt.store.road(write=True) as road:
        road.run(begun, link, world.rt.now(), '{"#": ["x", "comment", 1, 0, "mail"]}', "[]")
    posts(sim, world)
    pipeline.process(world.rt)
    assert world.rows("select body from comment where body = 'restart it'") == []
    assert len(world.rows("select id from arrival where state = 0")) == 1
    with world.rt.store.road(write=True) as road:
        road.run("update attempt set outcome = 'ok' where id = 1")
    ahead = world.rt.now
    world.rt.now = lambda: ahead() + 5_000_000
    world.run()
    assert world.rows("select body from comment where body = 'restart it'") == [("restart it",)]


def test_a_lost_answer_waits_for_a_person_and_our_own_copy_settles_a_new_record(sim: Mail, world: World) -> None:
    sim.faults.plan("commit_then_drop", method="POST")
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    world.run()
    ((said,),) = world.rows("select said from delivery where state = 2")
    assert "it may have arrived" in said
    run(sim, world)
    assert world.rows("select remote_id from link") == [(sim.ids()[0],)] and len(mails(sim)) == 1


def test_a_status_comes_back_by_a_posted_mail_and_an_older_one_changes_nothing(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    run(sim, world)
    (id,) = sim.ids()
    sim.say(id, "Status: resuelto\n\nYa funciona.", False)
    older = sim.write("Status: en curso", "Re: VPN", id)
    del older["Date"]
    older["Date"] = "Sat, 21 Nov 2020 09:00:00 +0000"
    run(sim, world)
    assert status(world) == "resolved"
    sim.post(older)
    run(sim, world)
    assert status(world) == "resolved"
    world.wish("edit", ticket, fields={"status": "in_progress"})
    world.run()
    assert str(sim.boxes[THEIRS].mails[-1].mail.get_content()).strip() == "Status: in progress"
    said = sorted(body for (body,) in world.rows("select body from comment"))
    assert said == ["Status: en curso", "Status: resuelto\n\nYa funciona."]


def test_what_never_arrived_is_gone(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    run(sim, world)
    (id,) = sim.ids()
    sim.bounce(id, "4.4.1", "delayed")
    run(sim, world)
    assert world.value("select state from link") == "live"
    sim.bounce(id)
    run(sim, world)
    assert world.value("select state from link") == "gone"


def test_without_a_mailbox_a_secret_is_needed_and_nothing_is_looked_up(bench: Bench) -> None:
    bare = {name: text for name, text in bench.sim.secrets.items() if name != "webhook"}
    settings = {**bench.sim.settings, "incoming": "webhook"}
    desk = registry.build("mail", settings=settings, secrets=bare)
    assert "the secret webhook" in ends(Refused, lambda: desk.check(bench.ctx())).said
    whole = registry.build("mail", settings=settings, secrets=bench.sim.secrets)
    assert whole.check(bench.ctx()).me == {OURS}
    assert not {"find", "changed", "fetch"} & whole.verbs and whole.feeds == {} and whole.cannot["find"]
    assert {"find", "changed", "fetch", "verify", "parse"} <= bench.desk.verbs
