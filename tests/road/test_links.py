"""Links: legs and who holds the ticket, taking back, escalating again, records that come from there (ENGINE.md 3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from connectors import errors
from connectors.base import Context, Record
from gateway import pipeline
from gateway.decide.commands import Objection
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from gateway.store.tables import DEAD, WAITING
from tests.road.conftest import Make
from tests.road.scene import Scene
from tests.road.test_regressions import die


def refused(s: Scene, ticket: int, what: str, **data: object) -> str:
    with pytest.raises(Objection) as no:
        s.wish(what, ticket, **data)
    return no.value.text


def test_the_status_of_a_ticket_follows_its_holder_alone(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.edit_there("globex", status="done", urgency="low")
    s.sync()
    assert (s.fields()["status"], s.fields()["urgency"]) == ("new", "low")
    assert s.value("select leg_status from link where role = 'helper'") == "resolved"
    s.edit_there("acme", status="working")
    s.sync()
    assert s.fields()["status"] == "in_progress"
    assert s.record("globex").fields["status"] == "done"


def test_a_field_of_one_provider_goes_on_to_the_others(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.edit_there("globex", title="VPN is down")
    s.sync()
    assert s.record("acme").fields["title"] == "VPN is down"
    assert s.calls("globex").count("update") == 0, "and not back to whom it came from"


def test_handing_over_makes_the_former_holder_a_helper(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex")
    s.world.run()
    legs = s.rows("select c.name, l.role from link l join connection c on c.id = l.connection_id order by c.name")
    assert legs == [("acme", "helper"), ("globex", "holder")]
    assert s.value("select holder from ticket") == "provider:globex"
    segments = s.rows("select holder, started_at, ended_at from holding order by id")
    assert [row[0] for row in segments] == ["team:service-desk", "provider:acme", "provider:globex"]
    assert [row[2] for row in segments] == [segments[1][1], segments[2][1], None], "no gap, no overlap"


def test_a_provider_that_has_the_ticket_cannot_be_given_it_again(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    assert "already" in refused(s, ticket, "escalate", connection="acme")
    assert s.value("select count(*) from link") == 1


def test_taken_back_the_provider_reads_why_and_drives_nothing_any_more(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="never to be sent")
    s.wish("take_back", ticket, reason="we do it ourselves")
    s.calm()
    assert [c.text for c in s.record().comments] == ["Ana wrote:\n\nTaken back: we do it ourselves"]
    assert s.record().fields["title"] == "VPN down"
    assert s.value("select holder from ticket") == "team:service-desk"
    s.edit_there(status="working", title="theirs")
    s.desks["acme"].comment("tess", s.record().id, "hello?", True)
    s.sync()
    assert (s.fields()["title"], s.fields()["status"]) == ("never to be sent", "new")
    heard = "select a.party from comment c left join audience a on a.comment_id = c.id where c.body = ?"
    assert s.rows(heard, "hello?") == [("provider:acme",)], "what they still say is heard, and passed on to nobody"
    assert s.rows("select role, leg_status from link") == [("ended", "in_progress")]
    assert [kind for kind, _ in s.notices()] == ["late"]


def test_escalated_again_the_same_record_is_worked_on(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("take_back", ticket)
    s.world.run()
    s.edit(ticket, title="ours meanwhile")
    s.edit_there(urgency="low")
    s.wish("escalate", ticket, connection="acme")
    s.calm()
    assert len(s.desks["acme"].tickets) == 1
    for fields in (s.fields(), s.record().fields):
        assert (fields["title"], fields["urgency"]) == ("ours meanwhile", "low")
    assert s.rows("select role, generation from link") == [("holder", 0)]


def test_a_record_that_is_gone_is_replaced_when_the_ticket_goes_there_again(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.desks["acme"].delete("tess", s.record().id)
    s.sync()
    assert [kind for kind, _ in s.notices()] == ["gone"]
    s.edit(ticket, title="VPN is down")
    s.calm()
    s.wish("take_back", ticket)
    s.wish("escalate", ticket, connection="acme")
    s.calm()
    first, second = s.desks["acme"].tickets.values()
    assert (first.deleted, second.fields["title"]) == (True, "VPN is down")


def test_a_record_that_began_there_becomes_a_ticket_held_by_its_provider(scene: Make) -> None:
    s = scene()
    s.desks["acme"].create("tess", {"title": "Disk full", "urgency": "high", "status": "working"})
    s.desks["acme"].comment("tess", s.record().id, "We see it, too.", True)
    s.sync()
    assert s.rows("select title, holder, status, channel from ticket") == [
        ("Disk full", "provider:acme", "in_progress", "connection:acme")
    ]
    assert s.rows("select body from comment") == [("We see it, too.",)]
    s.sync()
    assert s.value("select count(*) from ticket") == 1
    ticket = s.value("select id from ticket")
    s.edit(ticket, title="Disk is full")
    s.calm()
    assert s.record().fields["title"] == "Disk is full"


def test_a_connection_that_imports_nothing_leaves_their_own_records_alone(scene: Make) -> None:
    s = scene()
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set intake = 'ignore', version = version + 1")
    s.desks["acme"].create("tess", {"title": "Disk full"})
    s.sync()
    s.edit_there(title="Disk is full")
    s.sync()
    assert s.value("select count(*) from ticket") == 0
    assert s.rows("select role, ticket_id from link") == [("found", None)]


def test_the_webhook_of_a_record_that_we_are_making_waits_for_its_create(scene: Make) -> None:
    """It arrives before the reply: without the wait it would come in as somebody else's ticket."""
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    (step,) = claim(s.rt, 8, Counter(), set())
    end = attempt.perform(step, s.rt.desks.desk(step.link.connection_id), s.rt.tools())
    assert s.hook() == 202
    pipeline.process(s.rt)
    assert s.value("select count(*) from arrival where state = ?", WAITING) == 1
    pipeline.settle(s.rt, [(step, end)])
    s.wait(3)
    s.world.run()
    assert s.value("select count(*) from ticket") == 1
    assert s.value("select count(*) from arrival where state = ?", WAITING) == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_create_that_landed_after_all_is_known_by_its_reference(scene: Make, told: bool) -> None:
    """Looked for and not found, refused when tried again; then the first one lands, and its webhook or a poll tells."""
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    die(s, sent=False)
    s.fault("refuse", "create")
    s.world.run()
    assert s.value("select held from lane") != ""
    reference = s.rt.reference(s.link())
    s.desks["acme"].create("gateway", {"title": "VPN down", "reference": reference})
    if told:
        assert s.hook() == 202
        s.world.run()
    else:
        s.calm()
    assert s.value("select count(*) from ticket") == 1
    assert s.rows("select remote_id from link") == [(s.record().id,)]


