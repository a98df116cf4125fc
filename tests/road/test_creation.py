"""A field that creation cannot set: owed afterwards, unless the record began with what we would have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from connectors.base import Catalogue, Context, Json, Receipt, Value
from connectors.memory.inprocess import MemoryConnector
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
