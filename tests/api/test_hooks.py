"""The webhook door over HTTP: proved, stored, answered; nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from connectors.memory import wire
from gateway.inbox import webhooks
from gateway.store.db import Store
from tests.api.support import Asking

SECRET = "memory-secret"


def signed(body: bytes, delivery: str = "d-1", at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    stamp = str(at if at is not None else int(time.time()))
    return {
        "X-Tandem-Timestamp": stamp, "X-Tandem-Delivery": delivery,
        "X-Tandem-Signature": wire.signature(secret, stamp, body), "Content-Type": "application/json",
    }  # fmt: skip


def send(api: Asking, body: bytes, headers: dict[str, str], to: str = "acme") -> Any:
    return api.app.test_client().post(f"/hooks/{to}", data=body, headers=headers)


def arrivals(api: Asking) -> int:
    return int(api.world.value("select count(*) from arrival"))


BODY = json.dumps({"event": "updated", "ticket_id": "1001", "actor": "tess"}).encode()


def test_a_proved_webhook_is_stored_once_and_answered(api: Asking) -> None:
    rung: list[str] = []
    api.world.rt.wake = rung.append
    assert send(api, BODY, signed(BODY)).status_code == 202
    assert send(api, BODY, signed(BODY)).status_code == 200
    assert send(api, BODY, signed(BODY, "d-2")).status_code == 202
    assert arrivals(api) == 2 and rung == ["process", "process"]
    (kept,) = api.world.rows("select body, head from arrival order by id limit 1")
    assert bytes(kept[0]) == BODY
    assert "x-tandem-delivery" in json.loads(kept[1])["headers"]


FORGED = (
    {"X-Tandem-Signature": ""}, {"X-Tandem-Signature": "garbage"}, {"X-Tandem-Signature": "v1,ñ"},
    {"X-Tandem-Timestamp": "nonsense"}, {"X-Tandem-Timestamp": "9" * 400}, {"X-Tandem-Timestamp": "-1"},
)  # fmt: skip


def test_what_is_not_proved_is_401_and_leaves_nothing(api: Asking) -> None:
    for change in FORGED:
        answer = send(api, BODY, {**signed(BODY), **change})
        assert answer.status_code == 401 and answer.content_type == "application/problem+json", change
    assert arrivals(api) == 0


def test_one_connections_secret_opens_no_other(api: Asking) -> None:
    api.world.connectors["bolt"] = type(api.world.connectors["acme"])(api.world.desks["bolt"], "bolts-secret")
    api.world.rt.desks._desks.clear()
    assert send(api, BODY, signed(BODY, secret="bolts-secret"), to="acme").status_code == 401
    assert send(api, BODY, signed(BODY, secret="bolts-secret"), to="bolt").status_code == 202


def test_the_raw_bytes_are_what_is_signed(api: Asking) -> None:
    other = json.dumps(json.loads(BODY), separators=(",", ":"), sort_keys=True).encode()
    assert send(api, other, signed(BODY)).status_code == 401
    strange = b'{"ticket_id": NaN, "ticket_id": "\xff"}'
    assert send(api, strange, signed(strange, "d-9")).status_code == 202
    api.world.run()
    assert api.world.value("select count(*) from arrival where state = 0") == 0


def test_an_old_one_is_refused_and_nobody_learns_which_connections_there_are(api: Asking) -> None:
    now = int(time.time())
    assert send(api, BODY, signed(BODY, at=now - 400)).status_code == 401
    assert send(api, BODY, signed(BODY, at=now + 400)).status_code == 401
    unknown, forged = send(api, BODY, signed(BODY), to="nobody"), send(api, BODY, {})
    assert unknown.status_code == 401 and unknown.get_data() == forged.get_data()


def test_a_full_inbox_asks_to_come_later(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "BACKLOG", 0)
    answer = send(api, BODY, signed(BODY))
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_a_database_that_refuses_is_a_503_and_no_202(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(api, BODY, signed(BODY, "first")).status_code == 202

    def refuse(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Store, "road", refuse)
    answer = send(api, BODY, signed(BODY, "second"))
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    monkeypatch.undo()
    assert arrivals(api) == 1


def test_a_challenge_that_nobody_asked_for_is_404(api: Asking) -> None:
    assert api.app.test_client().get("/hooks/acme?challenge=x").status_code == 404
    assert api.app.test_client().put("/hooks/acme").status_code == 405


def test_a_webhook_is_worked_on(api: Asking) -> None:
    id = api.ticket(to="acme")
    record = api.get("agent", f"tickets/{id}/links")["items"][0]["remote_id"]
    api.world.desks["acme"].update("tess", record, {"status": "working"})
    body = json.dumps({"event": "updated", "ticket_id": record, "actor": "tess"}).encode()
    assert send(api, body, signed(body, hashlib.sha256(body).hexdigest())).status_code == 202
    api.world.run()
    assert api.get("agent", f"tickets/{id}")["status"] == "in_progress"


def test_the_signature_is_the_one_the_desk_makes() -> None:
    made = hmac.new(SECRET.encode(), b"17." + BODY, "sha256").hexdigest()
    assert made in wire.signature(SECRET, "17", BODY)
