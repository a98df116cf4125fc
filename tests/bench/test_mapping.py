"""The bench of mappings: everybody gives the same answers, and its figures are there."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bench import maps
from bench.mapping import Scale, agree, run, told
from gateway.commands.bench import command

PEERS = ("marshmallow", "jmespath", "glom", "jsonata-python")


def test_all_contenders_give_equal_answers_and_are_measured() -> None:
    found = run(Scale(rounds=2, slice_ms=1, records=30))
    assert found["missing"] == []
    for way in ("inward", "outward", "both"):
        assert set(found[way]["per_s"]) == {"tandem", "hand", *PEERS}
        assert found[way]["fastest"] in PEERS
        assert found[way]["ratio"] == min(found[way]["times"][peer] for peer in PEERS)
    assert "jmespath" in told(found) and "not installed" not in told(found)


def test_the_map_has_fifteen_fields_and_reads_what_it_should() -> None:
    record = maps.records(1)[0] | {"description": "one \r\n\r\ntwo\r\n", "state": "4", "u_assets": "PR-2, LT-1"}
    values = maps.tandem().inward(record)
    assert len(values) == 15
    assert values["description"] == "one\n\ntwo"
    assert (values["status"], values["assets"]) == ("pending_provider", ["LT-1", "PR-2"])


def test_a_contender_that_differs_is_found() -> None:
    theirs = maps.records(3)
    ours = [maps.typed(maps.tandem().inward(record)) for record in theirs]
    lazy = maps.Contender("lazy", lambda record: {"title": ""}, lambda values: values)
    agree([maps.tandem(), maps.by_hand()], theirs, ours)
    with pytest.raises(SystemExit, match="lazy gives"):
        agree([maps.tandem(), lazy], theirs, ours)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.mapping.versions", lambda: {**maps.versions(), "glom": ""})
    found = run(Scale(rounds=1, slice_ms=1, records=10))
    assert found["missing"] == ["glom"] and "glom" not in found["both"]["per_s"]
    assert "not installed, so not measured: glom" in told(found)


def test_the_command_prints_json() -> None:
    done = CliRunner().invoke(command, ["mapping", "--quick", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["ratio"] > 0
