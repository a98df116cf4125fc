"""Files of theirs come into our store, each audited, and go on from there."""

from __future__ import annotations

import hashlib

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import verify
from gateway.store.db import Store
from tests.worlds import world


def test_several_files_come_in_and_the_ticket_can_still_be_worked_on(store: Store, config: Config) -> None:
    w = world(config)
    ticket = w.create()
    w.wish("escalate", ticket, connection="acme")
    w.run()
    remote = w.value("select remote_id from link")
    contents = {"one.txt": b"1", "two.bin": bytes(range(256))}
    for name, content in contents.items():
        w.desks["acme"].upload("tess", remote, name, "application/octet-stream", content, True)
    w.poll()
    w.run()
    stored = dict(w.rows("select name, sha256 from attachment where state = 'stored'"))
    assert stored == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}

    w.wish("edit", ticket, fields={"title": "VPN is down"})
    w.run()
    assert w.desks["acme"].get(remote).fields["title"] == "VPN is down"
    keys = Keys.of(config)
    while seal(store, keys, now_us()):
        pass
    assert verify(store, keys, [], now_us()).problems == ()
