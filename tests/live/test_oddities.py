"""What real people do in a real Request Tracker besides: mails, odd and huge files, time both ways, a ticket deleted
by mistake, words in every script."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import cast

import pytest
import requests

from gateway.config import Config
from tests.databases import Maker, settings
from tests.live.conftest import MakeServer
from tests.live.peers import RequestTracker
from tests.live.rig import CONNECTION, Rig, running

pytestmark = pytest.mark.live

MAIL = """From: Paula Provider <paula@peer-rt.example.test>
To: escalations@peer-rt.example.test
Subject: Re: [peer-rt #{id}] VPN
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=OUT

--OUT
Content-Type: multipart/alternative; boundary=ALT

--ALT
Content-Type: text/plain; charset=utf-8

Grüße, it works again
> it does not
--ALT
Content-Type: text/html; charset=utf-8

<p>Grüße, it <b>works</b> again</p>
--ALT--
--OUT
Content-Type: image/png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--OUT
Content-Type: text/x-log; name="trace.log"
Content-Disposition: attachment; filename="trace.log"

one line
--OUT--
"""
HTML = """From: Paula Provider <paula@peer-rt.example.test>
To: escalations@peer-rt.example.test
Subject: Re: [peer-rt #{id}] VPN
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><head><style>p {{color: red}}</style></head><body><p>Only <b>HTML</b> &amp; more</p><ul><li>one</li><li>two</li>
</ul><script>alert(1)</script><a href="https://example.test/x">link</a></body></html>
"""


def mail(rig: Rig, text: str) -> None:
    """A mail reaches RT, as its mail server hands it over."""
    form = {"queue": "Escalations", "action": "correspond", "SessionType": "REST", "message": text.encode()}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{rig.server.url}/REST/1.0/NoAuth/mail-gateway", data=form, timeout=60)
    assert answer.text.startswith("ok"), answer.text


def comments(rig: Rig, ticket: int) -> list[tuple[str, str]]:
    return rig.rows("select author_name, body from comment where ticket_id = ? order by id", ticket)


def files(rig: Rig, ticket: int) -> dict[str, tuple[str, int, str]]:
    rows = rig.rows("select name, state, size, sha256 from attachment where ticket_id = ?", ticket)
    return {name: (state, size, sha) for name, state, size, sha in rows}


def test_a_reply_by_mail_and_a_reply_in_html(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    mail(rig, MAIL.format(id=remote))
    mail(rig, HTML.format(id=remote))
    rig.settle()
    assert comments(rig, ticket) == [
        ("Paula Provider", "Grüße, it works again\n> it does not"),
        ("Paula Provider", "Only HTML & more\n\n- one\n- two\n\nlink (https://example.test/x)"),
    ]
    assert {name: row[:2] for name, row in files(rig, ticket).items()} == {
        "untitled.png": ("stored", 8),
        "trace.log": ("stored", 8),
    }
    assert rig.told(ticket) == []


def test_her_files_come_as_they_are(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    given = {
        "a\u202egnp.exe": (b"\x00\xff", "application/x"),
        "n" * 250 + ".txt": (b"1", "application/x"),
        'quotes " and % \\ .bin': (bytes(range(256)), "application/octet-stream"),
        "huge.iso": (bytes(9_900_000), "application/octet-stream"),
    }
    for name, (content, mime) in given.items():
        rig.paula.attach(remote, name, content, mime)
    rig.paula.attach(remote, "vast.iso", bytes(19_500_000), "application/octet-stream")  # the mapping takes 10 MB
    text = json.dumps({"Content": "two at once, of one name", "ContentType": "text/plain"})
    twice = [("Attachments", ("same.bin", b"same", "application/x"))] * 2
    rig.paula.ask("POST", f"/ticket/{remote}/comment", files=[("JSON", (None, text, "application/json")), *twice])
    rig.settle()
    came = files(rig, ticket)
    for name, (content, _) in given.items():
        assert came.get(name) == ("stored", len(content), hashlib.sha256(content).hexdigest()), name
    sql = "select count(*) from attachment where ticket_id = ? and name = 'same.bin' and state = 'stored'"
    assert rig.value(sql, ticket) == 2
    assert comments(rig, ticket) == [("Paula Provider", "two at once, of one name")]
    assert came["vast.iso"] == ("refused", 19_500_000, "")
    said = "acme: vast.iso (19500000 bytes) does not come in: no more than 10000000 bytes go"
    assert rig.told(ticket) == [("unsupported", "", said)]


def test_time_goes_both_ways_where_the_mapping_says_so(rt_server: RequestTracker, config: Config) -> None:
    mapping = "mapping: {mapping: 1, name: acme, extends: rt, worklogs: both}\n"
    with running(Rig.connect(config, rt_server, "intake: ignore\n" + mapping)) as rig:
        ticket, remote = rig.escalated()
        rig.wish("worklog", ticket, minutes=25, text="on the phone", started=rig.rt.now())
        rig.wish("worklog", ticket, minutes=7, text="", started=rig.rt.now())
        rig.paula.note(remote, "in the cellar", 40)
        rig.settle()
        rig.paula.change(remote, TimeWorked="60")  # twelve minutes less than was booked
        rig.settle()
        booked = [(one.author, one.type, one.text, one.minutes) for one in rig.paula.said(remote)]
        assert sorted(one for one in booked if one[2]) == [
            ("gateway", "Comment", "on the phone", 25),
            ("paula", "Comment", "in the cellar", 40),
        ]
        rows = rig.rows("select author_name, minutes, text from worklog where ticket_id = ? order by minutes", ticket)
        assert rows == [
            ("Paula Provider", -12, ""), ("Ana", 7, ""), ("Ana", 25, "on the phone"), ("Paula Provider", 40, ""),
        ]  # fmt: skip
        assert [body for _, body in comments(rig, ticket)] == ["in the cellar"]
        assert int(rig.paula.ticket(remote)["TimeWorked"]) == sum(row[1] for row in rows)
        assert rig.told(ticket) == []


def test_a_desk_without_a_field_for_our_reference_is_not_connected(rt_server: RequestTracker, config: Config) -> None:
    text = CONNECTION.format(name="acme", url=rt_server.url, queue="Escalations")
    text = text.replace("login: gateway", "login: gateway, reference_field: Nope")
    text += "mapping: {mapping: 1, name: acme, extends: rt, reference: 'cf:Nope'}\n"
    done = Rig.connection_add(config, rt_server, text)
    assert done.exit_code != 0
    assert "rt has no field 'cf:Nope'. one of:" in str(done.exception) and "cf:External Reference" in str(
        done.exception
    )


def test_a_ticket_deleted_and_restored(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    assert rig.server.call("PUT", f"/ticket/{remote}", {"Status": "deleted"}, "root").ok
    rig.settle()
    assert rig.rows("select state from link where ticket_id = ?", ticket) == [("gone",)]
    rig.wish("edit", ticket, fields={"title": "VPN is down"})
    rig.settle()
    assert rig.paula.ticket(remote)["Subject"] == "VPN down"
    assert rig.server.call("PUT", f"/ticket/{remote}", {"Status": "open"}, "root").ok
    rig.settle()
    assert rig.rows("select state from link where ticket_id = ?", ticket) == [("live",)]
    assert rig.paula.ticket(remote)["Subject"] == "VPN is down"
    assert rig.fields(ticket)["status"] == "in_progress"


def test_a_requester_nobody_there_has_heard_of(rig: Rig) -> None:
    _, remote = rig.escalated(requester={"email": "Newcomer@customer.example", "name": "New Comer"})
    (asking,) = rig.paula.ticket(remote)["Requestor"]
    assert asking["id"].lower() == "newcomer@customer.example"


def test_long_words_in_any_script_come_and_go_whole(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    hers = "ü日本語🙂 " * 20_000 + "end"
    ours = "line\r\nline\x0b\u2028x 🙂 " * 2_000 + "end"
    rig.paula.reply(remote, hers)
    rig.wish("comment", ticket, text=ours, audience=["provider:acme"])
    rig.settle()
    assert [body for name, body in comments(rig, ticket) if name != "Ana"] == [hers]
    (sent,) = [one.text for one in rig.paula.said(remote) if one.author == "gateway"]
    assert sent == "Ana wrote:\n\n" + ours.replace("\r\n", "\n")
    assert len(comments(rig, ticket)) == 2


class Elsewhere(RequestTracker):
    """A Request Tracker whose people live in another time zone than UTC."""

    zone = "America/New_York"


def test_a_due_date_is_the_same_moment_in_another_time_zone(
    make_server: MakeServer, maker: Maker, tmp_path: Path
) -> None:
    server = cast(RequestTracker, make_server(Elsewhere))
    config = settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=f"127.0.0.1:{server.port}")
    with running(Rig.connect(config, server)) as rig:
        ticket, remote = rig.escalated(due="2031-05-01T10:00:00Z")
        assert rig.paula.fields(remote)["Due"] == "2031-05-01T10:00:00Z"
        rig.wish("edit", ticket, fields={"due": "2031-07-01T10:00:00Z"})
        rig.settle()
        assert rig.paula.fields(remote)["Due"] == rig.fields(ticket)["due"] == "2031-07-01T10:00:00Z"
        rig.paula.note(remote, "when?")
        before = rig.rt.now()
        rig.settle()
        assert abs(rig.value("select created_at from comment where ticket_id = ?", ticket) - before) < 60_000_000
        rig.wish("edit", ticket, fields={"due": None})
        rig.settle()
        assert rig.paula.fields(remote)["Due"] is None and rig.fields(ticket).get("due") is None


def test_another_ticket_merged_into_ours_brings_its_words(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    made = {"Queue": "Escalations", "Subject": "the same", "Content": "the same here"}
    other = rig.paula.ask("POST", "/ticket", made)["id"]
    rig.paula.reply(other, "said on the other")
    rig.paula.ask("PUT", f"/ticket/{other}", {"MergeInto": remote})
    rig.settle()
    assert comments(rig, ticket) == [("Paula Provider", "the same here"), ("Paula Provider", "said on the other")]
    assert rig.rows("select state from link where ticket_id = ?", ticket) == [("live",)]
