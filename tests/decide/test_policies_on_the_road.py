"""Triage and routing as the road runs them: one answer on every channel, decisions that replay, choices that hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import plain
from gateway.config import Config
from gateway.decide import routing, triage
from gateway.decide.capacity import FULL, capacity, load, loads
from gateway.decide.hours import ALWAYS, Calendars
from gateway.decide.objection import Objection
from gateway.people.users import By
from gateway.providers import policies
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint
from tests.decide.shipped import FOLDER
from tests.worlds import World, world

ROUTING = """\
policy: 1
name: routing
rules:
  - {name: network, when: 'category == "network"', to: 'provider:acme', because: they run it}
  - {name: for lack of them, when: 'category == "network"', to: 'team:network', because: somebody has to look}
default: team:service-desk
"""


@pytest.fixture
def w(store: Store, config: Config) -> Iterator[World]:
    """A world with the policies that come with Tandem, and rules of its own for the network."""
    made = world(config)
    with made.rt.store.write() as conn:
        by = By("user:1", made.rt.key, made.rt.now())
        policies.adopt(conn, by, "the first start")
        conn.execute(tables.team.insert().values(id=mint(), slug="network", name="Network", created_at=by.at))
        policies.publish(conn, by, policies.read(conn, ROUTING), "who runs what")
    made.rt.desks.load()
    yield made
    made.rt.close()


def told(w: World, ticket: int) -> dict[str, Any]:
    ((fields, holder, ledger, kind),) = w.rows("select fields, holder, ledger, kind from ticket where id = ?", ticket)
    return {**plain.read(fields), "holder": holder, "ledger": plain.read(ledger), "kind": kind}


def decisions(w: World, ticket: int, kind: str) -> list[tuple[Any, ...]]:
    sql = "select outcome, rule, policy, inputs from decision where ticket_id = ? and kind = ? order by id"
    return w.rows(sql, ticket, kind)


def test_a_password_reset_is_a_request_by_portal_api_mail_and_a_providers_desk(w: World) -> None:
    made = [
        w.wish("create", None, "", fields={"title": "Password reset", "kind": "incident"}, channel=channel)
        for channel in ("portal", "api", "mail")
    ]
    w.desks["acme"].create("robin", {"title": "Password reset"})
    w.poll()
    w.run()
    made.append(w.value("select id from ticket where channel = 'connection:acme'"))
    assert [told(w, one)["kind"] for one in made] == ["request"] * 4


def test_every_decision_replays_to_the_byte_from_what_is_stored(w: World) -> None:
    ticket = w.create("Switch is down", category="network", impact="high")
    in_force = w.rt.desks.policies
    ((outcome, rule, label, inputs),) = decisions(w, ticket, "routing")
    assert (outcome, rule, label) == ("provider:acme", "network", "routing@2")
    again = plain.read(routing.replay(in_force.routing, plain.read(inputs)))
    assert (again["outcome"], again["rule"], again["policy"], again["inputs"]) == (
        outcome, rule, label, plain.read(inputs),
    )  # fmt: skip
    ((outcome, rule, label, inputs),) = decisions(w, ticket, "triage")
    again = plain.read(triage.replay(in_force.triage, plain.read(inputs)))
    assert (again["outcome"], again["rule"], again["policy"]) == (outcome, rule, label)
    assert label == "triage@1"


def test_the_choice_of_a_person_holds_and_is_remembered_with_its_reason(w: World) -> None:
    ticket = w.create("Switch is down", category="network")
    w.run()
    w.wish("take_back", ticket, "our own people know this switch")
    found = told(w, ticket)
    assert found["holder"] == "team:service-desk"
    override = found["ledger"]["routing"]["override"]
    assert (override["to"], override["by"]) == ("team:service-desk", "user:1")
    assert override["because"] == "our own people know this switch"
    assert found["ledger"]["routing"]["had"] == ["provider:acme", "team:service-desk"]


def test_hardware_is_not_resolved_without_its_asset(w: World) -> None:
    ticket = w.create("Screen is broken", category="hardware")
    with pytest.raises(Objection, match="the asset is not named"):
        w.wish("edit", ticket, fields={"status": "resolved"})
    w.wish("edit", ticket, fields={"status": "resolved", "assets": ["none"]})
    assert told(w, ticket)["status"] == "resolved"


def test_an_agent_who_deviates_says_why_and_it_holds(w: World) -> None:
    ticket = w.create("Password reset")
    with pytest.raises(Objection, match="it was decided that password reset is a request"):
        w.wish("edit", ticket, "", fields={"kind": "incident"})
    w.wish("edit", ticket, "the directory is down", fields={"kind": "incident"})
    found = told(w, ticket)
    assert (found["kind"], found["ledger"]["triage"]["kind"]["because"]) == ("incident", "the directory is down")
    w.wish("edit", ticket, "", fields={"title": "Password reset for all"})
    assert told(w, ticket)["kind"] == "incident"


def test_what_is_not_supported_is_logged_and_counted_apart(w: World) -> None:
    ticket = w.create("My personal laptop is slow")
    assert [row[0] for row in decisions(w, ticket, "triage")] == ["out_of_scope"]
    assert told(w, ticket)["title"] == "My personal laptop is slow"


def test_a_second_contact_is_linked_to_the_open_ticket(w: World) -> None:
    who = {"email": "ana@tandem.example", "name": "Ana"}
    first = w.create("VPN drops every ten minutes", requester=who)
    second = w.create("Re: VPN drops every ten minutes", requester=who)
    assert [row[:2] for row in decisions(w, second, "triage")] == [("chaser", "same subject")]
    assert told(w, second)["status"] == "closed"
    assert told(w, first)["status"] == "new"
    with pytest.raises(Objection, match="a reason is needed"):
        w.wish("edit", second, "", fields={"status": "new"})
    w.wish("edit", second, "it is the other office", fields={"status": "new"})
    found = told(w, second)
    assert (found["status"], "resolution_code" in found) == ("new", False)
    assert found["ledger"]["triage"]["distinct"]["because"] == "it is the other office"
    assert [row[:2] for row in decisions(w, second, "override")] == [("distinct", "by hand")]
    w.wish("edit", second, "", fields={"status": "in_progress"})


def test_a_provider_that_cannot_be_reached_loses_to_the_next_rule(w: World) -> None:
    with w.rt.store.write() as conn:
        conn.execute(tables.connection.update().values(state="paused", version=2))
    ticket = w.create("Switch is down", category="network")
    ((to, rule, _, inputs),) = decisions(w, ticket, "routing")
    assert (to, rule, told(w, ticket)["holder"]) == ("team:network", "for lack of them", "team:network")
    assert plain.read(inputs)["barred"] == {"provider:acme": "has no active connection"}
    said = "routing rule network names provider:acme, which has no active connection"
    assert (said,) in w.rows("select text from notice")


def test_requests_go_to_a_queue_of_their_own_by_what_triage_found(w: World) -> None:
    rule = "  - {name: new services, when: 'kind == \"request\"', to: 'team:network'}\ndefault"
    with w.rt.store.write() as conn:
        by = By("user:1", w.rt.key, w.rt.now())
        policies.publish(conn, by, policies.read(conn, ROUTING.replace("default", rule)), "two queues")
    made = [w.create(title) for title in ("Please install Photoshop", "Photoshop does not work")]
    assert [told(w, one)["holder"] for one in made] == ["team:network", "team:service-desk"]
    labels = [row[2] for one in made for row in decisions(w, one, "routing")]
    assert labels == ["routing@3", "routing@3"]


def test_what_stays_inside_is_handed_to_no_provider_by_rule_or_by_hand(w: World) -> None:
    text = (FOLDER / "triage.yaml").read_text()
    people = '    payroll: {says: {en: [payslip*]}, queue: "team:network", providers: []}\n    e-mail:\n'
    with w.rt.store.write() as conn:
        by = By("user:1", w.rt.key, w.rt.now())
        policies.publish(conn, by, policies.read(conn, text.replace("    e-mail:\n", people)), "salaries are secret")
    ticket = w.create("My payslip is wrong", category="network")
    ((to, rule, *_),) = decisions(w, ticket, "routing")
    assert (to, rule) == ("team:network", "for lack of them")
    for role in ("holder", "helper"):
        with pytest.raises(Objection, match="payroll stays inside"):
            w.wish("escalate", ticket, connection="acme", role=role)
    by_hand = w.wish("create", fields={"title": "Payslip again"}, holder="provider:acme")
    assert told(w, by_hand)["holder"].startswith("team:")
    w.run()
    assert w.desks["acme"].tickets == {}


def test_the_load_is_the_open_work_in_the_hours_there_are(w: World) -> None:
    for _ in range(5):
        w.create("Printer is broken")
    ((*_, inputs),) = decisions(w, w.create("Printer is broken"), "routing")
    busy = plain.read(inputs)["load"]
    hours = capacity(w.rt.desks.policies.calendars.of(routing.DESK), w.rt.now())
    assert 0 < hours < 168
    assert busy[routing.DESK] == pytest.approx(5 / hours, rel=0.01)
    assert busy["team:network"] == busy["provider:acme"] == 0


def test_nobody_there_and_work_waiting_is_a_full_load() -> None:
    assert (load(3, hours_a_week=0.0), load(0, hours_a_week=0.0), load(20)) == (FULL, 0.0, 0.5)
    assert loads({"team:a": 84}, ["team:a", "team:b"], Calendars("", {"x": ALWAYS}, "x"), 0) == {
        "team:a": 0.5,
        "team:b": 0.0,
    }
