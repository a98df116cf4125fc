"""A ticket's clocks: what begins, stops and ends them, and the mistakes others made with them (DOMAIN.md 2.1)."""

from __future__ import annotations

import json

import pytest

from gateway.decide.hours import Calendars
from gateway.decide.signals import Signal
from gateway.decide.sla import compile_targets, recompute
from tests.decide.hours_world import H, at, office
from tests.decide.sla_world import MIN, NOON, Desk, instant, minutes, policy, shipped
from tests.decide.sla_world import OFFICE as OFFICE_HOURS

# --- what others got wrong ---


def test_time_pending_is_not_lost_when_the_target_changes_meanwhile() -> None:
    """glpi-project/glpi#6902: pending time was lost when the SLA was swapped while the ticket was pending."""
    desk = Desk(policy(requester_wait="4 h")).open()
    desk.status(60, "pending_requester")
    desk.policy(90, policy("targets@2", requester_wait="8 h"))
    desk.status(120, "in_progress", "requester")
    assert desk.due("requester_wait") == 8 * 60 + 60
    assert [one.policy for one in desk.of("requester_wait", "activate", "retarget")] == ["targets@1", "targets@2"]


def test_time_between_solved_and_reopened_is_the_requester_s_and_is_not_pending() -> None:
    """glpi-project/glpi#23359: the time between solved and reopened was counted as pending."""
    desk = Desk(policy(requester_wait="10 h", agent_work="10 h")).open()
    desk.status(60, "resolved")
    desk.status(180, "in_progress", "requester")
    assert desk.due("requester_wait") == 600
    assert desk.due("agent_work") == 600 + 120
    desk.tick(200)
    wait, work = desk.total("requester_wait", 2), desk.total("agent_work", 2)
    assert (wait.business, wait.paused) == (200 * MIN, {})
    assert (work.business, work.paused) == (80 * MIN, {"resolved": 120 * MIN})
    assert desk.totals().parties["nobody"].wall == 120 * MIN


def test_time_pending_is_no_part_of_the_whole() -> None:
    """glpi-project/glpi#1912: pending time was not excluded from the total."""
    desk = Desk(policy(requester_wait="4 h")).open()
    desk.status(30, "pending_requester")
    desk.status(100, "in_progress")
    desk.status(130, "resolved")
    wait = desk.total("requester_wait")
    assert (wait.wall, wait.business, wait.rested) == (130 * MIN, 60 * MIN, 70 * MIN)


def test_a_ticket_on_hold_does_not_run_out() -> None:
    """frappe/erpnext#16729: hold time was still counted."""
    desk = Desk(policy(requester_wait="2 h")).open()
    desk.status(60, "pending_requester")
    assert desk.wake_at is None
    assert desk.tick(60 * 24 * 30) == []
    assert desk.stand("requester_wait").standing == "paused"
    assert desk.stand("requester_wait").left == 60 * MIN


def test_the_lunch_break_is_not_working_time() -> None:
    """frappe/helpdesk#2212: the lunch break was not excluded."""
    lunch = Calendars("calendars@4", {"x": office((9 * H, 14 * H), (15 * H, 18 * H))}, "x")
    start = at("2026-11-16T13:30")
    desk = Desk(policy(requester_wait="1 h"), lunch).open(start)
    assert desk.state["clocks"]["requester_wait"]["due"] == at("2026-11-16T15:30")


def test_the_first_reply_is_the_first_that_the_requester_can_read() -> None:
    """fivetran/dbt_zendesk#53: first-reply times did not match. Notes within the desk and robots are no replies."""
    desk = Desk(policy(reply="2 h")).open()
    desk.reply(5, "tandem")
    desk.reply(10, public=False)
    desk.reply(15, useful=False)
    desk.reply(20, "requester")
    desk.status(25, "pending_requester")
    assert desk.kinds("reply") == ["activate"]
    desk.reply(40)
    assert [minutes(one.at) for one in desk.of("reply", "fulfil")] == [40]
    desk.reply(50)
    assert desk.kinds("reply") == ["activate", "fulfil"]


def test_the_first_reply_is_not_paused_by_pending() -> None:
    """DOMAIN.md 2.1, rule (d)."""
    desk = Desk(policy(reply="2 h")).open()
    desk.status(10, "pending_requester")
    desk.tick(120)
    assert desk.kinds("reply") == ["activate", "breach"]


