"""Each fault does to a real socket what its name says, before or after the effect."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Loopback, Request, Response


class Counter:
    """A desk with one number."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Request) -> Response:
        self.count += 1
        return Response.of({"count": self.count, "pad": "x" * 50})


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def url(faults: Faults, counter: Counter) -> Iterator[str]:
    with Loopback(counter, faults=faults) as server:
        yield server.url


def test_without_a_fault_all_goes_well(url: str, counter: Counter) -> None:
    assert requests.post(url, timeout=5).json()["count"] == 1


@pytest.mark.parametrize(
    ("what", "how", "effect", "error"),
    [
        ("commit_then_drop", {}, 1, requests.ConnectionError),
        ("drop_before_commit", {}, 0, requests.ConnectionError),
        ("truncate_body", {"size": 9}, 1, requests.exceptions.ChunkedEncodingError),
        ("truncate_head", {"size": 9}, 1, requests.ConnectionError),
        ("commit_then_delay", {"seconds": 2.0}, 1, requests.ReadTimeout),
        ("slowloris", {"seconds": 0.02}, 1, None),
    ],
)
def test_a_broken_reply(
    url: str,
    faults: Faults,
    counter: Counter,
    what: Any,
    how: dict[str, Any],
    effect: int,
    error: type[Exception] | None,
) -> None:
    faults.plan(what, **how)
    if error is None:
        began = time.monotonic()
        assert requests.post(url, timeout=1).json()["count"] == 1
        assert time.monotonic() - began > 1
    else:
        with pytest.raises(error):
            requests.post(url, timeout=0.5)
    assert counter.count == effect
    assert requests.post(url, timeout=5).json()["count"] == effect + 1


@pytest.mark.parametrize(
    ("what", "how", "status", "effect"),
    [
        ("status", {"status": 429, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 429, 0),
        ("status", {"status": 502}, 502, 0),
        ("commit_then_status", {"status": 504}, 504, 1),
        ("html_login_page", {}, 200, 0),
        ("redirect", {"url": "http://127.0.0.1:9/"}, 302, 0),
        ("wrong_content_type", {}, 200, 1),
    ],
)
def test_an_answer_that_is_not_the_desks(
    url: str, faults: Faults, counter: Counter, what: Any, how: dict[str, Any], status: int, effect: int
) -> None:
    faults.plan(what, **how)
    with requests.Session() as session:
        reply = session.post(url, timeout=5, allow_redirects=False)
        assert (reply.status_code, counter.count) == (status, effect)
        assert reply.headers.get("Retry-After") == how.get("retry_after")
        assert reply.headers.get("Location") == how.get("url")
        assert session.post(url, timeout=5).json()["count"] == effect + 1
    kinds = {"html_login_page": "text/html", "wrong_content_type": "text/plain; charset=utf-8"}
    assert reply.headers.get("Content-Type") == kinds.get(what, reply.headers.get("Content-Type"))


def test_a_delayed_request_takes_effect_after_the_caller_gave_up(url: str, faults: Faults, counter: Counter) -> None:
    faults.plan("delay", seconds=0.6)
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, timeout=0.2)
    assert counter.count == 0
    deadline = time.monotonic() + 5
    while counter.count == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert counter.count == 1


def test_a_planned_fault_waits_for_its_method_and_path(url: str, faults: Faults) -> None:
    faults.plan("status", status=500, method="PATCH", path="/tickets/")
    assert requests.post(f"{url}/tickets/1", timeout=5).status_code == 200
    assert requests.patch(f"{url}/other", timeout=5).status_code == 200
    assert requests.patch(f"{url}/tickets/1", timeout=5).status_code == 500
    assert requests.patch(f"{url}/tickets/1", timeout=5).status_code == 200


def test_chances_are_met_as_often_as_they_say_and_the_same_for_a_seed() -> None:
    def run(seed: int) -> list[str]:
        faults = Faults()
        faults.seed(seed)
        faults.chance(0.3, "commit_then_drop")
        faults.chance(0.1, "status", status=500)
        return [faults.next("POST", "/").what for _ in range(5000)]

    one = run(1)
    assert one == run(1) != run(2)
    assert 0.27 < one.count("commit_then_drop") / 5000 < 0.33
    assert 0.05 < one.count("status") / 5000 < 0.09


def test_the_control_door_is_never_hit_and_a_cleared_script_is_empty(faults: Faults) -> None:
    faults.chance(1.0, "status")
    assert faults.next("POST", "/_control/faults").what == "ok"
    assert faults.next("POST", "/api").what == "status"
    faults.clear()
    assert faults.next("POST", "/api").what == "ok"


def test_bytes_that_are_no_request_end_the_connection(url: str, counter: Counter) -> None:
    host = url.removeprefix("http://")
    for raw in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.connect()
        connection.sock.sendall(raw)
        assert connection.sock.recv(100) == b""
        connection.close()
    assert counter.count == 0
