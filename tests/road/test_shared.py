"""A rule that shares a new ticket: each provider has a leg of its own, one of them holds it, both have the record."""

from __future__ import annotations

from gateway import pipeline
from gateway.decide.facts import Command
from gateway.people.users import By
from gateway.providers import policies
from tests.road.conftest import Make

ROUTING = """\
policy: 1
name: routing
rules:
  - name: two of them
    when: 'category == "network"'
    to: provider:acme
    share: ["provider:bolt"]
    because: Acme runs it, Bolt's line is under it
"""


def test_a_ticket_is_shared_with_a_second_provider_and_follows_its_holder(scene: Make) -> None:
    s = scene(names=("acme", "bolt"))
    with s.rt.store.write() as conn:
        policies.publish(conn, By("user:1", s.rt.key, s.now()), policies.read(conn, ROUTING), "tried")
    s.rt.desks.load()
    fields = {"title": "The line is down", "category": "network"}
    made = pipeline.change(s.rt, Command("create", "user:1", {"fields": fields, "channel": "api"})).named[-1].ticket
    assert made is not None
    s.work()
    sql = "select c.name, l.role from link l join connection c on c.id = l.connection_id order by 1"
    assert s.world.rows(sql) == [("acme", "holder"), ("bolt", "helper")]
    assert s.world.value("select holder from ticket") == "provider:acme"
    assert [len(s.desks[name].tickets) for name in ("acme", "bolt")] == [1, 1]
    (theirs,) = s.desks["bolt"].tickets
    s.desks["bolt"].update("bea", theirs, {"status": "done"})
    s.sync()
    assert s.world.value("select leg_status from link where role = 'helper'") == "resolved"
    assert s.world.value("select status from ticket") == "new"  # a helper's own leg says so, the ticket does not
