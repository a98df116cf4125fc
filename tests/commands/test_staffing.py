"""``tandem staffing``: the published example, a simulated desk, and a load that nobody can carry."""

from __future__ import annotations

import json

import pytest

from tests.commands.conftest import Cli

LOAD = ("--contacts", "200", "--handling", "180")


def test_the_published_example(cli: Cli) -> None:
    found = json.loads(cli.good("staffing", "plan", *LOAD, "--json"))
    assert (found["erlangs"], found["agents"], found["heads"], found["lines"]) == (10.0, 14, 20, 18)
    assert found["answered"] == pytest.approx(0.8883500191794669, abs=1e-9)
    told = cli.good("staffing", "plan", *LOAD)
    assert "10.00 Erlangs" in told and "88.8% within 20 s" in told


def test_a_provider_behind_a_small_desk(cli: Cli) -> None:
    small = ("staffing", "simulate", *LOAD, "--patience", "300", "--hours", "20", "--runs", "3", "--json")
    alone, helped = (json.loads(cli.good(*small, "--agents", "9", "--provider", number)) for number in ("0", "3"))
    assert helped["abandoned"]["mean"] < alone["abandoned"]["mean"]
    assert alone["helped:provider"]["mean"] == 0 < helped["helped:provider"]["mean"]
    assert json.loads(cli.good(*small, "--agents", "9", "--provider", "3")) == helped


def test_a_load_that_nobody_can_carry_is_refused(cli: Cli) -> None:
    said = cli.refused("staffing", "simulate", *LOAD, "--agents", "9")
    assert "more comes in" in said and "--patience" in said
