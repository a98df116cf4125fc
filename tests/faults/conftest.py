"""Scenes on databases of their own, desks that redeliver patiently, a Redis and a PostgreSQL that may be killed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import VOLATILE, Postgres, postgres, postgres_binaries
from connectors.simulators import webhooks
from gateway.config import Config
from gateway.workers import children
from tests.databases import Maker, settings
from tests.faults.scene import Scene, opened
from tests.workers.conftest import Server


@pytest.fixture(autouse=True)
def patient_desks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk tries every webhook again until it is taken."""
    monkeypatch.setattr(webhooks, "BACKOFF", (0.2,) * 3000)


@pytest.fixture
def scene(config: Config, database: object) -> Iterator[Scene]:
    with opened(config) as made:
        yield made


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server that may be killed without harm to anybody else's tests."""
    if postgres_binaries() is None:
        pytest.skip("no PostgreSQL on this machine: initdb was not found")
    with postgres(**VOLATILE) as server:
        yield server


@pytest.fixture(scope="module")
def own_maker(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker("postgresql", tmp_path_factory.mktemp("template"), own_postgres)


@pytest.fixture
def scene_apart(own_postgres: Postgres, own_maker: Maker, tmp_path: Path) -> Iterator[Scene]:
    """A scene on the PostgreSQL that may be killed."""
    if own_postgres.process is None:  # a test before this one failed
        own_postgres.start()
    database = own_maker.prepared(tmp_path)
    with opened(settings(tmp_path, database.url)) as made:
        yield made


class Redis(Server):
    """A Valkey that may be wiped, and killed with -9."""

    def wipe(self) -> None:
        self.redis.flushall()

    def kill(self) -> None:
        assert self.process is not None
        children.kill(self.process)
        self.process.wait()
        self.process = None


@pytest.fixture
def redis() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        made = Redis(Path(folder))
        made.start()
        yield made
        made.stop()