def test_a_copy_of_our_record_with_our_reference_is_not_taken_for_it(scene: Make) -> None:
    s = scene()
    s.escalated()
    fields = {"title": "Copy of VPN down", "reference": s.record().fields["reference"]}
    copy = s.desks["acme"].create("tess", fields)
    s.sync()
    assert s.value("select remote_id from link where role = 'holder'") == s.record().id
    s.desks["acme"].update("tess", copy.id, {"title": "Something else"})
    s.sync()
    assert s.fields()["title"] == "VPN down"
    assert [kind for kind, _ in s.notices()] == ["doubled"]
    assert s.value("select count(*) from ticket") == 1


def test_two_records_with_our_reference_after_a_lost_answer_are_a_persons_to_judge(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    s.fault("commit_then_drop", "create")
    s.work()
    fields = {"title": "Copy of VPN down", "reference": s.record().fields["reference"]}
    s.desks["acme"].create("tess", fields)
    s.calm()
    assert [kind for kind, _ in s.notices()] == ["doubled"]
    assert s.value("select remote_id from link where ticket_id is not null") is None
    assert s.value("select held from lane where ticket_id is not null") != ""
    assert len(s.desks["acme"].tickets) == 2, "no third one"


def test_a_record_that_is_gone_is_said_and_what_was_owed_is_a_dead_letter(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="too late")
    s.wish("comment", ticket, text="too late", audience=["provider:acme"])
    s.desks["acme"].delete("tess", s.record().id)
    s.world.run()
    s.calm()
    assert s.value("select state from link") == "gone"
    assert sorted(s.rows("select kind, state from delivery where kind <> 'create'")) == [
        ("comment", DEAD),
        ("update", DEAD),
    ]
    assert "gone" in [kind for kind, _ in s.notices()]
    assert s.rows("select 1 from lane where due_at is not null") == []


def test_a_404_while_our_credentials_see_nothing_is_not_believed(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    ticket = s.escalated()
    desk = s.world.connectors["acme"]

    def gone(*_: object) -> None:
        raise errors.Gone("no such ticket")

    def nobody(*_: object) -> None:
        raise errors.Unauthorized("who are you?")

    with monkeypatch.context() as patch:
        patch.setattr(desk, "update", gone)
        patch.setattr(desk, "check", nobody)
        s.edit(ticket, title="one")
        s.work()
    assert s.value("select state from link") == "live"
    assert s.value("select state from connection") == "unauthorized"


@pytest.mark.parametrize("state", ["left", "merged"])
def test_a_record_that_left_or_was_merged_is_said(scene: Make, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    s.escalated()
    real = s.world.connectors["acme"].fetch

    def fetch(ctx: Context, id: str, items: bool = True) -> Record:
        return replace(real(ctx, id, items), state=state, into="D-7" if state == "merged" else None)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(s.world.connectors["acme"], "fetch", fetch)
        s.edit_there(title="theirs")
        s.sync()
        assert s.value("select state from link") == state
        assert [kind for kind, _ in s.notices()] == [state]
        assert s.fields()["title"] == "VPN down"
        s.sync()
        assert len(s.notices()) == 1, "once"


def test_a_webhook_for_a_record_of_another_provider_of_the_same_number_changes_nothing_here(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    s.escalated("acme")
    s.escalated("globex")
    assert s.record("acme").id == s.record("globex").id
    s.edit_there("globex", title="theirs")
    s.sync()
    titles = s.rows("select title from ticket order by id")
    assert titles == [("VPN down",), ("theirs",)]


def test_a_record_that_comes_back_is_followed_again(scene: Make) -> None:
    """Deleted there by mistake and restored: what they say counts again, and what we changed meanwhile goes there."""
    s = scene()
    ticket = s.escalated()
    s.desks["acme"].delete("tess", s.record().id)
    s.sync()
    assert s.rows("select state from link") == [("gone",)]
    s.edit(ticket, title="VPN is down")
    s.sync()
    s.record().deleted = False
    s.edit_there(urgency="high")
    s.desks["acme"].comment("tess", s.record().id, "sorry, my mistake", True)
    s.calm()
    assert s.rows("select state from link") == [("live",)]
    assert s.fields()["urgency"] == "high"
    assert s.record().fields["title"] == "VPN is down"
    assert s.value("select count(*) from comment") == 1
