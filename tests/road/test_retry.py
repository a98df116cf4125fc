"""When to try again, when to stop trying, and how the breaker spares a desk that is down (ENGINE.md 5)."""

from __future__ import annotations

import pytest

from connectors import errors
from gateway.outbox import breaker, retry
from gateway.providers.connection import set_state
from gateway.store.tables import DEAD
from tests.road.conftest import Make
from tests.road.scene import Scene
from tests.road.test_lanes import replay


def down(s: Scene, **how: float) -> None:
    """The desk answers nothing but "later" from now on."""
    s.fault("retry", None, times=10_000, **how)


def up(s: Scene) -> None:
    s.scripts["acme"].clear()


def health(s: Scene) -> tuple[str, int]:
    return s.rows("select breaker, fails from health")[0]  # type: ignore[return-value]


def test_the_schedule_begins_quickly_and_spans_75_hours() -> None:
    waits = [retry.wait(tries, None, 0.5) for tries in range(1, len(retry.SECONDS) + 2)]
    assert waits[:3] == [1, 5, 30]
    assert waits[-1] is None
    assert sum(wait for wait in waits if wait is not None) == 75 * 3600
    assert all(abs(retry.wait(3, None, chance) - 30) <= 6 for chance in (0.0, 0.3, 0.99))  # type: ignore[operator]


@pytest.mark.parametrize(("asked", "waited"), [(90.0, 90.0), (0.1, 1.0), (99_999_999.0, retry.LONGEST_ASKED)])
def test_what_the_desk_asks_for_is_honoured_within_reason(asked: float, waited: float) -> None:
    assert retry.wait(1, asked, 0.5) == waited


def test_a_retry_after_is_waited_for(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.fault("retry", "update", after=120)
    s.edit(ticket, title="one")
    s.work()
    s.wait(110)
    s.work()
    assert s.calls().count("update") == 1
    s.wait(20)
    s.work()
    assert s.record().fields["title"] == "one"


def test_a_weekend_is_outlasted_and_a_week_ends_in_a_dead_letter(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    down(s, after=60)
    s.edit(ticket, title="one")
    for _ in range(60):
        s.clock += 3600 * 1_000_000
        s.work()
    assert s.value("select count(*) from delivery where state = 0") == 1
    for _ in range(108):
        s.clock += 3600 * 1_000_000
        s.work()
    assert s.rows("select kind from delivery where state = ?", DEAD) == [("update",)]
    assert [kind for kind, _ in s.notices()] == ["dead"]
    assert s.value("select count(*) from attempt where kind = 'update'") == len(retry.SECONDS) + 1, "and no more"
    replay(s)
    up(s)
    s.calm()
    assert s.record().fields["title"] == "one"


def test_the_breaker_opens_after_failures_in_a_row_and_nothing_is_sent_meanwhile(scene: Make) -> None:
    s = scene()
    tickets = [s.escalated() for _ in range(8)]
    down(s)
    for ticket in tickets:
        s.edit(ticket, title="one")
    s.work()
    assert health(s)[0] == "open"
    asked = len(s.calls())
    s.wait(3)
    s.work()
    assert len(s.calls()) == asked


def test_waiting_for_the_breaker_burns_no_attempt(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    down(s)
    s.edit(ticket, title="one")
    for _ in range(400):
        s.wait(10)
        s.work()
    failed = s.value("select count(*) from attempt where kind = 'update'")
    assert s.value("select tries from delivery where kind = 'update' and state = 0") == failed
    asked = s.calls().count("update")
    assert asked == failed
    with s.rt.store.write() as conn:
        conn.exec_driver_sql(f"update health set breaker = 'open', until = {s.clock + 3600 * 1_000_000}")
        conn.exec_driver_sql(f"update lane set due_at = {s.clock}")
    for _ in range(10):
        s.wait(60)
        s.work()
    assert s.calls().count("update") == asked
    assert s.value("select tries from delivery where kind = 'update' and state = 0") == failed


def test_half_open_lets_a_few_through_and_success_closes_it(scene: Make) -> None:
    s = scene()
    tickets = [s.escalated() for _ in range(12)]
    down(s)
    for ticket in tickets:
        s.edit(ticket, title="one")
    s.work()
    assert health(s)[0] == "open"
    s.wait(60)
    before = len(s.calls())
    s.work()
    assert len(s.calls()) - before <= breaker.PROBES, "still down: only the probes went out"
    assert health(s)[0] == "open"
    up(s)
    s.calm()
    assert health(s) == ("closed", 0)
    assert all(t.fields["title"] == "one" for t in s.desks["acme"].tickets.values())


def test_the_breaker_stays_open_longer_each_time_up_to_a_limit(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    down(s)
    s.edit(ticket, title="one")
    longest = 0
    for _ in range(300):
        s.wait(30)
        s.work()
        until = s.value("select until from health")
        if until is not None:
            longest = max(longest, until - s.clock)
    assert breaker.FIRST < longest <= breaker.LONGEST


def test_another_process_closes_a_breaker_it_has_not_opened(scene: Make) -> None:
    s = scene()
    tickets = [s.escalated() for _ in range(6)]
    down(s)
    for ticket in tickets:
        s.edit(ticket, title="one")
    s.work()
    assert health(s)[0] == "open"
    up(s)
    s.rt = s.world.rt = s.another()
    for _ in range(20):
        s.wait(15)
        s.work()
    assert health(s) == ("closed", 0)


def test_a_refusal_or_a_busy_desk_is_no_failure_of_the_connection(scene: Make) -> None:
    s = scene()
    for number in range(8):
        ticket = s.escalated()
        s.fault("refuse" if number % 2 else "retry", "update", after=30)
        s.edit(ticket, title="one")
        s.work()
    assert health(s)[0] == "closed"


def test_refused_credentials_pause_the_connection_and_burn_nothing(
    scene: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = scene()
    ticket = s.escalated()
    desk = s.world.connectors["acme"]

    def refuse(*_: object) -> None:
        raise errors.Unauthorized("token expired")

    with monkeypatch.context() as patch:
        patch.setattr(desk, "update", refuse)
        s.edit(ticket, title="one")
        s.work()
        assert s.rows("select state from connection") == [("unauthorized",)]
        assert s.rows("select tries, state from delivery where kind = 'update'") == [(0, 0)]
        s.edit(ticket, title="two")
        s.wait(600)
        s.work()
        assert s.value("select count(*) from attempt where kind = 'update'") == 1
    with s.rt.store.write() as conn:
        set_state(conn, s.rt.key, s.value("select id from connection"), "active", "new token", "user:1")
    s.calm()
    assert s.record().fields["title"] == "two"
