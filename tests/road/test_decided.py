"""A new ticket is sorted, placed and acknowledged; its clocks run; who has to know hears of it; each thing once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert

from gateway import pipeline
from gateway.decide.commands import Objection
from gateway.decide.facts import Command
from gateway.people.users import By
from gateway.providers import policies
from gateway.store import tables
from gateway.store.ids import mint
from tests.road.conftest import Make
from tests.road.scene import Scene

HOUR = 3_600_000_000
ANA = {"email": "ana@company.example", "name": "Ana"}
PRINTER = "The printer on the second floor prints blank pages"


@pytest.fixture
def desk(scene: Make) -> Scene:
    """The policies that come with Tandem, and a requester in Madrid who reads Spanish."""
    made = scene()
    with made.rt.store.write() as conn:
        who = {"clientele": "employee", "site": "Madrid", "language": "es", "created_at": made.now()}
        conn.execute(insert(tables.contact).values(id=mint(), email=ANA["email"], name=ANA["name"], **who))
        policies.adopt(conn, By("user:1", made.rt.key, made.now()), "they come with Tandem")
    made.rt.desks.load()
    return made


def ask(desk: Scene, title: str = PRINTER, channel: str = "portal", **fields: Any) -> int:
    """Ana asks for something; the inner id of the ticket."""
    given = {"title": title, "requester": ANA, **fields}
    wish = Command("create", f"requester:{ANA['email']}", {"fields": given, "channel": channel}, party="requester")
    ticket = pipeline.change(desk.rt, wish).named[-1].ticket
    assert ticket is not None
    return ticket.id


def does(desk: Scene, ticket: int, what: str, reason: str = "", **data: Any) -> None:
    pipeline.change(desk.rt, Command(what, "user:1", data, reason, "Ben"), ticket)


def later(desk: Scene, hours: float) -> None:
    desk.clock += int(hours * HOUR)
    pipeline.tick(desk.rt)


def decisions(desk: Scene, ticket: int) -> list[tuple[Any, ...]]:
    return desk.world.rows("select kind, outcome, rule from decision where ticket_id = ? order by id", ticket)


def events(desk: Scene, ticket: int, clock: str) -> list[str]:
    sql = "select kind from clock_event where ticket_id = ? and clock = ? order by id"
    return [kind for (kind,) in desk.world.rows(sql, ticket, clock)]


def test_a_new_ticket_is_sorted_placed_and_acknowledged_at_once(desk: Scene) -> None:
    ticket = ask(desk, impact="high", urgency="high")
    assert decisions(desk, ticket)[:2] == [
        ("triage", "incident", "default"),
        ("routing", "team:service-desk", "default"),
    ]
    ((author, body),) = desk.world.rows("select author, body from comment where ticket_id = ?", ticket)
    number = desk.world.value("select number from ticket where id = ?", ticket)
    assert author == "tandem" and f"T-{number}" in body
    assert "Horario de soporte: lunes–viernes 09:00–18:00 (Madrid)" in body
    assert desk.world.rows("select party from audience") == [("requester",)]


def test_an_acknowledgement_is_nobodys_reply(desk: Scene) -> None:
    ticket = ask(desk)
    assert "fulfil" not in events(desk, ticket, "reply")
    does(desk, ticket, "comment", text="We are looking at the fuser.", audience=["requester"])
    assert events(desk, ticket, "reply") == ["activate", "fulfil"]


def test_what_is_overdue_is_done_once_however_late(desk: Scene) -> None:
    ticket = ask(desk, impact="high", urgency="high")
    later(desk, 30)
    first = desk.world.rows("select kind, text from notice where ticket_id = ? order by id", ticket)
    assert any(kind == "escalation" and "nobody works on a P1" in text for kind, text in first)
    assert events(desk, ticket, "requester_wait").count("breach") == 1
    later(desk, 0.001)
    assert desk.world.rows("select kind, text from notice where ticket_id = ? order by id", ticket) == first
    assert desk.world.value("select wake_at from ticket where id = ?", ticket) > desk.clock


def test_a_solved_ticket_hurries_nobody_any_more(desk: Scene) -> None:
    ticket = ask(desk, impact="high", urgency="high")
    later(desk, 30)
    does(desk, ticket, "edit", fields={"status": "resolved"})
    assert desk.world.rows("select kind from notice where ticket_id = ? and state = 'open'", ticket) == []
    assert desk.world.value("select wake_at from ticket where id = ?", ticket) is None


def test_a_second_contact_belongs_to_the_open_ticket(desk: Scene) -> None:
    first = ask(desk)
    second = ask(desk, "Printer on the second floor: any news?")
    number = desk.world.value("select number from ticket where id = ?", first)
    status, fields = desk.world.rows("select status, fields from ticket where id = ?", second)[0]
    assert (status, json.loads(fields)["resolution_code"]) == ("closed", "duplicate")
    assert json.loads(fields)["resolution_text"] == f"It belongs to T-{number}."
    said = desk.world.rows("select author, body from comment where ticket_id = ? order by id", first)
    assert said[-1] == (f"requester:{ANA['email']}", "Printer on the second floor: any news?")
    assert json.loads(desk.world.value("select ledger from ticket where id = ?", first))["triage"]["contacts"] == 1
    assert events(desk, first, "reply") == ["activate"]  # the requester's own word is nobody's reply
    assert events(desk, second, "requester_wait") == []


@pytest.mark.parametrize("channel", ["portal", "api", "mail"])
def test_a_grey_area_is_decided_alike_on_every_channel(desk: Scene, channel: str) -> None:
    ticket = ask(desk, "I forgot my password, please reset it", channel, kind="incident")
    assert desk.world.value("select kind from ticket where id = ?", ticket) == "request"


def test_another_kind_than_was_decided_needs_a_reason_that_holds(desk: Scene) -> None:
    ticket = ask(desk, "I forgot my password, please reset it")
    with pytest.raises(Objection, match="decided"):
        does(desk, ticket, "edit", fields={"kind": "incident"})
    does(desk, ticket, "edit", "the reset page itself is down", fields={"kind": "incident"})
    assert desk.world.value("select kind from ticket where id = ?", ticket) == "incident"
    assert decisions(desk, ticket)[-1][:2] == ("override", "incident")


def test_a_category_that_needs_an_asset_does_not_end_without_one(desk: Scene) -> None:
    ticket = ask(desk, category="hardware")
    with pytest.raises(Objection, match="asset"):
        does(desk, ticket, "edit", fields={"status": "resolved"})
    does(desk, ticket, "edit", fields={"status": "resolved", "assets": ["none"]})
    assert desk.world.value("select status from ticket where id = ?", ticket) == "resolved"


def test_what_is_stuck_is_told_once(desk: Scene) -> None:
    ticket = ask(desk)
    does(desk, ticket, "stuck", "nobody answers")
    does(desk, ticket, "stuck", "still nobody")
    told = desk.world.rows("select outcome, rule from decision where ticket_id = ? and kind = 'escalation'", ticket)
    assert len(told) == 1 and "desk-lead" in told[0][0]


def test_new_targets_reach_open_tickets_and_lose_no_history(desk: Scene) -> None:
    ticket = ask(desk, impact="high", urgency="high")
    text = policies.shipped()["targets"].replace("8 h", "6 h")
    with desk.rt.store.write() as conn:
        draft = policies.read(conn, text)
        policies.publish(conn, By("user:1", desk.rt.key, desk.now()), draft, "a new contract")
    later(desk, 0.01)
    assert events(desk, ticket, "requester_wait") == ["activate", "retarget"]
    sql = "select due_at - at from clock_event where ticket_id = ? and clock = 'requester_wait' order by id"
    assert desk.world.rows(sql, ticket)[0] == (8 * HOUR,)
    created, due = desk.world.rows(
        "select t.created_at, max(e.due_at) from ticket t join clock_event e on e.ticket_id = t.id"
        " where t.id = ? and e.clock = 'requester_wait' and e.kind = 'retarget' group by t.created_at",
        ticket,
    )[0]
    assert due - created == pytest.approx(6 * HOUR, abs=1000)


def test_one_ticket_that_cannot_be_told_the_time_holds_up_nobody(desk: Scene) -> None:
    bad, good = (
        ask(desk, impact="high", urgency="high"),
        ask(desk, "The mail server is down", impact="high", urgency="high"),
    )
    with desk.rt.store.road(write=True) as road:
        road.run("update ticket set ledger = '{\"clocks\": 7}' where id = ?", bad)
    later(desk, 30)
    assert "breach" in events(desk, good, "requester_wait")
    told = desk.world.rows("select kind, text from notice where ticket_id = ? and kind = 'clock'", bad)
    assert len(told) == 1 and "could not be decided" in told[0][1]
    assert desk.world.value("select wake_at from ticket where id = ?", bad) > desk.clock


def test_the_clocks_of_a_helper_end_when_it_is_sent_away(desk: Scene) -> None:
    ticket = ask(desk)
    does(desk, ticket, "escalate", "they know it", connection="acme", role="helper")
    desk.work()
    assert events(desk, ticket, "provider_ack")[0] == "activate"
    desk.clock += HOUR
    does(desk, ticket, "take_back", "not needed", connection="acme")
    (at,) = desk.world.rows(
        "select at from clock_event where ticket_id = ? and clock = 'provider_ack' and kind = 'cancel'", ticket
    )[0]
    assert desk.clock - at < 1_000_000


def test_a_provider_tells_its_work_whatever_is_missing_here_but_undoes_no_decision(desk: Scene) -> None:
    ticket = ask(desk, "I forgot my password, please reset it", category="hardware")

    def theirs(**fields: str) -> None:
        wish = Command("edit", "token:7", {"fields": fields}, "we think so", "Acme", "provider:acme")
        pipeline.change(desk.rt, wish, ticket)

    with pytest.raises(Objection, match="decided"):
        theirs(kind="incident")
    theirs(status="resolved")
    kind, status = desk.world.rows("select kind, status from ticket where id = ?", ticket)[0]
    assert (kind, status) == ("request", "resolved")
