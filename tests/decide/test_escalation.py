"""A ticket on its path: timers, hand-overs, fail-over, deadlocks, and nothing twice (DOMAIN.md 2.4)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.decide.escalation import explain, replay
from gateway.decide.escalation.actions import HandOver, Inform, TakeBack, TellRequester, decision
from gateway.decide.language import BadPolicy
from gateway.decide.signals import Signal
from tests.decide.escalation_stories import HOUR, KNOWN, MIN, P1, START, Story, brief, matrix
from tests.decide.hours_world import example

DAY = 24 * HOUR


def test_a_p1_goes_its_whole_way_without_a_human_act() -> None:
    """D1-37. Nobody ever touches it."""
    story = Story(matrix())
    story.after(2 * DAY)
    assert [((at - START) // MIN, brief(action)) for at, action in story.log] == [
        (15, "inform lead"),
        (30, "cold provider:acme"),
        (90, "cold provider:globex from provider:acme"),
        (150, "team:last-resort from provider:globex"),
        (360, "inform manager"),
        (630, "inform lead"),
    ]
    assert story.wake_at is None, "nothing is left to wait for"


def test_what_is_worked_on_escalates_no_more_than_its_path_says() -> None:
    story = Story(matrix())
    story.after(10 * MIN)
    story.says("replied", "team:service-desk")
    story.after(25 * MIN)
    assert story.did() == ["cold provider:acme"], "the lead needed no word"
    story.says("answered", "provider:acme")
    story.after(3 * HOUR)
    assert story.did() == ["cold provider:acme"]
    story.after(30 * MIN)
    assert story.did()[1:] == ["warm provider:globex"] and story.holder == "provider:acme"


def test_an_automatic_reply_is_no_sign_of_work() -> None:
    story = Story(matrix())
    story.after(31 * MIN)
    story.says("replied", "provider:acme", useful=False)
    story.after(60 * MIN)
    assert story.did()[-1] == "cold provider:globex from provider:acme"


def test_warm_the_holder_stays_until_the_helper_answers() -> None:
    story = Story(matrix())
    story.says("replied", "team:service-desk")
    story.after(31 * MIN)
    story.says("answered", "provider:acme")
    story.after(3 * HOUR + 30 * MIN)
    assert story.did() == ["cold provider:acme", "warm provider:globex"]
    assert (story.holder, story.legs["globex"][0]) == ("provider:acme", "helper")
    story.says("answered", "provider:globex")
    assert story.did()[2:] == ["promote provider:globex"]
    assert (story.holder, story.legs["acme"][0]) == ("provider:globex", "helper")
    story.says("answered", "provider:globex")
    story.after(DAY)
    assert story.did()[3:] == ["inform manager"]


def test_a_helper_that_stays_silent_is_let_go_and_the_holder_keeps_it() -> None:
    story = Story(matrix())
    story.after(31 * MIN)
    story.says("answered", "provider:acme")
    story.after(6 * HOUR)
    assert story.did()[2:] == ["warm provider:globex", "provider:acme from provider:globex", "inform manager"]
    assert (story.holder, story.legs["globex"][0]) == ("provider:acme", "ended")


def test_a_silent_provider_loses_the_ticket_once_and_its_late_answer_drives_nothing() -> None:
    story = Story(matrix())
    story.after(95 * MIN)
    over = story.log[-1][1]
    assert isinstance(over, HandOver) and over.ends == "provider:acme" and over.how == "cold"
    assert over.because == "provider:acme has not answered within 1 h"
    story.says("answered", "provider:acme")
    story.says("replied", "provider:acme")
    assert story.holder == "provider:globex" and len(story.log) == 3
    story.says("answered", "provider:globex")
    story.after(10 * HOUR)
    assert story.did()[3:] == ["inform manager"]


def test_an_answer_in_time_counts_though_nobody_was_there_to_see_it() -> None:
    """The worker was frozen; the answer was in the queue before the clock was."""
    story = Story(matrix())
    story.after(31 * MIN)
    story.frozen = True
    story.after(3 * HOUR)
    story.says("answered", "provider:acme")
    assert story.did() == ["inform lead", "cold provider:acme"]


def test_a_frozen_worker_acts_once_on_what_is_overdue_and_says_how_late() -> None:
    story = Story(matrix())
    story.frozen = True
    story.after(5 * HOUR)
    story.look(Signal("clock", story.now))
    assert story.did() == ["inform lead", "cold provider:acme"]
    first, second = story.log[0][1], story.log[1][1]
    assert isinstance(first, Inform) and "due at" in first.text and "4 h 45 min ago" in first.text
    assert isinstance(second, HandOver) and "4 h 30 min ago" in second.because
    story.look(Signal("clock", story.now))
    assert len(story.log) == 2, "once"
    acts = story.state["acts"]
    assert [(rule, (done - due) // MIN) for rule, due, done in acts] == [("p1/lead", 285), ("p1/acme", 270)]


def test_a_late_hand_over_does_not_cost_the_next_its_time() -> None:
    """Frozen past both hand-overs: acme has its three hours and a half all the same."""
    story = Story(matrix())
    story.frozen = True
    story.after(5 * HOUR)
    story.look(Signal("clock", story.now))
    story.frozen = False
    story.says("answered", "provider:acme")
    story.after(3 * HOUR)
    assert story.did()[2:] == ["inform manager"]
    story.after(30 * MIN)
    assert story.did()[3:] == ["warm provider:globex"]


def test_nothing_counts_while_the_requester_is_waited_for() -> None:
    story = Story(matrix())
    story.after(10 * MIN)
    story.becomes("pending_requester")
    assert story.wake_at is None
    story.after(5 * HOUR)
    story.becomes("new", "requester")
    story.after(10 * MIN)
    assert story.did() == [], "the desk has answered, and 20 minutes have counted"
    story.after(10 * MIN)
    assert story.did() == ["cold provider:acme"]


def test_resolved_it_is_left_alone_and_reopened_it_begins_again() -> None:
    story = Story(matrix())
    story.after(40 * MIN)
    story.becomes("resolved")
    assert story.wake_at is None
    story.after(3 * DAY)
    assert len(story.log) == 2
    story.becomes("in_progress", "requester")
    story.after(35 * MIN)
    assert story.did()[2:] == ["inform lead"], "acme has it already"
    assert story.state["episode"] == 2


def test_a_step_to_somebody_who_had_it_is_passed_over() -> None:
    story = Story(matrix())
    story.hands("provider:acme")
    story.says("answered", "provider:acme")
    story.hands("team:service-desk")
    story.says("replied", "team:service-desk")
    story.after(3 * HOUR)
    assert story.did() == []
    story.after(HOUR)
    assert story.did() == ["warm provider:globex"]


def test_back_and_forth_is_told_once() -> None:
    """A, B, A, B (D4-23)."""
    story = Story(matrix())
    story.says("replied", "team:service-desk")
    for to in ("provider:initech", "team:service-desk", "provider:initech"):
        story.hands(to)
    assert story.did() == ["inform manager"]
    told = story.log[0][1]
    assert isinstance(told, Inform) and "back and forth" in told.text and told.people == ("boss@example.com",)
    for to in ("team:service-desk", "provider:initech", "team:service-desk"):
        story.hands(to)
    assert story.did() == ["inform manager"]


def test_one_return_is_no_deadlock() -> None:
    story = Story(matrix())
    for to in ("provider:initech", "team:service-desk", "team:network"):
        story.hands(to)
    assert story.did() == []


def test_many_messages_without_movement_are_told_once_and_again_after_a_movement() -> None:
    story = Story(matrix())
    for _ in range(4):
        story.says("spoke", "requester")
    assert story.did() == ["inform manager"]
    for _ in range(6):
        story.says("replied", "team:service-desk")
    assert story.did() == ["inform manager"]
    story.becomes("in_progress")
    for _ in range(4):
        story.says("spoke", "requester")
    assert story.did() == ["inform manager", "inform manager"]


def test_the_button_informs_those_responsible_and_answers_the_requester() -> None:
    story = Story(matrix())
    story.says("stuck", "requester")
    assert story.did() == ["inform manager", "TellRequester"]
    for _ in range(3):
        story.says("stuck", "requester")
    assert len(story.log) == 2, "pressed again, nothing is said twice"


def test_the_button_after_a_deadlock_was_found_answers_that_it_is_known() -> None:
    story = Story(matrix())
    for _ in range(4):
        story.says("spoke", "requester")
    story.says("stuck", "requester")
    assert story.did() == ["inform manager", "TellRequester"]
    told = story.log[1][1]
    assert isinstance(told, TellRequester) and "have known since 2026-11-24 06:00 UTC" in told.text


def test_a_missed_target_escalates() -> None:
    text = """
