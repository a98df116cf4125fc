"""Fields: conflicts, held values, what a desk ignores, alters or refuses (ENGINE.md 1)."""

from __future__ import annotations

from importlib.resources import files

import pytest

from connectors.memory.rules import Quirks, upper
from gateway.store.tables import DEAD
from tests.road.conftest import Make
from tests.road.scene import Scene

ASK = "fields:\n  title: {conflict: ask}\n"
THEIRS = "fields:\n  title: {conflict: theirs}\n"
OURS = "fields:\n  title: {conflict: ours}\n"
SHIPPED = files("mappings").joinpath("memory.yaml").read_text("utf-8")
NO_REJECTED = SHIPPED.replace("      rejected: cancelled\n", "")


def both_edit(s: Scene, ticket: int) -> None:
    s.edit_there(title="theirs")
    s.edit(ticket, title="ours")
    s.sync()


def test_different_fields_edited_on_both_sides_both_survive(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.edit_there(urgency="low")
    s.edit(ticket, title="ours")
    s.sync()
    s.calm()
    for fields in (s.fields(), s.record().fields):
        assert (fields["title"], fields["urgency"]) == ("ours", "low")


@pytest.mark.parametrize(("policy", "stands"), [(OURS, "ours"), (THEIRS, "theirs")])
def test_the_same_field_edited_on_both_sides_follows_its_policy(scene: Make, policy: str, stands: str) -> None:
    s = scene(mapping=policy)
    ticket = s.escalated()
    both_edit(s, ticket)
    assert (s.fields()["title"], s.record().fields["title"]) == (stands, stands)
    payloads = " ".join(row[0] for row in s.rows("select payload from audit where subject = ?", f"ticket:{ticket}"))
    assert ('"ours"' in payloads) and ('"theirs"' in payloads), "the losing value is in the audit trail"
    assert s.rows("select 1 from conflict") == []


def test_a_conflict_parks_that_one_field_until_a_person_decides(scene: Make) -> None:
    s = scene(mapping=ASK)
    ticket = s.escalated()
    both_edit(s, ticket)
    assert s.rows("select field, ours, theirs, state from conflict") == [("title", '"ours"', '"theirs"', "open")]
    assert (s.fields()["title"], s.record().fields["title"]) == ("ours", "theirs")
    s.edit(ticket, urgency="low")
    s.sync()
    assert s.record().fields["urgency"] == "low", "the others go on"


def test_later_changes_on_either_side_bring_the_one_conflict_up_to_date(scene: Make) -> None:
    s = scene(mapping=ASK)
    ticket = s.escalated()
    both_edit(s, ticket)
    s.edit_there(title="theirs again")
    s.sync()
    assert s.rows("select ours, theirs, state from conflict") == [('"ours"', '"theirs again"', "open")]
    assert s.record().fields["title"] == "theirs again"


@pytest.mark.parametrize("keep", ["ours", "theirs"])
def test_a_person_ends_a_conflict_by_keeping_one_side(scene: Make, keep: str) -> None:
    s = scene(mapping=ASK)
    ticket = s.escalated()
    both_edit(s, ticket)
    s.wish("resolve", ticket, link=s.link(), field="title", keep=keep)
    s.calm()
    assert (s.fields()["title"], s.record().fields["title"]) == (keep, keep)
    assert s.rows("select state, resolution, actor from conflict") == [("closed", keep, "user:1")]


def test_a_conflict_closes_itself_when_the_sides_come_to_correspond(scene: Make) -> None:
    s = scene(mapping=ASK)
    ticket = s.escalated()
    both_edit(s, ticket)
    s.edit_there(title="ours")
    s.sync()
    assert s.rows("select state, resolution from conflict") == [("closed", "corresponds")]
    s.edit(ticket, title="and on")
    s.sync()
    assert s.record().fields["title"] == "and on"


def test_a_value_without_a_meaning_is_held_in_both_directions(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    s.escalated()
    s.edit_there(status="rejected", title="VPN is down")
    s.sync()
    assert s.fields()["status"] == "new", "never guessed"
    assert s.fields()["title"] == "VPN is down", "the rest goes on"
    assert s.notices() == [("held", "status")]
    s.edit_there(status="working")
    s.sync()
    assert s.fields()["status"] == "in_progress"
    assert s.pair("status").park == ""


def test_a_held_field_is_taken_as_soon_as_its_value_is_mapped(scene: Make) -> None:
    s = scene(mapping=NO_REJECTED)
    s.escalated()
    s.desks["acme"].comment("tess", s.record().id, "That cannot be done.", True)
    s.edit_there(status="rejected")
    s.sync()
    s.remap(SHIPPED, links=True)
    s.work()
    assert s.fields()["status"] == "cancelled"


def test_a_required_field_is_never_emptied_by_a_remote(scene: Make) -> None:
    s = scene()
    s.escalated(urgency="high")
    s.edit_there(urgency=None)
    s.sync()
    assert s.fields()["urgency"] == "high"
    assert ("note", "urgency") in s.notices()


def test_what_a_desk_silently_leaves_is_said_and_not_tried_again(scene: Make) -> None:
    s = scene(quirks=lambda: Quirks(ignore={"due"}))
    ticket = s.escalated(due="2026-12-01T10:00:00Z")
    s.edit(ticket, due="2026-12-02T10:00:00Z")
    s.calm()
    assert ("ignored", "due") in s.notices()
    assert s.pair("due").park == "ignored"
    writes = s.calls().count("update")
    s.calm()
    assert s.calls().count("update") == writes
    s.desks["acme"].quirks = Quirks()
    s.edit(ticket, due="2026-12-03T10:00:00Z")
    s.calm()
    assert s.record().fields["due"] == "2026-12-03T10:00:00Z"


def test_what_a_desk_makes_of_a_value_is_accepted_and_said_once(scene: Make) -> None:
    s = scene(quirks=lambda: Quirks(rewrite={"title": upper}))
    ticket = s.escalated()
    for title in ("one", "two"):
        s.edit(ticket, title=title)
        s.calm()
    assert s.record().fields["title"] == "TWO"
    assert s.fields()["title"] == "two"
    assert [kind for kind, _ in s.notices()] == ["altered"]
    assert s.value("select count from notice") >= 2
    assert s.calls().count("update") == 2


def test_a_refused_update_parks_its_fields_and_the_lane_goes_on(scene: Make) -> None:
    s = scene(quirks=lambda: Quirks(edges={"done": {"open"}}))
    ticket = s.escalated(status="resolved")
    s.edit(ticket, status="pending_requester")
    s.world.run()
    assert s.rows("select kind from delivery where state = ?", DEAD) == [("update",)]
    assert [kind for kind, _ in s.notices()] == ["refused"]
    assert "cannot go from done to waiting" in s.value("select text from notice")
    s.wish("comment", ticket, text="hello", audience=["provider:acme"])
    s.edit(ticket, title="VPN is down")
    s.calm()
    assert s.record().fields["title"] == "VPN is down"
    assert len(s.record().comments) == 1
    assert (s.fields()["status"], s.record().fields["status"]) == ("pending_requester", "done"), (
        "ours is not rolled back"
    )
    s.edit(ticket, status="new")
    s.calm()
    assert s.record().fields["status"] == "open"


def test_a_write_based_on_an_older_version_is_merged_and_made_again(scene: Make) -> None:
    s = scene(locking=True, mapping=OURS)
    ticket = s.escalated()
    s.edit_there(urgency="low", title="theirs")
    s.edit(ticket, title="ours")
    s.work()
    s.calm()
    assert [row[0] for row in s.rows("select outcome from attempt where kind = 'update' order by id")][:2] == [
        "stale",
        "ok",
    ]
    assert (s.record().fields["title"], s.fields()["urgency"]) == ("ours", "low")


def test_one_way_fields_go_out_and_their_edits_show_as_drift(scene: Make) -> None:
    s = scene()
    ticket = s.escalated(impact="high", urgency="high")
    s.desks["acme"].update("tess", s.record().id, {"priority": "4"})
    s.sync()
    assert s.fields()["priority"] == "P1"
    assert s.notices() == [("drift", "priority")]
    s.wish("heal", ticket, link=s.link(), fields=["priority"])
    s.calm()
    assert s.record().fields["priority"] == "1"
