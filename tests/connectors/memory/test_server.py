"""The desk over HTTP: its dialect, its page for people, its webhooks, its file, its control door."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connectors.memory.auto import Persona
from connectors.memory.server import DeskServer
from connectors.memory.wire import signature
from connectors.simulators.loopback import Loopback, Request, Response
from tests.connectors.memory.conftest import Clock


@pytest.fixture
def api(server: DeskServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer token"
        yield session


@pytest.fixture
def base(server: DeskServer) -> str:
    return f"{server.url}/api"


def test_only_the_bearer_of_the_token_is_let_in(server: DeskServer, base: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer other"},
        {"Authorization": "Bearer tokén".encode().decode("latin-1")},
    ):
        assert requests.get(f"{base}/me", headers=headers, timeout=5).status_code == 401


def test_a_ticket_goes_in_and_comes_out(api: requests.Session, base: str) -> None:
    made = api.post(f"{base}/tickets", json={"title": "VPN", "priority": 2, "reference": "TDM-1"}, timeout=5)
    assert (made.status_code, made.headers["ETag"], made.headers["Location"]) == (201, '"1"', "/api/tickets/1001")
    assert made.json()["priority"] == 2
    found = api.get(f"{base}/tickets", params={"reference": "TDM-1"}, timeout=5).json()["data"]
    assert [each["id"] for each in found] == ["1001"]
    assert api.get(f"{base}/tickets/77", timeout=5).status_code == 404


def test_if_match_guards_a_write_quoted_or_not(api: requests.Session, base: str) -> None:
    api.post(f"{base}/tickets", json={"title": "x"}, timeout=5)
    url = f"{base}/tickets/1001"
    assert api.patch(url, json={"status": "working"}, headers={"If-Match": '"1"'}, timeout=5).status_code == 200
    assert api.patch(url, json={"status": "done"}, headers={"If-Match": "1"}, timeout=5).status_code == 412
    assert api.patch(url, json={"status": "done"}, headers={"If-Match": "zwei"}, timeout=5).status_code == 412
    assert api.patch(url, json={"status": "done"}, timeout=5).json()["status"] == "done"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"title": ""}', 422, "title"),
        (b'{"title": "x", "status": "solved"}', 422, "status"),
        (b"[]", 422, None),
        (b"{", 422, None),
        (b'{"title": "\\ud83d"}', 201, None),
    ],
)
def test_what_the_desk_does_not_take_it_explains(
    api: requests.Session, base: str, body: bytes, status: int, field: str | None
) -> None:
    reply = api.post(f"{base}/tickets", data=body, headers={"Content-Type": "application/json"}, timeout=5)
    assert reply.status_code == status
    if status == 422:
        assert reply.json()["message"]
        assert reply.json()["field"] == field


def test_items_land_and_are_listed(api: requests.Session, base: str) -> None:
    api.post(f"{base}/tickets", json={"title": "x"}, timeout=5)
    url = f"{base}/tickets/1001"
    note = api.post(f"{url}/comments", json={"text": "hé ☂", "public": False}, timeout=5).json()
    query = {"name": "отчёт.pdf", "public": "true"}
    data = bytes(range(256)) * 40
    file = api.post(
        f"{url}/files", params=query, data=data, headers={"Content-Type": "application/pdf"}, timeout=5
    ).json()
    work = {"minutes": 15, "text": "w", "started_at": "2026-11-21T08:00:00Z"}
    api.post(f"{url}/worklogs", json=work, timeout=5)
    ticket = api.get(url, timeout=5).json()
    assert [(each["id"], each["text"], each["public"]) for each in ticket["comments"]] == [(note["id"], "hé ☂", False)]
    assert [(each["name"], each["size"], each["public"]) for each in ticket["files"]] == [("отчёт.pdf", 10240, True)]
    assert api.get(f"{base}/files/{file['id']}", timeout=5).content == data
    assert [each["minutes"] for each in api.get(f"{base}/worklogs", timeout=5).json()["data"]] == [15]
    rows = api.get(f"{base}/changes", params={"after": 1, "limit": 2}, timeout=5).json()["data"]
    assert [(each["seq"], each["event"]) for each in rows] == [(2, "comment.created"), (3, "file.created")]


def test_a_body_in_chunks_is_read_whole(api: requests.Session, base: str) -> None:
    api.post(f"{base}/tickets", json={"title": "x"}, timeout=5)
    pieces = (b"ab", b"c" * 5000, b"d")
    reply = api.post(f"{base}/tickets/1001/files", params={"name": "a"}, data=iter(pieces), timeout=5)
    assert reply.json()["size"] == 5003
    assert api.get(f"{base}/files/{reply.json()['id']}", timeout=5).content == b"".join(pieces)


def test_one_connection_serves_many_requests(api: requests.Session, server: DeskServer, base: str) -> None:
    for _ in range(20):
        assert api.get(f"{base}/me", timeout=5).status_code == 200
    assert len(server._loopback._server.open) == 1


def test_webhooks_are_signed_and_a_refused_one_is_sent_again_with_its_id(clock: Clock) -> None:
    came: list[Request] = []

    def hook(request: Request) -> Response:
        came.append(request)
        return Response(503 if len(came) == 1 else 202)

    with Loopback(hook) as target, DeskServer(clock, "token", webhook=f"{target.url}/hooks/desk", secret="s") as server:
        assert server.sender is not None
        server.desk.create("paula", {"title": "x"})
        assert server.sender.flush()
    first, again = came
    assert first.path == "/hooks/desk"
    for request in came:
        stamp = request.headers["x-tandem-timestamp"]
        assert request.headers["x-tandem-signature"] == signature("s", stamp, request.body)
    assert first.headers["x-tandem-delivery"] == again.headers["x-tandem-delivery"]
    assert again.json()["ticket"]["title"] == "x"


def test_a_webhook_may_come_before_the_reply(clock: Clock) -> None:
    order: list[str] = []
    with (
        Loopback(lambda request: (order.append("webhook"), Response(202))[1]) as target,
        DeskServer(clock, "token", webhook=target.url) as server,
    ):
        assert server.sender is not None
        server.sender.mood.first = True
        headers = {"Authorization": "Bearer token"}
        requests.post(f"{server.url}/api/tickets", json={"title": "x"}, headers=headers, timeout=5)
        order.append("reply")
    assert order == ["webhook", "reply"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "connectors.memory",
        "--token",
        "t",
        "--state",
        str(tmp_path / "desk.db"),
        "--control",
    ]
    headers = {"Authorization": "Bearer t"}
    tickets: list[object] = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            tickets.append(requests.get(f"{url}/_control/tickets", timeout=5).json())
            for number in range(5):
                requests.post(f"{url}/api/tickets", json={"title": f"{number}"}, headers=headers, timeout=5)
            made = requests.post(f"{url}/api/tickets/1001/comments", json={"text": "kept"}, headers=headers, timeout=5)
            file = requests.post(f"{url}/api/tickets/1001/files?name=f", data=b"bytes", headers=headers, timeout=5)
            tickets.append(requests.get(f"{url}/_control/tickets", timeout=5).json())
            last = requests.get(f"{url}/api/files/{file.json()['id']}", headers=headers, timeout=5).content
            process.kill()
    assert tickets[0] == []
    assert tickets[1] == tickets[2]
    assert len(tickets[3]) == 10  # type: ignore[arg-type]
    assert (made.json()["id"], file.json()["id"], last) == ("3", "4", b"bytes")
    assert sqlite3.connect(tmp_path / "desk.db").execute("select count(*) from feed").fetchone() == (14,)


def test_without_its_flag_there_is_no_control_door(clock: Clock) -> None:
    with DeskServer(clock, "token") as server:
        assert requests.get(f"{server.url}/_control/tickets", timeout=5).status_code == 404


def test_the_control_door_scripts_faults_quirks_and_acts(server: DeskServer, api: requests.Session, base: str) -> None:
    control = f"{server.url}/_control"
    orders = [{"what": "status", "status": 503, "method": "POST", "path": "/tickets", "retry_after": "7"}]
    assert requests.post(f"{control}/faults", json=orders, timeout=5).status_code == 200
    refused = api.post(f"{base}/tickets", json={"title": "x"}, timeout=5)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    quirks = {"rewrite": {"title": "upper"}, "ignore": ["impact"], "edges": {"open": ["working"]}, "index_lag": 5}
    assert requests.post(f"{control}/quirks", json=quirks, timeout=5).status_code == 200
    assert api.post(f"{base}/tickets", json={"title": "x", "impact": "high"}, timeout=5).json()["title"] == "X"
    act = {"actor": "paula", "verb": "comment", "id": "1001", "text": "hi", "public": True}
    assert requests.post(f"{control}/act", json=act, timeout=5).json()["author"] == "paula"
    counted = requests.get(f"{control}/effects", timeout=5).json()
    assert counted["comments"] == [["1001", "paula", "hi", 1]]
    wrong = [{"what": "status", "colour": "red"}]
    assert requests.post(f"{control}/faults", json=wrong, timeout=5).status_code == 400
    assert requests.post(f"{control}/act", json={"actor": "paula", "verb": "dance"}, timeout=5).status_code == 400


def test_the_page_escapes_what_others_wrote_and_runs_only_its_own_script(server: DeskServer) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    fields = {"title": evil, "description": evil, "category": evil[:90], "tags": [evil], "reference": evil}
    server.desk.create("gateway", fields)
    server.desk.comment("<b>eve</b>", "1001", evil, public=False)
    server.desk.upload("paula", "1001", evil, "text/html", b"x", public=True)
    for path in ("/?show=all&q=alert", "/tickets/1001"):
        page = requests.get(server.url + path, timeout=5)
        assert page.status_code == 200
        assert "alert(1)" in page.text
        assert not re.search(r"<img|<b>eve|<script>", page.text)
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    file = requests.get(f"{server.url}/tickets/1001/files/2", timeout=5)
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Content-Type"] == "application/octet-stream"


def test_a_person_works_on_a_ticket_by_the_page(server: DeskServer) -> None:
    server.desk.create("gateway", {"title": "x"})
    url = f"{server.url}/tickets/1001"
    for act, form in (
        ("take", {}),
        ("comment", {"text": "between us", "public": "false"}),
        ("fields", {"priority": "1", "assignee": "omar@desk.example"}),
        ("work", {"minutes": "20", "text": "looked"}),
        ("resolve", {"text": "fixed"}),
    ):
        assert requests.post(f"{url}/{act}", data={"as": "paula", **form}, timeout=5).status_code == 200
    requests.post(f"{url}/files?name=a.txt&public=true&as=paula", data=b"x", timeout=5)
    ticket = server.desk.get("1001")
    assert (ticket.fields["status"], ticket.fields["priority"]) == ("done", "1")
    assert ticket.fields["assignee"] == "omar@desk.example"
    assert [(each.text, each.public) for each in ticket.comments] == [("between us", False), ("fixed", True)]
    assert [each.minutes for each in ticket.worklogs] == [20]
    assert [each.author for each in ticket.uploads] == ["paula"]
    assert requests.post(f"{url}/status", data={"as": "paula", "status": "x"}, timeout=5).status_code == 422
    assert requests.post(f"{url}/status", data={"as": "gateway", "status": "open"}, timeout=5).status_code == 422


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": ""}]
)
def test_no_other_site_reads_or_acts(server: DeskServer, headers: dict[str, str]) -> None:
    server.desk.create("gateway", {"title": "x"})
    form = {"as": "paula", "status": "done"}
    assert requests.post(f"{server.url}/tickets/1001/status", data=form, headers=headers, timeout=5).status_code == 403
    assert server.desk.get("1001").fields["status"] == "open"


def test_the_staff_works_by_itself_until_all_is_done(clock: Clock, server: DeskServer) -> None:
    for title in ("one", "two"):
        server.desk.create("gateway", {"title": title})
    taken = server.desk.create("gateway", {"title": "taken", "assignee": "paula@desk.example"})
    persona = Persona(server.desk)
    began = time.monotonic()
    while any(server.desk.get(id).fields["status"] != "done" for id in ("1001", "1002")):
        clock.forward(10)
        persona.beat()
        assert time.monotonic() - began < 10
    assert {each.fields["assignee"] for each in server.desk.tickets.values()} == {
        "robin@desk.example",
        "paula@desk.example",
    }
    assert all(server.desk.get(id).worklogs for id in ("1001", "1002"))
    assert taken.revision == 1
    statuses = {h.verb for h in server.desk.feed}
    assert {"created", "updated", "commented", "logged"} <= statuses
