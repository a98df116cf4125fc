"""What a ticket's events add up to, counted by hand; what shows that a target was saved on paper (DOMAIN.md 2.5)."""

from __future__ import annotations

import pytest

from gateway.decide.signals import Signal
from gateway.decide.sla import guards, recompute, totals
from gateway.decide.sla.totals import Had
from tests.decide.hours_world import H, at
from tests.decide.sla_world import ALWAYS, DAY, MIN, NOON, OFFICE, Desk, instant, minutes, policy


def test_two_parties_a_night_and_the_day_on_which_clocks_go_back() -> None:
    """Friday 23 October 2026, 17:00, to Monday 26th, 10:00, in Madrid: 66 hours on the wall."""
    desk = Desk(policy(requester_wait="16 h"), OFFICE).open(at("2026-10-23T17:00"))
    desk.give(at("2026-10-23T17:30"), "provider:acme")
    desk.tick(at("2026-10-26T10:00"))
    sums = desk.totals()
    assert dict(sums.parties) == {
        "team:desk": Had(30 * MIN, 30 * MIN),
        "provider:acme": Had(65 * H + 30 * MIN, 90 * MIN),
    }
    wait = desk.total("requester_wait")
    assert (wait.wall, wait.business, wait.out_of_hours) == (66 * H, 2 * H, 64 * H)
    assert wait.due_at == at("2026-10-27T15:00")


def test_a_holder_that_was_heard_of_late_had_it_from_then_on() -> None:
    desk = Desk(policy()).open()
    desk.give(100, "provider:acme", happened=40)
    desk.give(110, "team:desk", happened=20)  # before it was given to them: it was theirs for no time
    desk.tick(120)
    assert {party: had.wall // MIN for party, had in desk.totals().parties.items()} == {"team:desk": 120}


def test_a_ticket_without_a_holder_is_with_nobody() -> None:
    desk = Desk(policy()).open()
    sums = totals(desk.events, [(instant(10), "team:desk")], instant(30), ALWAYS)
    assert [(one.party, minutes(one.start), minutes(one.end)) for one in sums.segments] == [
        ("nobody", 0, 10), ("team:desk", 10, 30),
    ]  # fmt: skip


def test_every_instance_of_a_clock_is_counted() -> None:
    desk = Desk(policy(update_cadence="1 h", provider_ack="1 h")).open()
    desk.reply(30)
    desk.give(40, "provider:acme")
    desk.reply(50, "provider:acme")
    clocks = {(one.clock, one.instance): one for one in desk.totals().clocks}
    assert [clocks["update_cadence", n].wall // MIN for n in (1, 2, 3)] == [30, 20, 0]
    assert clocks["provider_ack", 1].outcome == "fulfilled"
    assert clocks["provider_ack", 1].party == "provider:acme"


def test_a_log_that_does_not_begin_is_no_log() -> None:
    desk = Desk(policy()).open()
    with pytest.raises(KeyError):
        totals(desk.events[1:], [], desk.now, ALWAYS)


def test_what_a_log_is_read_from_may_be_any_part_of_it() -> None:
    """Totals of the past are those that the log gave then."""
    desk = Desk(policy(requester_wait="4 h")).open()
    desk.status(30, "pending_requester")
    then, so_far = desk.totals(), len(desk.events)
    desk.status(90, "resolved")
    assert totals(desk.events[:so_far], desk.holdings, instant(30), ALWAYS) == then
    assert recompute(desk.events[:so_far]) != desk.state


# --- guards ---


def test_a_pause_just_before_the_time_is_over_is_listed() -> None:
    desk = Desk(policy(requester_wait="100 min")).open()
    desk.status(20, "pending_requester")
    desk.status(30, "in_progress")
    desk.status(105, "pending_requester", "team:network")
    late = guards(desk.events, desk.now, ALWAYS).late
    assert [(one.clock, minutes(one.at), one.party, one.left // MIN, one.reasons) for one in late] == [
        ("requester_wait", 105, "team:network", 5, ("requester",))
    ]


def test_how_much_of_a_ticket_rested_and_who_let_it_rest_is_counted() -> None:
    desk = Desk(policy()).open()
    desk.status(10, "pending_requester")
    desk.status(20, "in_progress")
    desk.status(30, "pending_problem", "team:network")
    desk.status(40, "pending_requester", "team:network")
    desk.status(50, "resolved")
    desk.tick(5000)
    found = guards(desk.events, desk.now, ALWAYS)
    assert dict(found.pauses) == {"team:desk": 1, "team:network": 2}
    assert {reason: round(share, 3) for reason, share in found.share.items() if share} == {
        "requester": 0.4,
        "problem": 0.2,
    }


def test_a_priority_that_changes_is_listed_with_the_due_time_before_and_after() -> None:
    rules = [{"name": "urgent", "when": {"priority": "P1"}, "targets": {"requester_wait": "2 h"}}]
    desk = Desk(policy(rules=rules, requester_wait="8 h"))
    desk.fields["priority"] = "P1"
    desk.open()
    desk.priority(110, "P3", "team:network")
    moved = guards(desk.events, desk.now, ALWAYS).moved
    assert [(one.clock, one.party, one.before, one.after) for one in moved] == [
        ("requester_wait", "team:network", instant(120), instant(480))
    ]
    assert moved[0].terms.startswith("8 h · desk")


def test_the_pending_of_a_day_is_no_share_of_another_s() -> None:
    desk = Desk(policy(), created=NOON).open()
    desk.status(0, "pending_requester")
    desk.tell(24 * 60, Signal("spoke", instant(24 * 60), "requester"))
    desk.tick(48 * 60)
    assert guards(desk.events, desk.now, ALWAYS).share["requester"] == 0.5
    assert desk.totals().reasons == {"requester": DAY}
