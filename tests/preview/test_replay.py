"""Stored facts give their plans again; what is missing in them, or was erased, is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway import pipeline
from gateway.preview import Span, preview
from gateway.store import retention
from gateway.store.retention import DAY
from tests.preview.support import Facts, Silence, changed, draft, items, previewed
from tests.road.conftest import Make
from tests.road.scene import Scene


def busy(s: Scene) -> int:
    """A ticket with a bit of everything that happens on the road."""
    ticket = s.escalated(impact="high", requester={"email": "alice@customer.example"})
    s.wish("comment", ticket, text="see this", audience=["provider:acme"])
    s.edit(ticket, title="VPN is down")
    s.work()
    s.sync()
    s.desks["acme"].update("tess", s.record().id, {"status": "working", "title": "VPN: looking", "tags": ["x"]})
    s.desks["acme"].comment("tess", s.record().id, "on it", True)
    s.sync()
    s.desks["acme"].update("tess", s.record().id, {"status": "done"})
    s.calm()
    return ticket


def test_the_same_mapping_changes_nothing_and_nobody_is_called(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    s = scene()
    busy(s)
    calls = list(s.calls())
    one = draft(s.rt, changed())
    rows = s.rows(
        "select count(*) from delivery union all select count(*) from audit union all select max(version) from ticket"
    )
    with Silence(s.rt, monkeypatch):
        report = preview(s.rt, one, Span(days=30))
    facts = report["facts"]
    assert facts["items"] > 10
    assert facts["exact"] == facts["replayed"] == facts["items"]
    assert facts["unequal"] == facts["moved"] == 0
    assert report["plans"] == {"same": facts["items"], "changed": 0, "held": 0, "tickets": 0}
    assert (report["surprises"], report["drift"]) == ([], {})
    assert s.calls() == calls
    assert rows == s.rows(
        "select count(*) from delivery union all select count(*) from audit union all select max(version) from ticket"
    )


def written(s: Scene) -> list[tuple[Any, ...]]:
    """What would have changed, had anything been carried out."""
    counts = (f"select count(*) from {table}" for table in ("delivery", "audit", "notice", "attempt", "facts"))
    return s.rows(" union all ".join([*counts, "select sum(version) from ticket", "select sum(fence) from lane"]))


def forget(name: str, what: Any) -> Callable[[dict[str, Any]], object]:
    return lambda doc: doc.__setitem__(name, what)


def unsent(doc: dict[str, Any]) -> None:
    for work in doc["works"]:
        if work["kind"] == "Settled":
            work["what"]["sent"] = {}


MISSING: dict[str, Callable[[dict[str, Any]], object]] = {
    "tickets' fields": lambda doc: [row.__setitem__(3, '{"status":"new","priority":"P3"}') for row in doc["tickets"]],
    "pairs": lambda doc: [row.__setitem__(11, "{}") for row in doc["links"]],
    "records as last seen": lambda doc: [row.__setitem__(12, "{}") for row in doc["links"]],
    "versions of records": lambda doc: [row.__setitem__(8, "") for row in doc["links"]],
    "attempts": forget("attempts", []),
    "notices": forget("notices", []),
    "bindings": forget("bindings", None),
    "what was sent": unsent,
    "the names of new things": lambda doc: doc.__setitem__("ids", [[] for _ in doc["ids"]]),
    "who we are there": lambda doc: [one.__setitem__(3, []) for one in doc["versions"]["desks"].values()],
    "the share policy": lambda doc: [one.__setitem__(2, 0) for one in doc["versions"]["desks"].values()],
    "people": lambda doc: [work.__setitem__("people", None) for work in doc["works"]],
    "references": lambda doc: [work.__setitem__("refers", None) for work in doc["works"]],
}


def everything(s: Scene) -> None:
    """Traffic in which each part of the facts decides something."""
    with s.rt.store.road(write=True) as road:
        connection = s.rt.desks.id_of("acme")
        assert connection is not None
        s.rt.desks.know(road, connection, {"tess@desk.example": {"email": "tess@boss.example"}}, s.now())
    ticket = busy(s)
    s.desks["acme"].update("tess", s.record().id, {"assignee": "tess@desk.example"})
    s.hook(-1)  # with the record in it
    s.poll()
    s.world.run()
    s.edit(ticket, status="pending_problem")  # there it looks like another status of ours
    s.work()
    s.fault("commit_then_drop", "update")
    s.edit(ticket, title="lost")
    s.work()
    s.calm()
    s.fault("refuse", "update")
    s.edit(ticket, title="refused")
    s.work()
    s.edit(ticket, title="taken")
    s.calm()
    s.desks["acme"].update("tess", s.record().id, {"due": "2026-11-25T10:00:00Z"})
    s.edit(ticket, due="2026-11-24T10:00:00Z")
    s.sync()  # both have changed it
    s.wish("resolve", ticket, link=s.link(), field="due", keep="theirs")
    s.calm()
    while s.hooks:  # long overtaken
        s.hook()
    s.world.run()
    s.desks["acme"].comment("tess", s.record().id, "theirs", True)
    s.wish("comment", ticket, text="ours", audience=["provider:acme"])
    pipeline.deliver(s.rt)
    for number in range(len(s.hooks)):
        s.hook(number, keep=True)
    pipeline.process(s.rt)
    s.calm()
    theirs = s.desks["acme"].create("tess", {"title": "another", "reference": s.record().fields["reference"]})
    assert theirs is not None
    s.desks["acme"].create("tess", {"title": "one of theirs", "status": "open"})
    for number in range(len(s.hooks)):
        s.hook(number, keep=True)
    s.calm()
    s.desks["acme"].comment("tess", s.record().id, "one more", True)
    s.edit(ticket, title="again")
    s.calm()


def test_facts_hold_nothing_that_is_not_needed(scene: Make) -> None:
    """Negative control: without any one of these a plan is another, or cannot be made at all."""
    s = scene(mapping="fields: {due: {field: due, conflict: ask}}")
    everything(s)
    whole = previewed(s, changed())["facts"]
    assert whole["exact"] == whole["items"] > 50
    idle = []
    with Facts(s.rt) as stored:
        for what, change in MISSING.items():
            stored.change(change)
            facts = previewed(s, changed())["facts"]
            if facts["unequal"] + facts["not_replayable"] == 0:
                idle.append(what)
    assert idle == []
    assert previewed(s, changed())["facts"] == whole


def test_what_was_erased_is_said(scene: Make) -> None:
    s = scene()
    busy(s)
    whole = previewed(s, changed())
    with s.rt.store.write() as conn:
        conn.exec_driver_sql("delete from arrival")
    report = previewed(s, changed())
    assert report["facts"]["items"] >= whole["facts"]["items"]
    assert report["facts"]["not_replayable"] > 0
    assert report["facts"]["exact"] == report["facts"]["replayed"]
    assert set(report["reasons"]) <= {
        "its payload is no longer kept", "it follows one that cannot be planned again",
    }  # fmt: skip
    assert report["not_replayable"][0]["item"].startswith("arrival:")


def test_what_another_version_has_written_down_is_said(scene: Make) -> None:
    s = scene()
    busy(s)
    items = previewed(s, changed())["facts"]["items"]
    with Facts(s.rt) as stored:
        stored.change(lambda doc: doc.pop("format"))
        report = previewed(s, changed())
    assert report["facts"]["replayed"] == 0
    assert report["reasons"] == {"another version of Tandem has written it down": report["facts"]["items"]}
    assert report["facts"]["items"] >= items


def test_other_versions_in_force_then_are_told_apart(scene: Make) -> None:
    """The plans under them cannot be made again as they were; both sides are made with what is in force today."""
    s = scene()
    busy(s)
    with Facts(s.rt) as stored:
        stored.change(lambda doc: [one.__setitem__(1, "another") for one in doc["versions"]["desks"].values()])
        report = previewed(s, changed())
    assert report["facts"]["moved"] == report["facts"]["items"]
    assert report["facts"]["exact"] == report["facts"]["unequal"] == 0
    assert report["plans"]["changed"] == 0


def test_only_the_newest_are_looked_at_and_it_is_said(scene: Make) -> None:
    s = scene()
    busy(s)
    whole = previewed(s, changed())["facts"]["items"]
    some = previewed(s, changed(), limit=5)["facts"]
    assert (some["items"], some["cut"]) == (5, True)
    assert previewed(s, changed(), limit=whole)["facts"]["cut"] is False
    s.clock += 2 * DAY
    assert previewed(s, changed(), days=1)["facts"]["items"] == 0


def test_of_one_ticket_everything_is_shown(scene: Make) -> None:
    s = scene()
    one, other = busy(s), s.escalated()
    report = previewed(s, changed(), ticket=one)
    number = s.value("select number from ticket where id = ?", one)
    assert report["listed"]
    assert {item["ticket"] for item in report["listed"]} == {f"T-{number}"}
    told = [field for item in report["listed"] for field in item["fields"] if field["side"] == "ours"]
    assert {"field": "status", "before": "resolved", "after": "resolved"}.items() <= next(
        field for field in told if field["field"] == "status" and field["after"] == "resolved"
    ).items()
    assert len(previewed(s, changed(), ticket=other)["listed"]) < len(report["listed"])


def test_a_share_policy_of_then_gives_the_plans_of_then(scene: Make) -> None:
    """What is in force changes what both would do; what was decided is planned again as it was."""
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="shared")
    s.share("acme", {"fields": ["status", "description"], "audiences": ["provider"], "worklogs": False})
    s.edit(ticket, title="not shared any more")
    report = previewed(s, changed())
    assert report["facts"]["exact"] == report["facts"]["items"]
    assert report["plans"]["changed"] == 0


def test_old_facts_go_with_the_payloads_they_belong_to(scene: Make) -> None:
    s = scene()
    busy(s)
    s.clock += retention.KEEP + DAY
    retention.prune(s.rt.store, s.now())
    assert s.value("select count(*) from facts") == 0
    assert previewed(s, changed())["facts"]["items"] == 0


def test_items_of_a_batch_fold_as_they_did(scene: Make) -> None:
    """Several arrivals of one record in one batch, the first of which makes the ticket."""
    s = scene()
    record = s.desks["acme"].create("tess", {"title": "theirs", "status": "open"})
    for status in ("working", "waiting", "done"):
        s.desks["acme"].update("tess", record.id, {"status": status})
    for number in range(len(s.hooks)):
        s.hook(number, keep=True)
    s.poll()
    pipeline.process(s.rt)
    found = list(items(s.rt, draft(s.rt, changed())))
    assert len(found) > 3
    assert all(one.exact for one in found)
    assert len({one.ticket for one in found}) == 1
