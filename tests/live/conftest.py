"""The real servers the live tests run against, one of each per test process unless a test starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import pytest

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
