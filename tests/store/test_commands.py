"""``tandem db``: upgrade, check and copy, as an operator runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config
from gateway.errors import ConfigError, Conflict
from gateway.store import schema
from gateway.store.db import Store
from tests.commandline import Run, runner
from tests.databases import Maker, settings


def test_an_empty_database_becomes_good(maker: Maker, tmp_path: Path) -> None:
    made = maker.empty(tmp_path)
    config = settings(tmp_path, made.url)
    run = runner(config)
    assert isinstance(run("db", "check").exception, ConfigError)
    first = run("db", "upgrade")
    assert first.exit_code == 0, first.output
    assert run("db", "upgrade").output == first.output
    code = first.output.split()[-1]
    assert run("db", "check").output == f"database: good, installation {code}\n"
    assert run("audit", "verify").output.endswith("audit: all good\n")
    maker.drop(made)


def test_another_key_is_told_at_once(tandem: Run) -> None:
    error = tandem("db", "check", TANDEM_SECRET_KEY="A" * 43 + "=").exception
    assert isinstance(error, ConfigError) and "another secret key" in str(error)


def test_a_copy_is_the_same_installation(
    tandem: Run, store: Store, config: Config, maker: Maker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = maker.empty(tmp_path_factory.mktemp("copy"))
    said = tandem("db", "copy", made.url.replace("+psycopg", ""))
    assert said.exit_code == 0, said.output
    assert "team: 1\n" in said.output and said.output.endswith("rows copied\n")
    there = made.store()
    assert schema.installation(there, config) == schema.installation(store, config)
    assert isinstance(tandem("db", "copy", made.url).exception, Conflict)
    there.close()
    maker.drop(made)


def test_a_copy_to_nowhere_is_refused(tandem: Run) -> None:
    assert isinstance(tandem("db", "copy", "mysql://somewhere/x").exception, ConfigError)
