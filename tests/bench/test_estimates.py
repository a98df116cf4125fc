"""The bench of estimates: the real log's published figures, and the reason for counting open tickets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import estimates as bench
from gateway.commands.bench import command
from gateway.insight.cases import Kind
from gateway.insight.saying import HOUR

LOG = bench.PLACES[0] / bench.NAME
there = pytest.mark.skipif(not LOG.exists(), reason="the real log is not on this machine")

PUBLISHED = {
    "resolved": {"P50": (0.541, None, 26), "P80": (0.786, 0.616, 147), "P90": (0.857, 0.719, 250)},
    "curve": {"P50": (0.602, None, 49), "P80": (0.869, 0.870, 214), "P90": (0.926, 0.945, 340)},
}
"""Solved within the time told; of those of 15-31 March; the median told, in hours."""


@there
def test_the_figures_of_the_log_are_reproduced() -> None:
    found = bench.run(bench.Scale())
    assert (found["incidents"], found["forecasts"]) == (24918, 20254)
    for method, rows in PUBLISHED.items():
        for name, (coverage, march, median) in rows.items():
            one = found["methods"][method][name]
            assert (round(one["coverage"], 3), round(one["median_h"])) == (coverage, median), (method, name)
            assert march is None or one["march"] == pytest.approx(march, abs=0.0006), (method, name)
    assert 0.80 <= found["p80_coverage"] <= 0.92
    assert found["p80_resolved_only_march"] < 0.70 < found["methods"]["tandem"]["P80"]["march"]
    tandem = found["methods"]["tandem"]["P80"]
    assert tandem["untold"] < 600 and 0.80 <= tandem["of_told"] <= tandem["coverage"]
    assert found["pinball"]["group"] < found["pinball"]["global"]
    assert json.loads(json.dumps(found)) == found
    assert "P80 coverage 0.88" in bench.told(found) and "reached" in bench.told(found)


HEAD = "number,sys_mod_count,category,subcategory,priority,opened_at,resolved_at,closed_at"


def test_a_log_is_read_by_first_facts_and_last_ends(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = (
        "INC2,0,Category 1,?,4 - Low,1/3/2016 00:00,?,3/3/2016 00:00",
        "INC1,1,Category 9,Sub 2,2 - High,29/2/2016 01:16,29/2/2016 11:16,5/3/2016 12:00",
        "INC1,0,Category 1,Sub 1,3 - Moderate,29/2/2016 01:16,29/2/2016 11:16,5/3/2016 12:00",
    )
    log.write_text("\n".join((HEAD, *rows)))
    closed, solved = bench.read(log)
    assert closed.resolved is not None and closed.resolved - closed.created == 48 * HOUR
    assert solved.resolved is not None and solved.resolved - solved.created == 10 * HOUR
    assert solved.kind == Kind("Category 1", "Sub 1", "3 - Moderate")
    assert solved.created == 1456708560_000000


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["estimates", "--log", str(tmp_path / "none.csv")])
    assert done.exit_code == 1 and "10.24432/C57S4H" in done.output
