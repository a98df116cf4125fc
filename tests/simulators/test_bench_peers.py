"""What the road's benchmark is measured with: its events are the memory desk's, its remote counts right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from bench import load
from connectors.base import Arrival
from connectors.memory.desk import Desk
from connectors.memory.inprocess import MemoryConnector
from connectors.simulators.loopback import Loopback, Request, Response

ROOT = Path(__file__).parents[2]


@pytest.fixture
def remote(request: pytest.FixtureRequest) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.remote", *getattr(request, "param", ())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=60, check=False)
    return dict(json.loads(done.stdout))


def test_its_events_verify_and_parse_as_the_memory_desks(tmp_path: Path) -> None:
    came: list[Request] = []
    detail = tmp_path / "detail.json"
    with Loopback(lambda request: (came.append(request), Response(202))[1]) as hook:
        url = f"{hook.url}/hooks/acme"
        told = run("--url", url, "--secret", "s", "--events", "40", "--tickets", "10", "--detail", str(detail))
    assert (told["acked"], told["statuses"]) == (40, {"202": 40})
    now = datetime.now(UTC)
    connector = MemoryConnector(Desk(lambda: now), "s")
    seen: dict[str, list[int]] = {}
    for request in came:
        arrival = Arrival(request.method, request.query, request.headers, request.body)
        assert connector.verify(arrival, now).delivery
        (event,) = connector.parse(arrival)
        assert event.record is not None
        assert event.record.id == event.record_id
        assert 1400 < len(request.body) < 1600
        seen.setdefault(event.record.id, []).append(int(event.record.version or 0))
    assert {id: sorted(versions) for id, versions in seen.items()} == {str(1001 + n): [2, 3, 4, 5] for n in range(10)}
    assert len({request.headers["x-tandem-delivery"] for request in came}) == 40
    rows = json.loads(detail.read_text())
    assert [row[0] for row in rows] == list(range(40))
    assert all(acked > due > 0 for _, due, acked in rows)


def test_a_refused_event_is_sent_again_as_the_same_delivery() -> None:
    came: list[str] = []

    def door(request: Request) -> Response:
        came.append(request.headers["x-tandem-delivery"])
        return Response(429, headers={"Retry-After": "0"}) if len(came) <= 5 else Response(202)

    with Loopback(door) as hook:
        told = run("--url", hook.url + "/hooks/x", "--events", "10", "--connections", "2", "--rate", "200")
    assert told["acked"] == 10
    assert told["statuses"] == {"202": 10, "429": 5}
    assert len(came) == 15
    assert len(set(came)) == 10


def test_the_remote_notes_what_came_twice_and_out_of_order(remote: str) -> None:
    with requests.Session() as api:
        made = api.post(f"{remote}/api/tickets", json={"title": "x #0", "reference": "TDM-1"}, timeout=5).json()
        url = f"{remote}/api/tickets/{made['id']}"
        assert api.patch(url, json={"title": "x #7"}, headers={"If-Match": "1"}, timeout=5).json()["revision"] == 2
        assert api.patch(url, json={"title": "x #8"}, headers={"If-Match": '"1"'}, timeout=5).status_code == 412
        for title in ("x #7", "x #3"):
            api.patch(url, json={"title": title}, timeout=5)
        for _ in range(2):
            api.post(f"{url}/comments", json={"text": "twice", "public": True}, timeout=5)
        found = api.get(f"{remote}/api/tickets", params={"reference": "TDM-1"}, timeout=5).json()["data"]
        report = api.get(f"{remote}/_report", timeout=5).json()
    assert [each["id"] for each in found] == [made["id"]]
    assert (report["creates"], report["updates"], report["stale"]) == (1, 3, 1)
    assert (report["repeated"], report["misordered"], report["doubled"]) == (1, 1, ["twice"])
    assert [number for number, _ in report["arrivals"]] == [0, 7, 7, 3]


@pytest.mark.parametrize(
    "remote", [("--mix", '{"500": 0.2, "drop": 0.2}', "--latency", "0.02"), ("--rate", "20")], indirect=True
)
def test_the_remote_makes_trouble_as_told(remote: str) -> None:
    statuses: list[int] = []
    for number in range(60):
        try:
            reply = requests.patch(f"{remote}/api/tickets/1", json={"title": f"x #{number}"}, timeout=5)
        except requests.ConnectionError:
            statuses.append(0)
        else:
            statuses.append(reply.status_code)
    report = requests.get(f"{remote}/_report", timeout=5).json()
    bad = {status for status in statuses if status != 200}
    assert bad in ({0, 500}, {429})
    assert report["updates"] == statuses.count(200) + statuses.count(0)
    assert statuses.count(200) > 15
    requests.post(f"{remote}/_outage/0.3", timeout=5)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{remote}/api/me", timeout=5)


def test_percentiles_are_ranks() -> None:
    assert load.percentile([], 0.5) is None
    assert [load.percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 1.0)] == [1.0, 3.0, 4.0]
