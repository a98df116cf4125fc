"""What the machine found, each as the shortest story that goes wrong without its repair."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from connectors.memory.rules import Quirks, fewer_statuses, upper
from gateway import pipeline
from gateway.outbox import attempt
from gateway.outbox.claiming import claim
from gateway.store.tables import HELD
from tests.road.conftest import Make
from tests.road.scene import Scene


def die(s: Scene, sent: bool = True) -> None:
    """A worker claims what is due, sends it (or not), and dies before it can note the answers."""
    for step in claim(s.rt, 8, Counter(), set()):
        if sent:
            attempt.perform(step, s.rt.desks.desk(step.link.connection_id), s.rt.tools())
    s.wait(100)  # the lease ends


def test_an_empty_set_of_a_new_record_is_not_their_change(scene: Make) -> None:
    """A second provider's desk answered a create with no tags; that was taken for a change from none to none and sent
    to the first one, whose new tags it overwrote."""
    s = scene(names=("acme", "globex"), locking=False)
    ticket = s.escalated()
    s.edit_there(tags=["vip"])
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    assert s.record("acme").fields["tags"] == ["vip"]
    s.sync()
    assert s.fields()["tags"] == ["vip"]
    assert s.record("globex").fields["tags"] == ["vip"]


def test_a_create_found_after_a_lost_answer_tells_what_its_status_is(scene: Make) -> None:
    """Made as resolved, the answer lost, then reopened here: our public comment reopened it there, and without the
    leg's status that looked like their change and won over ours."""
    s = scene(quirks=lambda: Quirks(reopen=True))
    ticket = s.world.create("VPN down", status="resolved")
    s.wish("escalate", ticket, connection="acme")
    s.wish("comment", ticket, text="once more", audience=["provider:acme", "requester"])
    die(s)
    s.edit(ticket, status="in_progress")
    s.edit(ticket, status="pending_requester")
    s.calm()
    assert s.fields()["status"] == "pending_requester"
    assert s.record().fields["status"] == "waiting"


def test_a_worklog_whose_worker_died_is_held_and_not_looked_for_for_ever(scene: Make) -> None:
    """Nothing ended the doubt about it: the lane fetched again and again."""
    s = scene()
    ticket = s.escalated()
    s.wish("worklog", ticket, minutes=5, text="call", started=None)
    die(s)
    fetched = s.calls().count("fetch")
    s.calm()
    assert s.rows("select kind, state from delivery where kind = 'worklog'") == [("worklog", HELD)]
    assert s.notices() == [("held", "")]
    assert s.calls().count("fetch") <= fetched + 3
    assert [w.text for w in s.record().worklogs] == ["call"]
    assert s.rows("select 1 from lane where due_at is not null") == []


def test_a_ticket_taken_back_while_its_create_has_no_answer_is_taken_back_there_too(scene: Make) -> None:
    """The provider kept a record that nobody had taken back, and a second escalation made another one."""
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    die(s)
    s.wish("take_back", ticket)
    s.calm()
    assert [c.text for c in s.record().comments] == ["Ana wrote:\n\nTaken back: because"]
    s.wish("escalate", ticket, connection="acme")
    s.edit(ticket, title="VPN is down")
    s.calm()
    assert [t.fields["title"] for t in s.desks["acme"].tickets.values()] == ["VPN is down"]
    assert s.rows("select role from link") == [("holder",)]


def test_escalated_again_before_the_first_create_is_known_makes_one_record(scene: Make) -> None:
    for sent in (True, False):
        s = scene()
        ticket = s.world.create("VPN down")
        s.wish("escalate", ticket, connection="acme")
        die(s, sent)
        s.wish("take_back", ticket)
        s.wish("escalate", ticket, connection="acme")
        s.calm()
        assert len(s.desks["acme"].tickets) == 1
        assert s.record().comments == []
        assert s.rows("select count(*) from link") == [(1,)]


def test_a_create_that_never_left_is_withdrawn_when_taken_back(scene: Make) -> None:
    s = scene()
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    die(s, sent=False)
    s.wish("take_back", ticket)
    s.calm()
    assert s.record() is None
    assert s.rows("select kind, state from delivery order by id") == [("create", 3), ("comment", 3)]


def test_the_status_of_a_helper_is_its_own_even_after_our_comment_reopened_it(scene: Make) -> None:
    """It was owed again like a holder's, and the ticket's status, which is not the helper's, was written there."""
    s = scene(names=("acme", "globex"), quirks=lambda: Quirks(reopen=True))
    ticket = s.escalated(status="pending_requester")
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.edit_there("globex", status="done")
    s.sync()
    s.wish("comment", ticket, text="is it?", audience=["everyone"])
    s.calm()
    assert s.record("globex").fields["status"] == "open"
    assert s.value("select leg_status from link where role = 'helper'") == "new"
    assert s.fields()["status"] == "pending_requester"


def test_absence_is_believed_only_when_a_late_write_would_be_visible_too(scene: Make) -> None:
    """It landed at the very end of the horizon and was not in the index yet: it was made twice."""
    s = scene(quirks=lambda: Quirks(index_lag=timedelta(seconds=8)))
    ticket = s.world.create("VPN down")
    s.wish("escalate", ticket, connection="acme")
    s.fault("late", "create", steps=18)
    s.work()
    for _ in range(60):
        s.wait(1)
        s.work()
    assert len(s.desks["acme"].tickets) == 1


