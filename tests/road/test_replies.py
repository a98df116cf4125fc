"""What the reply to a write of ours shows besides: their changes, taken as those a fetch shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Context, Receipt, Record, Value
from connectors.memory.inprocess import MemoryConnector
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import World, world


class Knowing(MemoryConnector):
    """A desk that shows people by their ids, and tells who somebody is."""

    people = frozenset({"id", "email"})  # type: ignore[assignment]

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        return by_id(super().fetch(ctx, id, items))

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        receipt = super().update(ctx, id, fields, version)
        assert receipt.record is not None
        return replace(receipt, record=by_id(receipt.record))


def by_id(record: Record) -> Record:
    assignee = record.fields["assignee"]
    return replace(record, fields={**record.fields, "assignee": str(assignee).partition("@")[0] if assignee else None})


def escalated(config: Config) -> tuple[World, int, str]:
    w = world(config, make=Knowing)
    ticket = w.create(impact="medium", urgency="medium")
    w.wish("escalate", ticket, connection="acme")
    w.run()
    return w, ticket, w.value("select remote_id from link")


def fields(w: World, ticket: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(w.value("select fields from ticket where id = ?", ticket))
    return found


@pytest.mark.parametrize("seen_by", ["poll", "reply"])
def test_the_priority_that_follows_from_their_change_goes_back_to_them(
    store: Store, config: Config, seen_by: str
) -> None:
    w, ticket, remote = escalated(config)
    w.desks["acme"].update("tess", remote, {"impact": "high"})
    if seen_by == "poll":
        w.poll()
    else:
        w.wish("edit", ticket, fields={"title": "VPN is down"})
    w.run()
    assert (fields(w, ticket)["impact"], fields(w, ticket)["priority"]) == ("high", "P2")
    assert w.desks["acme"].get(remote).fields["priority"] == "2"


@pytest.mark.parametrize("seen_by", ["poll", "reply"])
def test_a_person_they_name_is_looked_up(store: Store, config: Config, seen_by: str) -> None:
    w, ticket, remote = escalated(config)
    w.desks["acme"].update("omar", remote, {"assignee": "paula@desk.example"})
    if seen_by == "poll":
        w.poll()
    else:
        w.wish("edit", ticket, fields={"title": "VPN is down"})
    w.run()
    assert fields(w, ticket)["assignee"] == {"email": "paula@desk.example"}
    assert w.rows("select remote_id, name from person") == [("paula", "Paula Provider")]
