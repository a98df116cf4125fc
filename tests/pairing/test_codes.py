"""Pairing: a code is good once and for a while, and whatever breaks off leaves nothing that acts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import pipeline
from gateway.api.pairings import TRIES
from gateway.errors import Conflict, Invalid, Unavailable
from gateway.providers import pairing
from tests.databases import SECRET_KEY
from tests.pairing.two import Side, pair, quiet, sides

OURS = {"name": "gamma", "url": "https://gamma.example", "token": "tdm_" + "x" * 43, "secret": "s" * 43}


@pytest.fixture
def two() -> Iterator[tuple[Side, Side]]:
    with sides("alpha", "beta") as made:
        yield made[0], made[1]


def offered(one: Side, name: str = "beta") -> str:
    return str(one.done("POST", "pairings", {"name": name, "url": one.url}, "admin")["code"])


def joining(other: Side, code: str, name: str = "alpha") -> pairing.Joined:
    return pairing.join(other.rt, other.by, code, pairing.Side(name, other.url, name, name))


def refused(one: Side, code: str) -> tuple[int, Any]:
    answer = one.call("POST", "pairings/redeem", OURS, code.partition("#")[2] or code)
    return answer.status_code, answer.json


def test_by_the_command_line(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    env = {"TANDEM_SECRET_KEY": SECRET_KEY, "TANDEM_EGRESS_ALLOW": beta.egress}
    made = alpha.tandem("connection", "pair", "beta", "--url", alpha.url, "--provider-name", "Beta Ltd")
    assert made.exit_code == 0, made.output
    code = made.output.split()[0]
    assert code.startswith(f"{alpha.url}#tdp_") and alpha.state_of("beta") is None
    joined = beta.tandem("connection", "join", code, "--name", "alpha", "--url", beta.url, **env)
    assert joined.exit_code == 0, joined.output
    assert alpha.state("beta") == beta.state("alpha") == "active"
    assert code.partition("#")[2] not in joined.output
    again = beta.tandem("connection", "join", code, "--name", "other", "--url", beta.url, **env)
    assert again.exit_code == 1 and pairing.NO_CODE in str(again.exception)


def test_secrets_are_kept_sealed_and_the_code_as_a_hash(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    code = offered(alpha)
    joining(beta, code)
    for one in two:
        for name in ("beta", "alpha"):
            if one.rt.desks.id_of(name) is not None:
                stored = str(one.rows("select secrets from connection where name = ?", name))
                assert stored.count("token") == stored.count("webhook") == stored.count("sign") == 1
        everything = b"".join(path.read_bytes() for path in one.config.home.rglob("*.db*"))
        for secret in (code.partition("#")[2], *secrets_of(alpha, "beta"), *secrets_of(beta, "alpha")):
            assert secret.encode() not in everything
    assert set(secrets_of(alpha, "beta")).isdisjoint(secrets_of(beta, "alpha")) is False  # one signs, one verifies


def secrets_of(one: Side, name: str) -> tuple[str, ...]:
    """What a connection has, opened."""
    desk: Any = one.rt.desks.desk(one.rt.desks.id_of(name) or 0).connector
    return tuple(desk.webhook_secrets.values())


def test_wrong_used_and_old_codes_get_one_answer(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    good, old, void = offered(alpha), offered(alpha, "old"), offered(alpha, "void")
    offered(alpha, "void")  # another one for the same name
    joining(beta, good)
    alpha.rt.now = lambda now=alpha.rt.now: now() + pairing.MINUTES * 60_000_000 + 1  # type: ignore[misc]
    told = [refused(alpha, code) for code in (good, old, void, pairing.PREFIX + "x" * 43, pairing.PREFIX)]
    assert {status for status, _ in told} == {401}
    assert {said["title"] for _, said in told} == {pairing.NO_CODE} and all(one == told[0] for one in told)
    with pytest.raises(Invalid, match="wrong, used or too old"):
        joining(beta, old, "another")
    assert beta.rt.desks.id_of("another") is None and alpha.rt.desks.id_of("old") is None


def test_codes_cannot_be_tried_for_long(two: tuple[Side, Side]) -> None:
    alpha, _ = two
    code = offered(alpha)
    assert [refused(alpha, pairing.PREFIX + str(n))[0] for n in range(TRIES)] == [401] * TRIES
    status, said = refused(alpha, code)
    assert status == 429 and said["title"] == "too many codes were tried" and alpha.rt.desks.id_of("beta") is None


def test_no_token_opens_it_and_a_code_opens_nothing_else(two: tuple[Side, Side]) -> None:
    alpha, _ = two
    code = offered(alpha)
    for who in ("admin", "agent"):
        assert alpha.call("POST", "pairings/redeem", OURS, who).status_code == 403
    assert alpha.call("GET", "tickets", who=code.partition("#")[2]).status_code == 401
    assert alpha.call("POST", "pairings", {"name": "x-y", "url": alpha.url}, "agent").status_code == 403
    assert alpha.call("POST", "pairings/redeem", {**OURS, "url": "http://beta.example"}, code.partition("#")[2]
                      ).status_code == 422  # fmt: skip


def test_nothing_is_taken_over_and_what_is_at_work_stays(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    pair(alpha, beta)
    with pytest.raises(Conflict, match="at work"):
        pairing.offer(alpha.rt, alpha.by, pairing.Side("beta", alpha.url, "beta", "Beta"))
    with pytest.raises(Conflict, match="at work"):
        joining(beta, offered(alpha, "gamma"))


@pytest.mark.parametrize("path", ["/api/v1/pairings/redeem", "/api/v1/pairings/finish"])
def test_a_lost_answer_leaves_nothing_that_acts_and_is_begun_again(two: tuple[Side, Side], path: str) -> None:
    alpha, beta = two
    code = offered(alpha)
    alpha.faults.plan("commit_then_drop", method="POST", path=path)
    with pytest.raises(Unavailable):
        joining(beta, code)
    finished = path.endswith("finish")
    assert alpha.state("beta") == ("active" if finished else "paused")
    assert beta.state_of("alpha") == ("paused" if finished else None)
    given = [one.rows("select id from token where revoked_at is null and name = ?", name)
             for one, name in ((alpha, "beta"), (beta, "alpha"))]  # fmt: skip
    asked = len(alpha.asked), len(beta.asked)
    for one in two:
        one.work()
        pipeline.tick(one.rt)
    mine = beta.ticket()
    assert beta.call("POST", f"tickets/{mine}/escalate", {"connection": "alpha", "reason": "x"}).status_code == 422
    if not finished:
        ours = alpha.ticket()
        assert alpha.call("POST", f"tickets/{ours}/escalate", {"connection": "beta", "reason": "x"}).status_code == 422
        assert (len(alpha.asked), len(beta.asked)) == asked
    with pytest.raises(Invalid, match="wrong, used or too old"):
        joining(beta, code)
    if finished:
        alpha.done("POST", "connections/beta/pause", {"reason": "anew"}, "admin")
    joined = joining(beta, offered(alpha))
    assert (joined.state, joined.their_state) == ("active", "active")
    for one, before in zip(two, given, strict=True):
        for (id,) in before:
            assert one.rows("select revoked_at from token where id = ?", id) != [(None,)]
    alpha.escalate(alpha.ticket("it works"), "beta")
    quiet(*two)
    assert "it works" in [beta.shows(id)["title"] for id in beta.all()]


def test_a_guest_of_a_paused_connection_is_asked_to_come_later(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    pair(alpha, beta)
    beta.done("POST", "connections/alpha/pause", {"reason": "stop"}, "admin")
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    alpha.work()
    assert beta.all() == []
    beta.done("POST", "connections/alpha/resume", {}, "admin")
    alpha.hurry()
    quiet(alpha, beta)
    assert len(beta.all()) == 1


def test_what_a_person_paused_no_guest_sets_to_work(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    pair(alpha, beta)
    beta.done("POST", "connections/alpha/pause", {"reason": "PRIVATE quarrel"}, "admin")
    said = beta.call("POST", "pairings/finish", who=alpha.connector("beta")).json
    assert said == {"name": "alpha", "state": "paused", "said": ""} and beta.state("alpha") == "paused"
    assert beta.call("POST", "pairings/finish", who="agent").status_code == 403


def test_a_side_that_cannot_be_reached_says_so(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    alpha.reaches()
    joined = joining(beta, offered(alpha))
    assert (joined.state, joined.their_state) == ("active", "paused") and "may not be reached" in joined.said
    alpha.reaches(beta)
    alpha.done("POST", "connections/beta/check", {}, "admin")
    alpha.done("POST", "connections/beta/resume", {}, "admin")
    alpha.escalate(alpha.ticket(), "beta")
    quiet(alpha, beta)
    assert len(beta.all()) == 1


def test_a_code_that_is_none_asks_nobody(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    for code in ("", "tdp_x", f"{alpha.url}#tdm_x", f"{alpha.url}?x=1#tdp_x", "http://alpha.example#tdp_x"):
        with pytest.raises(Invalid):
            joining(beta, code)
    assert alpha.asked == [] and beta.rt.desks.id_of("alpha") is None
