"""Old arrivals and facts go, in slices; what is dead, waiting or young stays."""

from __future__ import annotations

from gateway.config import Config
from gateway.store import retention, tables
from gateway.store.db import Road, Store
from gateway.store.ids import mint
from gateway.store.retention import DAY, KEEP
from tests.worlds import world


def test_only_what_is_old_and_done_goes(store: Store, config: Config) -> None:
    w = world(config)
    now = w.rt.now()
    connection = w.value("select id from connection")
    with store.write() as conn:
        road = Road(conn, store.dialect)
        columns = ("id", "connection_id", "kind", "body", "received_at", "state")
        ages = [(1, KEEP + DAY), (2, KEEP + DAY), (0, KEEP + DAY), (1, DAY)]
        rows = [(mint(), connection, "webhook", b"", now - age, state) for state, age in ages]
        road.insert(tables.arrival, columns, rows)
        road.insert(tables.facts, ("id", "as_of", "blob"), [(mint(), now - KEEP - 1, b""), (mint(), now, b"")])
    assert retention.prune(store, now) == 2
    assert w.rows("select state from arrival order by state") == [(0,), (1,), (2,)]
    assert w.value("select count(*) from facts where as_of < ?", now - KEEP) == 0
