"""A desk that dies in the middle of a write leaves it half done: what is not as it was sent is sent again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from connectors.base import Context, Receipt, Value
from connectors.errors import Unknown
from connectors.memory.inprocess import MemoryConnector
from gateway.clock import now_us
from gateway.config import Config
from gateway.store.db import Store
from tests.worlds import world


class Dying(MemoryConnector):
    """Adds what is new of a set and dies before it takes away what is old, once."""

    died = False

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        if not self.died and isinstance(fields.get("tags"), list):
            self.died = True
            both = sorted({*fields["tags"], *self.desk.get(id).fields["tags"]})  # type: ignore[misc]
            super().update(ctx, id, {"title": fields["title"], "tags": both}, version)
            raise Unknown("the connection was cut")
        return super().update(ctx, id, fields, version)


def test_what_was_done_by_half_is_done_again(store: Store, config: Config) -> None:
    w = world(config, make=Dying)
    ahead = [0]
    w.rt.now = lambda: now_us() + ahead[0]
    w.rt._told_at = math.inf  # nobody sets this clock by the database's
    ticket = w.create(tags=["old", "vpn"], urgency="low")
    w.wish("escalate", ticket, connection="acme")
    w.run()
    w.wish("edit", ticket, fields={"title": "VPN is down", "tags": ["new", "vpn"], "urgency": "high"})
    for _ in range(3):
        w.run()
        ahead[0] += 10_000_000
    there = w.desks["acme"].get(w.value("select remote_id from link")).fields
    assert (there["title"], there["tags"], there["urgency"]) == ("VPN is down", ["new", "vpn"], "high")
    ours = json.loads(w.value("select fields from ticket where id = ?", ticket))
    assert (ours["tags"], ours["urgency"]) == (["new", "vpn"], "high")
    assert w.rows("select kind from notice") == []
