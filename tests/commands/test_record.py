"""``tandem mapping record``: a ticket's traffic as examples that hold, without anybody's name in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connectors.memory.server import DeskServer
from gateway import pipeline
from gateway.decide.facts import Command
from gateway.desk.masking import Mask
from gateway.desk.recording import record
from tests.commands.conftest import Cli

SECRETS = ("Alice", "alice@customer.example", "Kovač", "809", "10.20.30.40", "600 123 456", "paula", "Paula", "badge")


@pytest.fixture
def worked(connected: Cli, server: DeskServer) -> Cli:
    """A ticket on which both sides have worked, with everything personal that there is."""
    words = "Error 809 at Alice Kovač, alice@customer.example, +34 600 123 456, from 10.20.30.40"
    connected.good(
        *("ticket", "create", "--title", "VPN down for Alice", "--description", words, "--impact", "high"),
        *("--requester", "alice@customer.example", "--name", "Alice Kovač", "--tag", "vip"),
    )
    connected.good("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "they run it")
    connected.work()
    comment(connected, "Alice is waiting at her desk.", ["provider:acme", "requester"])
    (id,) = server.desk.tickets
    server.desk.update("paula", id, {"status": "working", "assignee": "paula@desk.example"})
    server.desk.comment("paula", id, "Alice, which badge do you have?", True)
    server.desk.upload("paula", id, "alice badge.txt", "text/plain", b"badge of Alice", True)
    sync(connected)
    server.desk.update("paula", id, {"status": "done", "title": "VPN down for Alice Kovač"})
    sync(connected)
    return connected


def comment(cli: Cli, text: str, audience: list[str]) -> None:
    rt = cli.runtime()
    ticket = cli.rows("select id from ticket")[0][0]
    pipeline.change(rt, Command("comment", "user:1", {"text": text, "audience": audience}), ticket)
    rt.close()
    cli.work()


def sync(cli: Cli) -> None:
    cli.good("connection", "poll", "acme")
    cli.work()


def test_a_recorded_ticket_holds_and_names_nobody(worked: Cli, tmp_path: Path) -> None:
    path = tmp_path / "vpn.yaml"
    said = worked.good("mapping", "record", "T-1001", "-o", str(path))
    text = path.read_text("utf-8")
    doc = yaml.safe_load(text)
    assert f"vpn.yaml: {len(doc['examples'])} examples" in said
    for secret in SECRETS:
        assert secret.casefold() not in text.casefold(), secret
    assert (doc["name"], doc["extends"]) == ("memory-t-1001", "memory@1")
    (made,) = [one for one in doc["examples"] if "create" in one]
    assert made["gives"]["status"] == "open" and made["gives"]["impact"] == "high"
    assert made["create"]["requester"]["email"].endswith("@masked.example")
    assert made["gives"]["requester"] == {"email": made["create"]["requester"]["email"]}
    read = [one["gives"]["status"] for one in doc["examples"] if "in" in one]
    assert read[-1] == "resolved" and "in_progress" in read
    assert [one["gives"] for one in doc["examples"] if one.get("comment") == "provider+requester"] == ["reply"]
    assert "comment, theirs, for provider+requester: reply" in text
    assert ".txt (text/plain, 14 bytes, stored)" in text
    assert "good" in worked.good("mapping", "prove", str(path))
    assert "good" in worked.good("mapping", "prove", str(path), "--connection", "acme")


def test_a_changed_row_of_the_mapping_is_found_by_the_recorded_ticket(worked: Cli, tmp_path: Path) -> None:
    path = tmp_path / "vpn.yaml"
    worked.good("mapping", "record", "T-1001", "-o", str(path))
    text = path.read_text("utf-8")
    other = "fields: {impact: {values: {high: low, low: high}}}\n"
    path.write_text(text.replace("examples:\n", f"{other}examples:\n"), "utf-8")
    said = worked.run("mapping", "prove", str(path))
    assert said.exit_code == 1
    assert "E M007" in said.output
    assert "we escalate: gives" in said.output


def test_the_same_ticket_gives_the_same_file_and_asks_no_desk(worked: Cli, server: DeskServer) -> None:
    before = worked.good("mapping", "record", "T-1001")
    server.stop()
    assert worked.good("mapping", "record", "T-1001", "--connection", "acme") == before


def test_without_a_record_there_is_nothing_to_write(connected: Cli) -> None:
    connected.good("ticket", "create", "--title", "Printer")
    assert "has no record there" in connected.refused("mapping", "record", "T-1001")
    assert "no such ticket" in connected.refused("mapping", "record", "T-1002")


def test_when_the_facts_are_gone_what_was_seen_last_is_still_there(worked: Cli) -> None:
    worked.write("delete from facts")
    rt = worked.runtime()
    found = record(rt, worked.rows("select id from ticket")[0][0])
    rt.close()
    examples = yaml.safe_load(found.text)["examples"]
    assert [one["gives"]["status"] for one in examples if "in" in one] == ["resolved"]


# --- the masks ---


def test_masks_keep_the_shape_and_the_same_person_stays_the_same() -> None:
    mask = Mask(b"k" * 32)
    text = "Ana Müller <ana@x.example>: VPN vpn 809, +34 600 123 456\r\nанна 10.0.0.1"
    masked = mask.text(text)
    words = masked.replace("person1@masked.example", "ana@x.example").replace("192.0.2.1", "10.0.0.1")
    assert len(words) == len(text)
    assert [c for c in words if not c.isalnum()] == [c for c in text if not c.isalnum()]
    assert [c.isupper() for c in masked[:10]] == [c.isupper() for c in text[:10]]
    first, second = masked.split(": ")[1].split(" ")[:2]
    assert first.casefold() == second.casefold() and first.isupper()
    who = mask.person({"id": "7", "email": "ANA@x.example", "name": "Ana Müller"})
    assert who["email"] == mask.mail("ana@x.example") == "person1@masked.example"
    assert who["id"] != "7" and who["name"] == "Person 1"
    assert Mask(b"j" * 32).text("Ana") != mask.text("Ana")


def test_marked_text_keeps_its_tags_and_loses_their_attributes() -> None:
    masked = Mask(b"k" * 32).text('<p class="ana">Ana &amp; <a href="https://x.example/ana">bob</a></p>', marked=True)
    assert masked.startswith("<p>") and masked.endswith("</a></p>") and "&amp; <a>" in masked
    assert "ana" not in masked.casefold() and "href" not in masked
