"""Pooled connections: the road's own transactions, and which connections of PostgreSQL are used again."""

from __future__ import annotations

import pytest

from gateway.store.db import Store


def test_a_transaction_of_the_road_is_kept_whole_or_not_at_all(store: Store) -> None:
    def value() -> int:
        with store.road() as road:
            return int(road.rows("select value from sequence where name = 'ticket'")[0][0])

    before = value()
    with store.road(write=True) as road:
        road.run("update sequence set value = value + 1 where name = 'ticket'")
    with pytest.raises(ZeroDivisionError), store.road(write=True) as road:
        road.run("update sequence set value = value + 1 where name = 'ticket'")
        _ = 1 / 0
    assert value() == before + 1


def pid(store: Store) -> int:
    with store.road() as road:
        return int(road.rows("select pg_backend_pid()")[0][0])


def test_a_word_that_nobody_asked_for_does_not_end_a_connection(store: Store) -> None:
    """Over TLS the first thing to read may be a session ticket: every new connection would be thrown away."""
    if store.dialect == "sqlite":
        pytest.skip("SQLite has no server that speaks")
    with store.road(write=True) as road:
        road.run("listen news")
    before, other = pid(store), Store(str(store.engine.url.render_as_string(hide_password=False)))
    with other.road(write=True) as road:
        road.run("notify news")
    other.close()
    assert pid(store) == before


def test_a_connection_whose_server_ended_it_is_replaced(store: Store) -> None:
    if store.dialect == "sqlite":
        pytest.skip("SQLite has no server that could end it")
    before, other = pid(store), Store(str(store.engine.url.render_as_string(hide_password=False)))
    with other.road(write=True) as road:
        road.rows("select pg_terminate_backend(?)", before)
    other.close()
    assert pid(store) != before
