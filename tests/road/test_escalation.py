"""Escalation on the road: tickets that nobody touches, between two providers on simulated time (D1-16, D1-37)."""

from __future__ import annotations

import json

from sqlalchemy import insert

from gateway import pipeline
from gateway.decide.decision import Decision
from gateway.decide.escalation import replay
from gateway.store import tables
from gateway.store.ids import mint
from gateway.store.tables import DONE, WITHDRAWN
from tests.road.conftest import Make
from tests.road.scene import Scene

POLICY = """
policy: 1
name: escalation
roles: {lead: {email: [lead@example.com]}}
acknowledge: {after: 20 min, clock: wall}
fallback: {to: team:service-desk}
deadlock: {returns: 2, messages: 50, inform: [lead]}
matrix:
  - name: all
    steps:
      - {name: acme, after: 10 min, clock: wall, do: functional, to: "provider:acme"}
      - {name: globex, after: 8 h, clock: wall, do: functional, to: "provider:globex"}
      - {name: lead, after: 9 h, clock: wall, do: hierarchical, inform: [lead], text: It lasts}
"""
FAILED_OVER = "Taken back: there was no sign of work in time"


def policy(s: Scene, text: str = POLICY, name: str = "escalation") -> None:
    with s.rt.store.write() as conn:
        row = {"id": mint(), "kind": "policy", "name": name, "version": 1, "text": text}
        conn.execute(insert(tables.document).values(**row, created_at=s.now()))
    s.rt.desks.load()


def wait(s: Scene, minutes: float) -> None:
    """Time goes by, the clock ticks every minute, and what is due is done."""
    for _ in range(int(minutes)):
        s.wait(60)
        pipeline.tick(s.rt)
        s.work()


def holders(s: Scene) -> list[str]:
    return [row[0] for row in s.rows("select holder from holding order by id")]


def rules(s: Scene) -> list[tuple[str, str]]:
    return [
        (rule, outcome)
        for rule, outcome in s.rows("select rule, outcome from decision where kind <> 'routing' order by id")
    ]


def said(s: Scene, name: str) -> list[str]:
    record = s.record(name)
    return [c.text for c in record.comments] if record is not None else []


