"""``tandem up --demo`` as a newcomer starts it: the addresses are said, the story runs, and nothing is left behind."""

from __future__ import annotations

import json
import re
import urllib.request

import psutil

from tests.workers.test_up import Tree
from tests.workers.test_up import tree as tree
from tests.workers.test_worker import eventually


def get(url: str, token: str = "") -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.status, answer.read()


def processes(tree: Tree) -> list[list[str]]:
    """The command lines of everything that runs with this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TANDEM_HOME") == str(tree.home / "state"):
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def page(url: str) -> bytes:
    """What is there, once something is."""
    try:
        return get(url)[1]
    except OSError:
        return b""


def test_a_newcomer_sees_the_story_and_a_stop_leaves_nothing(tree: Tree) -> None:
    tree.start("--demo", "--port", "0")
    tree.wait_until_up()
    said = tree.said
    assert get(tree.url + "healthz")[0] == 200
    (desk,) = re.findall(r"The provider's own desk, to play with: (\S+)", said)
    eventually(lambda: b"Acme Managed Services" in page(desk), within=20)
    assert said.count("An agent:") == 2
    (token,) = re.findall(r"API token (\S+)", said)

    def linked() -> bool:
        _, body = get(f"{tree.url}api/v1/tickets?provider=acme", token)
        tickets = json.loads(body)
        rows = tickets if isinstance(tickets, list) else next(v for v in tickets.values() if isinstance(v, list))
        return any(link["number"] for row in rows for link in row["links"])

    eventually(linked, within=30)
    eventually(lambda: b"VPN drops every few minutes" in page(desk), within=20)
    running = processes(tree)
    assert {"connectors.memory", "demo", "web", "scheduler"} <= {word for words in running for word in words}
    assert tree.stop() == 0
    assert processes(tree) == []
    assert not (tree.home / "state" / "run.json").exists()


def test_without_demo_nothing_of_it_is_there(tree: Tree) -> None:
    tree.start()
    tree.wait_until_up()
    (token,) = re.findall(r"API token (\S+)", tree.said)
    for what in ("tickets", "connections", "contacts"):
        body = json.loads(get(f"{tree.url}api/v1/{what}", token)[1])
        rows = body if isinstance(body, list) else next(v for v in body.values() if isinstance(v, list))
        assert rows == []
    assert "provider's own desk" not in tree.said
