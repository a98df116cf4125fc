"""A desk that says yes and does nothing: seen by reading back, said in its own words, and not tried over and over."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Context, Receipt, Value
from connectors.memory.inprocess import MemoryConnector, receipt
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import world

SAID = "That ticket has unresolved dependencies"


class Polite(MemoryConnector):
    """Answers 200 to every change of the status and leaves it as it was."""

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        rest = {name: value for name, value in fields.items() if name != "status"}
        done = super().update(ctx, id, rest, version) if rest else receipt(self.desk.get(id))
        return Receipt(done.id, done.version, done.record, said=(SAID,) if rest != dict(fields) else ())


def test_a_refusal_hidden_in_a_yes_is_a_notice_with_the_desks_words(store: Store, config: Config) -> None:
    w = world(config, make=Polite)
    ticket = w.create()
    w.wish("escalate", ticket, connection="acme")
    w.run()
    w.wish("edit", ticket, fields={"status": "resolved", "title": "VPN is up again"})
    w.run()
    remote = w.value("select remote_id from link")
    assert w.desks["acme"].get(remote).fields["title"] == "VPN is up again"
    assert w.rows("select kind, field, text, count from notice") == [
        ("ignored", "status", f"acme said yes and left status as it was: {SAID}", 1)
    ]
    assert w.rows("select count(*) from attempt where kind = 'update'") == [(1,)], "no loop"
    assert w.rows("select link_id from lane where due_at is not null") == []
