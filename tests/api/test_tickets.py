"""Tickets through the API: made, found, read, changed; versions and keys."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gateway import pipeline
from gateway.api import idempotency
from tests.api.support import BOB, EVE, Asking


def test_a_ticket_is_made_read_and_found(api: Asking) -> None:
    made = api("agent", "POST", "tickets", {"title": "VPN down", "impact": "high", "urgency": "high"})
    assert made.status_code == 201 and made.headers["Location"].endswith(made.json["id"])
    assert (made.json["priority"], made.json["holder"], made.json["status"]) == ("P1", "team:service-desk", "new")
    got = api("agent", "GET", f"tickets/{made.json['id']}")
    assert got.json == made.json and got.headers["ETag"] == f'"{made.json["version"]}"'
    assert api.get("agent", f"tickets/{made.json['number']}")["id"] == made.json["id"]
    assert [t["id"] for t in api.get("agent", "tickets")["items"]] == [made.json["id"]]


NARROWED = {
    "status=new": "abc", "status=closed": "", "status=closed&status=new": "abc", "priority=P1": "b",
    "holder=provider:acme": "c", "provider=acme": "c", "provider=bolt": "", f"requester={BOB}": "abc",
    f"requester={EVE}": "", "q=printer": "b", "q=PRINT+floor": "b", "q=100%25": "c", "q=%25": "c", "q=_": "",
    "q=T-1001": "a", "q=%22%3B--": "", "kind=incident": "abc", "q=ЁЖИК": "d", "kind=incident&kind=request": "abcd",
}  # fmt: skip


def test_the_list_is_narrowed(api: Asking) -> None:
    api.ticket("a VPN")
    api.ticket("b Printer", description="second floor", impact="high", urgency="high")
    api.ticket("c disk 100% full", to="acme")
    api.ticket("d ёжик", kind="request", requester=None, status="pending_requester")
    for query, found in NARROWED.items():
        titles = [t["title"][0] for t in api.get("agent", f"tickets?{query}")["items"]]
        assert "".join(sorted(titles)) == found, query


def test_pages_follow_one_another_without_gap_or_repeat(api: Asking) -> None:
    ids = [api.ticket(f"ticket {n}") for n in range(7)]
    seen: list[str] = []
    path = "/api/v1/tickets?limit=3&status=new"
    while path:
        page = api("agent", "GET", path)
        seen += [one["id"] for one in page.json["items"]]
        link = page.headers.get("Link", "")
        assert bool(link) == (page.json["next"] is not None)
        path = link.partition(">")[0].removeprefix("<")
        api.ticket("came in between")
    assert seen == ids[::-1]


def test_a_change_on_the_version_that_was_read(api: Asking) -> None:
    id = api.ticket()
    tag = api("agent", "GET", f"tickets/{id}").headers["ETag"]
    done = api("agent", "PATCH", f"tickets/{id}", {"impact": "high"}, headers={"If-Match": tag})
    assert done.status_code == 200 and done.json["priority"] == "P2" and done.headers["ETag"] != tag
    late = api("agent", "PATCH", f"tickets/{id}", {"impact": "low"}, headers={"If-Match": tag})
    assert late.status_code == 412 and late.content_type == "application/problem+json"
    assert late.json["current"] == {"impact": "high"} and late.headers["ETag"] == done.headers["ETag"]
    assert api("agent", "PATCH", f"tickets/{id}", {"impact": "low"}, headers={"If-Match": "*"}).status_code == 200


def test_only_the_same_field_changed_meanwhile_is_a_conflict(api: Asking) -> None:
    id = api.ticket()
    api("agent", "PATCH", f"tickets/{id}", {"urgency": "high"})
    path, based = f"tickets/{id}", {"impact": "medium", "urgency": "medium"}
    assert api("agent", "PATCH", path, {"impact": "high", "based_on": based}).status_code == 200
    late = api("agent", "PATCH", path, {"urgency": "low", "based_on": based})
    assert late.status_code == 412 and late.json["current"] == {"urgency": "high"}
    assert api.get("agent", path)["urgency"] == "high"


def test_null_empties_a_field_but_not_a_required_one(api: Asking) -> None:
    id = api.ticket(service="VPN", tags=["b", "a", "b"], due="2026-12-01T10:00:00+02:00")
    told = api.get("agent", f"tickets/{id}")
    assert told["tags"] == ["a", "b"] and told["due"] == "2026-12-01T08:00:00Z"
    assert api("agent", "PATCH", f"tickets/{id}", {"service": None}).json["service"] is None
    refused = api("agent", "PATCH", f"tickets/{id}", {"title": None})
    assert refused.status_code == 422 and refused.json["errors"][0]["field"] == "title"


def test_every_field_at_fault_is_named_with_its_value(api: Asking) -> None:
    answer = api("agent", "POST", "tickets", {"impact": "huge", "is_admin": True, "requester": {"email": "x"}})
    assert answer.status_code == 422 and answer.content_type == "application/problem+json"
    told = {one["field"]: one for one in answer.json["errors"]}
    assert set(told) == {"title", "impact", "is_admin", "requester.email"}
    assert told["impact"]["value"] == "huge" and told["is_admin"]["fix"] == "Leave it out."


def test_the_same_key_is_done_once_and_answered_the_same(api: Asking) -> None:
    body, key = {"title": "once"}, {"Idempotency-Key": "k-1"}
    first = api("agent", "POST", "tickets", body, headers=key)
    again = api("agent", "POST", "tickets", body, headers=key)
    assert (again.status_code, again.json, again.headers["ETag"]) == (201, first.json, first.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api.get("agent", "tickets")["items"]) == 1
    other = api("agent", "POST", "tickets", {"title": "another"}, headers=key)
    assert other.status_code == 422 and other.json["errors"][0]["field"] == "Idempotency-Key"
    assert api("admin", "POST", "tickets", body, headers=key).json["id"] != first.json["id"]


def test_a_refusal_gives_the_key_back(api: Asking) -> None:
    key = {"Idempotency-Key": "k-2"}
    assert api("agent", "POST", "tickets", {"titel": "x"}, headers=key).status_code == 422
    assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).status_code == 201


def test_two_at_once_with_one_key_make_one_ticket(api: Asking) -> None:
    answers: list[Any] = []
    gate = threading.Barrier(4)

    def ask() -> None:
        gate.wait()
        answers.append(api("agent", "POST", "tickets", {"title": "x"}, headers={"Idempotency-Key": "k-3"}))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} <= {201, 409} and 201 in {a.status_code for a in answers}
    assert len(api.get("agent", "tickets")["items"]) == 1


def test_escalate_and_take_back_tell_the_reason(api: Asking) -> None:
    id = api.ticket()
    note = api.post("agent", f"tickets/{id}/comments", {"text": "seen on two sites"})["id"]
    body = {"connection": "acme", "reason": "their network", "comments": [note]}
    assert api.post("agent", f"tickets/{id}/escalate", body, 200)["holder"] == "provider:acme"
    api.world.run()
    (link,) = api.get("agent", f"tickets/{id}/links")["items"]
    assert (link["connection"], link["role"], link["number"]) == ("acme", "holder", "D-1001")
    there = api.world.desks["acme"].get(link["remote_id"])
    assert [c.text for c in there.comments if "seen on two sites" in c.text]
    again = api("agent", "POST", f"tickets/{id}/escalate", {"connection": "acme", "reason": "x"})
    assert again.status_code == 422 and again.json["errors"][0]["field"] == "connection"
    back = api.post("agent", f"tickets/{id}/take-back", {"reason": "ours after all"}, 200)
    assert back["holder"] == "team:service-desk"
    why = api.get("agent", f"tickets/{id}/decision")["items"]
    assert [(d["kind"], d["reason"]) for d in why][1:] == [
        ("escalation", "their network"),
        ("take_back", "ours after all"),
    ]


def test_two_who_escalate_at_once_make_one_link(api: Asking) -> None:
    id = api.ticket()
    gate, answers = threading.Barrier(3), []

    def ask() -> None:
        gate.wait()
        answers.append(
            api("agent", "POST", f"tickets/{id}/escalate", {"connection": "acme", "reason": "x"}).status_code
        )

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 422, 422]
    api.world.run()
    assert len(api.get("agent", f"tickets/{id}/links")["items"]) == 1 and len(api.world.desks["acme"].tickets) == 1


def test_notes_of_another_ticket_do_not_go_along(api: Asking) -> None:
    other, id = api.ticket("other"), api.ticket()
    note = api.post("agent", f"tickets/{other}/comments", {"text": "secret"})["id"]
    body = {"connection": "acme", "reason": "x", "comments": [note]}
    refused = api("agent", "POST", f"tickets/{id}/escalate", body)
    assert refused.status_code == 422 and refused.json["errors"][0]["field"] == "comments"


def test_the_timeline_tells_both_sides(api: Asking) -> None:
    id = api.ticket(to="acme")
    link = api.get("agent", f"tickets/{id}/links")["items"][0]
    desk = api.world.desks["acme"]
    desk.comment("tess", link["remote_id"], "looking", True)
    desk.update("tess", link["remote_id"], {"status": "working"})
    api.world.poll()
    api.world.run()
    told = api.get("agent", f"tickets/{id}/timeline")["items"]
    theirs = [one for one in told if one["side"] == "theirs"]
    assert [one["details"]["text"] for one in theirs if one["kind"] == "comment"] == ["looking"]
    assert [c["details"]["changes"] for c in theirs if c["kind"] == "change"] == [{"status": ["new", "in_progress"]}]
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)


def test_an_answer_that_was_lost_is_not_work_done_twice(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies between the work and its answer: the key tells that it was done, and as what."""
    key = {"Idempotency-Key": "k-4"}

    def dies(*_: object) -> None:
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency._Key, "keep", dies)
        assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).status_code == 500
        later(api, idempotency.STALE * 2)
        again = api("agent", "POST", "tickets", {"title": "x"}, headers=key)
    assert again.status_code == 409
    assert (again.json["title"], again.json["fix"]) == (
        *("this was done, and its answer was lost", "It was done: look at T-1001."),
    )
    assert len(api.get("agent", "tickets")["items"]) == 1
    contact = {"email": "zoe@example.org", "name": "Zoë"}
    with monkeypatch.context() as patch:
        patch.setattr(idempotency._Key, "keep", dies)
        api("agent", "POST", "contacts", contact, headers=key)
    assert "done" in api("agent", "POST", "contacts", contact, headers=key).json["title"]


