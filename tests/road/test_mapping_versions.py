"""Versions of a mapping belong to links: published, tried on a share of them, rolled back; nothing is written by that
(ENGINE.md 10)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway import gather
from gateway.decide.commands import Objection
from gateway.decide.deciding import decide
from gateway.decide.facts import Command, Facts, Observed
from gateway.errors import Conflict
from gateway.people.users import By
from gateway.providers import publishing, versions
from gateway.providers.documents import Mistakes
from gateway.providers.publishing import Moved, Wish, chosen
from gateway.store.db import Road
from tests.road.conftest import Make
from tests.road.scene import Scene

HEAD = "mapping: 1\nname: town\nextends: memory\n"
PLAIN = HEAD
OTHER = HEAD + (
    "fields:\n"
    "  status: {values: {vendor: in_progress}, write: {in_progress: working, pending_provider: waiting,"
    " pending_problem: waiting}}\n"
)
"""What they call a supplier is work in progress to us."""
HELD = "fields: {status: {values: {vendor: null}, write: {pending_provider: waiting, pending_problem: waiting}"
"""Their vendor means nothing to us."""
LESS = HEAD + "fields: {urgency: null}\nunsupported: {urgency: theirs means nothing to us}\n"


def by(s: Scene) -> By:
    return By("user:1", s.rt.key, s.now())


def published(s: Scene, text: str, percent: int = 100, **more: Any) -> Moved:
    """A version in force at acme, every warning accepted."""
    wish = Wish(text, "because", ["all"], percent, ["acme"], **more)
    return publishing.publish(s.rt, by(s), wish)[1]


def at(s: Scene) -> dict[str, int]:
    """How many live links each version has."""
    sql = (
        "select d.name, d.version, count(*) from link l join document d on d.id = l.mapping_id"
        " where l.role in ('holder', 'helper') group by d.name, d.version"
    )
    return {f"{name}@{number}": count for name, number, count in s.rows(sql)}


def writes(s: Scene, name: str = "acme") -> int:
    return sum(verb not in ("fetch", "changed", "person", "file") for verb in s.calls(name))


def several(s: Scene, count: int = 24) -> list[int]:
    return [s.escalated(urgency="low") for _ in range(count)]


# --- published ---


def test_published_all_links_have_it_and_nothing_was_written(scene: Make) -> None:
    s = scene()
    tickets = several(s, 5)
    said = writes(s)
    moved = published(s, PLAIN)
    assert (moved.moved, moved.there, moved.left, moved.failed) == (5, 0, 0, [])
    assert at(s) == {"town@1": 5}
    s.calm()
    assert writes(s) == said
    s.edit(tickets[0], urgency="high")
    s.sync()
    assert s.record().fields["urgency"] == "high"
    version = versions_of(s)[0]
    assert s.value("select mapping from attempt order by id desc limit 1") == f"town@1 {version.hash}"
    assert published_again_is_refused(s, PLAIN)
    assert s.audit_problems() == ()


def published_again_is_refused(s: Scene, text: str) -> bool:
    with pytest.raises(Conflict, match="in force already"):
        published(s, text)
    return True


def versions_of(s: Scene) -> list[versions.Version]:
    with s.rt.store.read() as conn:
        return versions.history(conn, "mapping", "town")


def test_each_move_stands_in_its_tickets_chain(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    published(s, PLAIN)
    (payload,) = s.rows("select payload from audit where subject = ? order by seq desc limit 1", f"ticket:{ticket}")[0]
    told = json.loads(payload)
    assert told["reason"] == "because"
    assert told["did"] == [["remap", {"from": "memory@1", "link": str(s.link()), "to": "town@1"}]]


def test_what_does_not_prove_moves_nothing_and_warnings_are_accepted_by_name(scene: Make) -> None:
    s = scene()
    s.escalated()
    wrong = HEAD + "fields: {status: {values: {vendor: nothing}}}\n"
    with pytest.raises(Mistakes, match="M012"):
        published(s, wrong)
    for accept in ([], ["M063"], ["M041:title"]):
        with pytest.raises(Mistakes, match=r"M041 status: pending_provider .*accept M041:status"):
            publishing.publish(s.rt, by(s), Wish(OTHER, "x", accept, connections=["acme"]))
    assert at(s) == {"memory@1": 1} and versions_of(s) == []
    publishing.publish(s.rt, by(s), Wish(OTHER, "x", ["M041:status"], connections=["acme"]))
    assert [one.accepted for one in versions_of(s)] == [("M041:status",)]


def test_links_made_afterwards_have_it_too(scene: Make) -> None:
    s = scene()
    published(s, PLAIN)
    s.escalated()
    assert at(s) == {"town@1": 1}


def test_with_live_traffic_nothing_is_lost(scene: Make) -> None:
    """People edit, the desk answers and edits while every link is moved, twice, on another connection of the pool."""
    s = scene(locking=False)
    tickets = several(s, 16)
    one, records = s.another(), list(s.desks["acme"].tickets.values())

    def edits() -> None:
        for number, ticket in enumerate(tickets):
            s.edit(ticket, title=f"ours {number}")
            s.desks["acme"].update("tess", records[number].id, {"impact": "low"})
            s.work()

    def moves() -> list[Moved]:
        done = []
        for text in (PLAIN, OTHER):
            wish = Wish(text, "because", ["all"], 100, ["acme"])
            done.append(publishing.publish(one, By("user:1", s.rt.key, s.now()), wish, 5.0)[1])
        return done

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(edits), pool.submit(moves)
        first.result()
        assert [moved.failed for moved in second.result()] == [[], []]
    s.rt.desks.load()
    s.calm()
    assert at(s) == {"town@2": 16}
    titles = sorted(record.fields["title"] for record in records)
    assert titles == sorted(f"ours {number}" for number in range(16))
    assert {s.fields(ticket)["impact"] for ticket in tickets} == {"low"}
    assert s.audit_problems() == ()


# --- a canary ---


def everything(s: Scene) -> dict[int, list[Any]]:
    """What is stored of every link, its lane, its pairs and its ticket."""
    found: dict[int, list[Any]] = {}
    for sql in ("select id, l.* from link l", "select link_id, n.* from lane n"):
        for id, *rest in s.rows(sql):
            found.setdefault(id, []).append(rest)
    sql = "select l.id, t.* from link l join ticket t on t.id = l.ticket_id"
    for id, *rest in s.rows(sql):
        found[id].append(rest)
    return found


def test_a_canary_touches_exactly_its_lanes_and_a_wider_one_holds_it(scene: Make) -> None:
    s = scene()
    several(s, 40)
    published(s, PLAIN)
    before, said = everything(s), writes(s)
    records = [dict(record.fields) for record in s.desks["acme"].tickets.values()]
    moved = published(s, OTHER, 20)
    after = everything(s)
    touched = {id for id in before if before[id] != after[id]}
    assert touched == {id for id in before if chosen(id, 20)}
    assert 0 < len(touched) < 20 and moved.moved == len(touched) and moved.left == 40 - len(touched)
    assert at(s) == {"town@1": moved.left, "town@2": moved.moved}
    s.escalated()
    assert at(s)["town@1"] == moved.left + 1, "new links have the version in force"
    s.calm()
    assert writes(s) == said + 1, "one create, and no write by the moves"
    assert [dict(record.fields) for record in s.desks["acme"].tickets.values()][:40] == records
    wider = publishing.canary(s.rt, by(s), "town", 60, "it goes well")
    assert wider.there == moved.moved, "what had it keeps it"
    whole = publishing.canary(s.rt, by(s), "town", 100, "for all")
    assert (whole.left, whole.failed) == (0, []) and at(s) == {"town@2": 41}
    with pytest.raises(Conflict, match="in force for all"):
        publishing.canary(s.rt, by(s), "town", 10, "again")


def test_a_narrower_canary_takes_links_back(scene: Make) -> None:
    s = scene()
    several(s, 12)
    published(s, PLAIN)
    published(s, OTHER, 70)
    publishing.canary(s.rt, by(s), "town", 0, "not yet")
    assert at(s) == {"town@1": 12}


def test_the_same_again_finishes_what_failed(scene: Make) -> None:
    s = scene()
    several(s, 3)
    published(s, PLAIN)
    link = s.link()
    with s.rt.store.road(write=True) as road:
        road.run("update attempt set outcome = null where link_id = ? and kind = 'create'", link)
        road.run("update attempt set vals = ? where link_id = ?", '{"impact": ["low", "low"]}', link)
    swapped = HEAD + "fields: {impact: {field: urgency}, urgency: {field: impact}}\n"
    moved = published(s, swapped)
    assert [(one.link_id, one.connection) for one in moved.failed] == [(link, "acme")]
    assert "being written" in moved.failed[0].why and moved.moved == 2
    with s.rt.store.road(write=True) as road:
        road.run("update attempt set outcome = 'ok' where link_id = ?", link)
    again = publishing.canary(s.rt, by(s), "town", 100, "again")
    assert (again.moved, again.there, again.failed) == (1, 2, [])
    assert at(s) == {"town@2": 3}


# --- rolled back ---


def plans(s: Scene, ticket: int) -> list[str]:
    """The hashes of what would be done for a number of things that might happen, nothing of it carried out."""
    link = s.link()
    record = s.record()
    inputs: list[Any] = [Command("edit", "user:1", {"fields": {"status": to}}) for to in ("pending_provider", "closed")]
    for status in ("vendor", "waiting", "done"):
        fields = {**record.fields, "status": status}
        inputs.append(
            Observed("poll", s.rt.desks.rows()[0].id, record.id, str(record.revision + 5), fields, read_began=s.now())
        )
    found = []
    for what in inputs:
        with s.rt.store.read() as conn:
            state = gather.state(gather.read(Road(conn, s.rt.store.dialect), {ticket}, set(), True, True))
        facts = Facts(s.now(), state.tickets[ticket], s.rt.desks)
        found.append(decide(facts, what, None if isinstance(what, Command) else state.links[link]).plan.hash())
        record = s.record()
    return found


def test_rolled_back_the_plans_are_the_earlier_ones_again(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    published(s, PLAIN)
    before = plans(s, ticket)
    published(s, OTHER)
    assert plans(s, ticket) != before
    moved = publishing.rollback(s.rt, by(s), "town", 1, "it was wrong")
    assert (moved.version.label, moved.version.text, at(s)) == ("town@3", PLAIN, {"town@3": 1})
    assert plans(s, ticket) == before
    assert versions_of(s)[0].hash == versions_of(s)[2].hash, "the same effective document"


def test_a_roll_back_takes_the_canary_with_it(scene: Make) -> None:
    s = scene()
    several(s, 12)
    published(s, PLAIN)
    published(s, OTHER, 50)
    moved = publishing.rollback(s.rt, by(s), "town", 1, "no")
    assert at(s) == {"town@3": 12} and moved.moved == 12


# --- what becomes of the fields ---


def test_a_value_that_means_something_now_is_merged_and_released(scene: Make) -> None:
    s = scene(mapping=HELD + "}}\n")
    ticket = s.escalated()
    s.edit_there(status="vendor")
    s.sync()
    assert s.pair("status").park == "held" and s.fields(ticket)["status"] == "new"
    said = writes(s)
    published(s, HEAD.replace("town", "city"))
    s.sync()
    assert (s.pair("status").park, s.fields(ticket)["status"]) == ("", "pending_provider")
    assert s.notices() == [] and writes(s) == said


def test_a_released_field_is_written_where_a_person_had_edited_it(scene: Make) -> None:
    """Both sides had moved on; the field's owner decides, as it always does."""
    s = scene(mapping=HELD + ", conflict: ours}}\n")
    ticket = s.escalated()
    s.edit(ticket, status="in_progress")
    s.edit_there(status="vendor")
    s.sync()
    with s.rt.store.road(write=True) as road:
        pairs = json.loads(s.value("select pairs from link"))
        pairs["status"] = ["new", "vendor", 1, "held", 0]
        road.run("update link set pairs = ?", json.dumps(pairs))
    published(s, HEAD.replace("town", "city") + "fields: {status: {conflict: ours}}\n")
    s.sync()
    assert s.record().fields["status"] == "working"
    assert s.pair("status").owed == 0


