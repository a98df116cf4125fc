"""Signs of life: alive without anything, ready with a database, counts with fixed labels."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway import app as factory
from gateway.api import health
from gateway.store.db import Store
from tests.api.support import Asking


def test_making_the_application_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(factory.Runtime, "open", never)
    client = factory.create_app().test_client()
    assert client.get("/healthz").data == b"ok\n"
    assert client.get("/api/v1/openapi.json").status_code == 200
    assert client.get("/api/v2/nothing").status_code == 404


def test_a_database_away_at_the_first_request_is_asked_again(monkeypatch: pytest.MonkeyPatch, api: Asking) -> None:
    tries: list[int] = []

    def later(*_: Any, **__: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no route to host")
        return api.world.rt

    monkeypatch.setattr(factory.Config, "load", lambda create: api.world.rt.config)
    monkeypatch.setattr(factory.Runtime, "open", later)
    client = factory.create_app().test_client()
    headers = {"Authorization": f"Bearer {api.tokens['agent']}"}
    assert client.get("/api/v1/tickets", headers=headers).status_code == 503
    assert client.get("/api/v1/tickets", headers=headers).status_code == 200
    assert client.get("/api/v1/tickets", headers=headers).status_code == 200 and len(tries) == 2


def test_ready_needs_the_database_and_tells_of_the_rest(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "EVERY", 0)
    told = api.get("", "/readyz")
    assert told["ready"] is True and told["redis"] == "away" and told["oldest_due_lane_seconds"] is None

    def refuse(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Store, "write", refuse)
    answer = api("", "GET", "/readyz")
    assert answer.status_code == 503 and answer.json["ready"] is False
    assert api("", "GET", "/healthz").status_code == 200


def test_metrics_have_fixed_labels_and_nothing_of_anybody(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "EVERY", 0)
    api.ticket("CANARY title", to="acme")
    text = api("", "GET", "/metrics").get_data(as_text=True)
    assert 'tandem_tickets{status="new"} 1.0' in text and 'tandem_tickets{status="closed"} 0.0' in text
    assert 'tandem_connection_up{connection="acme"} 1.0' in text
    assert 'tandem_deliveries{state="dead"} 0.0' in text
    assert "CANARY" not in text and "@" not in text
    assert set(re.findall(r"[{,](\w+)=", text)) == {"status", "state", "connection"}


def test_metrics_are_for_this_machine_or_a_token(api: Asking) -> None:
    far = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert api("", "GET", "/metrics", **far).status_code == 401
    assert api("", "GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 401
    assert api("requester", "GET", "/metrics", **far).status_code == 403
    assert api("auditor", "GET", "/metrics", **far).status_code == 200
