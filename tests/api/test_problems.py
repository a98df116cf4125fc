"""Whatever is sent, the answer is a problem that says what is wrong, and never a 500."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from gateway.people import tokens
from tests.api.support import Asking

BODIES = {
    "NUL": b'{"title": "a\\u0000b"}',
    "NUL in a key": b'{"ti\\u0000tle": "x"}',
    "lone surrogate": b'{"title": "\\ud83d"}',
    "raw surrogate": b'{"title": "\xed\xa0\x80"}',
    "not UTF-8": b'{"title": "\xff"}',
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
    "1e400": b'{"title": 1e400}',
    "5000 digits": b'{"title": ' + b"9" * 5000 + b"}",
    "key twice": b'{"title": "a", "title": "b"}',
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep within limits of the reader": b'{"title": ' + b"[" * 60 + b"]" * 60 + b"}",
    "cut short": b'{"title": "x"',
    "more after the end": b'{"title": "x"} x',
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "nothing": b"",
    "BOM": b'\xef\xbb\xbf{"title": "x"}',
}  # fmt: skip


def test_no_body_is_too_strange(api: Asking) -> None:
    id = api.ticket()
    for name, body in BODIES.items():
        for method, path in (("POST", "tickets"), ("PATCH", f"tickets/{id}"), ("POST", f"tickets/{id}/comments")):
            answer = api("agent", method, path, body)
            assert answer.status_code in (400, 422), (name, path, answer.status_code)
            assert answer.content_type == "application/problem+json" and answer.json["status"] == answer.status_code
    assert [t["id"] for t in api.get("agent", "tickets")["items"]] == [id]


def test_no_query_is_too_strange(api: Asking) -> None:
    for query in ("q=%00", "q=a%00b", "status=%00", "after=%00", "q=%ff%fe", "limit=1e9", "limit=0", "nope=1"):
        answer = api("agent", "GET", f"tickets?{query}")
        assert answer.status_code in ((200,) if query == "q=%ff%fe" else (400, 422)), query
        if answer.status_code == 422:
            assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_a_cursor_is_one_of_ours(api: Asking) -> None:
    answer = api("agent", "GET", "tickets?after=01a20098-179d-757f-83dc-e4b61af78852")
    assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "after"


def test_the_errors_of_the_router_are_problems_too(api: Asking) -> None:
    missing = api("agent", "GET", "nothing/here")
    assert missing.status_code == 404 and missing.content_type == "application/problem+json"
    wrong = api("agent", "DELETE", "tickets")
    assert wrong.status_code == 405 and wrong.content_type == "application/problem+json"
    assert {"GET", "POST"} <= set(wrong.headers["Allow"].split(", "))
    form = api("agent", "POST", "tickets", data="title=x", content_type="application/x-www-form-urlencoded")
    assert form.status_code == 415
    big = api("agent", "POST", "tickets", b'{"title": "' + b"x" * 3_000_000 + b'"}')
    assert big.status_code == 413 and big.content_type == "application/problem+json"


def test_without_a_token_nothing_is_told(api: Asking) -> None:
    id = api.ticket()
    wrong = ("", "Basic YTpi", "Bearer", "Bearer x", "Bearer tdm_" + "é" * 10, "Bearer " + "t" * 5000)
    paths = ("tickets", f"tickets/{id}", "tickets/nobody", "users", "connections/acme")
    for sent, path in itertools.product(wrong, paths):
        answer = api("", "GET", path, headers={"Authorization": sent} if sent else {})
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json["title"] == "no valid token"


def test_a_revoked_token_ends_at_once(api: Asking) -> None:
    mine = next(t for t in api.get("admin", "tokens")["items"] if t["name"] == "the agent")
    assert api("agent", "GET", "tickets").status_code == 200
    assert api("admin", "DELETE", f"tokens/{mine['id']}").status_code == 204
    assert api("agent", "GET", "tickets").status_code == 401


def test_what_is_not_foreseen_says_nothing_of_its_cause(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(tokens, "check", broken)
    answer = api("agent", "GET", "tickets")
    assert answer.status_code == 500 and "hunter2" not in answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json" and len(answer.json["instance"]) == 16


def test_a_database_that_is_away_is_a_503(api: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("select", {}, Exception("OperationalError"))

    monkeypatch.setattr(tokens, "check", away)
    answer = api("agent", "GET", "tickets")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"


def test_secrets_are_never_said_back(api: Asking) -> None:
    body = {"email": "x@example.org", "name": "X", "role": "agent", "password": "short"}
    answer = api("admin", "POST", "users", body)
    assert answer.status_code == 422 and "short" not in answer.get_data(as_text=True)
    connection = {"name": "zed", "provider": "zed", "kind": "memory", "secrets": {"tokn": "canary-4711"}}
    refused = api("admin", "POST", "connections?unchecked=true", connection)
    assert refused.status_code == 422 and "canary-4711" not in refused.get_data(as_text=True)


def test_every_answer_carries_the_guards(api: Asking) -> None:
    for path in ("/api/v1/tickets", "/api/v1/nothing", "/healthz", "/hooks/acme", "/", "/nothing"):
        headers = api("agent", "GET", path).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and "no-store" in headers["Cache-Control"]
    policies = {api("", "GET", "/").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3 and all("'nonce-" in policy for policy in policies)


def test_the_document_is_openapi_31_and_names_every_route(api: Asking) -> None:
    doc = json.loads(api("", "GET", "/api/v1/openapi.json").get_data())
    assert doc["openapi"] == "3.1.0"
    ours = {
        (rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}"), method)
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(path, m.upper()) for path, item in doc["paths"].items() for m in item if m != "parameters"}
    assert told == ours and all(doc["paths"][path][m.lower()]["summary"] for path, m in told)
    for path, method in told:
        operation = doc["paths"][path][method.lower()]
        assert "application/problem+json" in doc["components"]["responses"]["DEFAULT_ERROR"]["content"]
        assert "default" in operation["responses"]
