"""The real servers the live tests run against, one of each per test process unless a test starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from gateway.config import Config
from tests.databases import Maker, settings
from tests.live import rig as rigs
from tests.live.peers import Redmine, RequestTracker, Server, running

MakeServer = Callable[[type[Server]], Server]


@pytest.fixture(scope="session")
def rt_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestTracker]:
    """A Request Tracker shared by the tests of this process: tell tickets apart by what they hold."""
    server = running(RequestTracker, tmp_path_factory, "rt")
    yield cast(RequestTracker, server)
    server.down()


@pytest.fixture(scope="session")
def redmine_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    """A Redmine shared by the tests of this process."""
    server = running(Redmine, tmp_path_factory, "redmine")
    yield cast(Redmine, server)
    server.down()


@pytest.fixture
def make_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeServer]:
    """Servers of this test's own, to be killed, restarted or doubled."""
    made: list[Server] = []

    def make(kind: type[Server]) -> Server:
        made.append(running(kind, tmp_path_factory, "own"))
        return made[-1]

    yield make
    for server in made:
        server.down()


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """The live tests run on SQLite."""
    return Maker("sqlite", tmp_path_factory.mktemp("template"), None)


@pytest.fixture
def config(maker: Maker, tmp_path: Path, rt_server: RequestTracker) -> Config:
    """A fresh installation that may reach the shared Request Tracker and nothing else."""
    return settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=f"127.0.0.1:{rt_server.port}")


@pytest.fixture
def rig(rt_server: RequestTracker, config: Config) -> Iterator[rigs.Rig]:
    """Connected, and not interested in what the shared desk holds already."""
    with rigs.running(rigs.Rig.connect(config, rt_server, "intake: ignore\n")) as made:
        yield made