def test_the_requester_waits_all_the_same_while_a_provider_has_the_ticket() -> None:
    """DOMAIN.md 2.1, rule (a): with a provider the desk's own work rests, the requester's clock never does."""
    desk = Desk(policy(requester_wait="4 h", agent_work="4 h")).open()
    desk.give(60, "provider:acme")
    desk.status(90, "pending_provider")
    assert desk.due("requester_wait") == 240
    assert desk.due("agent_work") is None
    desk.give(180, "team:desk", "provider:acme")
    desk.status(190, "in_progress")
    assert desk.due("agent_work") == 240 + 130
    assert "pause" not in desk.kinds("requester_wait")


def test_raised_priority_counts_from_creation_and_not_from_what_was_left() -> None:
    """DOMAIN.md 2.1, rule (c)."""
    rules = [{"name": "urgent", "when": {"priority": "P1"}, "targets": {"requester_wait": "2 h"}}]
    desk = Desk(policy(rules=rules, requester_wait="8 h")).open()
    desk.priority(60, "P1")
    assert desk.due("requester_wait") == 120
    desk.priority(70, "P3")
    assert desk.due("requester_wait") == 480
    assert [(one.kind, minutes(one.due_at or 0)) for one in desk.of("requester_wait")] == [
        ("activate", 480), ("retarget", 120), ("retarget", 480),
    ]  # fmt: skip


# --- the requester's clocks ---


def test_a_ticket_begins_with_all_clocks_and_ends_with_them() -> None:
    desk = Desk(compile_targets(shipped(), label="targets@1"), OFFICE_HOURS).open()
    ours = ["acknowledge", "reply", "requester_wait", "agent_work", "update_cadence"]
    assert [one.clock for one in desk.events if one.kind == "activate"] == ["ticket", *ours]
    desk.status(30, "in_progress")
    assert desk.kinds("acknowledge") == ["activate", "fulfil"]
    desk.status(60, "resolved")
    assert {one.clock for one in desk.events if one.kind == "fulfil"} == set(ours)
    assert desk.wake_at is None
    assert recompute(desk.events) == desk.state == json.loads(json.dumps(desk.state))


def test_without_targets_clocks_are_kept_and_nothing_is_promised() -> None:
    desk = Desk(policy()).open()
    assert (desk.wake_at, desk.stand("reply").words) == (None, "first useful reply: nothing is promised")
    desk.reply(25)
    assert desk.total("reply").wall == 25 * MIN
    desk.policy(30, policy("targets@2", requester_wait="1 h"))
    assert desk.due("requester_wait") == 60


def test_a_ticket_without_clocks_has_them_from_its_creation_on() -> None:
    desk = Desk(policy(requester_wait="1 h"))
    assert [(one.kind, minutes(one.at)) for one in desk.tick(90) if one.clock == "requester_wait"] == [
        ("activate", 0), ("breach", 60),
    ]  # fmt: skip


def test_who_answered_is_not_waited_for_any_more() -> None:
    desk = Desk(policy(requester_wait="2 h")).open()
    desk.status(30, "pending_requester")
    desk.tell(50, Signal("spoke", instant(50), "requester"))
    assert desk.due("requester_wait") == 140
    desk.give(60, "team:network")
    assert desk.due("requester_wait") == 140
    desk.status(70, "in_progress")
    desk.status(80, "pending_requester")
    assert desk.due("requester_wait") is None


def test_several_reasons_hold_at_once_and_count_once() -> None:
    desk = Desk(policy(agent_work="4 h")).open()
    desk.status(10, "pending_problem")
    desk.give(20, "provider:acme")
    desk.status(40, "in_progress")
    desk.give(60, "team:desk")
    work = desk.total("agent_work")
    assert [one.reason for one in desk.of("agent_work", "pause")] == ["problem", "problem provider", "provider"]
    assert (work.rested, work.paused) == (50 * MIN, {"problem": 30 * MIN, "provider": 40 * MIN})


def test_a_change_that_is_waited_for_is_a_reason_like_a_problem() -> None:
    desk = Desk(policy(agent_work="4 h")).open()
    desk.status(10, "pending_change")
    assert desk.stand("agent_work").reasons == ("change",)


@pytest.mark.parametrize(("reopened", "due"), [("counts", 600), ("does_not", 720)])
def test_whether_reopening_counts_is_the_policy_s_choice_and_is_printed(reopened: str, due: int) -> None:
    targets = policy(reopened=reopened, requester_wait="10 h")
    desk = Desk(targets).open()
    desk.status(60, "resolved")
    desk.status(180, "in_progress", "requester")
    assert desk.due("requester_wait") == due
    assert ("does not count" in targets.told()[-1]) is (reopened == "does_not")


