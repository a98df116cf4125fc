"""A prepared SQLite installation, the command line on it, and a provider's memory desk over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from connectors.memory.server import DeskServer
from gateway import pipeline
from gateway.config import Config
from gateway.runtime import Runtime
from gateway.store.db import Road
from tests.commandline import runner
from tests.databases import Database, Maker

TOKEN = "desk-token"
WEBHOOK = "desk-webhook-secret"


@pytest.fixture
def maker(_makers: dict[str, Maker], tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """The commands are tried on SQLite; what they call is tried on both databases elsewhere."""
    if "sqlite" not in _makers:
        _makers["sqlite"] = Maker("sqlite", tmp_path_factory.mktemp("template"), None)
    return _makers["sqlite"]


@dataclass
class Cli:
    """``run("ticket", "show", "T-1001")`` with the desk reachable; ``work`` does what the workers would."""

    config: Config
    egress: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, **more: Any) -> Result:
        extra = {"TANDEM_EGRESS_ALLOW": self.egress, **self.env}
        return runner(self.config)(*words, **{**extra, **more})

    def good(self, *words: str, **more: Any) -> str:
        """The output of a command that has to end well."""
        result = self.run(*words, **more)
        assert result.exit_code == 0, f"{result.output}{result.exception!r}"
        return result.output

    def refused(self, *words: str, **more: Any) -> str:
        """What a command that must not end well says."""
        result = self.run(*words, **more)
        assert result.exit_code != 0, result.output
        return str(result.exception) + result.output

    def runtime(self) -> Runtime:
        return Runtime.open(self.config.allowing(*filter(None, [self.egress])))

    def work(self, rounds: int = 20) -> int:
        """Process and deliver until nothing is due."""
        rt = self.runtime()
        total = 0
        for _ in range(rounds):
            did = pipeline.process(rt) + pipeline.deliver(rt, 5.0)
            total += did
            if not did:
                break
        rt.close()
        return total

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        rt = self.runtime()
        with rt.store.read() as conn:
            found = Road(conn, rt.store.dialect).rows(sql, *params)
        rt.close()
        return found

    def write(self, sql: str, *params: Any) -> None:
        rt = self.runtime()
        with rt.store.write() as conn:
            Road(conn, rt.store.dialect).run(sql, *params)
        rt.close()


@pytest.fixture
def server() -> Iterator[DeskServer]:
    """A provider's desk on the loopback."""
    with DeskServer(lambda: datetime.now(UTC), TOKEN, secret=WEBHOOK) as made:
        yield made


@pytest.fixture
def cli(database: Database, config: Config, server: DeskServer) -> Cli:
    return Cli(config, f"127.0.0.1:{server.port}")


@pytest.fixture
def acme(tmp_path: Path, server: DeskServer) -> Path:
    """A document that connects the desk."""
    path = tmp_path / "acme.yaml"
    path.write_text(
        "name: acme\n"
        "provider: {slug: acme, name: Acme Managed Services}\n"
        "kind: memory\n"
        f"settings: {{url: '{server.url}'}}\n"
        "secrets: {token: {env: ACME_TOKEN}, webhook: {file: acme.secret}}\n"
        "poll: 30\n"
    )
    (tmp_path / "acme.secret").write_text(f"{WEBHOOK}\n")
    return path


@pytest.fixture
def connected(cli: Cli, acme: Path) -> Cli:
    """The desk is a connection."""
    cli.good("connection", "add", str(acme), ACME_TOKEN=TOKEN)
    return cli
