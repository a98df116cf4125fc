"""A ticket goes out to a provider's desk and comes back, on both databases."""

from __future__ import annotations

from connectors.base import Page
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import world


def test_escalate_and_come_back(store: Store, config: Config) -> None:
    w = world(config)
    ticket = w.create("VPN down", description="Error 809.", impact="high")
    w.wish("escalate", ticket, connection="acme", reason="they run the VPN")
    w.run()
    (remote,) = w.desks["acme"].find(w.rt.reference(w.value("select id from link")))
    assert remote.fields["title"] == "VPN down"
    assert remote.fields["impact"] == "high"

    w.desks["acme"].update("tess", remote.id, {"status": "working"})
    w.desks["acme"].comment("tess", remote.id, "We are looking into it.", True)
    w.poll()
    w.run()
    assert w.value("select status from ticket where id = ?", ticket) == "in_progress"
    assert w.rows("select body, author from comment") == [("We are looking into it.", "provider:acme")]
    assert w.rows("select party from audience order by party") == [("provider:acme",), ("requester",)]
    assert w.rows("select * from lane where due_at is not null") == []


def test_a_feed_that_was_set_back_stops_the_connection(store: Store, config: Config) -> None:
    w = world(config)
    (row,) = w.rt.desks.rows()
    w.connectors["acme"].changed = lambda ctx, feed, cursor: Page((), "0", True, regressed=True)  # type: ignore[method-assign]
    w.poll()
    assert w.value("select state from connection") == "regressed"
    assert "set back" in w.value("select state_reason from connection where id = ?", row.id)
