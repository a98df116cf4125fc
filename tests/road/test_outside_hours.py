"""A ticket that comes at night: who is called, who has it until morning, and what its requester is told of that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert

from gateway import pipeline
from gateway.decide import hours
from gateway.decide.facts import Command
from gateway.people.users import By
from gateway.providers import policies
from gateway.store import tables
from gateway.store.ids import mint
from tests.decide.hours_world import EXAMPLE, at
from tests.road.conftest import Make
from tests.road.scene import Scene

CALENDARS = EXAMPLE.read_text(encoding="utf-8").replace(', "team:moscow-desk"', "")
NOBODY = CALENDARS.replace("holders: [desk], do: call", 'holders: ["provider:acme"], do: call')
"""The same, with nobody of ours on call."""

PEOPLE = {"ana@company.example": ("Madrid", "es"), "olga@company.example": ("Moscow", "ru")}
TITLES = {"high": "The tills of all shops have stopped", "medium": "Please order more paper for printing"}
THREE = at("2026-11-20 03:00")  # on a Friday


@pytest.fixture
def desk(scene: Make) -> Scene:
    """The calendars of the docs at three in the morning, a requester in each of two cities."""
    made = scene()
    made.clock = THREE
    with made.rt.store.write() as conn:
        for email, (site, language) in PEOPLE.items():
            who = {"clientele": "employee", "site": site, "language": language, "created_at": made.now()}
            conn.execute(insert(tables.contact).values(id=mint(), email=email, name=email, **who))
        policies.adopt(conn, By("user:1", made.rt.key, made.now()), "they come with Tandem")
    publish(made, CALENDARS)
    return made


def publish(desk: Scene, text: str) -> None:
    with desk.rt.store.write() as conn:
        policies.publish(conn, By("user:1", desk.rt.key, desk.now()), policies.read(conn, text), "our hours")
    desk.rt.desks.load()


def ask(desk: Scene, urgency: str, email: str = "ana@company.example", **chosen: str) -> tuple[str, str, list[Any]]:
    """Who has a new ticket, what its requester was told, and the notices about it."""
    fields = {"title": TITLES[urgency], "requester": {"email": email, "name": email}}
    fields |= {"impact": "high" if urgency == "high" else "low", "urgency": urgency}
    wish = Command("create", f"requester:{email}", {"fields": fields, "channel": "portal", **chosen}, party="requester")
    ticket = pipeline.change(desk.rt, wish).named[-1].ticket
    assert ticket is not None
    ((body,),) = desk.world.rows("select body from comment where ticket_id = ?", ticket.id)
    notices = desk.world.rows("select text from notice where ticket_id = ? and kind = 'on_call'", ticket.id)
    return desk.world.value("select holder from ticket where id = ?", ticket.id), body, notices


def test_an_urgent_one_calls_who_is_on_call_and_another_one_nobody(desk: Scene) -> None:
    holder, told, notices = ask(desk, "high")
    assert holder == "team:service-desk"
    assert [text.startswith("Call Ana Ruiz (+34 600 000 001, ana@example.org)") for (text,) in notices] == [True]
    assert "llamamos a alguien ahora" in told
    holder, told, notices = ask(desk, "medium")
    assert (holder, notices) == ("team:service-desk", [])
    assert "Volvemos a abrir: viernes 20 de noviembre de 2026, 09:00 (Madrid)." in told


def test_an_urgent_one_goes_to_the_provider_who_works_another_one_waits_and_both_are_told(desk: Scene) -> None:
    publish(desk, NOBODY)
    holder, told, notices = ask(desk, "high")
    assert (holder, notices) == ("provider:acme", [])
    assert "Nuestro proveedor, que trabaja ahora, tiene su solicitud." in told
    holder, told, _ = ask(desk, "medium")
    assert holder == "team:service-desk"
    assert "Estamos cerrados. Volvemos a abrir" in told


def test_requesters_are_told_by_the_hours_of_their_own_site(desk: Scene) -> None:
    _, told, _ = ask(desk, "medium", "olga@company.example")
    assert "понедельник–пятница 10:00–19:00 (Москва)" in told
    assert "Откроемся: " not in told and "Откроется: пятница, 20 ноября 2026 г., 10:00 (Москва)" in told
    desk.clock = at("2026-11-20 08:30")  # 10:30 in Moscow
    assert "пятница, 20 ноября" not in ask(desk, "medium", "olga@company.example")[1]
    assert "viernes 20 de noviembre de 2026, 09:00" in ask(desk, "medium")[1]


def test_what_a_person_gave_to_somebody_stays_with_them_at_night_and_the_decision_is_made_again(desk: Scene) -> None:
    publish(desk, NOBODY)
    holder, told, _ = ask(desk, "high", holder="team:service-desk")
    assert holder == "team:service-desk"
    assert "Estamos cerrados. Volvemos a abrir" in told
    sql = "select outcome, rule, inputs, lost, reason, otherwise from decision where kind = 'hours'"
    ((outcome, rule, inputs, lost, *words),) = desk.world.rows(sql)
    assert (outcome, rule) == ("wait", "wait")
    assert ["urgent nights", "a person gave it to team:service-desk"] in json.loads(lost)
    calendars = desk.rt.desks.policies.calendars
    made = json.loads(hours.replay(calendars, json.loads(inputs)))
    assert [made["outcome"], made["rule"], made["lost"], made["because"], made["otherwise"]] == [
        outcome,
        rule,
        json.loads(lost),
        *words,
    ]


def test_a_provider_whose_desk_is_paused_is_handed_nothing_at_night_and_nobody_is_told_so(desk: Scene) -> None:
    publish(desk, NOBODY)
    with desk.rt.store.road(write=True) as road:
        road.run("update connection set state = 'paused', version = version + 1")
    desk.rt.desks.load()
    holder, told, _ = ask(desk, "high")
    assert holder == "team:service-desk"
    assert "Nuestro proveedor" not in told
    said = desk.world.rows("select text from notice where kind = 'rule'")
    assert any("provider:acme, which has no active connection" in text for (text,) in said)
