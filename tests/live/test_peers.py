"""The servers themselves: they come up, keep what they were told through a kill, and send signed webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import pytest

from tests.live.conftest import MakeServer
from tests.live.peers import Redmine, RequestTracker, Server

Hook = tuple[dict[str, str], bytes]
SECRET = "loopback-hook-secret"


@pytest.fixture
def hooks() -> Iterator[tuple[str, Queue[Hook]]]:
    """A loopback receiver: its URL, and what it was sent (header names in lower case)."""
    got: Queue[Hook] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()


def signed(hook: Hook) -> bool:
    headers, body = hook
    said = f"{headers['x-rt-timestamp']}.".encode() + body
    want = "sha256=" + hmac.new(SECRET.encode(), said, hashlib.sha256).hexdigest()
    return hmac.compare_digest(want, headers["x-rt-signature"])


def new_rt_ticket(server: Server, subject: str) -> str:
    made = server.call("POST", "/ticket", {"Queue": "Escalations", "Subject": subject, "Content": "x"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.mark.live
def test_request_tracker_is_up_and_tells_its_webhook(rt_server: RequestTracker, hooks: tuple[str, Queue[Hook]]) -> None:
    url, got = hooks
    rt_server.webhook(url, SECRET)
    try:
        number = new_rt_ticket(rt_server, "with a webhook")
        hook = got.get(timeout=10)
    finally:
        rt_server.webhook_off()
    assert signed(hook)
    assert json.loads(hook[1])["ticket"]["id"] == int(number)


@pytest.mark.live
def test_request_tracker_keeps_its_tickets_through_a_kill_and_stands_beside_another(
    rt_server: RequestTracker, make_server: MakeServer
) -> None:
    own = make_server(RequestTracker)
    number = new_rt_ticket(own, "before the power cut")
    own.kill()
    own.up()
    assert own.call("GET", f"/ticket/{number}").json()["Subject"] == "before the power cut"
    assert own.url != rt_server.url
    assert rt_server.call("GET", "/rt", who="gateway").ok


@pytest.mark.live
def test_redmine_is_up_and_tells_its_webhook(redmine_server: Redmine, hooks: tuple[str, Queue[Hook]]) -> None:
    url, got = hooks
    redmine_server.webhook(url, SECRET)
    try:
        issue = {"project_id": redmine_server.project, "subject": "with a webhook"}
        made = redmine_server.call("POST", "/issues.json", {"issue": issue})
        assert made.status_code == 201, made.text
        hook = got.get(timeout=10)
    finally:
        redmine_server.webhook_off()
    assert signed(hook)
    assert json.loads(hook[1])["issue"]["id"] == made.json()["issue"]["id"]
