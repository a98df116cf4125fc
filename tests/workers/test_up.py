"""``tandem up`` as a person starts it: one tree, an address that answers, gone whole after SIGTERM or a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.workers import children, supervisor
from gateway.workers.embedded import free_address
from tests.workers.test_worker import ROOT, eventually


class Tree:
    """A ``tandem up`` in a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        env = {**os.environ, "TANDEM_HOME": str(self.home / "state"), "TANDEM_BIND": "127.0.0.1:0"}
        argv = [sys.executable, "-m", "gateway", "up", *arguments]
        self.process = children.spawn(argv, env, log=self.home / "out", cwd=ROOT)

    @property
    def said(self) -> str:
        return (self.home / "out").read_text() if (self.home / "out").exists() else ""

    @property
    def url(self) -> str:
        return re.findall(r"Tandem is up: +(\S+)", self.said)[-1]

    def wait_until_up(self, times: int = 1) -> None:
        eventually(lambda: self.said.count("Tandem is up") >= times or self.ended(), within=60)
        assert self.said.count("Tandem is up") == times, self.said + self.logs()

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def logs(self) -> str:
        return "\n".join(f"{path.name}: {path.read_text()[-800:]}" for path in (self.home / "state/logs").glob("*"))

    def pids(self) -> list[int]:
        noted = json.loads((self.home / "state" / "run.json").read_text())["processes"]
        return [pid for pid, _ in noted][1:]

    def stop(self) -> int:
        assert self.process is not None
        return children.stop(self.process, grace=30)


@pytest.fixture
def tree() -> Iterator[Tree]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        made = Tree(Path(folder))
        yield made
        if made.process is not None:
            made.stop()
        supervisor.clear(made.home / "state" / "run.json")


def test_it_comes_up_answers_refuses_a_second_and_ends_whole(tree: Tree) -> None:
    tree.start()
    tree.wait_until_up()
    pids = tree.pids()
    assert len(pids) == 4
    with urllib.request.urlopen(tree.url + "healthz", timeout=5) as answer:
        assert answer.status == 200
    assert "first admin" in tree.said
    second = Tree(tree.home)
    second.start()
    eventually(second.ended)
    assert "already runs here" in tree.said
    begun = time.monotonic()
    assert tree.stop() == 0
    assert time.monotonic() - begun < 10
    assert [pid for pid in pids if children.started_at(pid) is not None] == []
    assert not (tree.home / "state" / "run.json").exists()


def test_after_a_kill_it_clears_away_and_comes_up_with_the_same_state(tree: Tree) -> None:
    tree.start()
    tree.wait_until_up()
    pids = tree.pids()
    assert tree.process is not None
    os.kill(tree.process.pid, signal.SIGKILL)
    tree.process.wait()
    tree.start()
    tree.wait_until_up(times=2)
    assert not set(pids) & set(tree.pids())
    assert [pid for pid in pids if children.started_at(pid) is not None] == []
    assert tree.said.count("first admin") == 1


def test_a_killed_part_is_started_again(tree: Tree) -> None:
    tree.start()
    tree.wait_until_up()
    before = tree.pids()
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: tree.pids()[0] != before[0])
    assert len(tree.pids()) == 4


def test_a_taken_port_gives_way_to_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        host, found = free_address("127.0.0.1", port)
    assert host == "127.0.0.1"
    assert port < found <= port + 50