def test_a_ticket_that_is_reopened_has_had_its_first_reply() -> None:
    desk = Desk(policy(reply="1 h")).open()
    desk.reply(10)
    desk.status(20, "resolved")
    desk.status(30, "in_progress")
    assert desk.kinds("reply") == ["activate", "fulfil"]
    assert [one.instance for one in desk.of("requester_wait", "activate")] == [1, 2]


def test_a_cancelled_ticket_meets_and_misses_nothing() -> None:
    desk = Desk(policy(requester_wait="1 h", reply="30 min")).open()
    desk.status(10, "cancelled", "requester")
    assert desk.kinds("requester_wait") == desk.kinds("reply") == ["activate", "cancel"]
    assert desk.stand("reply").standing == "cancelled"


def test_a_requester_who_solves_it_alone_had_no_reply() -> None:
    desk = Desk(policy(requester_wait="1 h", reply="30 min")).open()
    desk.status(10, "resolved", "requester")
    assert desk.kinds("requester_wait") == ["activate", "fulfil"]
    assert desk.kinds("reply") == ["activate", "cancel"]


# --- the provider's clocks ---


def test_a_provider_s_clocks_begin_when_it_has_the_record_and_stop_when_it_gives_it_back() -> None:
    desk = Desk(policy(provider_ack="30 min", provider_resolve="4 h")).open()
    desk.legs["acme"] = ("holder", "")
    desk.holder = "provider:acme"
    desk.tell(10, Signal("holder", instant(10), "team:desk", "team:desk", "provider:acme"))
    assert desk.of("provider_ack") == []
    desk.tell(15, Signal("accepted", instant(12), "provider:acme"))
    assert minutes(desk.of("provider_ack", "activate")[0].at) == 12
    assert desk.due("provider_ack provider:acme") == 42
    desk.tell(30, Signal("answered", instant(28), "provider:acme"))
    assert [minutes(one.at) for one in desk.of("provider_ack", "fulfil")] == [28]
    desk.give(60, "team:desk", "provider:acme")
    assert [one.reason for one in desk.of("provider_resolve", "cancel")] == ["returned"]
    desk.give(90, "provider:acme")
    assert desk.due("provider_resolve provider:acme") == 90 + 240
    assert [one.instance for one in desk.of("provider_resolve", "activate")] == [1, 2]


def test_giving_it_back_at_once_is_an_answer_and_taking_it_away_is_none() -> None:
    desk = Desk(policy(provider_ack="30 min")).open()
    desk.give(10, "provider:acme")
    desk.give(20, "team:desk", "provider:acme")
    desk.give(30, "provider:acme")
    desk.give(40, "team:desk", "team:desk")
    assert [(one.kind, one.reason) for one in desk.of("provider_ack") if one.kind != "activate"] == [
        ("fulfil", "returned"), ("cancel", "taken back"),
    ]  # fmt: skip


def test_what_ran_out_before_it_was_taken_back_is_said() -> None:
    desk = Desk(policy(provider_ack="30 min")).open()
    desk.give(10, "provider:acme")
    desk.give(60, "team:desk", "team:desk")
    assert [(one.kind, minutes(one.at)) for one in desk.of("provider_ack")] == [
        ("activate", 10), ("breach", 40), ("cancel", 60),
    ]  # fmt: skip


def test_a_record_that_is_accepted_twice_began_once() -> None:
    desk = Desk(policy(provider_ack="30 min")).open()
    desk.give(10, "provider:acme")
    desk.tell(20, Signal("accepted", instant(20), "provider:acme"))
    assert desk.kinds("provider_ack") == desk.kinds("provider_resolve") == ["activate"]


def test_providers_that_work_on_it_at_once_have_clocks_of_their_own() -> None:
    desk = Desk(policy(provider_resolve="4 h")).open()
    desk.legs = {"acme": ("holder", ""), "globex": ("helper", "")}
    desk.tell(5, Signal("accepted", instant(5), "provider:acme"), Signal("accepted", instant(5), "provider:globex"))
    desk.legs["globex"] = ("helper", "resolved")
    desk.tell(50, Signal("answered", instant(45), "provider:globex"))
    assert [(one.instance, one.party, minutes(one.at)) for one in desk.of("provider_resolve", "fulfil")] == [
        (2, "provider:globex", 45)
    ]
    desk.legs["acme"] = ("ended", "")
    desk.tick(60)
    assert [(one.instance, one.kind) for one in desk.of("provider_resolve")][-1] == (1, "cancel")


