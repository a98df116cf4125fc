"""The guide's worked example, run: a helpdesk that nobody wrote code for, connected by three documents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Cli
from tests.commands.deskly import TOKEN, Deskly

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SECRETS = {"HARBOUR_TOKEN": TOKEN, "HARBOUR_WEBHOOK": "hush"}


@pytest.fixture
def desk() -> Iterator[Deskly]:
    with Deskly() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, desk: Deskly) -> Path:
    """The guide's files, with the desk's address."""
    for name in ("deskly.yaml", "deskly-mapping.yaml", "deskly-connection.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    path = tmp_path / "deskly-connection.yaml"
    path.write_text(path.read_text().replace("https://desk.harbour.example", desk.url))
    return tmp_path


@pytest.fixture
def harbour(cli: Cli, desk: Deskly) -> Cli:
    cli.egress = f"127.0.0.1:{desk.port}"
    cli.env = SECRETS
    return cli


def test_the_manifest_is_good_and_says_what_it_asks_for(cli: Cli) -> None:
    told = json.loads(cli.good("connector", "check", str(EXAMPLES / "deskly.yaml"), "--json"))
    assert [(e["name"], e["secret"]) for e in told["form"]] == [
        *[("url", False), ("team", False), ("token", True), ("webhook", True)],
    ]
    assert told["channels"] == {"reply": ["staff", "requester"], "note": ["staff"]}
    assert "Deskly takes no files" in cli.good("connector", "check", str(EXAMPLES / "deskly.yaml"))


def test_a_ticket_goes_to_it_and_comes_back_solved(harbour: Cli, desk: Deskly, folder: Path) -> None:
    said = harbour.good("connection", "add", str(folder / "deskly-connection.yaml"))
    assert "connection harbour: added, active" in said
    assert "good, 4 fields" in harbour.good(
        *("mapping", "prove", str(folder / "deskly-mapping.yaml"), "--connection", "harbour")
    )

    harbour.good("ticket", "create", "--title", "VPN down", "--description", "Error 809.", "--impact", "high")
    harbour.good("ticket", "escalate", "T-1001", "--to", "harbour", "--reason", "they run it")
    harbour.work()
    (record,) = desk.tickets.values()
    assert (record["title"], record["body"], record["status"], record["priority"]) == (
        "VPN down",
        "Error 809.",
        "open",
        1,
    )
    assert record["team"] == "gateway"
    assert record["partner_ref"].startswith("TDM-")

    desk.say(record["id"], "We restarted the gateway.", internal=False)
    desk.say(record["id"], "Bad RAM in node 2.", internal=True)
    desk.change(record["id"], {"status": "done"})
    harbour.good("connection", "poll", "harbour")
    harbour.work()
    page = json.loads(harbour.good("ticket", "show", "T-1001", "--json"))
    assert page["status"] == "resolved"
    assert {(c["text"], tuple(c["audience"])) for c in page["comments"]} == {
        ("We restarted the gateway.", ("provider:harbour", "requester")),
        ("Bad RAM in node 2.", ("provider:harbour",)),
    }
    assert "all 1 links agree" in harbour.good("drift", "harbour")


def test_their_other_customers_stay_out(harbour: Cli, desk: Deskly, folder: Path) -> None:
    harbour.good("connection", "add", str(folder / "deskly-connection.yaml"))
    desk._create({"title": "Somebody else's"})
    harbour.good("connection", "poll", "harbour")
    harbour.work()
    assert harbour.rows("select 1 from ticket") == []


def test_a_mapping_that_does_not_fit_is_refused_with_line_and_way_out(harbour: Cli, folder: Path) -> None:
    path = folder / "deskly-mapping.yaml"
    path.write_text(path.read_text().replace("waiting: pending_requester", "wating: pending_requester"))
    said = harbour.refused("connection", "add", str(folder / "deskly-connection.yaml"))
    assert "deskly-mapping.yaml:11:" in said
    assert "M013 status has no value 'wating'" in said
    assert "did you mean 'waiting'" in said
    assert harbour.rows("select 1 from connection") == []
    assert harbour.rows("select 1 from document where name = 'deskly'") == []


def test_a_manifest_with_a_slip_is_refused_with_its_place(harbour: Cli, folder: Path) -> None:
    path = folder / "deskly.yaml"
    path.write_text(path.read_text().replace("take: {me: id}", "tke: {me: id}"))
    said = harbour.refused("connector", "check", str(path))
    assert "deskly.yaml:" in said
    assert "tke" in said
    assert "manifest:" in harbour.refused("connection", "add", str(folder / "deskly-connection.yaml"))


def test_a_file_that_is_no_text_is_said(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "picture.yaml"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    for words in (("connection", "add"), ("mapping", "prove")):
        assert "not UTF-8 text" in cli.refused(*words, str(path))
