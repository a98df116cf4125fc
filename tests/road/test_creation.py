"""A field that creation cannot set: owed afterwards, unless the record began with what we would have written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from connectors.base import Catalogue, Context, Hit, Json, Receipt, Record, Value
from connectors.errors import Refused
from connectors.memory.faults import Queue
from connectors.memory.inprocess import MemoryConnector
from gateway.clock import now_us
from gateway.config import Config
from gateway.store.db import Store
from tests.road.conftest import Make
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


def test_a_desk_that_does_not_keep_our_reference_is_said_and_not_searched_in_vain(scene: Make) -> None:
    """Its field is missing, or we may not set it: after a lost answer nothing was found, and the record made twice."""
    s = scene()
    desk = s.desks["acme"]
    made = desk.create
    desk.create = lambda actor, fields: made(actor, {**fields, "reference": ""})  # type: ignore[method-assign]
    s.escalated()
    assert [text for (text,) in s.rows("select text from notice")] == [
        "acme made the record, but our reference was not kept in reference: if an answer is lost, a person has to look"
        " whether a record was made"
    ]
    second = s.world.create("mail down")
    s.fault("commit_then_drop", "create")
    s.wish("escalate", second, connection="acme")
    s.work()
    s.calm()
    assert sorted(t.fields["title"] for t in desk.tickets.values()) == ["VPN down", "mail down"]
    assert ("doubled", "") in s.notices()
    assert s.value("select count(*) from lane where held <> ''") == 1


class Mute(MemoryConnector):
    """A desk that refuses to be searched or read."""

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        raise Refused("it is not allowed")

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        raise Refused("it is not allowed")


@pytest.mark.parametrize("lost", ["create", "update"])
def test_a_look_that_is_refused_waits_for_a_person_and_is_not_repeated(store: Store, config: Config, lost: str) -> None:
    """Whether the write landed stays unknown: looking again at once, and again, would never end."""
    script = Queue()
    w = world(config, make=partial(Mute, script=script))
    ahead = [0]
    w.rt.now = lambda: now_us() + ahead[0]
    w.rt._told_at = math.inf  # nobody sets this clock by the database's
    ticket = w.create()
    if lost == "create":
        script.plan("commit_then_drop", "create")
    w.wish("escalate", ticket, connection="acme")
    w.run()
    if lost == "update":
        script.plan("commit_then_drop", "update")
        w.wish("edit", ticket, fields={"title": "VPN is down"})
        w.run()
    for _ in range(3):
        ahead[0] += 70_000_000
        w.run()
    assert w.rows("select outcome from attempt where outcome = 'unknown'") == [("unknown",)]
    assert [held for (held,) in w.rows("select held from lane")] == ["it is not allowed"]
    assert w.rows("select kind, count from notice where kind = 'refused'") == [("refused", 1)]
