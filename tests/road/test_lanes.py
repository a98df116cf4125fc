"""Lanes: one step in flight, in order; what is joined, what nothing overtakes, what holds what (ENGINE.md 5)."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from connectors.memory.rules import Quirks
from gateway import pipeline
from gateway.desk import attention
from gateway.desk import lanes as lanes_desk
from gateway.errors import Conflict
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from gateway.outbox.lanes import LEASE
from gateway.people.users import By
from gateway.store.tables import DEAD, WAITING
from tests.road.conftest import Make
from tests.road.scene import Scene


def replay(s: Scene) -> None:
    """A person sends every dead delivery again."""
    for (id,) in s.rows("select id from delivery where state = ?", DEAD):
        with s.rt.store.write() as conn:
            attention.replay_delivery(conn, By("user:1", s.rt.key, s.now()), id, "once more")


def test_adjacent_updates_are_one_write_of_what_is_true_now(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    for title in ("one", "two", "three"):
        s.edit(ticket, title=title)
    s.edit(ticket, urgency="high")
    s.world.run()
    assert s.calls().count("update") == 1
    assert (s.record().fields["title"], s.record().fields["urgency"]) == ("three", "high")
    assert s.value("select count(*) from delivery where kind = 'update' and state = 1") == 4


def test_nothing_overtakes_a_comment(scene: Make) -> None:
    """An update before a comment sends the values of its own commit, not what became of them later."""
    s = scene()
    ticket = s.escalated()
    told: list[tuple[str, object]] = []
    s.desks["acme"].listeners.append(lambda h, t: told.append((h.verb, t.fields["title"])))
    s.edit(ticket, title="one")
    s.wish("comment", ticket, text="about one", audience=["provider:acme"])
    s.edit(ticket, title="two")
    s.world.run()
    assert told == [("updated", "one"), ("commented", "one"), ("updated", "two")]


def test_a_field_they_took_over_is_struck_from_what_waits(scene: Make) -> None:
    s = scene(mapping="fields:\n  title: {conflict: theirs}\n")
    ticket = s.escalated()
    s.fault("retry", "update")
    s.edit(ticket, title="ours", urgency="high")
    s.wish("comment", ticket, text="hello", audience=["provider:acme"])
    s.work()
    s.edit_there(title="theirs")
    s.poll()
    pipeline.process(s.rt)
    s.calm()
    assert (s.record().fields["title"], s.fields()["title"]) == ("theirs", "theirs")
    assert s.record().fields["urgency"] == "high"


def test_a_comment_written_before_the_record_exists_follows_its_create(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    s.wish("comment", ticket, text="hello", audience=["provider:acme"])
    s.fault("retry", "create")
    s.work()
    assert s.record() is None
    s.calm()
    assert [verb for verb in s.calls() if verb in ("create", "comment")] == ["create", "create", "comment"]


def test_a_refused_create_holds_its_lane_until_a_person_replays_it(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    s.wish("comment", ticket, text="hello", audience=["provider:acme"])
    s.fault("refuse", "create")
    s.world.run()
    s.calm()
    assert s.record() is None
    assert s.rows("select kind, state from delivery order by id") == [("create", DEAD), ("comment", WAITING)]
    assert s.value("select held from lane") != ""
    assert [kind for kind, _ in s.notices()] == ["refused"]
    replay(s)
    s.calm()
    assert [c.text for c in s.record().comments] == ["Ana wrote:\n\nhello"]


def test_a_refused_comment_does_not_hold_what_follows(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("comment", ticket, text="one", audience=["provider:acme"])
    s.wish("comment", ticket, text="two", audience=["provider:acme"])
    s.fault("refuse", "comment")
    s.world.run()
    assert [c.text for c in s.record().comments] == ["Ana wrote:\n\ntwo"]
    replay(s)
    s.calm()
    assert len(s.record().comments) == 2


def test_one_stuck_ticket_holds_only_its_own_lane(scene: Make) -> None:
    s = scene()
    first = s.world.create("stuck")
    s.wish("escalate", first, connection="acme")
    s.fault("refuse", "create")
    s.world.run()
    s.escalated()
    assert [t.fields["title"] for t in s.desks["acme"].tickets.values()] == ["VPN down"]


def test_one_dead_provider_holds_only_its_own_connection(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    first, second = (s.world.create(title) for title in ("for acme", "for globex"))
    s.wish("escalate", first, connection="acme")
    s.wish("escalate", second, connection="globex")
    s.fault("retry", name="acme", times=1000)
    for _ in range(10):
        s.wait(5)
        s.work()
    assert s.record("acme") is None
    assert s.record("globex").fields["title"] == "for globex"


def test_the_permits_of_all_drains_together_stay_within_the_cap(scene: Make) -> None:
    s = scene()
    for number in range(24):
        ticket = s.world.create(f"ticket {number}")
        s.wish("escalate", ticket, connection="acme")
    first = claim(s.rt, 10, Counter(), set())
    second = claim(s.another(), 64, Counter(), set())
    cap = s.world.connectors["acme"].limits.in_flight
    assert (len(first), len(second)) == (10, cap - 10)
    assert claim(s.another(), 64, Counter(), set()) == []
    assert s.value("select sum(held) from permit") == cap


def test_the_permits_of_a_dead_drain_come_back_with_its_leases(scene: Make) -> None:
    s = scene()
    for number in range(20):
        s.wish("escalate", s.world.create(f"ticket {number}"), connection="acme")
    assert len(claim(s.another(), 64, Counter(), set())) == 16
    s.work()
    assert len(s.desks["acme"].tickets) == 0
    s.wait(LEASE / 1_000_000 + 1)
    s.calm()
    assert len(s.desks["acme"].tickets) == 20


def test_two_claims_never_take_the_same_lane(scene: Make) -> None:
    s = scene()
    s.wish("escalate", s.world.create("VPN down"), connection="acme")
    assert len(claim(s.rt, 8, Counter(), set())) == 1
    assert claim(s.another(), 8, Counter(), set()) == []


def test_who_lost_the_fence_settles_nothing_and_the_next_one_looks_first(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="slow")
    slow = s.another()
    (step,) = claim(slow, 8, Counter(), set())
    end = attempt.perform(step, slow.desks.desk(step.link.connection_id), slow.tools())
    s.wait(LEASE / 1_000_000 + 1)
    quick = s.another()
    (taken,) = claim(quick, 8, Counter(), set())
    assert (taken.kind, taken.fence) == ("fetch", step.fence + 1), "what the slow one sent is looked for, not repeated"
    pipeline.settle(slow, [(step, end)])
    assert s.value("select outcome from attempt where id = ?", step.attempt) == "unknown"
    assert s.value("select verify from link") == 1
    pipeline.settle(quick, [(taken, attempt.perform(taken, quick.desks.desk(taken.link.connection_id), quick.tools()))])
    s.calm()
    assert s.calls().count("update") == 1
    assert s.record().fields["title"] == "slow"


def test_a_lane_that_writes_without_end_is_stopped_and_says_why(scene: Make) -> None:
    """Their automation answers each of our updates with one that owes another to us."""
    s = scene(locking=False)
    ticket = s.escalated()
    desk, number = s.desks["acme"], count()

    def answer(id: str, actor: str) -> None:
        if actor == "gateway":
            desk.update("robot", id, {"urgency": ("low", "high")[next(number) % 2]})

    desk.quirks = Quirks(answer=answer)
    s.edit(ticket, title="one")
    s.sync()
    assert "loop" in s.value("select held from lane")
    writes = s.calls().count("update")
    assert writes <= pipeline.BRAKE + 1
    s.edit(ticket, title="one more")
    s.sync()
    assert s.calls().count("update") == writes


def test_slow_loops_are_found_by_the_clock(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    for number in range(pipeline.BRAKE + 1):
        s.edit(ticket, title=f"title {number}")
        s.work()
        s.wait(5)
    pipeline.tick(s.rt)
    assert "loop" in s.value("select held from lane")


def test_a_fault_of_one_settlement_does_not_take_the_others_along(scene: Make) -> None:
    s = scene()
    for number in range(3):
        s.wish("escalate", s.world.create(f"ticket {number}"), connection="acme")
    steps = claim(s.rt, 8, Counter(), set())
    ends = [(step, attempt.perform(step, s.rt.desks.desk(step.link.connection_id), s.rt.tools())) for step in steps]
    ends[1] = (ends[1][0], pipeline.batch.replaced(ends[1][1], outcome="nonsense"))
    pipeline.settle(s.rt, ends)
    assert s.value("select count(*) from delivery where state = 1") == 2
    s.wait(LEASE / 1_000_000 + 1)
    s.calm()
    assert len(s.desks["acme"].tickets) == 3
    assert s.value("select count(*) from delivery where state = 1") == 3


def released(s: Scene, reason: str = "their robot is off") -> None:
    with s.rt.store.write() as conn:
        (one,) = lanes_desk.held(conn)
        lanes_desk.release(conn, By("user:1", s.rt.key, s.now()), one.link_id, reason)


def test_a_lane_the_brake_has_stopped_goes_on_when_a_person_says_so(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    for number in range(pipeline.BRAKE + 1):
        s.edit(ticket, title=f"title {number}")
        s.work()
        s.wait(2)
    pipeline.tick(s.rt)
    s.edit(ticket, title="waits")
    s.work()
    assert s.record().fields["title"] != "waits"
    released(s)
    s.work()
    assert s.record().fields["title"] == "waits"
    pipeline.tick(s.rt)
    assert s.value("select held from lane") == "", "what it wrote before is no loop any more"
    (payload,) = s.rows("select payload from audit where payload like '%their robot is off%'")
    assert "looks like a loop" in payload[0]
    with s.rt.store.write() as conn, pytest.raises(Conflict, match="not held"):
        lanes_desk.release(conn, By("user:1", s.rt.key, s.now()), s.link())
    for number in range(pipeline.BRAKE + 1):
        s.edit(ticket, title=f"again {number}")
        s.work()
        s.wait(2)
    pipeline.tick(s.rt)
    assert "loop" in s.value("select held from lane"), "and a new one is stopped again"
    assert s.audit_problems() == ()


def test_a_lane_behind_a_refused_create_is_not_released_past_it(scene: Make) -> None:
    s = scene()
    s.fault("refuse", "create", said="no such queue")
    ticket = s.escalated()
    s.wish("comment", ticket, text="hello", audience=["provider:acme"])
    with pytest.raises(Conflict, match="behind a new record"):
        released(s)
    assert s.value("select held from lane") != ""


def test_two_records_of_one_reference_are_looked_up_again(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    s.fault("commit_then_drop", "create")
    s.work()
    first = s.record()
    double = s.desks["acme"].create("tess", {"title": "VPN down", "reference": first.fields["reference"]})
    s.calm()
    assert s.value("select held from lane where ticket_id is not null") != ""
    s.desks["acme"].delete("tess", double.id)
    released(s, "one of them was deleted")
    s.calm()
    assert s.value("select remote_id from link where ticket_id is not null") == first.id