def test_a_request_that_died_before_its_work_can_be_sent_again(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"Idempotency-Key": "k-5"}
    with monkeypatch.context() as patch:
        patch.setattr(idempotency._Key, "give_back", lambda self: None)
        patch.setattr(pipeline, "change", lambda *_: 1 / 0)
        assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).status_code == 500
    assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).status_code == 409
    later(api, idempotency.STALE + 1)
    assert api("agent", "POST", "tickets", {"title": "other"}, headers=key).status_code == 422
    made = api("agent", "POST", "tickets", {"title": "x"}, headers=key)
    assert made.status_code == 201
    assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).json == made.json
    assert len(api.get("agent", "tickets")["items"]) == 1


def test_who_was_thought_dead_and_is_only_slow_changes_nothing(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    key, real, answers = {"Idempotency-Key": "k-6"}, pipeline.change, []

    def slow(*args: Any) -> Any:
        """While this one sleeps, another comes with its key."""
        monkeypatch.setattr(pipeline, "change", real)
        later(api, idempotency.STALE + 1)
        answers.append(api("agent", "POST", "tickets", {"title": "x"}, headers=key))
        return real(*args)

    monkeypatch.setattr(pipeline, "change", slow)
    late = api("agent", "POST", "tickets", {"title": "x"}, headers=key)
    assert [one.status_code for one in answers] == [201]
    assert (late.status_code, late.json["title"]) == (409, "this took too long, and was sent again meanwhile")
    assert len(api.get("agent", "tickets")["items"]) == 1
    assert api("agent", "POST", "tickets", {"title": "x"}, headers=key).json == answers[0].json


def later(api: Asking, microseconds: int) -> None:
    rt = api.world.rt
    now = rt.now
    rt.now = lambda: now() + microseconds