def test_a_field_that_was_never_seen_there_is_fetched_and_neither_side_changed(scene: Make) -> None:
    s = scene()
    published(s, LESS)
    ticket = s.escalated(urgency="high")
    assert s.record().fields["urgency"] != "high" and "urgency" not in paired(s)
    with s.rt.store.road(write=True) as road:
        seen = json.loads(s.value("select seen from link"))
        del seen["urgency"]
        road.run("update link set seen = ?", json.dumps(seen))
    said, fetches = writes(s), s.calls().count("fetch")
    published(s, PLAIN)
    assert (s.value("select verify from link"), s.pair("urgency").park) == (1, "unseen")
    s.sync()
    assert s.calls().count("fetch") > fetches and writes(s) == said
    assert s.fields(ticket)["urgency"] == "high" != s.record().fields["urgency"]
    assert s.notices() == [("drift", "urgency")] and s.pair("urgency").park == ""
    s.wish("heal", ticket, link=s.link(), fields=["urgency"])
    s.sync()
    assert s.record().fields["urgency"] == "high" and s.notices() == []


def paired(s: Scene) -> set[str]:
    return set(json.loads(s.value("select pairs from link where id = ?", s.link())))


def test_what_a_person_edits_before_the_first_look_is_written_after_it(scene: Make) -> None:
    s = scene()
    published(s, LESS)
    ticket = s.escalated(urgency="high")
    with s.rt.store.road(write=True) as road:
        seen = json.loads(s.value("select seen from link"))
        del seen["urgency"]
        road.run("update link set seen = ?", json.dumps(seen))
    published(s, HEAD + "fields: {urgency: {conflict: theirs}}\n")
    s.edit(ticket, urgency="low")
    s.sync()
    assert (s.record().fields["urgency"], s.fields(ticket)["urgency"]) == ("low", "low")


