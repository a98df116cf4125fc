"""An installation moves from one database to the other and back, row by row the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Integer, LargeBinary, Table, select

from bench.postgres import Postgres
from gateway.clock import now_us
from gateway.config import Config
from gateway.errors import ConfigError, Conflict
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import verify
from gateway.store import schema, tables, transfer
from gateway.store.db import Road, Store
from tests.databases import Maker
from tests.journal.trail import Trail

Dump = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def elsewhere(store: Store, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty database of the other kind."""
    folder = tmp_path_factory.mktemp("elsewhere")
    maker = (
        Maker("sqlite", folder, None) if store.dialect == "postgresql" else Maker("postgresql", folder, postgres_server)
    )
    made = maker.empty(folder)
    opened = made.store()
    yield opened
    opened.close()
    maker.drop(made)


def value(table: Table, column: Any, n: int) -> Any:
    """Something telling for a column: edges of integers, bytes that are no text, three scripts, nulls."""
    if column.foreign_keys:
        return next(iter(column.foreign_keys)).column.table.info["first"]
    if column.nullable and n % 2:
        return None
    if isinstance(column.type, BigInteger):
        return (1 << 62) + n
    if isinstance(column.type, Integer):
        return n
    if isinstance(column.type, LargeBinary):
        return bytes([0, 255, n])
    return f"{column.name} {n}: ñ Ж \U0001f600 \\ '\""


def fill(store: Store) -> None:
    """One or two more rows in every table: the second where no unique rule forbids it."""
    with store.write() as conn:
        road = Road(conn, store.dialect)
        for table in tables.metadata.sorted_tables:
            names = [column.name for column in table.columns]
            for n in (50, 51):
                row = tuple(value(table, column, n) for column in table.columns)
                road.insert(table, names, [row], ignore=True)
            table.info["first"] = (1 << 62) + 50


def dump(store: Store) -> Dump:
    with store.read() as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables.metadata.sorted_tables
        }


def test_every_row_of_every_table_arrives_and_comes_back(
    store: Store,
    elsewhere: Store,
    maker: Maker,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(store)
    monkeypatch.setattr(transfer, "SLICE", 1)
    before = dump(store)
    assert all(before.values())
    told: dict[str, int] = {}
    total = transfer.copy(store, elsewhere, told.__setitem__)
    assert total == sum(map(len, before.values())) and told == {name: len(rows) for name, rows in before.items()}
    assert sorted(map(repr, dump(elsewhere).items())) == sorted(map(repr, before.items()))
    made = maker.empty(tmp_path_factory.mktemp("back"))
    back = made.store()
    transfer.copy(elsewhere, back)
    assert dump(back) == before
    back.close()
    maker.drop(made)


def test_the_audit_trail_and_the_key_hold_at_the_new_place(store: Store, elsewhere: Store, config: Config) -> None:
    trail = Trail(store, config)
    ids = trail.tickets(3)
    trail.change(ids)
    trail.seal()
    trail.change(ids)
    transfer.copy(store, elsewhere)
    assert schema.installation(elsewhere, config) == schema.installation(store, config)
    moved = Trail(elsewhere, config)
    moved.change(ids)
    seal(elsewhere, moved.keys, now_us(), owner="x")
    report = verify(elsewhere, Keys.of(config), (), now_us())
    assert report.ok and report.entries >= 9


def test_a_target_with_rows_is_left_alone(store: Store, elsewhere: Store) -> None:
    transfer.copy(store, elsewhere)
    before = dump(elsewhere)
    with pytest.raises(Conflict, match="holds rows"):
        transfer.copy(store, elsewhere)
    assert dump(elsewhere) == before


def test_a_copy_that_fails_leaves_nothing(store: Store, elsewhere: Store, tmp_path: Path) -> None:
    def stop(table: str, rows: int) -> None:
        if table == "team":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer.copy(store, elsewhere, stop)
    assert not any(dump(elsewhere).values())
    assert transfer.copy(store, elsewhere) > 0


def test_a_source_of_another_version_is_refused(empty_store: Store, elsewhere: Store) -> None:
    with pytest.raises(ConfigError, match="tandem db upgrade"):
        transfer.copy(empty_store, elsewhere)
