"""A company and its provider, a Tandem each: what travels, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway import preview as previews
from tests.pairing.two import Side, pair, quiet, sides


@pytest.fixture
def two() -> Iterator[tuple[Side, Side]]:
    with sides("alpha", "beta") as (alpha, beta):
        joined = pair(alpha, beta)
        assert (joined.state, joined.their_state, joined.said) == ("active", "active", "")
        yield alpha, beta


def test_a_ticket_goes_there_is_worked_on_and_comes_back_solved(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = alpha.ticket(description="Error 809.", impact="high", requester={"email": "bob@alpha.example"})
    alpha.say(ours, "PRIVATE of alpha")
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()
    shown = beta.shows(theirs)
    assert (shown["title"], shown["description"], shown["impact"]) == ("VPN down", "Error 809.", "high")
    assert shown["requester"] == {"email": "bob@alpha.example"} and shown["holder"] == "team:service-desk"

    beta.say(theirs, "PRIVATE of beta")
    beta.say(theirs, "dear Bob", "provider:alpha", "requester")
    beta.say(theirs, "dear alpha", "provider:alpha")
    beta.upload(theirs, "log ü.txt", b"\x00log\xff", "provider:alpha")
    beta.upload(theirs, "inside.txt", b"inside")
    beta.edit(theirs, status="resolved", resolution_code="solved", resolution_text="Rebooted.")
    quiet(alpha, beta)
    there = alpha.shows(ours)
    assert (there["status"], there["resolution_code"], there["resolution_text"]) == ("resolved", "solved", "Rebooted.")
    assert alpha.texts(ours) == ["PRIVATE of alpha", "dear Bob", "dear alpha"]
    assert alpha.files(ours) == {"log ü.txt": b"\x00log\xff"}
    heard = {one["text"]: one["audience"] for one in alpha.done("GET", f"tickets/{ours}/comments")["items"]}
    assert heard["dear Bob"] == ["provider:beta", "requester"] and heard["dear alpha"] == ["provider:beta"]

    alpha.say(ours, "thank you", "provider:beta")
    alpha.upload(ours, "ours.txt", b"ours", "provider:beta", "requester")
    alpha.edit(ours, status="closed")
    quiet(alpha, beta)
    assert [text.splitlines()[-1] for text in beta.texts(theirs)] == [
        "PRIVATE of beta", "dear Bob", "dear alpha", "thank you",
    ]  # fmt: skip
    assert beta.files(theirs)["ours.txt"] == b"ours" and beta.shows(theirs)["status"] == "closed"
    everything = b"".join(request.body for request in (*alpha.asked, *beta.asked))
    assert b"PRIVATE" not in everything and b"inside" not in everything


def test_time_worked_goes_there_and_stays_between_the_two(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()
    alpha.done("POST", f"tickets/{ours}/worklogs", {"minutes": 15, "text": "looked at the switch"})
    beta.done("POST", f"tickets/{theirs}/worklogs", {"minutes": 30, "text": "looked at the router"})
    quiet(alpha, beta)
    (here, there) = beta.done("GET", f"tickets/{theirs}/worklogs")["items"]
    assert (here["minutes"], there["minutes"]) == (30, 15) and there["source"] == "alpha"
    assert [one["minutes"] for one in alpha.done("GET", f"tickets/{ours}/worklogs")["items"]] == [15]


def test_each_side_keeps_its_own_rules_and_policy(two: tuple[Side, Side]) -> None:
    """Beta shares two fields and no files, and takes no more than it shares."""
    alpha, beta = two
    share = "share: 1\nprovider: alpha\nfields: [title, status]\naudiences: [provider]\nworklogs: false\n"
    beta.done("POST", "policies", {"text": share, "reason": "less"}, "admin")
    token = alpha.connector("beta")
    for fields in ({"title": "x", "impact": "high"}, {"title": "x", "assignee": {"email": "a@b.example"}}):
        assert beta.call("POST", "tickets", {**fields, "reference": "TDM-X-1"}, token).status_code == 422
    made = beta.call("POST", "tickets", {"title": "x", "reference": "TDM-X-1"}, token)
    again = beta.call("POST", "tickets", {"title": "y", "reference": "TDM-X-1"}, token)
    assert (made.status_code, again.status_code) == (201, 200) and made.json["id"] == again.json["id"]
    id = made.json["id"]
    beta.edit(id, description="PRIVATE", impact="high", status="in_progress")
    beta.say(id, "dear Bob", "provider:alpha", "requester")
    beta.say(id, "dear alpha", "provider:alpha")
    beta.upload(id, "a.txt", b"x", "provider:alpha")
    shown = beta.call("GET", f"tickets/{id}", who=token).json
    assert (shown["status"], shown["description"], shown["impact"]) == ("in_progress", None, None)
    assert [one["text"] for one in beta.call("GET", f"tickets/{id}/comments", who=token).json["items"]] == [
        "dear alpha"
    ]
    assert beta.call("GET", f"tickets/{id}/attachments", who=token).json["items"] == []
    assert beta.call("PATCH", f"tickets/{id}", {"impact": "low"}, token).status_code == 422


def test_only_news_for_the_guest_is_told_and_not_what_it_is(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()

    def told() -> list[bytes]:
        return [request.body for request in alpha.asked if request.path == "/hooks/beta"]

    assert told() == []  # what alpha did itself is no news to it
    beta.say(theirs, "between us")
    beta.done("POST", f"tickets/{theirs}/worklogs", {"minutes": 5, "text": "thinking"})
    alpha.edit(ours, title="VPN still down")
    quiet(alpha, beta)
    assert told() == []
    beta.say(theirs, "hello", "provider:alpha")
    beta.edit(theirs, impact="high", urgency="high")
    quiet(alpha, beta)
    assert told() == [b'{"ticket": "%s"}' % theirs.encode()]  # once, however much there is
    assert alpha.shows(ours)["priority"] == "P1" and alpha.texts(ours) == ["hello"]
    for n, new in enumerate((
        lambda: beta.say(theirs, "only this", "provider:alpha"),
        lambda: beta.upload(theirs, "only.txt", b"x", "provider:alpha"),
        lambda: beta.edit(theirs, tags=["only"]),
    )):  # fmt: skip
        new()
        quiet(alpha, beta)
        assert len(told()) == n + 2
    assert alpha.texts(ours)[1:] == ["only this"] and list(alpha.files(ours)) == ["only.txt"]
    assert alpha.shows(ours)["tags"] == ["only"]
    assert beta.rows("select count(*) from delivery") == [(0,)]  # nothing is owed to a guest


def test_without_webhooks_polling_finds_everything(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = [alpha.ticket(f"number {n}") for n in range(4)]
    for id in ours:
        alpha.escalate(id, "beta")
    quiet(alpha, beta)
    alpha.faults.chance(1.0, "status", path="/hooks/beta", status=503)
    for id in beta.all():
        beta.edit(id, status="in_progress")
    beta.work()
    assert {alpha.shows(id)["status"] for id in ours} == {"new"}
    alpha.poll()
    for _ in range(10):
        alpha.work()
    assert {alpha.shows(id)["status"] for id in ours} == {"in_progress"}
    assert len(alpha.all()) == 4  # what is escalated there is not imported from there


def test_both_ways_at_once(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours, theirs = alpha.ticket("alpha's"), beta.ticket("beta's")
    alpha.escalate(ours, "beta")
    beta.escalate(theirs, "alpha")
    quiet(alpha, beta)
    alpha.poll()
    beta.poll()
    quiet(alpha, beta)
    for one in two:
        assert sorted(one.shows(id)["title"] for id in one.all()) == ["alpha's", "beta's"]


def test_it_is_never_handed_back(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()
    back = beta.call("POST", f"tickets/{theirs}/escalate", {"connection": "alpha", "reason": "no"})
    assert back.status_code == 422 and "brought this ticket" in str(back.json)
    assert alpha.all() == [ours]


def test_what_was_decided_can_be_planned_again(two: tuple[Side, Side]) -> None:
    """At both sides, from the facts that were kept: a guest's part in a ticket is in them."""
    alpha, beta = two
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()
    alpha.say(ours, "hello", "provider:beta")
    beta.say(theirs, "hello yourself", "provider:alpha")
    beta.edit(theirs, status="resolved")
    quiet(alpha, beta)
    for one, name in ((alpha, "beta"), (beta, "alpha")):
        with one.rt.store.read() as conn:
            draft = previews.named(conn, one.rt.desks, one.rt.desks.id_of(name) or 0, "tandem@1")
        report = previews.preview(one.rt, draft, previews.Span(1, 500, None))
        assert report["facts"]["unequal"] == report["plans"]["changed"] == 0 and report["plans"]["same"] > 0, name
