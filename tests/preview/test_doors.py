"""The same report by API and command line, for those who may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import argon2
import pytest

from gateway.commands import _preview
from gateway.config import Config
from gateway.people import passwords
from gateway.people.users import By
from gateway.preview import Span, preview
from gateway.providers import versions
from gateway.store.db import Store
from tests.api.support import Asking, asking
from tests.commandline import runner
from tests.preview.support import changed, draft

PRIORITY = changed(priority="{direction: out, write: {P1: 2, P2: 2, P3: 1, P4: 4, P5: 5}}")


@pytest.fixture
def api(store: Store, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(1, 8, 1))
    made = asking(config)
    made.ticket("VPN down", to="acme")
    made.ticket("Mail", to="bolt")
    yield made
    made.world.rt.close()


def test_a_draft_by_its_text(api: Asking) -> None:
    said = api.post("admin", "mappings/preview", {"text": PRIORITY, "connection": "acme"}, 200)
    whole = preview(api.world.rt, draft(api.world.rt, PRIORITY), Span())
    assert said == json.loads(json.dumps(whole))
    assert [one["kind"] for one in said["surprises"]] == ["theirs"]
    assert said["facts"]["exact"] == said["facts"]["items"] == 2
    assert (said["draft"], said["against"], said["connection"]) == ("acme@draft", "memory@1", "acme")


def test_one_ticket_alone(api: Asking) -> None:
    other = api.ticket("another", to="acme")
    number = api.get("agent", f"tickets/{other}")["number"]
    said = api.post("admin", "mappings/preview", {"text": PRIORITY, "connection": "acme", "ticket": number}, 200)
    assert {one["ticket"] for one in said["listed"]} == {number}


def test_a_draft_that_is_kept_here_and_a_version(api: Asking) -> None:
    rt = api.world.rt
    with rt.store.write() as conn:
        versions.save(conn, By("user:1", rt.key, rt.now()), "mapping", "acme", PRIORITY, None)
    for name in ("acme", "acme@draft"):
        said = api.post("admin", "mappings/preview", {"name": name, "connection": "acme"}, 200)
        assert said["draft"] == "acme@draft"
        assert said["plans"]["changed"] == 1
    said = api.post("admin", "mappings/preview", {"name": "memory@1", "connection": "acme"}, 200)
    assert (said["draft"], said["plans"]["changed"]) == ("memory@1", 0)


@pytest.mark.parametrize("who", ["agent", "auditor", "provider", "requester"])
def test_only_an_admin_may(api: Asking, who: str) -> None:
    assert api(who, "POST", "mappings/preview", {"text": PRIORITY, "connection": "acme"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"connection": "acme"}, "text"),
        ({"connection": "acme", "text": PRIORITY, "name": "acme"}, "text"),
        ({"connection": "nobody", "text": PRIORITY}, "connection"),
        ({"connection": "acme", "name": "nothing"}, "name"),
        ({"connection": "acme", "name": "memory@99"}, "name"),
        ({"connection": "acme", "text": PRIORITY, "ticket": "T-9"}, "ticket"),
        ({"connection": "acme", "text": PRIORITY, "days": 31}, "days"),
    ],
)
def test_what_is_not_there_is_said(api: Asking, body: dict[str, object], field: str) -> None:
    answer = api("admin", "POST", "mappings/preview", body)
    assert answer.status_code == 422
    assert [one["field"] for one in json.loads(answer.get_data())["errors"]] == [field]


def test_a_text_with_mistakes_is_refused_by_line(api: Asking) -> None:
    text = changed(status="{values: {working: busy}}")
    answer = api("admin", "POST", "mappings/preview", {"text": text, "connection": "acme"})
    assert answer.status_code in (400, 422)
    (mistake,) = json.loads(answer.get_data())["errors"]
    assert mistake["title"].startswith("M012")
    assert ":5:" in mistake["field"]


def test_the_command_tells_the_worst(
    api: Asking, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(PRIORITY)
    monkeypatch.setattr(_preview, "runtime", lambda: nullcontext(api.world.rt))
    run = runner(config)
    said = run("mapping", "preview", str(path), "--connection", "acme")
    assert said.exit_code == 0, said.output
    assert "own.yaml in place of memory@1 at acme, last 7 days" in said.output
    assert "2 items: 1 the same, 1 changed, 0 newly held (in 1 tickets), 0 that cannot be planned again" in said.output
    assert "9 theirs  T-1001  escalate" in said.output
    assert "acme: priority: 3 -> 1" in said.output
    assert "fields.priority.write" in said.output
    report = json.loads(run("mapping", "preview", str(path), "--connection", "acme", "--json").output)
    assert report["plans"]["changed"] == 1
    assert "no such connection" in str(run("mapping", "preview", str(path), "--connection", "nobody").exception)
    assert "no such draft" in str(run("mapping", "preview", "nothing", "--connection", "acme").exception)
