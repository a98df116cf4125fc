"""A status told by mail: which first lines tell one, whose, and what stays text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors import registry
from connectors.contract.rehearsal import ends
from connectors.errors import Refused
from connectors.mail.letters import Letter
from connectors.mail.statuses import command, table
from connectors.simulators.mail import OURS, PAULA, THEIRS
from tests.connectors.mail.test_contract import TestMail as Bench
from tests.connectors.mail.test_mail import NOW, body, letter

WORDS = table(registry.manifest("mail").part("fields", "status")["values"])
TOP = "From: paula@provider.example\r\nTo: x@y.example\r\nSubject: Re: VPN\r\n"


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.setup_method()
    yield made
    made.teardown_method()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Status: solved", "solved"),
        ("\n\n  STATUS =  In_Progress .\n\nWe are on it.", "in progress"),
        ("Estado: en espera", "en espera"),
        ("статус: Решено!", "решено"),
        ("Статус: ждём вас", "ждем вас"),
        ("#resuelto\n\nYa funciona.", "resuelto"),
        ("#on-hold", "on hold"),
        ("Status: exploded", None),
        ("Status:", None),
        ("#", None),
        ("#1 priority for us", None),
        ("Works again.\n\nStatus: solved", None),
        ("> Status: solved\n\nWhat does that mean?", None),
        ("On Sat, 21 Nov 2026 Tandem wrote:\n> Status: solved", None),
        ("The status: solved", None),
        ("Status: solved, I think, but let us wait for the next night", None),
        ("", None),
    ],
)
def test_the_first_line_tells_it_or_nothing_does(text: str, status: str | None) -> None:
    assert command(letter(body("text/plain", "utf-8", text.encode())), WORDS) == status


def test_what_is_marked_up_as_quoted_tells_nothing() -> None:
    quoted = b"<blockquote><p>Status: solved</p></blockquote>"
    assert command(letter(body("text/html", "utf-8", b"<p>Status: solved</p>" + quoted)), WORDS) == "solved"
    assert command(letter(body("text/html", "utf-8", quoted + b"<p>Really?</p>")), WORDS) is None


@pytest.mark.parametrize(
    ("said", "sender"),
    [
        ("paula@provider.example", "paula@provider.example"),
        ("Paula <Paula@Provider.example>", "paula@provider.example"),
        ('"Mallory, <paula@provider.example>" <mallory@evil.example>', "mallory@evil.example"),
        ("paula@provider.example <mallory@evil.example>", "mallory@evil.example"),
        ("paula@provider.example (<mallory@evil.example>)", "paula@provider.example"),
        ("=?utf-8?q?=3Cpaula=40provider.example=3E?= <mallory@evil.example>", "mallory@evil.example"),
        ("mallory@evil.example, paula@provider.example", ""),
        ("<paula@provider.example> <mallory@evil.example>", ""),
        ("paula@provider.example@evil.example", ""),
        ("Paula", ""),
    ],
)
def test_a_sender_is_the_one_address_that_servers_check(said: str, sender: str) -> None:
    assert letter(f"From: {said}\r\nMessage-ID: <a@b>\r\n\r\nx".encode()).sender == sender


def test_only_the_provider_tells_one_and_the_last_one_counts(bench: Bench) -> None:
    sim, id = bench.sim, bench.new()

    def now() -> object:
        return bench.record(id).fields["status"]

    def write(text: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        bench.clock.forward(60)
        sim.post(sim.write(text, "Re: VPN down", id, named))  # type: ignore[attr-defined]

    assert now() == "open"
    write("Status: closed", From="mallory@elsewhere.example")
    write("Status: closed", From=f"{PAULA} <mallory@elsewhere.example>")
    write("Status: closed", Auto_Submitted="auto-replied")
    write("Status: closed", From=OURS)
    bench.desk.comment(bench.ctx(), id, "mail", "Status: closed", ["staff"])
    assert now() == "open"
    write("Status: solved")
    assert now() == "solved" and bench.record(id).author == PAULA
    bench.clock.forward(60)
    bench.desk.update(bench.ctx(), id, {"status": "working"}, None)
    assert now() == "working" and bench.record(id).author == OURS
    write("Status: solved")
    assert now() == "solved"
    assert [each.text.strip() for each in bench.record(id).comments] == ["Status: closed", *["Status: solved"] * 2]


def test_ours_is_one_line_and_not_told_twice(bench: Bench) -> None:
    id = bench.new()
    for _ in range(2):
        assert bench.desk.update(bench.ctx(), id, {"status": "waiting"}, None).id == id
    _, mail = (each.mail for each in bench.sim.boxes[THEIRS].mails)  # type: ignore[attr-defined]
    assert mail.get_content().strip() == "Status: waiting" and mail["References"] == f"<{id}>"
    end = ends(Refused, lambda: bench.new("VPN down", "TDM-X2", status="no such"))
    assert isinstance(end, Refused) and end.field == "status" and len(bench.sim.ids()) == 1


def test_the_same_status_after_the_same_mail_is_the_same_mail(bench: Bench) -> None:
    """For want of an answer it is sent again: they get what they have."""
    id, sim = bench.new(), bench.sim
    bench.desk.update(bench.ctx(), id, {"status": "waiting"}, None)
    sim.boxes[OURS].mails.pop()  # type: ignore[attr-defined]  # our own copy is late
    bench.desk.update(bench.ctx(), id, {"status": "waiting"}, None)
    _, one, other = (each.mail["Message-ID"] for each in sim.boxes[THEIRS].mails)  # type: ignore[attr-defined]
    assert one == other


def test_an_admins_own_words_count_beside_ours(bench: Bench) -> None:
    declared = {"fields": {"status": {"values": {"erledigt": "erledigt"}}}}
    desk = bench.connect(declared=declared)
    id = bench.new()
    bench.sim.say(id, "Status: Erledigt", False)
    assert desk.fetch(bench.ctx(), id).fields["status"] == "erledigt" and bench.record(id).fields["status"] == "open"
    values = desk.catalogue(None, declared).doc["fields"]["status"]["values"]  # type: ignore[index,call-overload]
    assert {"erledigt", "solved"} <= set(values)


@pytest.mark.parametrize(
    ("results", "good"),
    [
        ("mx.customer.example; dmarc=pass header.from=provider.example", True),
        ("mx.customer.example 1; spf=fail; dkim=pass (2048 bit) header.d=provider.example header.s=a", True),
        ("mx.customer.example; dkim=pass header.d=mail.provider.example.evil.example", False),
        ("mx.customer.example; dmarc=pass header.from=evil.example", False),
        ("mx.customer.example; spf=pass smtp.mailfrom=provider.example", False),
        ("mx.customer.example; dmarc=fail header.from=provider.example", False),
        ("mx.evil.example; dmarc=pass header.from=provider.example", False),
        ("mx.customer.example; none", False),
        ("", False),
    ],
)
def test_a_sender_counts_where_the_named_server_vouches_for_it(results: str, good: bool) -> None:
    head = f"Authentication-Results: {results}\r\n" if results else ""
    mail = Letter(1, NOW, f"{head}{TOP}\r\nStatus: solved\r\n".encode())
    assert mail.proved("mx.customer.example") == good
    forged = "Authentication-Results: mx.customer.example; dmarc=pass\r\n"
    assert Letter(1, NOW, f"{head}{forged}{TOP}\r\nx".encode()).proved("mx.customer.example") == (
        good or "mx.customer.example" not in results
    )


def test_where_senders_are_proved_an_unproved_one_is_not_taken(bench: Bench) -> None:
    id, sim = bench.new(), bench.sim
    desk = bench.connect(settings={"voucher": "mx.customer.example"})
    for results in ({}, {"Authentication-Results": "mx.customer.example; dmarc=fail header.from=provider.example"}):
        sim.post(sim.write("Status: solved", "Re: VPN", id, results))  # type: ignore[attr-defined]
    assert desk.fetch(bench.ctx(), id).fields["status"] == "open" and desk.fetch(bench.ctx(), id).comments == ()
    good = {"Authentication-Results": "mx.customer.example; dmarc=pass header.from=provider.example"}
    sim.post(sim.write("Status: solved", "Re: VPN", id, good))  # type: ignore[attr-defined]
    assert desk.fetch(bench.ctx(), id).fields["status"] == "solved"