def test_what_a_leg_said_before_it_was_given_the_ticket_again_ends_nothing() -> None:
    desk = Desk(policy(provider_resolve="4 h")).open()
    desk.legs = {"acme": ("holder", "resolved")}
    desk.tell(5, Signal("accepted", instant(5), "provider:acme"))
    desk.tick(10)
    assert desk.kinds("provider_resolve") == ["activate"]


def test_a_ticket_solved_by_its_provider_meets_its_contract_and_one_solved_by_others_does_not() -> None:
    for party, kind in (("provider:acme", "fulfil"), ("team:desk", "cancel")):
        desk = Desk(policy(provider_resolve="4 h")).open()
        desk.give(10, "provider:acme")
        desk.status(60, "resolved", party)
        assert desk.kinds("provider_resolve") == ["activate", kind]
        assert desk.kinds("requester_wait") == ["activate", "fulfil"]


def test_a_provider_s_solution_that_did_not_hold_runs_on() -> None:
    desk = Desk(policy(provider_resolve="4 h")).open()
    desk.give(10, "provider:acme")
    desk.status(60, "resolved", "provider:acme")
    desk.status(90, "in_progress", "requester")
    assert [(one.kind, one.instance) for one in desk.of("provider_resolve")][-1] == ("activate", 2)


def test_a_provider_s_reply_counts_when_it_reaches_the_requester() -> None:
    """DOMAIN.md 2.2, first response time: not when it was written."""
    desk = Desk(policy(reply="1 h", provider_ack="1 h")).open()
    desk.give(10, "provider:acme")
    desk.tell(75, Signal("replied", instant(40), "provider:acme", public=True))
    assert [minutes(one.at) for one in desk.of("provider_ack", "fulfil")] == [40]
    assert [minutes(one.at) for one in desk.of("reply", "breach", "fulfil")] == [60, 75]


# --- late news ---


def test_late_news_is_dated_by_its_source_and_when_it_was_heard_is_kept() -> None:
    desk = Desk(policy(requester_wait="4 h")).open()
    desk.status(60, "in_progress")
    desk.status(100, "pending_requester", "provider:acme", happened=40)
    desk.status(120, "in_progress")
    pause = desk.of("requester_wait", "pause")[0]
    assert (minutes(pause.at), minutes(pause.received_at)) == (40, 100)
    assert desk.due("requester_wait") == 240 + 80


def test_nothing_happens_before_the_clock_s_activation_or_in_times_to_come() -> None:
    desk = Desk(policy(requester_wait="4 h", provider_ack="1 h")).open()
    desk.status(10, "in_progress", happened=-30)
    assert minutes(desk.of("acknowledge", "fulfil")[0].at) == 0
    desk.give(20, "provider:acme")
    desk.tell(30, Signal("answered", instant(15), "provider:acme"))
    assert minutes(desk.of("provider_ack", "fulfil")[0].at) == 20
    desk.status(40, "resolved", happened=500)
    assert minutes(desk.of("requester_wait", "fulfil")[0].at) == 40


def test_an_answer_that_came_in_time_and_was_heard_of_late_is_in_time() -> None:
    desk = Desk(policy(provider_ack="30 min")).open()
    desk.give(0, "provider:acme")
    desk.tick(30)
    assert desk.stand("provider_ack").standing == "breached"
    desk.tell(45, Signal("answered", instant(25), "provider:acme"))
    assert desk.stand("provider_ack").standing == "fulfilled"
    assert desk.total("provider_ack").missed is False
    assert desk.kinds("provider_ack") == ["activate", "breach", "fulfil"]


# --- said once ---


def test_all_that_ran_out_in_a_frozen_hour_is_said_once_and_dated_when_it_ran_out() -> None:
    desk = Desk(policy(acknowledge="10 min", reply="20 min", requester_wait="50 min")).open()
    frozen = [one for one in desk.tick(70) if one.kind == "breach"]
    assert [(one.clock, minutes(one.at), minutes(one.received_at)) for one in frozen] == [
        ("acknowledge", 10, 70), ("reply", 20, 70), ("requester_wait", 50, 70),
    ]  # fmt: skip
    assert desk.tick(71) == []
    assert [kind for kind, _ in desk.notices] == ["sla_breach"] * 3


