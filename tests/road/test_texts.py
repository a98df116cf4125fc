"""Texts as desks give them: pictures inside them become files, which they name; of a mail, its author's words."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Item
from connectors.memory import inprocess
from mappings.text import convert, pictures
from tests.road.conftest import Make
from tests.road.scene import Scene

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
NAME = pictures(f'<img src="{URL}">')[0].name
HTML = f'<p>see <img src="{URL}" alt="the error"> and <img src="https://t.example/p.gif"></p>'


@pytest.fixture(autouse=True)
def html(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk whose comments are HTML."""
    written_as(monkeypatch, "html")


def written_as(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    def comments(ticket: Any) -> tuple[Item, ...]:
        return tuple(replace(item, format=form) for item in COMMENTS(ticket))

    monkeypatch.setattr(inprocess, "comments", comments)


COMMENTS = inprocess.comments


def stored(s: Scene) -> list[tuple[Any, ...]]:
    return s.rows("select name, mime, size, state, audience from attachment order by id")


def test_a_picture_in_a_comment_becomes_a_file_that_its_text_names(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.desks["acme"].comment("tess", s.record().id, HTML, False)
    s.sync()
    assert stored(s) == [(NAME, "image/png", len(PNG), "stored", '["provider:acme"]')]
    ((text, raw),) = s.rows("select body, raw from comment")
    assert "the error" in text
    assert NAME in text
    assert "base64" not in text
    assert raw == HTML, "the original is kept"
    key = s.value("select key from attachment")
    assert s.rt.files.open(key).read() == PNG
    assert "file" not in s.calls(), "nothing is loaded"
    s.edit_there(urgency="high")
    s.calm()
    assert len(stored(s)) == 1
    assert s.audit_problems() == ()


def test_a_picture_in_the_description_too(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.edit_there(description=HTML)
    s.sync()
    assert [row[:4] for row in stored(s)] == [(NAME, "image/png", len(PNG), "stored")]


@pytest.mark.parametrize("form", ["html", "markdown", "textile", "wiki", "adf"])
def test_the_text_names_it_in_every_format(form: str) -> None:
    written: Any = {
        "html": f'<img src="{URL}" alt="x">',
        "markdown": f"![x]({URL})",
        "textile": f"!{URL}(x)!",
        "wiki": f"!{URL}|alt=x!",
        "adf": {"type": "doc", "content": [{"type": "media", "attrs": {"type": "external", "url": URL, "alt": "x"}}]},
    }[form]
    assert convert(written, form, "html") == f'<p><img src="attachment:{NAME}" alt="x"></p>'


@pytest.mark.parametrize(
    "url",
    [
        "data:image/svg+xml;base64," + base64.b64encode(b"<svg onload=alert(1)>").decode(),
        "data:text/html;base64," + base64.b64encode(b"<script>1</script>").decode(),
        "data:image/png;base64," + base64.b64encode(b"no picture").decode(),
        "data:image/png;base64,!!!",
        "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n" + bytes(2_600_000)).decode(),
        "https://evil.example/x.png",
    ],
)
def test_what_is_no_picture_of_that_size_is_none(url: str) -> None:
    assert pictures(f'<img src="{url}">') == []
    assert "data:" not in convert(f'<img src="{url}" alt="x">', "html", "html")


def test_no_more_than_twenty_are_taken_and_the_same_one_once() -> None:
    many = [PNG + bytes([at]) for at in range(30)]
    text = "".join(f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for one in [*many, *many])
    assert len(pictures(text)) == 20
    assert len(pictures(f'<img src="{URL}"><img src="{URL}">')) == 1


def test_of_an_e_mail_the_words_of_its_author_come_in_and_the_whole_is_kept(
    scene: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_as(monkeypatch, "mail")
    mail = "Ya funciona.\n\nEl lun, 3 nov 2026 a las 10:12, Ana (<a@b.example>)\nescribió:\n\n> Pruebe.\n\n-- \nTess"
    s = scene()
    s.escalated()
    s.desks["acme"].comment("tess", s.record().id, mail, False)
    s.sync()
    assert s.rows("select body, raw from comment") == [("Ya funciona.", mail)]
    s.calm()
    assert s.value("select count(*) from comment") == 1
