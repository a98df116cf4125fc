"""A field that an expression makes is owed again when any field that it reads changes (MAPPINGS.md 2.9)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import pipeline
from tests.road.conftest import Make
from tests.road.scene import Scene

EXPR = 'fields:\n  description: {field: description, direction: out, expr: \'"[" + service + "] " + title\'}\n'
SHARED = ["title", "description", "status", "impact", "urgency", "priority", "service"]


def policy(s: Scene, *fields: str) -> None:
    s.share("acme", {"fields": list(fields), "audiences": ["provider"], "worklogs": False})


def told(s: Scene) -> Any:
    return s.record().fields.get("description")


def test_it_follows_a_field_that_does_not_travel_itself(scene: Make) -> None:
    s = scene(mapping=EXPR)
    ticket = s.escalated(service="Payroll")
    assert told(s) == "[Payroll] VPN down"
    before = s.calls().count("update")
    s.edit(ticket, service="Mail")
    s.work()
    assert told(s) == "[Mail] VPN down"
    s.sync()
    assert s.calls().count("update") == before + 1, "once, and nothing is owed afterwards"
    assert s.pair("description").owed == 0
    assert s.notices() == []


def test_one_write_tells_it_with_the_field_that_changed(scene: Make) -> None:
    s = scene(mapping=EXPR)
    ticket = s.escalated(service="Payroll")
    before = s.calls().count("update")
    s.edit(ticket, title="VPN is down", description="not what they read")
    s.sync()
    assert (s.record().fields["title"], told(s)) == ("VPN is down", "[Payroll] VPN is down")
    assert s.calls().count("update") == before + 1


def test_a_change_while_the_older_one_is_under_way_goes_out_too(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene(mapping=EXPR)
    ticket = s.escalated(service="Payroll")
    perform, once = pipeline.attempt.perform, iter([True])

    def meanwhile(*args: Any) -> Any:
        end = perform(*args)
        if next(once, False):
            s.edit(ticket, service="Phones")
        return end

    s.edit(ticket, service="Mail")
    monkeypatch.setattr(pipeline.attempt, "perform", meanwhile)
    s.work()
    s.calm()
    assert told(s) == "[Phones] VPN down"


def test_a_lost_answer_does_not_lose_it(scene: Make) -> None:
    s = scene(mapping=EXPR)
    ticket = s.escalated(service="Payroll")
    s.fault("drop_before_commit", "update")
    s.edit(ticket, service="Mail")
    s.calm()
    assert told(s) == "[Mail] VPN down"


def test_a_policy_that_withholds_what_it_reads_withholds_it(scene: Make) -> None:
    s = scene(mapping=EXPR)
    policy(s, *SHARED)
    ticket = s.escalated(service="Payroll")
    assert told(s) == "[Payroll] VPN down"
    policy(s, *(name for name in SHARED if name != "service"))
    s.edit(ticket, title="VPN is down", service="Secret")
    s.sync()
    assert (s.record().fields["title"], told(s)) == ("VPN is down", "[Payroll] VPN down")
    second = s.escalated(service="Hidden")
    assert "Hidden" not in str([one.fields for one in s.desks["acme"].tickets.values()])
    assert s.fields(second)["service"] == "Hidden"
    policy(s, *(name for name in SHARED if name != "description"))
    s.edit(ticket, title="VPN is up")
    s.sync()
    assert "VPN is up" not in str(told(s))


def test_a_ticket_that_comes_back_to_them_tells_what_it_became(scene: Make) -> None:
    s = scene(mapping=EXPR)
    ticket = s.escalated(service="Payroll")
    s.wish("take_back", ticket)
    s.work()
    s.edit(ticket, service="Mail")
    s.work()
    assert told(s) == "[Payroll] VPN down"
    s.wish("escalate", ticket, connection="acme")
    s.calm()
    assert told(s) == "[Mail] VPN down"