def test_warnings_come_before_the_breach_once_each_by_share_and_by_what_is_left() -> None:
    desk = Desk(policy(requester_wait={"within": "100 min", "warn": ["50 %", "20 min left"]})).open()
    at_all = []
    while desk.wake_at is not None:
        at_all.append(minutes(desk.wake_at))
        desk.tick(desk.wake_at)
        desk.tick(desk.now + 1)
    assert at_all == [50, 80, 100]
    assert desk.kinds("requester_wait") == ["activate", "warn", "warn", "breach"]
    assert desk.notices[1] == ("sla_warning", "Solution: 20 min left of 100 min (rule default).")


def test_a_breach_is_not_said_again_when_late_news_move_the_due_time() -> None:
    desk = Desk(policy(requester_wait={"within": "1 h", "warn": "80 %"})).open()
    desk.tick(60)
    desk.status(70, "pending_requester", happened=30)
    desk.status(80, "in_progress")
    assert (desk.due("requester_wait"), desk.wake_at) == (110, None)
    assert desk.stand("requester_wait", 90).standing == "running"
    assert desk.stand("requester_wait", 110).standing == "breached"
    assert [one for one in desk.tick(120) if one.kind in ("warn", "breach")] == []


def test_after_the_breach_nobody_is_warned_of_it() -> None:
    desk = Desk(policy(requester_wait={"within": "100 min", "warn": "50 %"})).open()
    desk.tick(200)
    assert desk.kinds("requester_wait") == ["activate", "breach"]


def test_a_breach_is_not_undone_by_a_lower_priority() -> None:
    """DOMAIN.md 2.5: priority is lowered near the breach."""
    rules = [{"name": "urgent", "when": {"priority": "P1"}, "targets": {"requester_wait": "2 h"}}]
    desk = Desk(policy(rules=rules, requester_wait="8 h"))
    desk.fields["priority"] = "P1"
    desk.open()
    desk.priority(130, "P3")
    assert desk.kinds("requester_wait") == ["activate", "breach", "retarget"]
    desk.status(140, "resolved")
    assert desk.stand("requester_wait").standing == "breached"
    assert desk.total("requester_wait").missed is True


def test_a_target_that_is_over_when_it_begins_to_hold_is_missed_then_and_not_before() -> None:
    rules = [{"name": "urgent", "when": {"priority": "P1"}, "targets": {"requester_wait": "1 h"}}]
    desk = Desk(policy(rules=rules, requester_wait="8 h")).open()
    desk.priority(90, "P1")
    breach = desk.of("requester_wait", "breach")[0]
    assert (minutes(breach.at), minutes(breach.due_at or 0)) == (90, 60)


def test_who_had_it_when_it_ran_out_is_written_down() -> None:
    desk = Desk(policy(requester_wait="2 h", provider_ack="1 h")).open()
    desk.give(30, "provider:acme")
    desk.tick(150)
    assert {(one.clock, one.party) for one in desk.events if one.kind == "breach"} == {
        ("requester_wait", "provider:acme"), ("provider_ack", "provider:acme"),
    }  # fmt: skip


# --- updates ---


def test_each_useful_update_begins_the_next_interval_also_with_a_provider() -> None:
    """REQUIREMENTS D1-36."""
    desk = Desk(policy(update_cadence="1 h")).open()
    desk.reply(30)
    assert desk.due("update_cadence") == 90
    desk.give(40, "provider:acme")
    desk.reply(50, "tandem")
    desk.reply(60, useful=False)
    assert desk.due("update_cadence") == 90
    desk.reply(80, "provider:acme")
    assert desk.due("update_cadence") == 140
    desk.status(85, "pending_requester")
    assert desk.due("update_cadence") is None


def test_silence_is_said_once_an_interval_and_once_after_a_frozen_day() -> None:
    desk = Desk(policy(update_cadence="1 h")).open()
    desk.tick(60)
    desk.tick(120)
    desk.tick(120 + 24 * 60)
    assert [minutes(one.at) for one in desk.of("update_cadence", "breach")] == [60, 120, 180]
    assert desk.due("update_cadence") == 120 + 25 * 60
    desk.reply(120 + 24 * 60 + 10)
    assert desk.of("update_cadence", "fulfil")[0].instance == 4


def test_an_interval_that_ran_out_before_its_target_changed_is_followed_by_the_next() -> None:
    desk = Desk(policy(update_cadence="1 h")).open()
    desk.policy(90, policy("targets@2", update_cadence="2 h"))
    assert [minutes(one.at) for one in desk.of("update_cadence", "breach")] == [60]
    assert desk.due("update_cadence") == 90 + 120


