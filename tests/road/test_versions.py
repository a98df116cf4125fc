"""A write carries the version it was based on; our own comment, which moved it, is no reason to start over."""

from __future__ import annotations

import json
from functools import partial

from connectors.memory.inprocess import MemoryConnector
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import World, world


def escalated(config: Config) -> tuple[World, int, str]:
    w = world(config, make=partial(MemoryConnector, locking=True))
    ticket = w.create()
    w.wish("escalate", ticket, connection="acme")
    w.run()
    return w, ticket, w.value("select remote_id from link")


def test_our_own_comment_before_an_update_does_not_make_it_stale(store: Store, config: Config) -> None:
    w, ticket, remote = escalated(config)
    w.wish("comment", ticket, text="It is urgent now.", audience=["provider:acme"])
    w.wish("edit", ticket, fields={"urgency": "high"})
    w.run()
    assert w.desks["acme"].get(remote).fields["urgency"] == "high"
    ends = w.rows("select kind, outcome from attempt order by id")
    assert ends == [("create", "ok"), ("comment", "ok"), ("update", "ok")]


def test_a_change_of_theirs_to_another_field_does_not_either_and_is_taken(store: Store, config: Config) -> None:
    w, ticket, remote = escalated(config)
    w.desks["acme"].update("tess", remote, {"impact": "low"})
    w.wish("edit", ticket, fields={"urgency": "high"})
    w.run()
    assert w.desks["acme"].get(remote).fields["urgency"] == "high"
    assert json.loads(w.value("select fields from ticket where id = ?", ticket))["impact"] == "low"
    assert w.rows("select outcome from attempt where kind = 'update'")[0] == ("ok",)


def test_a_change_of_theirs_to_the_same_field_is_merged_before_anything_is_written(
    store: Store, config: Config
) -> None:
    w, ticket, remote = escalated(config)
    w.desks["acme"].update("tess", remote, {"status": "working"})
    w.wish("edit", ticket, fields={"status": "pending_requester"})
    w.run()
    assert w.rows("select outcome from attempt where kind = 'update' order by id")[0] == ("stale",)
