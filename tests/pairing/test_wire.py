"""On the wire between two Tandems: signatures, clocks that differ, answers that are lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.simulators.faults import What
from tests.pairing.two import Side, forward, pair, quiet, sides


@pytest.fixture
def two() -> Iterator[tuple[Side, Side]]:
    with sides("alpha", "beta") as (alpha, beta):
        pair(alpha, beta)
        yield alpha, beta


def shared(alpha: Side, beta: Side) -> tuple[str, str]:
    """A ticket that both have."""
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    return ours, beta.all()[0]


def test_no_bit_of_what_is_told_may_be_another(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    _, theirs = shared(alpha, beta)
    beta.edit(theirs, status="in_progress")
    beta.work()
    (told,) = [request for request in alpha.asked if request.path == "/hooks/beta"]
    client = alpha.app.test_client()

    def knock(body: bytes, **changed: str) -> int:
        kept = {name: value for name, value in told.headers.items() if name.startswith("webhook-")}
        headers = {**kept, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return client.post("/hooks/beta", data=body, headers=headers).status_code

    assert knock(told.body) == 200  # again, and it changes nothing
    for at in range(len(told.body) * 8):
        bent = bytearray(told.body)
        bent[at // 8] ^= 1 << at % 8
        assert knock(bytes(bent)) == 401, at
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        value = told.headers[name]
        for at in range(len(value)):
            bit = next(b for b in (1, 2, 4) if chr(ord(value[at]) ^ b).isprintable() and chr(ord(value[at]) ^ b) != " ")
            bent_text = value[:at] + chr(ord(value[at]) ^ bit) + value[at + 1 :]
            assert knock(told.body, **{name.replace("-", "_"): bent_text}) == 401, (name, at)
    assert client.post("/hooks/beta", data=told.body).status_code == 401
    assert client.post("/hooks/alpha", data=told.body, headers=dict(told.headers)).status_code == 401


def test_clocks_may_differ_by_minutes() -> None:
    for ahead in ((0.0, 240.0), (240.0, 0.0)):
        with sides("alpha", "beta", ahead=ahead) as (alpha, beta):
            assert pair(alpha, beta).said == ""
            ours, theirs = shared(alpha, beta)
            beta.faults.plan("commit_then_drop", method="POST", path=f"/api/v1/tickets/{theirs}/comments")
            alpha.say(ours, "are you there?", "provider:beta")
            beta.edit(theirs, status="resolved")
            beta.say(theirs, "done", "provider:alpha")
            for _ in range(5):
                quiet(alpha, beta)
                alpha.hurry()
            assert alpha.shows(ours)["status"] == "resolved" and alpha.state("beta") == beta.state("alpha") == "active"
            assert sorted(text.splitlines()[-1] for text in beta.texts(theirs)) == ["are you there?", "done"]
            assert sorted(alpha.texts(ours)) == ["are you there?", "done"]
            alpha.poll()
            quiet(alpha, beta)


@pytest.mark.parametrize("fault", ["commit_then_drop", "drop_before_commit", "commit_then_status", "truncate_body"])
def test_a_lost_answer_to_a_create_makes_one_ticket(two: tuple[Side, Side], fault: What) -> None:
    alpha, beta = two
    beta.faults.plan(fault, method="POST", path="/api/v1/tickets")
    ours = alpha.ticket(description="once")
    alpha.escalate(ours, "beta")
    forward(alpha, beta)
    assert len([r for r in beta.asked if (r.method, r.path) == ("POST", "/api/v1/tickets")]) == 1
    (theirs,) = beta.all()
    assert beta.shows(theirs)["description"] == "once"
    (link,) = alpha.done("GET", f"tickets/{ours}/links")["items"]
    assert link["remote_id"] == theirs and link["lane"]["state"] == "idle"


def test_what_cannot_be_told_now_is_told_later(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours, theirs = shared(alpha, beta)
    alpha.faults.plan("status", times=2, path="/hooks/beta", status=503)
    beta.edit(theirs, status="in_progress")
    for _ in range(4):
        quiet(alpha, beta)
        beta.hurry()
    assert alpha.shows(ours)["status"] == "in_progress"
    assert beta.rows("select verify from link") == [(0,)]


def test_a_fresh_change_while_telling_is_told_too(two: tuple[Side, Side]) -> None:
    """The guest reads while it is told, and what comes just then is not lost."""
    alpha, beta = two
    ours, theirs = shared(alpha, beta)
    beta.edit(theirs, title="first")
    answer = alpha._answer

    def meanwhile(request):  # type: ignore[no-untyped-def]
        if request.path == "/hooks/beta" and beta.shows(theirs)["title"] == "first":
            beta.edit(theirs, title="second")
        return answer(request)

    alpha._server._server.answer = meanwhile
    beta.work()
    alpha._server._server.answer = answer
    told = [request for request in alpha.asked if request.path == "/hooks/beta"]
    assert len({request.headers["webhook-id"] for request in told}) == 2
    quiet(alpha, beta)
    assert alpha.shows(ours)["title"] == "second"