policy: 1
name: escalation
roles: {lead: {users: [ana]}}
deadlock: {inform: [lead]}
matrix:
  - name: all
    steps:
      - {after: at once, since: "breach:requester_wait", do: functional, to: "provider:acme", because: too late}
      - {after: 2 h, since: "breach:requester_wait", clock: wall, do: hierarchical, inform: [lead]}
"""
    story = Story(matrix(text))
    story.after(DAY)
    assert story.did() == [] and story.wake_at is None
    story.look(Signal("breach", story.now, after="reply"))
    assert story.did() == []
    story.look(Signal("breach", story.now, after="requester_wait"))
    assert story.did() == ["cold provider:acme"]
    story.says("answered", "provider:acme")
    story.after(3 * HOUR)
    assert story.did() == ["cold provider:acme", "inform lead"]


def test_what_a_higher_priority_makes_due_is_due_from_then_on() -> None:
    """It was nobody's delay that a P3 was not treated as a P1."""
    story = Story(matrix(), fields={"status": "new", "priority": "P3", "assignee": {"name": "Ana"}})
    story.after(5 * HOUR)
    story.says("replied", "team:service-desk")
    assert story.did() == []
    story.fields["priority"] = "P1"
    story.look(Signal("priority", story.now, "team:service-desk", "P3", "P1"))
    assert story.did() == ["cold provider:acme"]
    assert story.state["acts"] == [["p1/acme", story.now, story.now]]
    assert "due at" not in story.log[0][1].because  # type: ignore[union-attr]
    story.says("answered", "provider:acme")
    story.after(3 * HOUR + 30 * MIN)
    assert story.did()[1:] == ["inform manager", "warm provider:globex"]


