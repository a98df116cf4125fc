"""The migrations make exactly the tables of ``tables.py``, once, on both databases; preparing twice changes nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from gateway.config import Config
from gateway.errors import ConfigError
from gateway.store import schema, tables
from gateway.store.db import Store
from tests.databases import Maker

SQLITE_SHAPE = "select type, name, sql from sqlite_master where sql is not null and name <> 'alembic_version'"
POSTGRES_SHAPE = (
    "select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'",
    "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where contype in ('f', 'u')"
    " and connamespace = 'public'::regnamespace",
    "select relname, 'options', reloptions::text from pg_class where relkind = 'r' "
    "and relnamespace = 'public'::regnamespace",
    "select table_name, column_name, data_type || is_nullable || coalesce(column_default, '') "
    "from information_schema.columns where table_schema = 'public'",
)


def shape(store: Store) -> set[tuple[str, ...]]:
    """Every table, column, constraint and index with its predicate, in the database's own words (constraints of a
    table in any order)."""
    with store.read() as conn:
        if store.dialect == "sqlite":
            rows = [r for r in conn.execute(text(SQLITE_SHAPE)) if r.type != "trigger"]
            return {(r.type, r.name, *sorted(re.split(r"[,()\s\"]+", r.sql))) for r in rows}
        rows = [r for query in POSTGRES_SHAPE for r in conn.execute(text(query))]
        return {tuple(map(str, r)) for r in rows if "alembic_version" not in map(str, r)}


def test_the_migrations_make_the_tables_that_the_code_knows(
    store: Store, maker: Maker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with store.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn), tables.metadata) == []
    made = maker.empty(tmp_path_factory.mktemp("plain"))
    plain = made.store()
    tables.metadata.create_all(plain.engine)
    try:
        migrated, wanted = shape(store), shape(plain)
        assert migrated - {s for s in migrated if "alembic" in s[1]} == wanted
    finally:
        plain.close()
        maker.drop(made)


def test_an_empty_database_is_not_current_until_it_is_upgraded(empty_store: Store) -> None:
    assert not schema.current(empty_store)
    with pytest.raises(ConfigError, match="tandem db upgrade"):
        schema.check(empty_store)
    schema.upgrade(empty_store)
    schema.check(empty_store)
    schema.check(empty_store)


def test_two_processes_that_upgrade_and_prepare_at_once_do_not_fight(empty_store: Store, config: Config) -> None:
    def start(_: int) -> schema.Installation:
        other = Store(empty_store.engine.url.render_as_string(hide_password=False))
        schema.upgrade(other)
        made = schema.prepare(other, config)
        other.close()
        return made

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(start, range(4)))
    assert len(set(made)) == 1
    with empty_store.read() as conn:
        assert conn.scalar(select(func.count()).select_from(tables.installation)) == 1
        assert conn.scalar(select(func.count()).select_from(tables.team)) == 1


def test_a_database_of_a_newer_tandem_is_left_alone(store: Store) -> None:
    with store.write() as conn:
        conn.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer Tandem"):
        schema.upgrade(store)
    assert not schema.current(store)


def test_a_prepared_database_has_its_first_rows(store: Store, config: Config) -> None:
    made = schema.installation(store, config)
    assert re.fullmatch(r"[A-Z2-7]{8}", made.code) and len(made.id_salt) == 32
    assert "id_salt" not in repr(made)
    with store.read() as conn:
        assert conn.scalar(select(tables.sequence.c.value).where(tables.sequence.c.name == "ticket")) == 1000
        assert conn.scalars(select(tables.team.c.slug)).all() == ["service-desk"]
    assert schema.prepare(store, config) == made


def test_preparing_again_keeps_the_ticket_numbers(store: Store, config: Config) -> None:
    with store.write() as conn:
        conn.execute(text("update sequence set value = 1042"))
    schema.prepare(store, config)
    with store.read() as conn:
        assert conn.scalar(select(tables.sequence.c.value)) == 1042


def test_another_secret_key_is_refused(store: Store, config: Config) -> None:
    other = replace(config, secret=bytes(32))
    for start in (schema.prepare, schema.installation):
        with pytest.raises(ConfigError, match="another secret key"):
            start(store, other)


def test_an_unprepared_database_has_no_installation(empty_store: Store, config: Config) -> None:
    schema.upgrade(empty_store)
    with pytest.raises(ConfigError, match="never prepared"):
        schema.installation(empty_store, config)


def test_a_shipped_mapping_gets_a_version_when_it_is_new_and_only_then(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def versions() -> list[tuple[int | None, str]]:
        with store.read() as conn:
            document = tables.document
            found = select(document.c.version, document.c.text).where(document.c.name == "sample")
            return [tuple(row) for row in conn.execute(found.order_by(document.c.version))]

    for texts in (["one"], ["one"], ["two"], ["one"]):
        monkeypatch.setattr(schema, "_shipped", lambda texts=texts: [("sample", t) for t in texts])
        schema.prepare(store, config)
    assert versions() == [(1, "one"), (2, "two")]
    with store.read() as conn:
        assert conn.scalar(select(tables.subject.c.audit_seq).where(tables.subject.c.name == "mapping:sample")) == 2
