"""The table of what each desk can do is what a run of the contract gives."""

from __future__ import annotations

from connectors import registry
from connectors.contract import Contract, table
from connectors.contract.run import Result, names
from tests.connectors import matrix


def test_every_shipped_kind_is_held_to_the_contract_and_stands_in_the_table() -> None:
    assert matrix.held() == list(registry.shipped())
    found = table.load()
    assert sorted(found) == matrix.held()
    assert all(sorted(one["results"]) == names(Contract) for one in found.values())
    assert not [kind for kind, one in found.items() if any(r[0] == "failed" for r in one["results"].values())]


def test_a_run_gives_what_was_written_down() -> None:
    assert matrix.tried("memory") == table.load()["memory"]


def test_the_page_shows_what_was_written_down() -> None:
    assert matrix.PAGE.read_text("utf-8") == matrix.page(table.load())


def test_a_capability_is_there_when_all_its_tests_say_so() -> None:
    def cell(*ended: str) -> str:
        numbers = table.CAPABILITIES["internal note"]
        results = [Result(f"test_{n}_x", e, "why") for n, e in zip(numbers, ended, strict=True)]  # type: ignore[arg-type]
        return table.cells(results)["internal note"].mark

    assert cell("passed", "passed", "passed") == "yes"
    assert cell("passed", "skipped", "passed") == "partly"
    assert cell("skipped", "skipped", "skipped") == "no"
    assert cell("passed", "failed", "skipped") == "FAILS"


def test_what_ran_on_real_servers_is_of_the_contract() -> None:
    live = table.live()
    assert sorted(live) == ["mail", "redmine", "rt"]
    for one in live.values():
        assert {*one["passed"], *one["skipped"]} <= set(names(Contract)) and one["instances"] == 2
        assert len(one["passed"]) >= 50 and not set(one["passed"]) & set(one["skipped"])