def test_an_update_of_an_interval_that_is_over_changes_nothing() -> None:
    desk = Desk(policy(update_cadence="1 h")).open()
    desk.tick(60)
    desk.tell(70, Signal("replied", instant(50), "team:desk", public=True))
    assert desk.due("update_cadence") == 120


# --- policy and calendar ---


def test_a_target_of_a_new_policy_counts_what_was_already_waited() -> None:
    desk = Desk(policy(requester_wait="4 h", agent_work={"within": "4 h", "paused_by": []})).open()
    desk.give(30, "provider:acme")
    desk.give(90, "team:desk")
    assert desk.due("agent_work") == 240
    desk.policy(100, policy("targets@2", requester_wait="4 h", agent_work={"within": "4 h", "paused_by": ["provider"]}))
    assert desk.due("agent_work") == 300
    desk.policy(110, policy("targets@3", requester_wait="4 h", agent_work={"within": "4 h", "paused_by": []}))
    assert desk.due("agent_work") == 240


def test_a_policy_that_promises_the_same_moves_nothing() -> None:
    desk = Desk(policy(requester_wait="4 h")).open()
    assert desk.policy(30, policy("targets@2", requester_wait="4 h")) == []


def test_another_calendar_moves_the_due_time_from_the_beginning() -> None:
    desk = Desk(policy(requester_wait="8 h"), OFFICE_HOURS).open()
    assert desk.due("requester_wait") == (21 + 2) * 60
    desk.calendars = Calendars("calendars@9", {"x": office((9 * H, 20 * H))}, "x")
    desk.tell(30, Signal("policy", instant(30)))
    assert desk.due("requester_wait") == 8 * 60
    assert desk.of("requester_wait")[-1].calendar == "calendars@9"


def test_work_goes_by_the_calendar_of_the_team_that_has_it() -> None:
    night = Calendars(
        "calendars@5",
        {"day": office(), "night": office((0, 9 * H))},
        "day",
        {"team:night": "night"},
    )
    desk = Desk(policy(agent_work="8 h"), night).open()
    assert desk.state["clocks"]["agent_work"]["due"] == at("2026-11-17T11:00")
    desk.give(60, "team:night")
    assert desk.state["clocks"]["agent_work"]["due"] == at("2026-11-17T08:00")
    desk.give(70, "provider:acme")
    desk.give(80, "team:night")
    assert desk.of("agent_work", "retarget")[-1].at == instant(60)
    assert [one.reason for one in desk.of("ticket", "retarget")] == ["team:night"]


def test_a_clock_that_never_runs_out_waits_for_nothing() -> None:
    closed = Calendars("calendars@6", {"x": office((9 * H, 9 * H))}, "x")
    desk = Desk(policy(requester_wait="1 h"), closed).open()
    assert (desk.due("requester_wait"), desk.wake_at) == (None, None)


# --- for people ---


def test_a_stand_says_in_plain_words_what_is_left_and_why() -> None:
    desk = Desk(policy(requester_wait="4 h", reply="1 h")).open()
    desk.status(50, "pending_requester")
    assert desk.stand("requester_wait", 100).words == (
        "solution: waits for the requester's answer; 3 h 10 min of working time left when it goes on"
    )
    assert desk.stand("reply", 55).words == "first useful reply: 5 min of working time left"
    desk.reply(70)
    assert desk.stand("reply").words == "first useful reply: missed by 10 min of working time"
    assert desk.stand("reply").over == 10 * MIN


def test_what_is_left_is_working_time() -> None:
    desk = Desk(policy(requester_wait="8 h"), OFFICE_HOURS).open(at("2026-11-20T17:00"))
    stand = desk.stand("requester_wait", at("2026-11-23T10:00"))
    assert (stand.left, stand.due_at) == (6 * H, at("2026-11-23T16:00"))


def test_totals_of_a_ticket_that_stays_solved_end_with_its_solution() -> None:
    desk = Desk(policy()).open()
    desk.give(20, "provider:acme")
    desk.status(50, "pending_requester")
    desk.give(60, "team:desk")
    desk.status(90, "in_progress")
    desk.status(100, "resolved")
    desk.tick(5000)
    sums = desk.totals()
    assert {party: had.wall // MIN for party, had in sums.parties.items()} == {
        "team:desk": 30, "provider:acme": 30, "requester": 40,
    }  # fmt: skip
    assert sums.end - sums.start == 100 * MIN == sum(had.wall for had in sums.parties.values())
    assert sums.start == NOON
