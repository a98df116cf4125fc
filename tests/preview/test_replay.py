"""Stored facts give their plans again."""

from __future__ import annotations

from tests.preview.support import changed, previewed
from tests.road.conftest import Make
from tests.road.scene import Scene


def busy(s: Scene) -> int:
    """A ticket with a bit of everything that happens on the road."""
    ticket = s.escalated(impact="high", requester={"email": "alice@customer.example"})
    s.wish("comment", ticket, text="see this", audience=["provider:acme"])
    s.edit(ticket, title="VPN is down")
    s.work()
    s.sync()
    s.desks["acme"].update("tess", s.record().id, {"status": "working", "title": "VPN: looking"})
    s.desks["acme"].comment("tess", s.record().id, "on it", True)
    s.sync()
    s.desks["acme"].update("tess", s.record().id, {"status": "done"})
    s.calm()
    return ticket


def test_the_same_mapping_changes_nothing(scene: Make) -> None:
    s = scene()
    busy(s)
    report = previewed(s, changed())
    assert report["facts"]["items"] > 10
    assert report["facts"]["exact"] == report["facts"]["replayed"] == report["facts"]["items"]
    assert report["facts"]["unequal"] == 0
    assert report["plans"] == {"same": report["facts"]["items"], "changed": 0, "held": 0, "tickets": 0}
    assert report["surprises"] == [] and report["drift"] == {}
