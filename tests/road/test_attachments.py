"""Which files travel: the least of mapping, share policy and desk; what stays is said with name, size and reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.road.conftest import Make
from tests.road.scene import Scene

EVERYTHING = ["title", "description", "status", "impact", "urgency", "priority"]
PUBLIC = ["provider:acme", "requester"]
ALONE = ["provider:acme"]


def given(s: Scene) -> list[str]:
    return [file.name for file in s.record().uploads]


def comments(s: Scene) -> list[str]:
    return [one.text for one in s.record().comments]


def attach(s: Scene, name: str = "log.txt", mime: str = "text/plain", audience: list[str] | None = None) -> None:
    ticket = s.value("select min(id) from ticket")
    s.wish("attach", ticket, files=[s.file(name, b"42 bytes of it", mime)], audience=audience or ALONE)
    s.world.run()


def rules(text: str) -> str:
    return f"attachments: {{direction: both, {text}}}\n"


@pytest.mark.parametrize(
    ("mapping", "policy", "reason"),
    [
        (rules("types: [image/*]"), {}, "text/plain"),
        (rules("max: 10"), {}, "10 bytes"),
        (rules("types: [text/*]"), {"attachments": {"types": ["image/*"]}}, "text/plain"),
        (rules("types: [text/*, image/*]"), {"attachments": {"max": "12"}}, "12 bytes"),
        (rules("reaches: provider+requester"), {"attachments": {"types": ["*/*"]}}, "requester"),
        (rules("max: 1 MB"), {}, "no files are shared"),
        ("attachments: {direction: in}\n", {}, "no files"),
    ],
)
def test_a_file_that_may_not_go_leaves_its_name_size_and_reason(
    scene: Make, mapping: str, policy: dict[str, Any], reason: str
) -> None:
    s = scene(mapping=mapping)
    s.share("acme", {"fields": EVERYTHING, "audiences": ["provider", "provider+requester"], **policy})
    s.escalated()
    attach(s)
    assert given(s) == []
    (said,) = comments(s)
    assert "log.txt (14 bytes)" in said
    assert reason in said
    assert s.value("select count(*) from delivery where state = 0") == 0


@pytest.mark.parametrize(
    ("mapping", "mime", "audience"),
    [
        (rules("types: [image/*, TEXT/*]"), "text/plain", ALONE),
        (rules("types: [text/plain]"), "Text/Plain; charset=utf-8", ALONE),
        (rules("max: 14"), "text/plain", ALONE),
        (rules("reaches: provider+requester"), "text/plain", PUBLIC),
        (rules("reaches: provider"), "text/plain", PUBLIC),
    ],
)
def test_a_file_that_may_go_goes(scene: Make, mapping: str, mime: str, audience: list[str]) -> None:
    s = scene(mapping=mapping)
    policy = {"fields": EVERYTHING, "audiences": ["provider", "provider+requester"]}
    s.share("acme", {**policy, "attachments": {"types": ["text/plain"]}})
    s.escalated()
    attach(s, mime=mime, audience=audience)
    assert given(s) == ["log.txt"]
    assert comments(s) == []


def test_the_desk_itself_takes_no_more_than_its_manifest_says(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector refused it, and the delivery waited for a person."""
    s = scene()
    connector = s.world.connectors["acme"]
    monkeypatch.setattr(connector, "manifest", {**connector.manifest, "attachments": {"max": 13}})
    s.escalated()
    attach(s)
    assert given(s) == []
    (said,) = comments(s)
    assert "13 bytes" in said
    assert [kind for kind, _ in s.notices()] == ["unsupported"]


def theirs(s: Scene, mime: str = "text/plain") -> Callable[[], None]:
    s.desks["acme"].upload("tess", s.record().id, "log.txt", mime, b"42 bytes of it", False)
    return s.sync


@pytest.mark.parametrize(("mapping", "reason"), [(rules("types: [image/*]"), "text/plain"), (rules("max: 10"), "10")])
def test_a_file_of_theirs_that_may_not_come_in_is_not_fetched_and_said(scene: Make, mapping: str, reason: str) -> None:
    s = scene(mapping=mapping)
    s.escalated()
    theirs(s)()
    assert "file" not in s.calls()
    assert s.rows("select name, size, state from attachment") == [("log.txt", 14, "refused")]
    ((kind, text),) = s.rows("select kind, text from notice")
    assert kind == "unsupported"
    assert "log.txt (14 bytes)" in text
    assert reason in text
    s.calm()
    assert s.value("select count(*) from attachment") == 1
    assert s.audit_problems() == ()


def test_a_file_of_theirs_that_may_come_in_does(scene: Make) -> None:
    s = scene(mapping=rules("types: [image/*, text/plain]"))
    s.escalated()
    theirs(s, "text/plain; charset=utf-8")()
    assert s.rows("select name, state from attachment") == [("log.txt", "stored")]


def test_any_type_is_one_that_is_not_told_too(scene: Make) -> None:
    s = scene()
    s.escalated()
    theirs(s, "")()
    assert s.rows("select name, state from attachment") == [("log.txt", "stored")]
