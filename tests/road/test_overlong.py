"""Texts that are longer than their field: cut there, and whole beside it, as a comment or as a file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.road.conftest import Make
from tests.road.scene import Scene

ATTACH = "fields:\n  title: {overlong: attach}\n"
LONG = "Zürich ☂ " * 26 + "end"
EVERYTHING = ["title", "description", "status", "impact", "urgency", "priority"]


def given(s: Scene) -> list[tuple[str, bytes]]:
    return [(file.name, file.data) for file in s.record().uploads]


def comments(s: Scene) -> list[str]:
    return [one.text for one in s.record().comments]


def test_the_whole_text_follows_as_a_file_that_the_provider_alone_reads(scene: Make) -> None:
    s = scene(mapping=ATTACH)
    ticket = s.escalated()
    s.edit(ticket, title=LONG)
    s.sync()
    assert len(s.record().fields["title"]) <= 200
    assert s.record().fields["title"].endswith("…")
    assert given(s) == [("title.txt", LONG.encode())]
    assert comments(s) == []
    assert s.rows("select author, name, audience, state from attachment") == [
        ("tandem", "title.txt", '["provider:acme"]', "stored")
    ]
    s.calm()
    assert len(given(s)) == 1
    assert s.fields(ticket)["title"] == LONG, "what they hold of it is no change of theirs"
    assert s.notices() == []
    assert s.audit_problems() == ()


def test_on_a_new_record_too(scene: Make) -> None:
    s = scene(mapping=ATTACH)
    ticket = s.world.create(LONG)
    s.wish("escalate", ticket, connection="acme")
    s.world.run()
    assert given(s) == [("title.txt", LONG.encode())]


@pytest.mark.parametrize(
    ("mapping", "policy"),
    [
        (ATTACH + "attachments: {direction: in}\n", {}),
        (ATTACH, {"attachments": {"max": "1 MB", "types": ["image/*"]}}),
        (ATTACH, {"attachments": {"max": "100", "types": ["*/*"]}}),
    ],
)
def test_where_no_such_file_gets_there_it_is_a_comment(scene: Make, mapping: str, policy: dict[str, Any]) -> None:
    s = scene(mapping=mapping)
    if policy:
        s.share("acme", {"fields": EVERYTHING, "audiences": ["provider"], **policy})
    ticket = s.escalated()
    s.edit(ticket, title=LONG)
    s.sync()
    assert given(s) == []
    (said,) = comments(s)
    assert LONG in said


def test_what_had_to_be_cut_is_said_once_whatever_is_repeated(scene: Make) -> None:
    s = scene(mapping=ATTACH)
    ticket = s.escalated()
    s.fault("retry", "update")
    s.edit(ticket, title=LONG)
    s.calm()
    assert given(s) == [("title.txt", LONG.encode())]
    assert s.value("select count(*) from attachment") == 1
