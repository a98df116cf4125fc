"""Tickets to two providers' mailboxes at once and back, through a real dovecot and a real aiosmtpd."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import registry
from connectors.base import Connector, Context
from connectors.contract.rehearsal import ends
from connectors.egress import Egress
from connectors.errors import Refused, Retry
from connectors.session import Session
from gateway.clock import now_us
from gateway.runtime import Runtime
from tests.commandline import runner
from tests.databases import Maker, settings
from tests.live.mailserver import PASSWORD, MailServer
from tests.worlds import World

PAIRS = (("acme", "desk-acme", "support-acme"), ("beta", "desk-beta", "support-beta"))
"""Connection, our mailbox, the provider's."""


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    if reason := MailServer.missing():
        pytest.skip(reason)
    made = MailServer(tuple(name for pair in PAIRS for name in pair[1:]))
    try:
        made.up()
        yield made
    finally:
        made.down()


def filled(server: MailServer, ours: str, theirs: str, security: str = "plain") -> dict[str, Any]:
    return {
        "address": f"{ours}@customer.example.test",
        "provider": f"{theirs}@provider.example.test",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.smtp_port,
        "smtp_security": "plain",
        "imap_port": server.imaps_port if security == "tls" else server.imap_port,
        "imap_security": security,
    }


@pytest.fixture
def world(server: MailServer, maker: Maker, tmp_path: Path) -> Iterator[World]:
    allow = f"127.0.0.1:{server.smtp_port},127.0.0.1:{server.imap_port}"
    config = settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=allow)
    for name, ours, theirs in PAIRS:
        document = {"name": name, "provider": {"slug": name, "name": name.title()}, "kind": "mail"}
        document |= {"settings": filled(server, ours, theirs), "secrets": {"password": {"env": "MAIL_PASSWORD"}}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
        env = {"MAIL_PASSWORD": PASSWORD, "TANDEM_EGRESS_ALLOW": allow}
        done = runner(config)("connection", "add", str(tmp_path / f"{name}.yaml"), **env)
        assert done.exit_code == 0, f"{done.output} {done.exception}"
    rt = Runtime.open(config)
    yield World(rt)
    rt.close()


def look(world: World) -> None:
    for _ in range(2):
        world.poll()
        world.run()


def answer(first: EmailMessage, text: str, file: bytes = b"") -> EmailMessage:
    """What a mail program makes of an answer."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = first["To"], first["From"], f"Re: {first['Subject']}"
    mail["In-Reply-To"], mail["References"] = first["Message-ID"], first["Message-ID"]
    quoted = "".join(f"> {line}\n" for line in first.get_content().splitlines())
    mail.set_content(f"{text}\n\nOn Sat, 21 Nov 2026 at 10:00, Tandem <{first['From']}> wrote:\n{quoted}")
    if file:
        mail.add_attachment(file, maintype="application", subtype="octet-stream", filename="log ü.bin")
    return mail


def test_two_mailboxes_at_once(server: MailServer, world: World) -> None:
    """Every answer comes to its own ticket, once, although every first answer of the server is lost."""
    data = bytes(range(256)) * 200
    tickets = {}
    for number in range(6):
        name = PAIRS[number % 2][0]
        tickets[world.create(f"VPN {number} ☂", description=f"Error {number}.\n.\n..dots")] = name
    for number, (ticket, name) in enumerate(tickets.items()):
        if number < 2:
            server.drop_next()
        world.wish("escalate", ticket, connection=name)
        world.run()
    assert world.value("select count(*) from attempt where outcome = 'unknown'") == 2
    hour = 3600 * 1_000_000
    world.rt.now = lambda: now_us() + hour
    look(world)
    world.rt.now = now_us
    for name, _, theirs in PAIRS:
        mails = [mail for mail in server.read(theirs) if "VPN" in str(mail["Subject"])]  # the server is shared
        assert Counter(str(mail["Subject"]).partition("] ")[2] for mail in mails) == Counter(
            f"VPN {number} ☂" for number in range(6) if PAIRS[number % 2][0] == name
        )
        for mail in mails:
            number = str(mail["Subject"]).split()[2]
            assert mail.get_content().rstrip("\n").replace("\r", "") == f"Error {number}.\n.\n..dots"
            server.send(answer(mail, f"answer to {number}", data))
    look(world)
    for ticket, name in tickets.items():
        world.wish("comment", ticket, text="thank you", audience=[f"provider:{name}"])
    look(world)
    sql = "select t.title, c.body from comment c join ticket t on t.id = c.ticket_id"
    told = [(f"VPN {n} ☂", text) for n in range(6) for text in (f"answer to {n}", "thank you")]
    assert sorted(world.rows(sql)) == sorted(told)
    assert world.rows("select name, size, state from attachment") == [("log ü.bin", len(data), "stored")] * 6
    for _, _, theirs in PAIRS:
        said = [mail for mail in server.read(theirs) if "VPN" in str(mail["Subject"])]
        thanks = [mail for mail in said if str(mail["Subject"]).startswith("Re: ")]
        assert len(thanks) == 3 and all(mail["References"] for mail in thanks)
    assert world.rows("select kind, text from notice") == []
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []


def test_a_status_goes_out_and_comes_back(server: MailServer, world: World) -> None:
    """By a line of a mail, in whatever language; the lost answer of one makes no second mail."""
    name, _, theirs = PAIRS[0]
    ticket = world.create("Printer ☂", description="No paper.")
    world.wish("escalate", ticket, connection=name)
    look(world)
    (first,) = (mail for mail in server.read(theirs) if str(mail["Subject"]).endswith("Printer ☂"))

    def status() -> str:
        return str(json.loads(world.value("select fields from ticket where id = ?", ticket))["status"])

    server.send(answer(first, "Статус: решено\n\nБумага есть."))
    look(world)
    assert status() == "resolved"
    server.drop_next()
    world.wish("edit", ticket, fields={"status": "in_progress"})
    world.run()
    hour = 3600 * 1_000_000
    world.rt.now = lambda: now_us() + hour
    look(world)
    told = [mail for mail in server.read(theirs) if mail["In-Reply-To"] == first["Message-ID"]]
    assert [mail.get_content().strip() for mail in told] == ["Status: in progress"] and status() == "in_progress"
    server.send(answer(first, "#resuelto"))
    look(world)
    assert status() == "resolved"
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []


def context(session: Session) -> Context:
    until = time.monotonic() + 10
    return Context(datetime.now(UTC), time.monotonic, session, logging.getLogger("mail"), until, lambda *_: None)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_is_verified(security: str, server: MailServer) -> None:
    """Only whom the authorities know is spoken to, for the name that was asked for."""

    def desk(host: str) -> Connector:
        given = {**filled(server, *PAIRS[0][1:], security), "imap_host": host}
        return registry.build("mail", settings=given, secrets={"password": PASSWORD})

    egress = Egress.parse(
        ", ".join(f"127.0.0.0/8:{p}" for p in (server.smtp_port, server.imap_port, server.imaps_port))
    )
    trusting, common = Session(egress, ca=str(server.ca)), Session(egress)
    assert desk("127.0.0.1").check(context(trusting)).me == {"desk-acme@customer.example.test"}
    assert "certificate" in ends(Retry, lambda: desk("127.0.0.1").check(context(common))).said.lower()
    ends(Retry, lambda: desk("127.0.0.2").check(context(trusting)))
    ends(Refused, lambda: desk("127.0.0.1").check(context(Session(Egress()))))
