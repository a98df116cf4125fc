"""A comment longer than the desk takes goes there in parts, in order, each once, and nothing of it is left out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.rest import Rest
from tests.road.conftest import Make
from tests.road.scene import Scene

MOST = 200
WORDS = "\n\n".join(f"Paragraph {at}: " + "it works, and then it does not ☂ " * 3 for at in range(6)).strip()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Desks that take so many characters."""
    monkeypatch.setattr(Rest, "text_max", property(lambda self: MOST), raising=False)


def said(s: Scene) -> list[str]:
    return [one.text for one in s.record().comments]


def whole(parts: list[str]) -> list[str]:
    """Every word of all parts, without what was put around them."""
    return " ".join(re.sub(r"^Ana wrote \(\d+ of \d+\):", "", part).strip("… \n") for part in parts).split()


def begun(s: Scene, text: str = WORDS) -> int:
    ticket = s.escalated()
    s.wish("comment", ticket, text=text, audience=["provider:acme"])
    return ticket


def test_it_goes_in_parts_that_fit_and_say_it_all(scene: Make) -> None:
    s = scene()
    begun(s)
    s.world.run()
    parts = said(s)
    assert len(parts) > 3
    assert all(len(part) <= MOST for part in parts)
    assert [part.split(":")[0] for part in parts] == [
        f"Ana wrote ({at} of {len(parts)})" for at in range(1, len(parts) + 1)
    ]
    assert whole(parts) == WORDS.split()
    assert s.value("select count(*) from delivery where kind = 'comment' and state = 0") == 0
    assert s.value("select count(*) from binding where kind = 'comment'") == len(parts)


def test_what_comes_after_it_comes_after_it(scene: Make) -> None:
    s = scene()
    ticket = begun(s)
    s.wish("comment", ticket, text="short", audience=["provider:acme"])
    s.edit(ticket, title="VPN is up")
    s.world.run()
    assert said(s)[-1] == "Ana wrote:\n\nshort"
    assert s.record().fields["title"] == "VPN is up"


@pytest.mark.parametrize("what", ["commit_then_drop", "drop_before_commit", "late", "retry"])
@pytest.mark.parametrize("part", [0, 2])
def test_each_part_gets_there_once_whatever_is_lost(scene: Make, what: Any, part: int) -> None:
    s = scene()
    begun(s)
    for _ in range(part):
        s.fault("ok", "comment")
    s.fault(what, "comment")
    s.work()
    s.world.run()
    s.calm()
    assert whole(said(s)) == WORDS.split()
    assert s.value("select count(*) from comment") == 1, "none of it came back as theirs"
    assert s.audit_problems() == ()


def test_one_that_fits_goes_as_it_is(scene: Make) -> None:
    s = scene()
    begun(s, "x" * (MOST - len("Ana wrote:\n\n")))
    s.world.run()
    assert len(said(s)) == 1


def test_a_word_longer_than_all_of_it_is_split_too(scene: Make) -> None:
    s = scene()
    begun(s, "x" * 1000)
    s.world.run()
    parts = said(s)
    assert all(len(part) <= MOST for part in parts)
    assert "".join(whole(parts)).replace("…", "") == "x" * 1000
