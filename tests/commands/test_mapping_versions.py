"""``tandem mapping``: drafts, publishing, canaries, rolling back, and what history and diff tell of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.memory.server import DeskServer
from tests.commands.conftest import Cli

TOWN = "mapping: 1\nname: town\nextends: memory\n"
OTHER = TOWN + (
    "fields: {status: {values: {vendor: in_progress},"
    " write: {in_progress: working, pending_provider: waiting, pending_problem: waiting}}}\n"
)
HERE = ("--connection", "acme", "--reason", "because")
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(text: str) -> str:
        path = tmp_path / "town.yaml"
        path.write_text(text)
        return str(path)

    return made


def escalated(cli: Cli, count: int = 1) -> None:
    for number in range(1, count + 1):
        cli.good("ticket", "create", "--title", f"VPN {number}")
        cli.good("ticket", "escalate", f"T-{1000 + number}", "--to", "acme", "--reason", "x")
    cli.work()


def test_a_file_is_published_and_links_move(connected: Cli, server: DeskServer, write: Write) -> None:
    escalated(connected, 2)
    before = [ticket.revision for ticket in server.desk.tickets.values()]
    said = connected.good("mapping", "publish", write(TOWN), *HERE)
    assert "there is none yet" in said
    assert "town@1: in force at acme; 2 links moved, 0 there already" in said
    connected.work()
    assert [ticket.revision for ticket in server.desk.tickets.values()] == before
    assert "in force already" in connected.refused("mapping", "publish", write(TOWN), *HERE)
    assert "reason" in connected.refused("mapping", "publish", write(TOWN))


def test_a_first_canary_is_widened_where_it_is(connected: Cli, write: Write) -> None:
    """Nobody has to say again at which connection: it is in force there only once it is for all."""
    escalated(connected, 6)
    said = connected.good("mapping", "publish", write(TOWN), *HERE, "--canary", "50")
    assert "for all: tandem mapping canary town 100" in said
    assert "in force at acme" in connected.good("mapping", "canary", "town", "100")
    (row,) = json.loads(connected.good("mapping", "history", "town", "--json"))
    assert row["links"] == 6


def test_what_is_wrong_or_not_accepted_is_refused_with_its_line(connected: Cli, write: Write) -> None:
    said = connected.refused("mapping", "publish", write(OTHER), *HERE)
    assert "town.yaml:" in said and "Mend it, or accept M041:status" in said
    wrong = write(OTHER.replace("in_progress: working", "in_progress: wroking"))
    assert "M013" in connected.refused("mapping", "publish", wrong, *HERE, "--accept", "all")
    connected.good("mapping", "publish", write(OTHER), *HERE, "--accept", "M041:status")
    (row,) = json.loads(connected.good("mapping", "history", "town", "--json"))
    assert row["accepted"] == ["M041:status"]


def test_a_draft_is_kept_shown_compared_published(connected: Cli, write: Write) -> None:
    assert "no such file, and no draft" in connected.refused("mapping", "publish", "town", *HERE)
    made = json.loads(connected.good("mapping", "draft", "save", "town", write(TOWN), "--json"))
    assert "has edited the draft of town" in connected.refused("mapping", "draft", "save", "town", write(OTHER))
    connected.good("mapping", "draft", "save", "town", write(OTHER), "--etag", made["etag"])
    assert connected.good("mapping", "draft", "show", "town").endswith(OTHER)
    connected.good("mapping", "publish", write(TOWN), *HERE)
    told = json.loads(connected.good("mapping", "diff", "town", "--json"))
    assert (told["against"], told["changes"]) == ("town@1", ["status: values, write"])
    assert "+fields: {status" in connected.good("mapping", "diff", "town", "--version", "1")
    connected.good("mapping", "publish", "town", *HERE, "--accept", "all")
    assert "no draft" in connected.refused("mapping", "draft", "show", "town")
    assert connected.good("mapping", "show", "town") == OTHER
    assert connected.good("mapping", "show", "town", "--version", "1") == TOWN
    connected.good("mapping", "draft", "save", "town", write(TOWN))
    assert "no draft any more" in connected.good("mapping", "draft", "discard", "town")
    assert "shipped" in connected.refused("mapping", "draft", "save", "memory", write(TOWN))
    assert "not a name" in connected.refused("mapping", "draft", "save", "../x", write(TOWN))


def test_a_canary_is_widened_and_rolled_back(connected: Cli, write: Write) -> None:
    escalated(connected, 6)
    connected.good("mapping", "publish", write(TOWN), *HERE)
    said = connected.good("mapping", "publish", write(OTHER), *HERE[2:], "--accept", "all", "--canary", "50")
    assert "canary of 50 % at acme" in said and "tandem mapping canary town 100" in said
    links = {one["version"]: one["links"] for one in json.loads(connected.good("mapping", "history", "town", "--json"))}
    assert sum(links.values()) == 6
    assert f"{links[2]} links moved, 0 there already, {links[1]} left" in said
    wide = json.loads(connected.good("mapping", "canary", "town", "100", "--reason", "good", "--json"))
    assert (wide["moved"], wide["there"], wide["version"]["version"]) == (links[1], links[2], 2)
    said = connected.good("mapping", "rollback", "town", "1", "--reason", "not so good")
    assert "town@3: in force at acme; 6 links moved" in said and "the same as version 1" in said
    told = connected.good("mapping", "history", "town")
    assert ["town", "3", "6"] in [line.split()[:3] for line in told.splitlines()]
    assert "not so good" in told
    assert "no such version" in connected.refused("mapping", "rollback", "town", "9", "--reason", "x")
    assert "shipped" in connected.refused("mapping", "rollback", "memory", "1", "--reason", "x")


def test_a_mapping_nobody_uses_is_stored_and_said_so(connected: Cli, write: Write) -> None:
    said = connected.good("mapping", "publish", write(TOWN), "--reason", "x", "--accept", "all")
    assert "no connection uses it yet" in said
    assert "no connection uses" in connected.refused("mapping", "canary", "town", "50")
    assert "no such connection" in connected.refused("mapping", "canary", "town", "50", "--connection", "zed")
    assert "in force at acme" in connected.good("mapping", "canary", "town", "100", "--connection", "acme")


def test_what_came_with_a_connection_is_a_version_like_others(connected: Cli, acme: Path, tmp_path: Path) -> None:
    escalated(connected)
    (tmp_path / "town.yaml").write_text(TOWN)
    acme.write_text(acme.read_text() + "mapping: {file: town.yaml}\n")
    for _ in range(2):
        connected.good("connection", "add", str(acme), "--update", ACME_TOKEN="desk-token")
    (row,) = json.loads(connected.good("mapping", "history", "town", "--json"))
    assert (row["version"], row["links"], row["reason"]) == (1, 0, "came with the connection acme")
    assert row["parent"] == "memory@1" and len(row["hash"]) == 64
    assert "1 links moved" in connected.good("mapping", "canary", "town", "100")


def test_a_policy_is_compared(connected: Cli, tmp_path: Path) -> None:
    path = tmp_path / "acme.share.yaml"
    path.write_text("share: 1\nprovider: acme\nfields: [title]\naudiences: [provider]\n")
    told = json.loads(connected.good("policy", "diff", str(path), "--json"))
    assert told["name"] == "share:acme" and "- due" in told["changes"] and "+fields: [title]" in told["diff"]
    connected.good("policy", "publish", str(path), "--reason", "x")
    assert "- due" in connected.good("policy", "diff", "share:acme")
    assert "no difference" in connected.good("policy", "diff", "share:acme", "--version", "2")
