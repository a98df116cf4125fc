"""Random stories of hand-overs, over the days on which clocks change and over year ends (DESIGN.md 3, I8).

Whatever happens to a ticket, and however late it is heard of: everybody's time adds up to its whole time, the log alone
gives the same state, everything is said once, and a due time depends on what holds now and not on what held meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.decide.hours import Calendars
from gateway.decide.signals import Signal
from gateway.decide.sla import Targets, recompute
from gateway.decide.sla.log import due_of, named, stopped
from gateway.tickets.vocabulary import FINAL
from tests.decide.hours_world import H, at, hours, office
from tests.decide.sla_world import DAY, Desk, policy

WEEKS = [at(f"{day}T12:00") for day in ("2026-03-26", "2026-10-22", "2026-12-28", "2027-12-30", "2026-06-10")]
"""Days before the clocks go forward and back, before two year ends, and in between."""

CALENDARS = [
    Calendars(
        f"calendars@{n}",
        {
            "office": office((9 * H, 14 * H), (15 * H, (17 + n) * H)),
            "night": hours("America/New_York", ((20 * H, DAY), (0, 4 * H))),
            "all": hours("UTC", ((0, DAY),)),
            "morning": hours("Europe/Madrid", ((0, 12 * H),)),
        },
        "office",
        {"team:night": "night", "provider:acme": "all", "site:lab": "morning"},
    )
    for n in (1, 3)
]
URGENT = {"name": "urgent", "when": {"priority": ["P1", "P2"]}}
ACME = {"name": "acme", "when": {"provider": "acme"}, "targets": {"provider_ack": "20 min", "provider_resolve": "5 h"}}
WARNED = {"within": "9 h", "warn": ["50 %", "80 %", "10 min left"]}
POLICIES: list[Targets] = [
    policy(
        "targets@1",
        rules=[
            ACME,
            {**URGENT, "targets": {"requester_wait": {"within": "3 h", "calendar": "always"}, "update_cadence": "1 h"}},
        ],
        acknowledge="30 min",
        reply={"within": "2 h", "warn": "75 %"},
        requester_wait=WARNED,
        agent_work="6 h",
        update_cadence="4 h",
        provider_ack="1 h",
    ),
    policy(
        "targets@2",
        reopened="does_not",
        requester_wait={"within": "7 h", "calendar": "site", "paused_by": []},
        agent_work={"within": "5 h", "paused_by": ["requester"], "calendar": "desk"},
        provider_resolve={"within": "12 h", "paused_by": ["requester", "problem"]},
    ),
    policy("targets@3", requester_wait={"within": "2 d", "calendar": "team:night", "paused_by": ["problem"]}),
]
HOLDERS = ["team:desk", "team:night", "provider:acme", "provider:globex"]
PARTIES = [*HOLDERS, "requester", "tandem"]
STATUSES = [
    "in_progress", "pending_requester", "pending_provider", "pending_problem", "pending_change", "resolved", "closed",
    "cancelled", "in_progress",
]  # fmt: skip

Step = tuple[str, int, int, Any]
"""What happens; microseconds since what happened last; how long until it was heard of; and what more there is to it."""

GAPS = st.one_of(st.integers(0, 2 * H), st.integers(0, 3 * DAY), st.sampled_from([0, 1, H, DAY]))
LATE = st.one_of(st.just(0), st.just(0), st.integers(0, 30 * H))
MORE: dict[str, st.SearchStrategy[Any]] = {
    "status": st.tuples(st.sampled_from(STATUSES), st.sampled_from(PARTIES)),
    "give": st.tuples(st.sampled_from(HOLDERS), st.sampled_from(PARTIES)),
    "replied": st.tuples(st.sampled_from(PARTIES), st.booleans(), st.booleans()),
    "answered": st.sampled_from(HOLDERS[2:]),
    "returned": st.sampled_from(HOLDERS[2:]),
    "leg": st.tuples(st.sampled_from(HOLDERS[2:]), st.sampled_from(["", "in_progress", "resolved", "cancelled"])),
    "solved": st.sampled_from(PARTIES),
    "spoke": st.none(),
    "priority": st.sampled_from(["P1", "P2", "P3"]),
    "policy": st.integers(0, 2),
    "calendars": st.integers(0, 1),
    "due": st.none(),
    "tick": st.none(),
}
STEPS = st.one_of(*(st.tuples(st.just(kind), GAPS, LATE, more) for kind, more in MORE.items()))
STORIES = st.tuples(st.sampled_from(WEEKS), st.sampled_from(HOLDERS), st.lists(STEPS, max_size=14))


def tell(story: tuple[int, str, list[Step]], late: bool = True) -> Desk:
    """Let a story happen."""
    start, holder, steps = story
    desk = Desk(POLICIES[0], CALENDARS[0], holder, requester={"site": "lab"}).open(start)
    for kind, gap, delay, more in steps:
        now = desk.now + gap
        step(desk, kind, now, now - delay if late else now, more)
        assert desk.wake_at is None or desk.wake_at > desk.now
    return desk


def step(desk: Desk, kind: str, now: int, happened: int, more: Any) -> None:
    if kind == "solved":  # or not, after all
        desk.status(now, "in_progress" if desk.fields["status"] in FINAL else "resolved", more, happened)
    elif kind == "status" and more[0] != desk.fields["status"]:
        desk.status(now, more[0], more[1], happened)
    elif kind == "give" and more[0] != desk.holder:
        desk.give(now, more[0], more[1], happened)
    elif kind == "priority":
        desk.priority(now, more)
    elif kind == "policy":
        desk.policy(now, POLICIES[more])
    elif kind == "calendars":
        desk.calendars = CALENDARS[more]
        desk.policy(now, desk.targets)
    elif kind == "leg":
        desk.legs[more[0].removeprefix("provider:")] = ("helper", more[1])
        desk.tell(now, Signal("accepted", happened, more[0]), Signal("worked", now, more[0]))
    elif kind == "replied":
        desk.tell(now, Signal("replied", happened, more[0], public=more[1], useful=more[2]))
    elif kind == "due":
        desk.tick(max(now, desk.wake_at or 0) if gap_is_odd(now) else desk.wake_at or now)
    elif kind in ("answered", "returned", "spoke"):
        desk.tell(now, Signal(kind, happened, more or "requester"))
    else:
        desk.tick(now)


def gap_is_odd(now: int) -> bool:
    """Sometimes the clock comes when it should, sometimes a frozen worker comes late."""
    return now % 2 == 1


def often(check: Callable[[tuple[int, str, list[Step]]], None], stories: int) -> None:
    settings(max_examples=stories)(given(STORIES)(check))()


def test_whatever_happens_the_books_balance(full: bool) -> None:
    """300 stories, or with ``--full`` 10,000; among them enough of those that are worth telling."""
    told: Counter[str] = Counter()

    def balance(story: tuple[int, str, list[Step]]) -> None:
        desk = tell(story)
        told.update(reached(desk))
        adds_up(desk)
        one_log_one_state(desk)
        said_once(desk)
        there_and_back(desk)
        one_log_one_state(desk)

    often(balance, 10_000 if full else 300)
    assert min(told[what] for what in REACHED) >= 3, told


REACHED = ("breach", "warn", "retarget", "two reasons", "failed before", "second instance", "heard of late", "returned")


def reached(desk: Desk) -> set[str]:
    """What of ``REACHED`` there is in a story."""
    clocks, events = desk.state["clocks"].values(), desk.events
    return {
        *(event.kind for event in events),
        *("two reasons" for event in events if event.kind == "pause" and " " in event.reason),
        *("failed before" for one in clocks if "failed" in one),
        *("second instance" for event in desk.of("requester_wait", "activate") if event.instance > 1),
        *("heard of late" for event in desk.of("ticket") if event.at < event.received_at),
        *("returned" for event in desk.of("provider_resolve", "cancel") if event.reason == "returned"),
    }


def adds_up(desk: Desk) -> None:
    """Everybody's time adds up to the whole, to the microsecond, and so does every clock's."""
    sums = desk.totals()
    assert sum(had.wall for had in sums.parties.values()) == sums.end - sums.start >= 0
    edges = [sums.start, *(one.end for one in sums.segments)]
    assert [one.start for one in sums.segments] == edges[:-1]
    assert edges[-1] == sums.end
    assert all(one.start < one.end for one in sums.segments)
    assert all(0 <= had.business <= had.wall for had in sums.parties.values())
    for clock in sums.clocks:
        assert clock.wall == clock.business + clock.out_of_hours + clock.rested == clock.end - clock.start
        assert min(clock.business, clock.out_of_hours, clock.rested, *clock.paused.values()) >= 0
        assert max(clock.paused.values(), default=0) <= clock.rested <= sum(clock.paused.values())


def one_log_one_state(desk: Desk) -> None:
    """The log gives the state; a due time is what the whole of it makes it; and it says of each clock if it rests."""
    assert recompute(desk.events) == desk.state
    moved = {(e.clock, e.instance): e for e in desk.events if e.kind in ("activate", "pause", "resume")}
    for key, one in desk.state["clocks"].items():
        if "end" not in one:
            assert one["due"] == due_of(desk.state, one, desk.calendars)
            last, now = moved[named(key)[0], one["n"]], stopped(desk.state, one)
            assert (last.reason.split() if last.kind == "pause" else []) == sorted(now)


def said_once(desk: Desk) -> None:
    """Each warning and breach is said once, of clocks that go, dated between their beginning and when it was heard."""
    said = Counter((e.clock, e.instance, e.kind, e.reason) for e in desk.events if e.kind in ("warn", "breach"))
    assert set(said.values()) <= {1}
    assert len(desk.notices) == said.total()
    over: set[tuple[str, int]] = set()
    begun: dict[tuple[str, int], int] = {}
    for event in desk.events:
        key = (event.clock, event.instance)
        assert key not in over
        assert begun.setdefault(key, event.at) <= event.at <= event.received_at
        if event.kind in ("fulfil", "cancel"):
            over.add(key)
    for one in desk.state["clocks"].values():
        if "end" not in one and one["due"] is not None and one["due"] <= desk.now:
            assert "breach" in one["told"]


def there_and_back(desk: Desk) -> None:
    """Other targets, calendars and priorities and back again: the same due times."""
    before = dues(desk)
    targets, calendars, priority = desk.targets, desk.calendars, desk.fields["priority"]
    for other in POLICIES:
        desk.policy(desk.now, other)
    desk.calendars = CALENDARS[1]
    desk.priority(desk.now, "P1" if priority == "P3" else "P3")
    desk.calendars = calendars
    desk.policy(desk.now, targets)
    desk.priority(desk.now, priority)
    after = dues(desk)
    assert {key[0] for key in before if key not in after} <= {"update_cadence"}  # it ran out, and the next one began
    assert all(after.get(key, due) == due for key, due in before.items())


def dues(desk: Desk) -> dict[tuple[str, int], int | None]:
    """The due times of the clocks that go."""
    clocks = desk.state["clocks"].items()
    return {(key, one["n"]): one["due"] for key, one in clocks if "end" not in one}


# --- against what a person would count by hand ---


def test_clocks_run_when_a_person_would_count(full: bool) -> None:
    """Where all is heard of at once, each clock's time is that of the intervals between what happened."""

    def by_hand(story: tuple[int, str, list[Step]]) -> None:
        start, holder, steps = story
        wanted = [one for one in steps if one[0] in ("status", "solved", "give", "replied", "tick")]
        desk = Desk(POLICIES[0], CALENDARS[0], holder).open(start)
        waited = worked = 0
        for kind, gap, _, more in wanted:
            now, status = desk.now + gap, desk.fields["status"]
            if status not in ("pending_requester", *FINAL):
                waited += CALENDARS[0].of("desk").worked(desk.now, now)
            if status in FINAL:  # it counts if it is reopened
                waited += CALENDARS[0].of("desk").worked(desk.now, now) if reopens(kind, more) else 0
            if status in ("new", "in_progress") and desk.holder.startswith("team:"):
                worked += now - desk.now
            if status in FINAL and not reopens(kind, more):
                now = desk.now
            step(desk, kind, now, now, more)
        sums = desk.totals()
        wait = [one for one in sums.clocks if one.clock == "requester_wait"][-1]
        work = [one for one in sums.clocks if one.clock == "agent_work"][-1]
        assert wait.business == waited
        assert work.business + work.out_of_hours == worked

    often(by_hand, 2000 if full else 100)


def reopens(kind: str, more: Any) -> bool:
    """Of a ticket that is solved."""
    return kind == "solved" or (kind == "status" and more[0] not in FINAL)
