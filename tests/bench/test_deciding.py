"""The bench of policies: it runs, its two installations do the same work, and one of them decides."""

from __future__ import annotations

import json

from bench import deciding as bench


def test_policies_are_measured_beside_none() -> None:
    found = bench.run(bench.Scale(rounds=1, creates=4, burst=8, tickets=80, idle=2, due=8))
    assert set(bench.DONE) <= set(found) and json.loads(json.dumps(found)) == found
    for what in bench.DONE:
        one = found[what]
        assert one["ratio"] > 0 and min(one["per_s"].values()) > 0
        assert one["statements"]["policies"] <= 20, "few statements, however many events"
    assert found["creates"]["statements"]["policies"] > found["creates"]["statements"]["none"]
    assert "policies/s" in bench.told(found)
