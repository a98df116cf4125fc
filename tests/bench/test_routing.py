"""The bench of routing: a real log sorted and routed, each decision replayed to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import routing as bench
from bench.estimates import NAME, PLACES
from gateway.commands.bench import command

FULL = PLACES[0] / NAME
SAMPLE = PLACES[0] / "sample_uci_incidents.csv"
there = pytest.mark.skipif(not FULL.exists(), reason="the real log is not on this machine")


@there
def test_the_log_is_routed_and_every_decision_replays(full: bool) -> None:
    found = bench.run(bench.Scale() if full else bench.Scale(log=str(SAMPLE)))
    assert found["incidents"] == (24918 if full else 828)
    for name in ("triage", "shipped", "rules"):
        one = found[name]
        assert one["decisions"] == one["replayed_equal"] == sum(one["by_rule"].values()) == found["incidents"]
        assert one["seconds"] < bench.LIMIT
    same, other = found["whatif"]["same"], found["whatif"]["changed"]
    assert same == {"decisions": found["incidents"], "exact": found["incidents"], "changed": 0, "ways": {}}
    assert other["exact"] == found["incidents"]  # history stays as it was, whatever is tried
    gone = found["rules"]["by_rule"][found["whatif"]["without"]]
    assert 0 < other["changed"] == sum(other["ways"].values()) <= gone
    assert found["rules"]["count"] == bench.RULES == len(set(found["rules"]["by_rule"]) - {"default"})
    if full:
        assert found["misrouted"] == pytest.approx(0.456, abs=0.0005)
        assert found["right_at_once"]["rules"] > 0.5
    assert json.loads(json.dumps(found)) == found
    assert f"{found['incidents']:,} replayed equal" in bench.told(found)


HEAD = (
    "number,sys_mod_count,opened_at,contact_type,location,category,subcategory,u_symptom,cmdb_ci,caller_id,impact,urgency,"
    "priority,assignment_group,reassignment_count"
)
ROWS = (
    "INC1,1,1/3/2016 01:16,Email,Site 1,Category 2,?,?,ci 7,Ana,1 - High,2 - Medium,2 - High,Group 9,1",
    "INC1,0,29/2/2016 01:16,Phone,Site 1,Category 1,Sub 1,?,?,Ana,3 - Low,2 - Medium,4 - Low,Group 70,0",
    "INC2,0,2/3/2016 13:00,Self service,?,?,?,?,?,?,2 - Medium,2 - Medium,3 - Moderate,?,0",
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join((HEAD, *ROWS)) + "\n")
    return path


def test_an_incident_is_what_its_first_row_tells(log: Path) -> None:
    one, two = bench.read(log)
    assert (one.first, one.last, one.passed_on) == ("Group 70", "Group 9", True)
    assert (one.fields["category"], one.fields["priority"], one.fields["assets"]) == ("Category 1", "P4", [])
    assert (one.around["channel"], one.around["hour"], one.around["weekday"]) == ("phone", 1, 1)
    assert (two.fields["title"], two.first, two.passed_on) == ("INC2", "", False)


def test_a_month_leads_to_a_rule_for_each_category_that_had_most(log: Path) -> None:
    document = bench.learned(bench.read(log))
    assert [(rule["when"], rule["to"]) for rule in document["rules"]] == [('category == "Category 1"', "team:group-9")]
    assert document["default"] == "team:group-9"


def test_the_command_tells_the_figures(log: Path) -> None:
    done = CliRunner().invoke(command, ["routing", "--json", "--log", str(log)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["incidents"], found["misrouted"], found["first_is_not_last"]) == (2, 0.5, 1.0)
    assert found["shipped"]["replayed_equal"] == 2
    missing = CliRunner().invoke(command, ["routing", "--log", str(log.with_name("nothing.csv"))])
    assert missing.exit_code != 0
    assert "not on this machine" in str(missing.exception) + missing.output