def test_a_field_that_shows_already_makes_its_pair_at_once(scene: Make) -> None:
    s = scene()
    published(s, LESS)
    ticket = s.escalated(urgency="medium")
    s.edit_there(urgency="medium")
    s.sync()
    fetches = s.calls().count("fetch")
    published(s, PLAIN)
    assert (s.pair("urgency").ours, s.pair("urgency").theirs, s.value("select verify from link")) == (
        "medium",
        "medium",
        0,
    )
    s.sync()
    assert s.calls().count("fetch") == fetches and s.notices() == []
    s.edit_there(urgency="high")
    s.sync()
    assert s.fields(ticket)["urgency"] == "high", "from now on it is in step"


def test_a_field_that_is_not_mapped_any_more_owes_nothing(scene: Make) -> None:
    s = scene()
    ticket = s.escalated(urgency="low")
    published(s, PLAIN)
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set state = 'paused'")
    s.edit(ticket, urgency="high", title="VPN is down")
    published(s, LESS)
    assert "urgency" not in paired(s)
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("update connection set state = 'active', version = version + 1")
    s.sync()
    assert (s.record().fields["urgency"], s.record().fields["title"]) == ("low", "VPN is down")
    assert not s.busy()


def test_a_value_that_means_something_else_now_shows_as_drift(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    published(s, PLAIN)
    s.edit_there(status="vendor")
    s.sync()
    assert s.fields(ticket)["status"] == "pending_provider"
    said = writes(s)
    published(s, OTHER)
    s.sync()
    assert writes(s) == said and s.fields(ticket)["status"] == "pending_provider"
    assert s.notices() == [("drift", "status")]
    publishing.rollback(s.rt, by(s), "town", 1, "no")
    assert s.notices() == [], "and is over with the roll back"


def test_one_that_lost_its_link_meanwhile_is_refused(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    with pytest.raises(Objection, match="no such link"):
        s.wish("remap", ticket, link=1, to=1)


def test_escalated_again_a_link_comes_back_with_the_version_in_force(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("take_back", ticket)
    s.world.run()
    published(s, PLAIN)
    assert at(s) == {}
    s.wish("escalate", ticket, connection="acme")
    s.sync()
    assert at(s) == {"town@1": 1}