def test_a_silent_provider_loses_the_ticket_and_its_late_answer_is_heard(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    wait(s, 35)
    assert holders(s) == ["team:service-desk", "provider:acme", "provider:globex"]
    assert rules(s) == [("all/acme", "provider:acme"), ("all/globex", "provider:globex")]
    assert [FAILED_OVER in text for text in said(s, "acme")] == [True]
    assert s.record("globex").fields["title"] == "VPN down"
    s.desks["acme"].comment("tess", s.record("acme").id, "On it now.", True)
    s.edit_there("acme", status="working", title="ours now")
    s.edit_there("globex", status="working")
    s.sync()
    assert s.value("select holder from ticket") == "provider:globex"
    assert s.fields()["title"] == "VPN down"
    heard = s.rows("select c.body, a.party from comment c join audience a on a.comment_id = c.id order by c.id")
    assert heard[-1] == ("On it now.", "provider:acme")
    assert ("late", "") in s.notices()
    assert said(s, "globex") == [], "globex does not hear it"
    wait(s, 120)
    assert holders(s)[2:] == ["provider:globex"], "and nothing happens twice"
    assert len(s.desks["acme"].tickets) == len(s.desks["globex"].tickets) == 1
    assert s.audit_problems() == ()


def test_a_record_that_never_left_is_not_made_when_the_ticket_has_gone_on(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    for _ in range(40):
        s.fault("retry", "create", "acme")
    wait(s, 35)
    s.edit_there("globex", status="working")
    s.calm()
    assert s.value("select holder from ticket") == "provider:globex"
    assert s.record("acme") is None and s.record("globex") is not None
    assert s.rows("select state from delivery where kind = 'create' order by id") == [(WITHDRAWN,), (DONE,)]


def test_a_create_without_an_answer_is_looked_up_though_the_ticket_has_gone_on(scene: Make) -> None:
    """The answer was lost, and every look as well, until the ticket was elsewhere: the record is found and told."""
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    s.fault("commit_then_drop", "create", "acme")
    for _ in range(60):
        s.fault("retry", "find", "acme")
    wait(s, 35)
    assert s.value("select holder from ticket") == "provider:globex"
    s.edit_there("globex", status="working")
    s.edit_there("acme", title="theirs", urgency="low")
    s.calm()
    assert (s.fields()["title"], s.fields()["urgency"]) == ("VPN down", "medium")
    assert len(s.desks["acme"].tickets) == 1
    assert [FAILED_OVER in text for text in said(s, "acme")] == [True]
    legs = s.rows("select c.name, l.role from link l join connection c on c.id = l.connection_id order by c.name")
    assert legs == [("acme", "ended"), ("globex", "holder")]
    s.edit_there("acme", status="working", title="theirs")
    s.sync()
    assert (s.fields()["title"], s.value("select holder from ticket")) == ("VPN down", "provider:globex")


def test_a_worker_that_was_frozen_acts_once_and_says_how_late(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    s.wait(3 * 3600)
    other = s.another()
    pipeline.tick(s.rt)
    pipeline.tick(other)
    s.work()
    assert rules(s) == [("all/acme", "provider:acme")]
    ((because, kept),) = s.rows("select reason, inputs from decision where rule = 'all/acme'")
    assert "due at" in because and "2 h 50 min ago" in because
    assert json.loads(kept)["view"]["holder"] == "team:service-desk"
    assert len(s.desks["acme"].tickets) == 1


def test_given_back_without_work_it_comes_home_and_is_not_cancelled(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    ticket = s.escalated()
    s.edit_there("acme", status="rejected")
    s.sync()
    assert (s.fields()["status"], s.value("select holder from ticket")) == ("new", "team:service-desk")
    assert s.rows("select role, leg_status from link") == [("ended", "cancelled")]
    assert rules(s)[-1] == ("given back", "team:service-desk")
    assert [kind for kind, _ in s.notices()] == ["returned"]
    watch = json.loads(s.value("select ledger from ticket"))["watch"]
    assert watch["returned"] == 1
    s.wish("escalate", ticket, connection="acme")
    s.calm()
    assert s.record("acme").fields["status"] == "open", "asked again, the same record is open again"
    assert len(s.desks["acme"].tickets) == 1


def test_cancelled_after_work_it_is_cancelled(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.desks["acme"].comment("tess", s.record().id, "The requester has left the company.", True)
    s.edit_there(status="rejected")
    s.sync()
    assert (s.fields()["status"], s.value("select holder from ticket")) == ("cancelled", "provider:acme")


def test_the_webhook_of_a_cancellation_waits_for_the_comment_that_it_does_not_carry(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.hooks.clear()
    s.desks["acme"].comment("tess", s.record().id, "Wrong number.", True)
    s.edit_there(status="rejected")
    s.hook(-1)
    s.work()
    assert s.fields()["status"] == "cancelled" and s.value("select count(*) from comment") == 1


def test_a_record_that_began_there_is_theirs_to_cancel(scene: Make) -> None:
    s = scene()
    s.desks["acme"].create("tess", {"title": "Disk full", "urgency": "high", "status": "working"})
    s.sync()
    s.edit_there(status="rejected")
    s.sync()
    assert s.fields()["status"] == "cancelled"


def test_where_all_legs_are_followed_it_is_resolved_when_the_last_is(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s, POLICY.replace("name: escalation", "name: escalation\nfollow: all"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.edit_there("acme", status="working")
    s.sync()
    s.edit_there("acme", status="done")
    s.sync()
    assert s.fields()["status"] == "in_progress"
    assert ("note", "status") in s.notices()
    s.edit_there("globex", status="done")
    s.sync()
    assert s.fields()["status"] == "resolved"
    assert s.notices() == []
    s.calm()
    assert s.calls("acme").count("update") == 0, "acme knew it"


def test_where_all_legs_are_followed_one_that_ends_is_waited_for_no_more(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s, POLICY.replace("name: escalation", "name: escalation\nfollow: all"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.edit_there("acme", status="done")
    s.sync()
    assert s.fields()["status"] == "new"
    s.wish("take_back", ticket, connection="globex")
    assert s.fields()["status"] == "resolved"


def test_back_and_forth_between_two_is_told_once_and_the_button_answers(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    ticket = s.world.create("VPN down")
    for _ in range(3):
        s.wish("escalate", ticket, connection="acme")
        s.wish("take_back", ticket, connection="acme")
    assert [rule for rule, _ in rules(s)].count("deadlock") == 1
    ((told,),) = s.rows("select text from notice where kind = 'escalation'")
    assert told.startswith("To lead (lead@example.com): stuck: it goes back and forth")
    s.wish("stuck", ticket)
    s.wish("stuck", ticket)
    answers = s.rows(
        "select c.body, a.party from comment c join audience a on a.comment_id = c.id where c.author = 'tandem'"
    )
    assert [(text.startswith("Thank you"), party) for text, party in answers] == [(True, "requester")]


def test_a_provider_whose_connection_is_paused_is_passed_over_for_the_last_resort(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set state = 'paused', version = version + 1 where name = 'acme'")
    s.rt.desks.load()
    wait(s, 15)
    assert s.value("select holder from ticket") == "team:service-desk"
    assert s.rows("select count(*) from link") == [(0,)]
    ((text,),) = s.rows("select text from notice where kind = 'escalation'")
    assert text.startswith("provider:acme should have this ticket, but is ")
    watch = json.loads(s.value("select ledger from ticket"))["watch"]
    assert (watch["had"], watch.get("returns", 0)) == (["team:service-desk"], 0), "that was no return"


def test_a_paused_provider_that_should_help_costs_the_holder_nothing(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s, POLICY.replace('to: "provider:globex"', 'to: "provider:globex", how: warm').replace("20 min", "12 h"))
    s.world.create("VPN down")
    wait(s, 11)
    s.edit_there("acme", status="working")
    s.sync()
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set state = 'paused', version = version + 1 where name = 'globex'")
    s.rt.desks.load()
    s.wait(8 * 3600)
    wait(s, 1)
    assert s.value("select holder from ticket") == "provider:acme"
    assert s.rows("select c.name, l.role from link l join connection c on c.id = l.connection_id") == [
        ("acme", "holder")
    ]
    assert "globex should have this ticket" in s.value("select text from notice where kind = 'escalation'")


ROUTED = """
policy: 1
name: routing
rules:
  - {name: vpn, when: "true", to: "provider:acme", how: warm}
default: team:service-desk
"""


def test_handed_over_warm_the_holder_stays_until_the_other_answers(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s, POLICY.replace('to: "provider:globex"', 'to: "provider:globex", how: warm').replace("20 min", "12 h"))
    s.world.create("VPN down")
    wait(s, 11)
    s.edit_there("acme", status="working")
    s.sync()
    s.wait(8 * 3600)
    wait(s, 1)
    roles = "select c.name, l.role from link l join connection c on c.id = l.connection_id order by c.name"
    assert s.rows(roles) == [("acme", "holder"), ("globex", "helper")]
    assert holders(s)[-1] == "provider:acme"
    s.desks["globex"].comment("tess", s.record("globex").id, "We take it.", False)
    s.sync()
    assert s.rows(roles) == [("acme", "helper"), ("globex", "holder")]
    assert holders(s)[-1] == "provider:globex"
    assert len(s.desks["globex"].tickets) == 1


def test_routed_warm_the_desk_holds_it_until_the_provider_answers(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s, ROUTED, "routing")
    policy(s)
    s.world.create("VPN down")
    s.world.run()
    assert (s.value("select holder from ticket"), s.value("select role from link")) == ("team:service-desk", "helper")
    s.edit_there("acme", status="working")
    s.sync()
    assert (s.value("select holder from ticket"), s.value("select role from link")) == ("provider:acme", "holder")
    assert ("warm", "provider:acme") in rules(s)


def test_every_decision_is_made_again_from_what_is_stored_of_it(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    ticket = s.world.create("VPN down")
    s.wish("stuck", ticket)
    wait(s, 60)
    columns = "kind, outcome, rule, policy, inputs, lost, reason, otherwise"
    made = s.rows(f"select {columns} from decision where policy like 'escalation@%' order by id")
    assert [row[1] for row in made] == ["inform lead", "provider:acme", "provider:globex", "team:service-desk"]
    for kind, outcome, rule, label, inputs, lost, because, otherwise in made:
        kept = Decision(kind, outcome, rule, label, json.loads(inputs), json.loads(lost), because, otherwise)
        assert replay(s.rt.desks.policies.escalation, json.loads(inputs)) == kept.text()


def test_a_ticket_that_matched_no_rule_lies_in_the_fallback_queue_and_its_age_is_told_once(scene: Make) -> None:
    """D1-26."""
    s = scene(names=("acme", "globex"))
    policy(s, ROUTED.replace('"true"', "\"title == 'no such thing'\""), "routing")
    fallback = "fallback: {to: team:service-desk, unassigned: 5 min, clock: wall, inform: [lead]}"
    policy(s, POLICY.replace("fallback: {to: team:service-desk}", fallback).replace("10 min", "7 h"))
    s.world.create("VPN down")
    assert s.rows("select outcome, rule from decision where kind = 'routing'") == [("team:service-desk", "default")]
    wait(s, 4)
    assert rules(s) == []
    wait(s, 10)
    assert rules(s) == [("unassigned", "inform lead")]
    ((text,),) = s.rows("select text from notice where kind = 'escalation'")
    assert "nobody in team:service-desk has taken this ticket" in text


def test_a_late_file_comes_in_whole_for_the_team_and_its_provider_alone(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    wait(s, 35)
    s.desks["acme"].upload("tess", s.record("acme").id, "late.txt", "text/plain", b"how it was done", True)
    s.sync()
    assert s.rows("select name, state, audience from attachment") == [("late.txt", "stored", '["provider:acme"]')]
    assert s.record("globex").uploads == []


def test_a_webhook_of_a_link_that_has_ended_says_nothing_twice(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    policy(s)
    s.world.create("VPN down")
    wait(s, 35)
    s.hooks.clear()
    s.desks["acme"].comment("tess", s.record("acme").id, "On it now.", False)
    for _ in range(3):
        s.hook(-1, keep=True)
        s.work()
    s.sync()
    assert s.rows("select body from comment where author = 'provider:acme'") == [("On it now.",)]
