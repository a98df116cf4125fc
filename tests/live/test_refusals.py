"""What a real Request Tracker refuses, most of it hidden in a 200: seen by reading back, and said in RT's own words."""

from __future__ import annotations

import pytest

from gateway.config import Config
from tests.live.peers import RequestTracker
from tests.live.reader import Reader
from tests.live.rig import Rig, running

pytestmark = pytest.mark.live

OWN_WORDS = """
mapping:
  mapping: 1
  name: managed
  extends: rt@1
  fields:
    status:
      values: {stalled: null, awaiting: pending_requester}
      write: {pending_problem: awaiting}
declared:
  fields:
    Status:
      values: {new: New, open: Open, awaiting: Awaiting, resolved: Resolved, rejected: Rejected, deleted: Deleted}
  workflow:
    start: new
    edges:
      new: [open, resolved, rejected]
      open: [awaiting, resolved, rejected]
      awaiting: [open, resolved, rejected]
      resolved: [open]
      rejected: [open]
"""


def test_an_open_dependency_keeps_a_ticket_open(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    child = rig.paula.ask("POST", "/ticket", {"Queue": "Escalations", "Subject": "first this"})["id"]
    rig.paula.change(remote, Status="open", AddDependsOn=child)
    rig.settle()
    assert rig.fields(ticket)["status"] == "in_progress"

    rig.wish("edit", ticket, fields={"status": "resolved", "urgency": "high"})
    rig.settle()
    assert rig.paula.fields(remote)["Status"] == "open"
    assert rig.paula.fields(remote)["Urgency"] == "High", "the rest of the same write went through"
    ((kind, field, text),) = rig.told(ticket)
    assert (kind, field) == ("ignored", "status")
    assert "acme said yes and left status as it was" in text
    assert "That ticket has unresolved dependencies" in text
    writes = rig.value("select count(*) from attempt where kind = 'update'")
    rig.settle()
    assert rig.value("select count(*) from attempt where kind = 'update'") == writes, "no loop"

    rig.paula.change(child, Status="resolved")
    link = rig.value("select id from link where ticket_id = ?", ticket)
    rig.wish("heal", ticket, link=link, fields=["status"])
    rig.settle()
    assert rig.paula.fields(remote)["Status"] == "resolved"
    assert rig.fields(ticket)["status"] == "resolved"


def test_people_read_what_rt_said(rig: Rig) -> None:
    """In a sentence that begins with who said it, wherever somebody may look for it."""
    ticket, remote = rig.escalated(title="VPN down")
    child = rig.paula.ask("POST", "/ticket", {"Queue": "Escalations", "Subject": "first this"})["id"]
    rig.paula.change(remote, Status="open", AddDependsOn=child)
    rig.settle()
    rig.wish("edit", ticket, fields={"status": "resolved"})
    rig.settle()
    words = f"acme said yes and left status as it was: Ticket {remote}: That ticket has unresolved dependencies"
    reader = Reader(rig)
    number = f"T-{rig.value('select number from ticket where id = ?', ticket)}"
    assert words in reader.page(f"/tickets/{number}")
    assert words in reader.page("/notices")
    (notice,) = reader.ask(f"tickets/{number}/notices")["items"]
    assert {name: notice[name] for name in ("kind", "field", "text", "connection", "state")} == {
        "kind": "ignored", "field": "status", "text": words, "connection": "acme", "state": "open",
    }  # fmt: skip
    (link,) = reader.ask(f"tickets/{number}/links")["items"]
    assert link["fields"] == {"status": "ignored"}, link


def test_a_status_that_its_lifecycle_does_not_know(rt_server: RequestTracker, config: Config) -> None:
    with running(Rig.connect(config, rt_server, "intake: ignore\n", queue="Managed")) as rig:
        ticket, remote = rig.escalated()
        rig.wish("edit", ticket, fields={"status": "pending_requester"})
        rig.settle()
        assert rig.paula.fields(remote)["Status"] == "new"
        ((kind, field, text),) = rig.told(ticket)
        assert (kind, field) == ("ignored", "status")
        assert "Status 'stalled' isn't a valid status for this ticket" in text


def test_a_lifecycle_of_its_own_is_declared_and_mapped(rt_server: RequestTracker, config: Config) -> None:
    with running(Rig.connect(config, rt_server, "intake: ignore\n" + OWN_WORDS, queue="Managed")) as rig:
        ticket, remote = rig.escalated(status="in_progress")
        assert rig.paula.fields(remote)["Status"] == "open"
        rig.wish("edit", ticket, fields={"status": "pending_requester"})
        rig.settle()
        assert rig.paula.fields(remote)["Status"] == "awaiting"
        rig.paula.change(remote, Status="resolved")
        rig.settle()
        assert rig.fields(ticket)["status"] == "resolved"
        assert rig.told(ticket) == []


def test_a_ticket_that_waits_already_is_handed_over_as_it_is(rig: Rig) -> None:
    """RT takes no ticket that begins stalled: it begins new, and its status follows."""
    ticket, remote = rig.escalated(status="pending_requester")
    rig.settle()
    assert rig.paula.fields(remote)["Status"] == "stalled"
    assert rig.fields(ticket)["status"] == "pending_requester"
    assert rig.told(ticket) == []


def test_a_ticket_that_is_moved_away_or_merged_is_said(rig: Rig) -> None:
    moved, remote = rig.escalated()
    rig.paula.change(remote, Queue="Field Service")
    merged, other = rig.escalated()
    into = rig.paula.ask("POST", "/ticket", {"Queue": "Escalations", "Subject": "the same again"})["id"]
    rig.paula.ask("PUT", f"/ticket/{other}", {"MergeInto": into})
    rig.settle()
    assert [row[0] for row in rig.told(moved)] == ["left"]
    ((kind, _, text),) = rig.told(merged)
    assert (kind, str(into) in text) == ("merged", True)
    states = rig.rows("select ticket_id, state from link where role = 'holder'")
    assert dict(states) == {moved: "left", merged: "merged"}

    rig.paula.change(remote, Queue="Escalations", Status="open")
    rig.settle()
    assert rig.rows("select state from link where ticket_id = ?", moved) == [("live",)]
    assert rig.fields(moved)["status"] == "in_progress"


def test_a_file_beyond_its_limit_is_named_instead(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    file = rig.file("huge.iso", bytes(10_000_001), "application/octet-stream")
    rig.wish("attach", ticket, files=[file], audience=["provider:acme"])
    rig.quiet()
    (said,) = rig.paula.said(remote)
    assert "huge.iso (10000001 bytes)" in said.text
    assert [row[0] for row in rig.told(ticket)] == ["unsupported"]


def test_names_and_bytes_of_files_stay_what_they_are(rig: Rig) -> None:
    ticket, remote = rig.escalated()
    cases = {
        "Grüße in Latin-1.txt": ("Grüße\r\n".encode("latin-1"), "text/plain"),
        "page.html": ("<p>Grüße".encode("utf-16"), "text/html; charset=utf-16"),
        'a "quoted" name; with % and \\.bin': (bytes(range(256)), "application/octet-stream"),
        "日本語のメモ.pdf": (b"%PDF-1.7\n\xff\xfe", "application/pdf"),
        "two kinds.mixed": (b"--a\r\n\r\nnot mail\r\n--a--", "multipart/mixed"),
        "letter.eml": (b"Subject: x\r\n\r\nhello", "message/rfc822"),
    }
    files = [rig.file(name, content, mime) for name, (content, mime) in cases.items()]
    rig.wish("attach", ticket, files=files, audience=["provider:acme"])
    rig.settle()
    wanted = {name.replace('"', "%22"): file["sha256"] for name, file in zip(cases, files, strict=True)}
    assert {one.name: one.sha256 for one in rig.paula.said(remote) if one.name} == wanted
    assert rig.value("select count(*) from attachment where ticket_id = ?", ticket) == len(cases), "none came back"
    assert rig.value("select count(*) from comment where ticket_id = ?", ticket) == 0


def test_who_somebody_is_there(rig: Rig) -> None:
    desk = rig.rt.desks.desk(rig.connection)
    for asked in ({"id": "paula"}, {"email": "PAULA@peer-rt.example.test"}):
        found = desk.connector.person(rig.rt.context(desk), **asked)
        assert found is not None, asked
        assert (found.id, found.login, found.name) == ("paula", "paula", "Paula Provider")
        assert found.email == "paula@peer-rt.example.test"
    assert desk.connector.person(rig.rt.context(desk), email="nobody@peer-rt.example.test") is None
