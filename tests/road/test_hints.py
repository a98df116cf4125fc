"""A hint that something happened: fetched before anything is written, but after it where it was our own doing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.base import Arrival, Context, Event, Receipt, Record
from connectors.memory.inprocess import MemoryConnector
from gateway import pipeline
from gateway.config import Config
from gateway.journal import arrivals
from gateway.store.db import Road, Store
from gateway.store.ids import mint
from tests.worlds import World, world


class Thin(MemoryConnector):
    """A desk whose webhooks name the record and who changed it, no more. ``called`` says what it was asked for."""

    called: list[str]

    def parse(self, arrival: Arrival) -> list[Event]:
        record, _, actor = arrival.body.decode().partition(" ")
        return [Event("changed", record, actor=actor)]

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        self.called.append("fetch")
        return super().fetch(ctx, id, items)

    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt:
        self.called.append("comment")
        return super().comment(ctx, id, channel, text, reaches, replaces)


def hint(w: World, remote: str, actor: str) -> None:
    hook = Arrival("POST", {}, {}, f"{remote} {actor}".encode())
    row = arrivals.of_webhook(mint(), w.value("select id from connection"), hook, None, w.rt.now())
    with w.rt.store.write() as conn:
        arrivals.store(Road(conn, w.rt.store.dialect), [row])
    pipeline.process(w.rt)


@pytest.mark.parametrize(
    ("actors", "calls"),
    [
        (["gateway"], ["comment", "fetch"]),
        (["tess"], ["fetch", "comment"]),
        (["gateway", "tess"], ["fetch", "comment"]),
        (["tess", "gateway"], ["fetch", "comment"]),
    ],
)
def test_our_own_doing_is_looked_at_last(store: Store, config: Config, actors: list[str], calls: list[str]) -> None:
    w = world(config, make=Thin)
    desk = w.connectors["acme"]
    assert isinstance(desk, Thin)
    desk.called = []
    ticket = w.create()
    w.wish("escalate", ticket, connection="acme")
    w.run()
    remote = w.value("select remote_id from link")
    w.desks["acme"].update("tess", remote, {"status": "working"})
    w.wish("comment", ticket, text="Are you there?", audience=["provider:acme"])
    for actor in actors:
        hint(w, remote, actor)
    desk.called.clear()
    w.run()
    assert desk.called == calls
    assert w.value("select status from ticket where id = ?", ticket) == "in_progress", "whoever it was, it is seen"
    assert w.rows("select verify from link") == [(0,)]