LEVELS = """
policy: 1
name: escalation
roles: {lead: {users: [ana]}}
deadlock: {inform: [lead]}
matrix:
  - name: all
    steps:
      - {name: network, after: 4 h, since: holder, clock: wall, do: functional, to: "team:network"}
      - {name: lead, after: 2 h, since: holder, clock: wall, do: hierarchical, inform: [lead]}
      - {name: acme, after: 3 h, since: holder, clock: wall, do: functional, to: "provider:acme"}
      - {name: initech, after: 9 d, since: opened, clock: wall, do: functional, to: "provider:initech"}
"""


def test_what_counts_from_the_holder_waits_for_the_hand_overs_before_it() -> None:
    story = Story(matrix(LEVELS))
    story.after(8 * DAY)
    assert [((at - START) // HOUR, brief(action)) for at, action in story.log] == [
        (4, "cold team:network"),
        (6, "inform lead"),
        (7, "cold provider:acme"),
    ]


def test_a_step_that_ends_the_path_leaves_nothing_to_come() -> None:
    story = Story(matrix(LEVELS.replace("after: 9 d", 'ends: "true", after: 1 h')))
    story.after(30 * DAY)
    assert story.did() == ["cold provider:initech"]


def test_who_has_it_in_truth_counts() -> None:
    """The hand-over could not be carried out as it was wanted: another has the ticket."""
    story = Story(matrix(LEVELS))
    story.holder = "team:last-resort"
    story.after(2 * HOUR)
    story.look(Signal("clock", story.now))
    assert story.state["holder"] == "team:last-resort"
    story.after(3 * HOUR)
    assert story.did() == []
    story.after(HOUR)
    assert story.did() == ["cold team:network"]


def test_a_ticket_that_nobody_has_is_found_at_the_next_look() -> None:
    story = Story(matrix(), holder="")
    assert story.did() == ["cold team:service-desk"]
    other = Story(matrix(), holder="provider:acme", legs={"acme": ("holder", "")})
    other.says("answered", "provider:acme")
    assert other.did() == []
    other.legs.clear()
    other.look(Signal("clock", other.now))
    assert other.did() == ["cold team:service-desk"], "its record is nowhere"


def test_a_ticket_without_anybody_at_work_is_told_once_a_stay() -> None:
    story = Story(matrix(), fields={"status": "new", "priority": "P4"})
    story.after(DAY)
    assert story.did() == ["inform lead", "inform lead"], "unseen, and unassigned"
    taken = Story(matrix(), fields={"status": "new", "priority": "P4", "assignee": {"name": "Ana"}})
    taken.after(DAY)
    assert taken.did() == ["inform lead"]


def test_a_ticket_from_before_begins_now() -> None:
    """No flood when a policy is first in force: what is months old is not months overdue."""
    story = Story(matrix())
    story.state, story.log = {}, []
    story.now = START + 90 * DAY
    story.look(Signal("policy", story.now))
    assert story.did() == []
    story.after(20 * MIN)
    assert story.did() == ["inform lead"]


def test_given_back_it_goes_to_the_next_of_its_path_where_the_policy_says_so() -> None:
    story = Story(matrix(P1.replace("calendar: desk", "calendar: desk\nreturned: next")))
    story.after(35 * MIN)
    story.give("team:service-desk")
    story.legs["acme"] = ("ended", "cancelled")
    story.look(
        Signal("answered", story.now, "provider:acme"),
        Signal("holder", story.now, "provider:acme", "provider:acme", "team:service-desk"),
        Signal("returned", story.now, "provider:acme"),
    )
    assert story.did()[2:] == ["warm provider:globex"]
    assert story.state["returned"] == 1


def test_a_helper_that_gives_back_is_not_made_the_holder() -> None:
    story = Story(matrix())
    story.after(31 * MIN)
    story.says("answered", "provider:acme")
    story.after(4 * HOUR)
    assert story.legs["globex"][0] == "helper"
    story.legs["globex"] = ("ended", "cancelled")
    story.look(Signal("answered", story.now, "provider:globex"), Signal("returned", story.now, "provider:globex"))
    story.after(DAY)
    assert story.holder == "provider:acme"
    assert not any("promote" in one for one in story.did())


def test_nobody_waits_for_a_helper_that_a_person_sent_away() -> None:
    story = Story(matrix())
    story.after(31 * MIN)
    story.says("answered", "provider:acme")
    story.after(3 * HOUR + 45 * MIN)
    assert story.did()[-1] == "warm provider:globex"
    story.legs["globex"] = ("ended", "")
    story.look(Signal("clock", story.now))
    story.after(DAY)
    assert story.did()[3:] == ["inform manager"]


def test_every_look_is_replayed_from_its_inputs_alone() -> None:
    story = Story(matrix())
    story.after(40 * MIN)
    story.says("stuck", "requester")
    story.after(2 * DAY)
    decided = [action for _, action in story.log if isinstance(action, HandOver | TakeBack | Inform)]
    assert len(decided) == 7
    for action in decided:
        inputs = json.loads(json.dumps(action.inputs))
        assert replay(story.matrix, inputs) == decision(action, "escalation").text()


def test_what_is_remembered_comes_from_what_happened_alone_and_is_small() -> None:
    one, other = Story(matrix()), Story(matrix())
    for story in (one, other):
        for hour in range(40):
            story.hands(f"team:{'network' if hour % 2 else 'service-desk'}")
            story.becomes("pending_requester" if hour % 3 else "in_progress")
            story.after(HOUR)
    assert json.loads(json.dumps(one.state)) == other.state
    assert len(json.dumps(one.state)) < 4000


@pytest.mark.parametrize("at", [0, 50, 100, 400])
def test_it_is_explained_as_it_will_happen(at: int) -> None:
    story = Story(matrix())
    story.after(at * MIN)
    told = explain(story.matrix, story.view(), story.now, story.state)
    future = story.copy()
    future.after(2 * DAY)
    following = [when for when, _ in told.following]
    if len(future.log) > len(story.log):
        assert following[0] == future.log[len(story.log)][0], told.text()
    else:
        assert not following
    assert story.holder in told.because


def test_it_is_explained_why_this_one_has_it_and_what_comes_next() -> None:
    story = Story(matrix())
    story.after(35 * MIN)
    told = explain(story.matrix, story.view(), story.now, story.state).text().splitlines()
    assert told[0] == "provider:acme has the ticket since 2026-11-24 06:30 UTC: step p1/acme gave it; its path is p1."
    assert told[1:4] == [
        "2026-11-24 07:30 UTC: if provider:acme has not answered by then, provider:globex gets the ticket",
        "2026-11-24 10:00 UTC: provider:globex is asked to help and gets the ticket when it answers (p1/globex)",
        "2026-11-24 12:00 UTC: manager will know (p1/manager)",
    ]


def test_who_is_on_call_then_is_informed() -> None:
    """D1-35: by the rotation of the calendars in force, at that moment."""
    text = LEVELS.replace("{users: [ana]}", "{on_call: desk, email: [boss@example.com]}")
    story = Story(matrix(text), example())
    story.after(7 * HOUR)
    told = next(action for _, action in story.log if isinstance(action, Inform))
    assert told.people == ("Carmen Gil <carmen@example.org>", "boss@example.com"), "she stands in for Boris"
    assert replay(story.matrix, told.inputs) == decision(told, "escalation").text()
    alone = Story(matrix(text))
    alone.after(7 * HOUR)
    told = next(action for _, action in alone.log if isinstance(action, Inform))
    assert told.people == ("boss@example.com",), "no calendars, nobody's turn"


def test_a_rotation_that_is_not_there_is_told_at_its_place() -> None:
    known = replace(KNOWN, policies={"calendars": example()})
    with pytest.raises(BadPolicy) as caught:
        matrix(LEVELS.replace("{users: [ana]}", "{on_call: netwrk}"), known)
    assert [one.path for one in caught.value.faults] == ["roles.lead.on_call"]
