"""The real ServiceNow log, brought in through the real door, planned again: nothing is missing, nobody is called."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from connectors.simulators.servicenow_log import Replay, read
from connectors.simulators.webhooks import Mood
from gateway.config import Config
from gateway.preview import Span, preview
from gateway.store.db import Store
from tests.preview.support import Facts, Silence, draft, items
from tests.road.test_servicenow_log import SAMPLE, bring, replayed
from tests.worlds import World

pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="the real log is not on this machine")

SAME = "mapping: 1\nname: northwind\nextends: servicenow\n"
CLOSES = f"{SAME}fields:\n  status: {{values: {{Resolved: closed}}, write: {{resolved: Resolved, closed: Closed}}}}\n"


def became(w: World, status: str) -> set[int]:
    """The tickets that ever had a status, as the audit trail tells."""
    found = set()
    for subject, payload in w.rows("select subject, payload from audit where subject like 'ticket:%'"):
        was = json.loads(payload).get("changes", {}).get("status")
        if was and was[1] == status:
            found.add(int(subject.removeprefix("ticket:")))
    return found


def test_a_preview_of_the_log(
    store: Store, config: Config, full: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(read(SAMPLE))
    if not full:
        some = {row["number"] for row in rows}
        rows = [row for row in rows if row["number"] in set(sorted(some)[::24])]
    with replayed(config, Mood(twice=0.1, shuffle=30, drop=0.1)) as (w, desk):
        bring(w, desk, Replay(desk, rows))
        resolved = became(w, "resolved")
        assert resolved
        span = Span(days=30, limit=50_000)
        with Silence(w.rt, monkeypatch):
            began = time.monotonic()
            same = preview(w.rt, draft(w.rt, SAME, "servicenow"), span)
            took = time.monotonic() - began
            other = preview(w.rt, draft(w.rt, CLOSES, "servicenow"), span)
            differing = [
                one for one in items(w.rt, draft(w.rt, CLOSES, "servicenow")) if not one.before.same(one.after)
            ]
        found: dict[str, Any] = same["facts"]
        with capsys.disabled():
            print(f"\n[{store.dialect}] {found['items']} items of {len(rows)} events in {took:.2f} s")  # noqa: T201
        assert found["items"] >= len({row["number"] for row in rows})
        assert found["exact"] == found["replayed"] == found["items"]
        assert (found["unequal"], found["not_replayable"], found["cut"]) == (0, 0, False)
        assert same["plans"] == {"same": found["items"], "changed": 0, "held": 0, "tickets": 0}
        assert (same["surprises"], same["drift"], same["outbound_calls"]) == ([], {}, 0)

        assert other["facts"]["exact"] == found["items"]
        assert {one.ticket for one in differing} == resolved
        assert other["plans"]["tickets"] == len(resolved)
        closes = other["counts"]["northwind"]["closes"]
        assert closes["after"] > closes["before"]
        assert {one["kind"] for one in other["surprises"]} == {"closes"}
        assert other["rows"]["status"]["6"] > 0
        for one in other["surprises"]:
            told = {f["field"]: (f["before"], f["after"]) for f in one["fields"] if f["side"] == "ours"}
            assert told["status"] == ("resolved", "closed")
            assert one["fields"][0]["because"] == "northwind@draft:5:21 fields.status.values.Resolved"

        with Facts(w.rt) as tampered:  # negative control: without what was known to agree, plans are others
            tampered.change(lambda doc: [link.__setitem__(11, "{}") for link in doc["links"]])
            assert preview(w.rt, draft(w.rt, SAME, "servicenow"), span)["facts"]["unequal"] > 0
