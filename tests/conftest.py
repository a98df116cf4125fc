"""What any test may ask for: ``store`` (a prepared database, once on SQLite and once on PostgreSQL) and ``config``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from bench.postgres import VOLATILE, Postgres, postgres, postgres_binaries
from gateway.config import Config
from gateway.store.db import Store
from tests.commandline import Run, runner
from tests.databases import Database, Maker, settings

DIALECTS = ["sqlite", "postgresql"]


HEALTH = [HealthCheck.too_slow]
hypothesis_settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=HEALTH)
hypothesis_settings.register_profile("new", deadline=None, suppress_health_check=HEALTH)


def pytest_configure(config: pytest.Config) -> None:
    """The same code is tried on the same examples, so that only a change can fail it; ``--full`` looks for new ones."""
    hypothesis_settings.load_profile("new" if config.getoption("full") else "same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the long forms: all tickets, all runs, all crash points")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this is ``make live`` or ``make campaign`` rather than ``make test``."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL per test process."""
    if postgres_binaries() is None:
        pytest.skip("no PostgreSQL on this machine: initdb was not found")
    with postgres(**VOLATILE) as server:
        yield server


@pytest.fixture(scope="session")
def _makers() -> dict[str, Maker]:
    return {}


@pytest.fixture(params=DIALECTS)
def maker(request: pytest.FixtureRequest, _makers: dict[str, Maker], tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes databases of the dialect that this test runs on."""
    dialect: str = request.param
    if dialect not in _makers:
        server = request.getfixturevalue("postgres_server") if dialect == "postgresql" else None
        _makers[dialect] = Maker(dialect, tmp_path_factory.mktemp("template"), server)
    return _makers[dialect]


@pytest.fixture
def database(maker: Maker, tmp_path: Path) -> Iterator[Database]:
    """A prepared database of its own."""
    made = maker.prepared(tmp_path)
    yield made
    maker.drop(made)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """A prepared database, open."""
    opened = database.store()
    yield opened
    opened.close()


@pytest.fixture
def bare_store(maker: Maker, tmp_path: Path) -> Iterator[Store]:
    """A database with all tables and no rows, open."""
    made = maker.migrated(tmp_path)
    opened = made.store()
    yield opened
    opened.close()
    maker.drop(made)


@pytest.fixture
def empty_store(maker: Maker, tmp_path: Path) -> Iterator[Store]:
    """A database without a single table, open."""
    made = maker.empty(tmp_path)
    opened = made.store()
    yield opened
    opened.close()
    maker.drop(made)


@pytest.fixture
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Settings with a state folder of their own, for the test's ``store`` where it has one."""
    url = request.getfixturevalue("database").url if "database" in request.fixturenames else ""
    return settings(tmp_path, url)


@pytest.fixture
def tandem(store: Store, config: Config) -> Run:
    """The command line on the test's prepared database."""
    return runner(config)
