"""A status that cannot be entered at once is walked to, one write a step; what is passed through is nobody's change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from connectors.memory.rules import Quirks
from gateway.store import tables
from tests.road.conftest import Make
from tests.road.scene import Scene

EDGES = {
    "open": ["working", "rejected"],
    "working": ["waiting", "vendor"],
    "waiting": ["done", "working"],
    "vendor": ["working"],
    "done": ["closed"],
    "closed": [],
    "rejected": [],
}
"""From open to done in three steps; no way back from the end."""


def town(make: Make, edges: dict[str, list[str]] | None = None, **more: Any) -> Scene:
    """A desk with a workflow, which its connection declares."""
    known = edges or EDGES
    real = {status: set(to) for status, to in known.items()}
    s: Scene = make(quirks=lambda: Quirks(edges=real), **more)
    declared = {"workflow": {"start": "open", "hops": 3, "edges": known}}
    c = tables.connection.c
    with s.rt.store.write() as conn:
        conn.execute(update(tables.connection).values(declared=json.dumps(declared), version=c.version + 1))
    s.rt.desks.load()
    return s


def entered(s: Scene) -> list[Any]:
    """The statuses the record has had."""
    found: list[Any] = []
    for _, _, body in s.hooks:
        status = json.loads(body)["ticket"]["status"]
        found += [] if found[-1:] == [status] else [status]
    return found


def settled(s: Scene, ticket: int, theirs: str = "done", ours: str = "resolved") -> None:
    s.calm()
    assert s.record().fields["status"] == theirs
    assert s.fields(ticket)["status"] == ours
    pair = s.pair("status")
    assert (pair.ours, pair.theirs, pair.owed, pair.park) == (ours, theirs, 0, "")
    assert s.audit_problems() == ()


@pytest.mark.parametrize("locking", [True, False])
def test_a_status_three_steps_away_is_walked_to(scene: Make, locking: bool) -> None:
    s = town(scene, locking=locking)
    ticket = s.escalated()
    s.edit(ticket, status="resolved", title="VPN is up")
    s.world.run()
    assert entered(s) == ["open", "working", "waiting", "done"]
    assert s.calls().count("update") == 3
    assert s.record().fields["title"] == "VPN is up"
    assert s.value("select count(*) from attempt where kind = 'update'") == 1
    settled(s, ticket)
    assert s.notices() == []


def test_without_a_way_it_is_refused_with_both_ends_named(scene: Make) -> None:
    s = town(scene)
    ticket = s.escalated()
    s.edit(ticket, status="cancelled")
    s.sync()
    s.edit(ticket, status="in_progress", title="VPN is up")
    s.sync()
    assert s.record().fields["status"] == "rejected"
    assert s.record().fields["title"] == "VPN is up", "the rest goes on"
    ((kind, text),) = s.rows("select kind, text from notice where state = 'open'")
    assert kind == "unsaid"
    assert "from Rejected there is no way to In progress" in text


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("what", ["commit_then_drop", "drop_before_commit", "late", "retry", "stale"])
def test_a_way_that_is_broken_off_is_gone_on_with_from_where_it_led(scene: Make, what: Any, step: int) -> None:
    s = town(scene)
    ticket = s.escalated()
    for _ in range(step):
        s.fault("ok", "update")
    s.fault(what, "update")
    s.edit(ticket, status="resolved")
    s.work()
    s.sync()
    assert s.fields(ticket)["status"] == "resolved", "what is passed through is no change of theirs"
    settled(s, ticket)
    assert entered(s) == ["open", "working", "waiting", "done"]


def test_a_step_that_is_refused_parks_the_status_where_it_is(scene: Make) -> None:
    s = town(scene)
    ticket = s.escalated()
    s.fault("ok", "update")
    s.fault("refuse", "update", said="a reason is needed")
    s.edit(ticket, status="resolved")
    s.world.run()
    s.calm()
    assert (s.record().fields["status"], s.fields(ticket)["status"]) == ("working", "resolved")
    assert s.rows("select kind, text from notice where state = 'open'") == [
        ("refused", "acme refused the update: a reason is needed")
    ]
    s.edit_there(status="vendor")
    s.calm()
    assert s.fields(ticket)["status"] == "pending_provider", "a change of theirs moves it again"


def test_a_late_webhook_of_a_step_changes_nothing(scene: Make) -> None:
    s = town(scene)
    ticket = s.escalated()
    s.edit(ticket, status="resolved")
    s.world.run()
    while s.hooks:
        s.hook(-1)
        s.sync()
    settled(s, ticket)


def test_their_own_move_to_a_status_that_was_passed_is_theirs(scene: Make) -> None:
    s = town(scene, edges={**EDGES, "done": ["waiting"]})
    ticket = s.escalated()
    s.edit(ticket, status="resolved")
    s.calm()
    s.edit_there(status="waiting")
    settled(s, ticket, "waiting", "pending_requester")


def test_a_desk_that_leaves_the_last_step_out_is_asked_once_more_and_then_said(scene: Make) -> None:
    """The answer showed a status that was passed through, and was taken for the one we meant."""
    s = town(scene)
    ticket = s.escalated()
    desk, update = s.desks["acme"], s.desks["acme"].update

    def stubborn(who: str, id: str, fields: dict[str, Any], *rest: Any) -> Any:
        return update(who, id, {k: v for k, v in fields.items() if v != "done"}, *rest)

    desk.update = stubborn  # type: ignore[method-assign]
    s.edit(ticket, status="resolved")
    s.calm()
    assert s.record().fields["status"] == "waiting"
    assert s.fields(ticket)["status"] == "resolved"
    assert s.notices() == [("ignored", "status")]
    assert s.calls().count("update") <= 5
