"""Two whole Tandems as people start them, paired by their command lines: all processes, all wake-ups, real time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.workers import supervisor
from gateway.workers.embedded import free_address
from tests.workers.test_up import Tree
from tests.workers.test_worker import ROOT


class Whole(Tree):
    """A ``tandem up`` that may go to the other one's port."""

    def __init__(self, home: Path, port: int, other: int) -> None:
        super().__init__(home)
        self.at = f"http://127.0.0.1:{port}"
        self.env = {"TANDEM_HOME": str(home / "state"), "TANDEM_EGRESS_ALLOW": f"127.0.0.1:{other}"}

    def tandem(self, *words: str) -> str:
        argv = [sys.executable, "-m", "gateway", *words]
        run = subprocess.run(argv, env={**os.environ, **self.env}, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        token = re.findall(r"API token (\S+)", self.said)[0]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.at}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def both(full: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Whole, Whole]]:
    if not full:
        pytest.skip("with --full: ten processes")
    ports = [free_address("127.0.0.1", 0)[1] for _ in range(2)]
    with ExitStack() as stack:
        made = []
        for n, port in enumerate(ports):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-")))
            one = Whole(home, port, ports[1 - n])
            for name, value in one.env.items():
                monkeypatch.setenv(name, value)
            one.start("--port", str(port))
            stack.callback(supervisor.clear, home / "state" / "run.json")
            stack.callback(one.stop)
            made.append(one)
        for one in made:
            one.wait_until_up()
        yield made[0], made[1]


def until(found: Callable[[], Any]) -> Any:
    """What it gives at last; a minute is too long."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if got := found():
            return got
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_paired_by_their_command_lines_they_work_on_one_ticket(both: tuple[Whole, Whole]) -> None:
    alpha, beta = both
    code = alpha.tandem("connection", "pair", "beta", "--url", alpha.at).split()[0]
    beta.tandem("connection", "join", code, "--name", "alpha", "--url", beta.at)
    ours = alpha.ask("POST", "tickets", {"title": "VPN down"})["id"]
    alpha.ask("POST", f"tickets/{ours}/comments", {"text": "PRIVATE"})
    alpha.ask("POST", f"tickets/{ours}/escalate", {"connection": "beta", "reason": "theirs"})
    theirs = until(lambda: beta.ask("GET", "tickets")["items"])[0]["id"]
    beta.ask("POST", f"tickets/{theirs}/comments", {"text": "PRIVATE"})
    beta.ask("POST", f"tickets/{theirs}/comments", {"text": "on it", "audience": ["provider:alpha"]})
    beta.ask("PATCH", f"tickets/{theirs}", {"status": "resolved", "resolution_code": "solved"})
    until(lambda: alpha.ask("GET", f"tickets/{ours}")["status"] == "resolved")
    until(lambda: len(alpha.ask("GET", f"tickets/{ours}/comments")["items"]) == 2)
    assert [one["text"] for one in alpha.ask("GET", f"tickets/{ours}/comments")["items"]] == ["PRIVATE", "on it"]
    assert [one["text"] for one in beta.ask("GET", f"tickets/{theirs}/comments")["items"]] == ["PRIVATE", "on it"]
