"""Echoes of our own writes change nothing; what may still land is kept in mind (ENGINE.md 1)."""

from __future__ import annotations

import pytest

from tests.road.conftest import Make


def test_the_echo_of_our_own_write_changes_nothing(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.hooks.clear()
    s.edit(ticket, title="VPN is down")
    s.work()
    entries = s.value("select audit_seq from ticket")
    assert s.hook() == 202
    s.sync()
    assert s.value("select audit_seq from ticket") == entries
    assert s.calls().count("update") == 1


def test_a_webhook_delivered_twice_is_stored_once(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.hooks.clear()
    s.edit_there(title="VPN is down")
    assert [s.hook(keep=True), s.hook()] == [202, 200]
    assert s.value("select count(*) from arrival where kind = 'webhook'") == 1


def test_the_same_event_under_a_new_delivery_id_changes_nothing_more(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.hooks.clear()
    s.edit_there(title="VPN is down")
    name, _, body = s.hooks[0]
    assert s.knock(name, "first", body) == 202
    s.work()
    entries = s.value("select audit_seq from ticket where id = ?", ticket)
    assert s.knock(name, "sent again by hand", body) == 202
    s.work()
    assert s.value("select audit_seq from ticket where id = ?", ticket) == entries
    assert s.fields()["title"] == "VPN is down"


def test_taken_back_while_its_answer_was_lost_the_first_value_stands(scene: Make) -> None:
    """0, then 1 without an answer, then 0 again: nothing looks owed, and yet the remote holds 1."""
    s = scene()
    ticket = s.escalated(urgency="low")
    s.fault("commit_then_drop", "update")
    s.edit(ticket, urgency="high")
    s.work()
    assert s.record().fields["urgency"] == "high"
    s.edit(ticket, urgency="low")
    s.calm()
    assert s.record().fields["urgency"] == "low"
    assert s.fields()["urgency"] == "low"


@pytest.mark.parametrize("locking", [True, False])
def test_an_echo_that_reads_as_something_else_is_still_an_echo(scene: Make, locking: bool) -> None:
    """The desk has no word for a known problem: what we wrote reads back as waiting for the provider."""
    s = scene(locking=locking)
    ticket = s.escalated()
    s.edit(ticket, status="pending_problem")
    s.sync()
    s.edit_there(title="VPN is down")
    s.sync()
    assert s.record().fields["status"] == "vendor"
    assert s.fields()["status"] == "pending_problem"
    assert s.fields()["title"] == "VPN is down"


def test_an_echo_that_overtakes_its_answer_does_not_undo_a_newer_edit(scene: Make) -> None:
    s = scene(locking=False)
    ticket = s.escalated()
    s.hooks.clear()
    s.edit(ticket, title="one")
    s.fault("commit_then_drop", "update")
    s.work()
    s.edit(ticket, title="two")
    assert s.hook() == 202
    s.calm()
    assert (s.fields()["title"], s.record().fields["title"]) == ("two", "two")


def test_publishing_another_mapping_makes_no_ticket_look_changed(scene: Make) -> None:
    s = scene()
    s.escalated(status="pending_problem")
    writes, entries = s.calls().count("update"), s.value("select audit_seq from ticket")
    s.remap("fields:\n  status: {write: {pending_problem: waiting}}\n", links=True)
    s.sync()
    s.calm()
    assert s.calls()[-1] == "changed"
    assert s.calls().count("update") == writes
    assert s.value("select audit_seq from ticket") == entries
    assert s.fields()["status"] == "pending_problem"
