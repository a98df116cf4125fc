"""What requesters are told of time on the road: the estimate at once, news that is late, and what lasts too long."""

from __future__ import annotations

import json

import pytest

from gateway import pipeline
from gateway.clock import utc
from gateway.decide.commands import Objection
from tests.road.scene import Scene
from tests.road.test_decided import ANA, HOUR, ask, decisions, desk, does, later

__all__ = ["desk"]

DAY = 24 * HOUR


@pytest.fixture
def known(desk: Scene) -> Scene:
    """Thirty tickets were solved, each within two hours; the next day has begun."""
    for number in range(30):
        ticket = ask(desk, f"Matter {number} of its own kind {'abcdefghij'[number % 10] * (number + 3)}")
        desk.clock += HOUR + number * HOUR // 30
        does(desk, ticket, "edit", fields={"status": "resolved"})
    desk.clock += 2 * DAY
    return desk


def said(s: Scene, ticket: int) -> list[str]:
    sql = "select body from comment where ticket_id = ? and author = 'tandem' order by id"
    return [body for (body,) in s.world.rows(sql, ticket)]


def test_a_new_ticket_is_told_how_long_such_things_take(known: Scene) -> None:
    ticket = ask(known, "The scanner hums")
    assert "8 de cada 10 en 2 h (30 resueltas" in said(known, ticket)[0].replace("120 min", "2 h")
    assert json.loads(known.world.value("select ledger from ticket where id = ?", ticket))["estimate"]["n"] == 30


def test_what_lasts_longer_than_usual_is_told_once_an_interval_with_the_next_word(known: Scene) -> None:
    ticket = ask(known, "The scanner hums")
    before = len(said(known, ticket))
    later(known, 1)
    assert not [text for text in said(known, ticket) if "más de lo habitual" in text]
    later(known, 3)
    pipeline.tick(known.rt)
    told = [text for text in said(known, ticket)[before:] if "más de lo habitual" in text]
    assert len(told) == 1 and "antes del" in told[0] and "(Madrid)" in told[0]
    for _ in range(3):  # after the weekend or night the word that was promised comes, once
        later(known, 24)
    again = [text for text in said(known, ticket) if "más de lo habitual" in text]
    assert 2 <= len(again) <= 4


def test_a_promise_that_history_does_not_bear_out_needs_a_reason_that_is_kept(known: Scene) -> None:
    ticket = ask(known, "The scanner hums")
    soon = utc(known.clock + HOUR // 2).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(Objection, match="needs a reason"):
        does(known, ticket, "edit", fields={"due": soon})
    does(known, ticket, "edit", "a spare part is here", fields={"due": soon})
    (kind, outcome, _) = decisions(known, ticket)[-1]
    assert kind == "promise" and outcome.startswith("shorter than usual")
    late = utc(known.clock + 9 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    does(known, ticket, "edit", fields={"due": late})
    assert decisions(known, ticket)[-1][1].startswith("as usual")


def test_news_that_is_late_reminds_the_provider_and_the_requester_hears_who_has_it(desk: Scene) -> None:
    ticket = ask(desk, impact="high", urgency="high")
    does(desk, ticket, "escalate", "it is theirs", connection="acme")
    desk.work()
    later(desk, 2)
    desk.work()
    assert sum("Todavía no hay novedades" in text for text in said(desk, ticket)) == 1
    (record,) = desk.desks["acme"].tickets.values()
    reminded = [one.text for one in record.comments if "A reminder" in one.text]
    assert len(reminded) == 1
    later(desk, 2)  # late again within the same working day
    desk.work()
    assert sum("Todavía no hay novedades" in text for text in said(desk, ticket)) == 1
    assert not [one for one in record.comments if "novedades" in one.text] and ANA["email"]
