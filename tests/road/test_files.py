"""Files of theirs come into our store, each audited, and go on from there."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import verify
from gateway.store import files
from gateway.store.db import Store
from tests.road.conftest import Make
from tests.road.scene import Scene
from tests.road.test_lanes import replay
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


def given(s: Scene, data: bytes = b"42") -> str:
    """They give us a file; its id there."""
    return s.desks["acme"].upload("tess", s.record().id, "log.txt", "text/plain", data, False).id


def test_a_file_that_is_refused_says_so_and_can_be_asked_for_again(scene: Make) -> None:
    """It said "still to be fetched" for ever."""
    s = scene()
    s.escalated()
    given(s)
    s.fault("refuse", "file", said="not for you")
    s.sync()
    assert s.rows("select name, state from attachment") == [("log.txt", "refused")]
    assert s.rows("select kind, text from notice") == [("refused", "acme refused the download: not for you")]
    s.fault("retry", "file")
    replay(s)
    s.work()
    assert s.rows("select state from attachment") == [("remote",)], "it is on its way again"
    s.calm()
    assert s.rows("select state, size from attachment") == [("stored", 2)]
    assert s.audit_problems() == ()


def test_a_file_that_is_gone_there_takes_nothing_else_with_it(scene: Make) -> None:
    """The whole record was taken for gone, and everything owed to it died."""
    s = scene()
    ticket = s.escalated()
    given(s)
    s.fault("retry", "file")
    s.sync()
    s.record().uploads.clear()
    s.edit(ticket, title="VPN is down")
    s.calm()
    assert s.rows("select state from link") == [("live",)]
    assert s.record().fields["title"] == "VPN is down"
    assert s.rows("select state from attachment") == [("refused",)]
    assert [kind for kind, _ in s.notices()] == ["refused"]


def test_a_file_of_more_bytes_than_we_keep_is_refused(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was fetched again and again for three days."""
    s = scene()
    s.escalated()
    monkeypatch.setattr(files, "MAX_BYTES", 1)
    given(s)
    s.sync()
    assert s.calls().count("file") == 1
    assert s.rows("select state from attachment") == [("refused",)]
    assert s.rows("select kind, text from notice") == [("refused", "acme refused the download: more than 1 bytes")]


def test_files_of_a_record_that_is_gone_are_not_fetched_any_more(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    given(s)
    s.fault("retry", "file")
    s.sync()
    del s.desks["acme"].tickets[s.record().id]
    s.edit(ticket, title="VPN is down")
    s.calm()
    assert s.rows("select state from link") == [("gone",)]
    assert s.rows("select state from attachment") == [("refused",)]


@pytest.mark.parametrize(("name", "data", "told"), [("log.txt", b"4", 1), ("log", b"42", 1), ("log.txt", b"24", 0)])
def test_a_file_of_ours_that_they_cut_or_renamed_is_said_once(scene: Make, name: str, data: bytes, told: int) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("attach", ticket, files=[s.file("log.txt", b"42")], audience=["provider:acme"])
    s.world.run()
    sent = s.record().uploads[0]
    s.record().uploads[0] = replace(sent, name=name, data=data, size=len(data))
    for _ in range(2):
        s.edit_there(urgency="high")
        s.calm()
    words = f"acme keeps our file as {name}, {len(data)} bytes"
    assert s.rows("select kind, text, count from notice") == [("altered", words, 1)][:told]
    assert s.value("select count(*) from attachment") == 1
