"""What is owed to a provider and taken back in the same breath is not owed any more."""

from __future__ import annotations

from gateway import pipeline
from gateway.decide.facts import Command
from gateway.store.tables import WITHDRAWN
from tests.road.conftest import Make


def test_what_one_batch_owes_and_takes_back_is_withdrawn(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    said = {"text": "Please hurry.", "audience": ["provider:acme"]}
    wishes = [(Command("comment", "user:1", said), ticket), (Command("take_back", "user:1", {}, "ours"), ticket)]
    assert pipeline.each(s.rt, wishes) == {}
    assert s.rows("select kind, state from delivery order by id") == [("create", WITHDRAWN), ("comment", WITHDRAWN)]
    s.world.run()
    assert s.record() is None and s.value("select count(*) from attempt") == 0
