"""I9 under policies: what is stored of a plan is enough to make it again, who asked, how long it takes, and all."""

from __future__ import annotations

from gateway.insight.estimates import Estimate
from tests.preview.support import changed, draft, items
from tests.properties.governed import BO, govern, planned_again, replayed
from tests.road.conftest import Make

DAY = 86_400_000_000


def test_a_promise_is_planned_again_with_what_history_said_then(scene: Make) -> None:
    s = scene()
    govern(s, second=False)
    said = Estimate(DAY, 5 * DAY, 9 * DAY, 40, 3, (("priority", "P3"),), s.now())
    s.rt.histories.ready = lambda fields: said  # type: ignore[method-assign]
    ticket = s.world.create("VPN down", requester={"email": BO})
    s.wish("escalate", ticket, connection="acme")
    s.edit(ticket, due="2026-05-29T10:00:00Z")
    outcomes = s.rows("select outcome from decision where kind = 'promise'")
    assert [one.partition(":")[0] for (one,) in outcomes] == ["shorter than usual"]
    s.rt.histories.ready = lambda fields: None  # type: ignore[method-assign]
    s.world.run()
    assert planned_again(s) >= 4
    replayed(s)
    seen = list(items(s.rt, draft(s.rt, changed(impact="{values: {high: low, low: high}}"))))
    assert len(seen) >= 3 and all(item.exact for item in seen), seen
