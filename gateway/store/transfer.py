"""From one database to another: how an installation moves from SQLite to PostgreSQL, or back.

The copy is one consistent look at the source and one transaction at the target: whole, or not there.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Table, select

from gateway.errors import Conflict
from gateway.store import schema
from gateway.store.db import Road, Store
from gateway.store.tables import metadata

SLICE = 1000


def copy(source: Store, target: Store, said: Callable[[str, int], None] = lambda table, rows: None) -> int:
    """Copy every row of every table; how many. ``said`` hears each table's name and rows as it is done. The target is
    empty or new. Raises ConfigError when the source is not of this version, Conflict when the target holds rows."""
    schema.check(source)
    schema.upgrade(target)
    total = 0
    with source.read() as reading, target.write() as writing:
        if source.dialect == "postgresql":
            reading.exec_driver_sql("set transaction isolation level repeatable read, read only")
        _refuse_rows(writing)
        for table in metadata.sorted_tables:
            rows = _copy(table, reading, Road(writing, target.dialect))
            said(table.name, rows)
            total += rows
    return total


def _refuse_rows(conn: Connection) -> None:
    for table in metadata.sorted_tables:
        if conn.execute(select(table).limit(1)).first() is not None:
            raise Conflict("the target holds rows already", "table", table.name, "Name an empty database.")


def _copy(table: Table, source: Connection, road: Road) -> int:
    names = [column.name for column in table.columns]
    query = select(table).order_by(*table.primary_key.columns)
    found = source.execution_options(stream_results=True, yield_per=SLICE).execute(query)
    return sum(road.insert(table, names, [tuple(row) for row in part]) for part in found.partitions())
