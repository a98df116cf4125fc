"""Corkboard connected by its manifest alone: the contract, and a ticket that goes there and comes back solved."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from werkzeug.serving import make_server

from connectors import registry
from gateway.app import create_app
from gateway.runtime import Runtime
from tests.commandline import Run, runner
from tests.connectors.corkboard.desk.contract import CorkboardContract
from tests.connectors.corkboard.server import Corkboard
from tests.databases import Maker, settings
from tests.worlds import World

HERE = Path(__file__).parent
SECRETS = {"CORKBOARD_KEY": "key-robot", "CORKBOARD_HOOKS": "signed-with-this"}


class TestCorkboard(CorkboardContract):
    folder = HERE / "desk"


@pytest.fixture
def board() -> Iterator[Corkboard]:
    with Corkboard() as running:
        yield running


@pytest.fixture
def maker(_makers: dict[str, Maker], tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return _makers.setdefault("sqlite", Maker("sqlite", tmp_path_factory.mktemp("template"), None))


@pytest.fixture
def world(board: Corkboard, maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An installation to which the guide's commands connected the board, with its own kind."""
    monkeypatch.setattr(registry, "_outside", {})  # what a process takes from outside it would keep
    outside = {"TANDEM_CONNECTORS": str(HERE / "desk"), "TANDEM_EGRESS_ALLOW": board.url.removeprefix("http://")}
    config = settings(tmp_path, maker.prepared(tmp_path).url, **outside)
    document: dict[str, Any] = {"name": "harbour", "provider": {"slug": "harbour", "name": "Harbour IT"}}
    document |= {"kind": "corkboard", "mapping": {"file": "mapping.yaml"}, "settings": {"url": board.url}}
    document |= {"secrets": {"key": {"env": "CORKBOARD_KEY"}, "webhook": {"env": "CORKBOARD_HOOKS"}}}
    (tmp_path / "mapping.yaml").write_text((HERE / "mapping.yaml").read_text())
    (tmp_path / "harbour.yaml").write_text(yaml.safe_dump(document))
    done = runner(config)("connection", "add", str(tmp_path / "harbour.yaml"), **outside, **SECRETS)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    rt = Runtime.open(config)
    yield World(rt)
    rt.close()


@pytest.fixture
def door(world: World, board: Corkboard) -> Iterator[str]:
    """Tandem's own web server, and the board's hook to it; its address."""
    server = make_server("127.0.0.1", 0, create_app(world.rt), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/hooks/harbour"
    asked(board, "hooks", {"url": address, "secret": SECRETS["CORKBOARD_HOOKS"]})
    yield address
    board.posted()
    server.shutdown()
    thread.join()


def asked(board: Corkboard, path: str, body: dict[str, Any] | bytes | None = None) -> dict[str, Any]:
    """What the board answers Mia, who works there."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    with urlopen(Request(f"{board.url}/api/{path}", data, {"X-Board-Key": "key-mia"}), timeout=5) as reply:
        told: dict[str, Any] = json.load(reply)
    return told


def escalated(world: World, board: Corkboard) -> tuple[int, str]:
    """A ticket of ours, and the path of its card."""
    ticket = world.create("VPN down ☂", description="Error 809.", impact="high", urgency="high")
    world.wish("escalate", ticket, connection="harbour")
    world.run()
    (card,) = asked(board, "cards")["rows"]
    assert (card["headline"], card["body"], card["lane"], card["heat"]) == ("VPN down ☂", "Error 809.", "inbox", 4)
    assert card["pinned_by"] == "robot" and card["their_ref"].startswith("TDM-")
    return ticket, f"cards/{card['no']}"


def test_a_kind_whose_folder_is_not_named_is_told_how_to_name_it(
    tandem: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_outside", {})
    (tmp_path / "harbour.yaml").write_text("name: harbour\nprovider: harbour\nkind: corkboard\n")
    for words in (("connection", "add", tmp_path / "harbour.yaml"), ("mapping", "prove", HERE / "mapping.yaml")):
        done = tandem(*map(str, words))
        assert done.exit_code == 1 and "TANDEM_CONNECTORS" in str(done.exception)


@pytest.mark.usefixtures("door")
def test_a_ticket_goes_there_and_its_webhooks_bring_it_back_solved(world: World, board: Corkboard) -> None:
    ticket, card = escalated(world, board)
    everybody = ["provider:harbour", "requester"]
    world.wish("comment", ticket, text="we called them", audience=["provider:harbour"])
    world.wish("comment", ticket, text="it is being looked at", audience=everybody)
    ours = {"name": "ours ü.txt", "mime": "text/plain", **world.rt.files.put([b"what we saw"])}
    world.wish("attach", ticket, files=[ours], audience=everybody)
    world.run()
    notes = asked(board, f"{card}/notes")["rows"]
    assert [(note["audience"], note["by"]) for note in notes] == [("team", "robot"), ("customer", "robot")]
    assert "we called them" in notes[0]["text"] and "it is being looked at" in notes[1]["text"]
    (file,) = asked(board, f"{card}/files")["rows"]
    assert (file["name"], board.board.contents[file["id"]]) == ("ours ü.txt", b"what we saw")

    asked(board, f"{card}/notes", {"text": "which site?", "audience": "customer"})
    asked(board, f"{card}/notes", {"text": "bad RAM in node 2"})
    asked(board, f"{card}/files?name=theirs.log", b"what the switch said")
    asked(board, card, {"lane": "done", "outcome": "A new certificate.", "owner": "Mia Lund"})
    board.posted()
    world.run()
    ((status, fields),) = world.rows("select status, fields from ticket")
    assert status == "resolved"
    assert json.loads(fields)["resolution_text"] == "A new certificate."
    heard = world.rows(
        "select c.body, count(a.party) from comment c join audience a on a.comment_id = c.id group by c.body"
    )
    assert sorted(heard) == [
        *[("bad RAM in node 2", 1), ("it is being looked at", 2), ("we called them", 1), ("which site?", 2)],
    ]
    assert world.rows("select name, state from attachment order by name") == [
        *[("ours ü.txt", "stored"), ("theirs.log", "stored")],
    ]
    assert world.rows("select kind, text from notice") == []


def test_what_no_webhook_told_a_poll_finds(world: World, board: Corkboard) -> None:
    _, card = escalated(world, board)
    asked(board, card, {"lane": "parked"})
    for _ in range(2):
        world.poll()
        world.run()
    assert world.rows("select status from ticket") == [("pending_requester",)]


def test_a_file_for_the_provider_alone_stays_here_and_its_note_says_so(world: World, board: Corkboard) -> None:
    ticket, card = escalated(world, board)
    ours = {"name": "passwords.txt", "mime": "text/plain", **world.rt.files.put([b"hush"])}
    world.wish("attach", ticket, files=[ours], audience=["provider:harbour"])
    world.run()
    assert asked(board, f"{card}/files")["rows"] == []
    (note,) = asked(board, f"{card}/notes")["rows"]
    assert note["audience"] == "team" and "passwords.txt" in note["text"]


def test_a_webhook_that_nobody_signed_is_not_let_in(door: str) -> None:
    with pytest.raises(HTTPError) as refusal:
        urlopen(Request(door, b'{"event": "card.moved", "card": {"no": 1001}}'), timeout=5)
    assert refusal.value.code == 401
