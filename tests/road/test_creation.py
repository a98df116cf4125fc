"""A field that creation cannot set: owed afterwards, unless the record began with what we would have written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from connectors.base import Catalogue, Context, Json, Receipt, Value
from connectors.memory.faults import Queue
from connectors.memory.inprocess import MemoryConnector
from gateway.clock import now_us
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import world


class Beginning(MemoryConnector):
    """A desk whose records always begin open."""

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        found = super().catalogue(lists, declared)
        status = {**found.doc["fields"]["status"], "write": "update"}
        return replace(found, doc={**found.doc, "fields": {**found.doc["fields"], "status": status}})

    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt:
        assert "status" not in fields
        return super().create(ctx, fields, ref, key)


@pytest.mark.parametrize(
    ("status", "theirs", "writes"),
    [("new", "open", ["create"]), ("pending_requester", "waiting", ["create", "update"])],
)
def test_the_status_follows_where_the_record_began_with_another(
    store: Store, config: Config, status: str, theirs: str, writes: list[str]
) -> None:
    w = world(config, make=Beginning)
    ticket = w.create(status=status)
    w.wish("escalate", ticket, connection="acme")
    w.run()
    assert w.desks["acme"].get(w.value("select remote_id from link")).fields["status"] == theirs
    assert w.value("select status from ticket where id = ?", ticket) == status
    assert [kind for (kind,) in w.rows("select kind from attempt order by id")] == writes
    assert w.rows("select kind from notice") == []


def test_a_create_that_never_landed_says_nothing_about_the_record_made_after_it(store: Store, config: Config) -> None:
    """Their edit, first seen in the answer to a write of ours, is theirs."""
    script = Queue()
    w = world(config, make=partial(MemoryConnector, script=script))
    ahead = [0]
    w.rt.now = lambda: now_us() + ahead[0]
    w.rt._told_at = math.inf  # nobody sets this clock by the database's
    script.plan("drop_before_commit", "create")
    ticket = w.create(impact="medium")
    w.wish("escalate", ticket, connection="acme")
    for _ in range(4):  # sent, looked for, given up, sent again
        w.run()
        ahead[0] += 70_000_000
    outcomes = w.rows("select outcome from attempt order by id")
    assert len(outcomes) == 2 and outcomes[-1] == ("ok",)

    remote = w.value("select remote_id from link")
    w.desks["acme"].update("tess", remote, {"impact": "low"})
    w.wish("edit", ticket, fields={"title": "VPN is down"})
    w.run()
    assert json.loads(w.value("select fields from ticket where id = ?", ticket))["impact"] == "low"
    assert w.desks["acme"].get(remote).fields["impact"] == "low"
