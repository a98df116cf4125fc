"""Notices end when what they tell of is over, each with an audit entry; and by a person."""

from __future__ import annotations

import json

import pytest

from connectors import errors
from gateway.desk import attention, notices
from gateway.errors import Conflict, NotFound
from gateway.people.users import By
from gateway.providers.connection import set_state
from gateway.store.ids import mint
from tests.road.conftest import Make
from tests.road.scene import Scene
from tests.road.test_fields import NO_REJECTED, SHIPPED


def states(s: Scene) -> list[tuple[str, str, str]]:
    return [(k, f, st) for k, f, st in s.rows("select kind, field, state from notice order by id")]


def closings(s: Scene) -> list[dict[str, str]]:
    found = []
    for (payload,) in s.rows("select payload from audit order by id"):
        found += [data for verb, data in json.loads(payload).get("did", ()) if verb == "close_notice"]
    return found


def test_a_value_that_means_something_again(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    s.escalated()
    s.edit_there(status="rejected")
    s.sync()
    assert states(s) == [("held", "status", "open")]
    s.edit_there(status="working")
    s.sync()
    assert states(s) == [("held", "status", "closed")]
    assert s.value("select closed_at from notice") > s.value("select created_at from notice")
    assert [(one["kind"], one["field"]) for one in closings(s)] == [("held", "status")]
    assert s.audit_problems() == ()


def test_a_value_that_the_mapping_learned(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    s.escalated()
    s.desks["acme"].comment("tess", s.record().id, "That cannot be done.", True)
    s.edit_there(status="rejected")
    s.sync()
    s.remap(SHIPPED, links=True)
    s.work()
    assert states(s) == [("held", "status", "closed")]


def test_a_field_that_was_refused_goes_in_after_all(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.fault("refuse", "update", said="the title is locked")
    s.edit(ticket, title="One")
    s.work()
    assert states(s) == [("refused", "title", "open")]
    s.edit(ticket, title="Two")
    s.work()
    assert states(s) == [("refused", "title", "closed")]


def test_a_comment_that_was_refused_went_out(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    for text in ("one", "two"):
        s.fault("refuse", "comment", said="not now")
        s.wish("comment", ticket, text=text, audience=["provider:acme"])
        s.work()
    s.wish("comment", ticket, text="three", audience=["provider:acme"])
    s.work()
    assert states(s) == [("refused", "", "open")], "that another went out says nothing of these"
    for end in ("open", "closed"):
        with s.rt.store.write() as conn:
            first = s.value("select min(id) from delivery where state = 2")
            attention.replay_delivery(conn, By("user:1", s.rt.key, s.now()), first, "once more")
        s.work()
        assert states(s) == [("refused", "", end)]
    assert len(s.record().comments) == 3


def test_a_record_that_came_back(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.desks["acme"].delete("tess", s.record().id)
    s.sync()
    assert s.notices() == [("gone", "")]
    s.record().deleted = False
    s.edit_there(urgency="high")
    s.calm()
    assert s.notices() == []


def test_credentials_that_are_good_again(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    ticket = s.escalated()

    def nobody(*_: object) -> None:
        raise errors.Unauthorized("who are you?")

    with monkeypatch.context() as patch:
        patch.setattr(s.world.connectors["acme"], "update", nobody)
        s.edit(ticket, title="one")
        s.work()
    assert s.notices() == [("unauthorized", "")]
    with s.rt.store.write() as conn:
        set_state(conn, s.rt.key, s.value("select id from connection"), "active", "", "user:1")
    assert states(s) == [("unauthorized", "", "closed")]


def test_a_ticket_that_was_taken_back(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    ticket = s.escalated()
    s.edit_there(status="rejected")
    s.sync()
    s.wish("take_back", ticket)
    assert states(s) == [("held", "status", "closed")]


def test_one_that_came_and_went_within_a_batch_leaves_nothing_open(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    s.escalated()
    s.hooks.clear()
    for status in ("rejected", "working"):
        s.edit_there(status=status)
        s.hook()
    s.work()
    assert states(s) == []
    assert s.fields()["status"] == "in_progress"


def test_a_person_ticks_one_off(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    ticket = s.escalated()
    s.edit_there(status="rejected")
    s.sync()
    id, version = s.value("select id from notice"), s.value("select version from ticket")
    by = By("user:1", s.rt.key, s.now())
    with s.rt.store.write() as conn:
        notices.close(conn, by, id, "we know")
        assert notices.everything(conn) == []
        assert [one.state for one in notices.everything(conn, "all")] == ["closed"]
    assert s.value("select version from ticket") == version + 1
    (payload,) = [json.loads(text) for (text,) in s.rows("select payload from audit where payload like '%we know%'")]
    assert payload["did"][0][1]["kind"] == "held"
    with s.rt.store.write() as conn, pytest.raises(Conflict, match="closed"):
        notices.close(conn, by, id)
    with s.rt.store.write() as conn, pytest.raises(NotFound):
        notices.close(conn, by, mint())
    s.edit(ticket, title="goes on")
    s.sync()
    assert s.record().fields["title"] == "goes on"
    assert s.audit_problems() == ()