def test_a_late_write_is_known_for_ours_even_if_it_is_seen_long_after_it_landed(scene: Make) -> None:
    """Nobody looked within the horizon; the unanswered attempt was forgotten by then, and our older value came back as
    their change."""
    s = scene(locking=False)
    ticket = s.escalated()
    s.fault("late", "update", steps=12)
    s.edit(ticket, title="one")
    s.work()
    s.wait(2)
    s.work()
    s.edit(ticket, title="two")
    s.work()
    assert s.record().fields["title"] == "two"
    s.wait(3600)
    assert s.record().fields["title"] == "one"
    s.calm()
    assert (s.fields()["title"], s.record().fields["title"]) == ("two", "two")
    assert s.rows("select count(*) from attempt where outcome = 'ghost'") == [(0,)]


def test_what_a_desk_made_of_a_late_write_is_not_their_change(scene: Make) -> None:
    """It landed in another form than it was sent, so it was no echo; but the last to write there was us."""
    s = scene(locking=False, quirks=lambda: Quirks(rewrite={"title": upper}))
    ticket = s.escalated()
    s.fault("late", "update", steps=8)
    s.edit(ticket, title="one")
    s.work()
    s.wait(2)
    s.fault("late", "update", steps=15)
    s.work()
    s.edit(ticket, title="two")
    s.wait(8)
    s.calm()
    assert s.fields()["title"] == "two"
    assert s.record().fields["title"] == "TWO"


def test_a_create_that_was_found_explains_no_later_value(scene: Make) -> None:
    """Its entry stayed, as if it could land again: their change back to what we had created with was taken for its
    echo, and overwritten."""
    s = scene()
    ticket = s.world.create("VPN down", urgency="medium")
    s.wish("escalate", ticket, connection="acme")
    die(s)
    s.sync()
    for urgency in ("high", "medium"):
        s.edit_there(urgency=urgency)
        s.sync()
    s.calm()
    assert (s.fields()["urgency"], s.record().fields["urgency"]) == ("medium", "medium")


def test_a_file_they_gave_us_is_fetched_even_after_the_ticket_was_taken_back(scene: Make) -> None:
    """Its download was withdrawn with what waited to be sent, and the file never had any bytes."""
    s = scene()
    ticket = s.escalated()
    s.desks["acme"].upload("tess", s.record().id, "log.txt", "text/plain", b"42", False)
    s.poll()
    s.fault("retry", "file")
    s.world.run()
    s.wish("take_back", ticket)
    s.calm()
    assert s.rows("select name, state from attachment") == [("log.txt", "stored")]


@pytest.mark.parametrize("again", [True, False])
def test_their_first_change_of_a_record_that_was_found_meets_none_of_ours(scene: Make, again: bool) -> None:
    """The answer to its create was lost and it was found, and before the look at it their changes came in by webhook,
    where everything was still owed: their value was set aside, or the one after it."""
    s = scene()
    ticket = s.world.create("VPN down", impact="high")
    s.wish("escalate", ticket, connection="acme")
    die(s)
    s.fault("commit_then_drop", "fetch")
    s.work()
    s.work()
    assert s.value("select remote_id from link") == s.record().id
    if not again:
        s.hooks.clear()  # the one that tells of the record itself is lost
    s.edit_there(impact="low")
    while s.hooks:
        s.hook()
    pipeline.process(s.rt)
    if again:
        s.edit_there(impact="medium")
    s.calm()
    value = "medium" if again else "low"
    assert (s.fields()["impact"], s.record().fields["impact"]) == (value, value)


def test_our_newer_word_stands_where_nobody_can_tell_what_reopened_a_record(scene: Make) -> None:
    """Our comment reopened it, its answer was lost, and a technician wrote after it: their touch is the last, and the
    status our comment had moved was taken for theirs and won over ours, said meanwhile."""
    s = scene(quirks=lambda: Quirks(reopen=True), locking=False)
    ticket = s.escalated()
    s.edit(ticket, status="resolved")
    s.world.run()
    s.wish("comment", ticket, text="once more", audience=["provider:acme", "requester"])
    die(s)
    s.desks["acme"].comment("tess", s.record().id, "looking", public=True)
    s.edit(ticket, status="pending_requester")
    s.calm()
    assert s.fields()["status"] == "pending_requester"
    assert s.record().fields["status"] == "waiting"


def test_a_link_that_begins_again_says_what_the_desk_made_something_else_of(scene: Make) -> None:
    """The notice that said so had closed with the link, and nothing told of the difference any more."""
    s = scene(quirks=lambda: Quirks(rewrite={"status": fewer_statuses}))
    ticket = s.escalated(status="pending_problem")
    assert [field for _, field in s.notices()] == ["status"]
    s.wish("take_back", ticket, connection="acme")
    s.calm()
    assert s.rows("select kind from notice where state = 'open'") == []
    s.wish("escalate", ticket, connection="acme")
    s.calm()
    assert s.rows("select field from notice where state = 'open'") == [("status",)]
