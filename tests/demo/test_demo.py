"""The demo: its tickets are ones a person could file, and its provider is connected once, wherever it listens."""

from __future__ import annotations

import itertools
import socket
import stat
from datetime import UTC, datetime

import pytest

from connectors.memory.server import DeskServer
from gateway.config import Config
from gateway.demo import desk
from gateway.demo.story import STORIES, tickets
from gateway.errors import Unavailable
from gateway.runtime import Runtime
from gateway.store.db import Store
from gateway.tickets.vocabulary import FIELDS
from tests.worlds import world


def test_every_story_is_a_ticket_the_vocabulary_knows(store: Store, config: Config) -> None:
    small = world(config)
    for _, fields in itertools.islice(tickets(), len(STORIES)):
        assert set(fields) <= set(FIELDS)
        small.create(**fields)
    assert small.value("select count(*) from ticket") == len(STORIES)
    assert small.rows("select * from notice") == []


def test_the_provider_is_connected_once_and_followed_to_another_port(store: Store, config: Config) -> None:
    made = desk.prepare(config)
    config = config.allowing(made.destination)
    for _ in range(2):
        with DeskServer(lambda: datetime.now(UTC), made.secret("token")) as server:
            port = int(server.url.rpartition(":")[2])
            rt = Runtime.open(config.allowing(f"127.0.0.1:{port}"))
            desk.connect(rt, desk.of(config, port))
            desk.connect(rt, desk.of(config, port))
            [row] = rt.desks.rows()
            assert (row.name, row.kind, row.state, row.settings["url"]) == ("acme", "memory", "active", server.url)
            assert row.me
            rt.close()


def test_a_desk_that_is_not_up_yet_is_said(store: Store, config: Config) -> None:
    made = desk.prepare(config)
    rt = Runtime.open(config.allowing(made.destination))
    with pytest.raises(Unavailable):
        desk.connect(rt, made)
    assert rt.desks.rows() == []
    rt.close()


def test_a_taken_port_gives_way(config: Config) -> None:
    config.home.mkdir(parents=True, exist_ok=True)
    first = desk.prepare(config)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        assert desk.prepare(config).port != first.port


def test_its_secrets_are_private_and_stay_out_of_the_command_line(config: Config) -> None:
    made = desk.prepare(config)
    for name in ("token", "webhook"):
        assert stat.S_IMODE((made.folder / name).stat().st_mode) == 0o600
        assert made.secret(name) == desk.prepare(config).secret(name)
        assert made.secret(name) not in str([child.what for child in made.children(config)])
    assert config.allowing(made.destination).egress_allow == (f"127.0.0.1:{made.port}",)
