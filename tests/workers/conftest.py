"""A Valkey of the test's own, on a socket in its folder."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from gateway.config import embedded_redis_url
from gateway.workers import children, valkey


class Server:
    """An embedded Valkey that can be stopped, killed and wiped."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return embedded_redis_url(self.home)

    @property
    def redis(self) -> Redis:
        return Redis.from_url(self.url)

    def start(self) -> None:
        self.process = children.spawn(valkey.command(self.home), log=self.home / "valkey.log")
        until = time.monotonic() + 10
        while not valkey.answers(self.url):
            assert time.monotonic() < until, (self.home / "valkey.log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            children.stop(self.process, grace=5)
            self.process = None


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        made = Server(Path(folder))
        made.start()
        yield made
        made.stop()
