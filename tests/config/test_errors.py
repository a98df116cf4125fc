"""Errors say what is wrong, where, and how to put it right, in text and as problem+json."""

from __future__ import annotations

from gateway.errors import Busy, Invalid, NotFound, TandemError


def test_an_error_reads_as_one_line_and_as_a_problem() -> None:
    error = Invalid("not an impact", "impact", "huge", "Use high, medium or low.")
    assert str(error) == "impact: not an impact (given: 'huge'). Use high, medium or low."
    assert error.problem() == {
        "title": "not an impact",
        "status": 422,
        "field": "impact",
        "value": "huge",
        "fix": "Use high, medium or low.",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert NotFound("no such ticket").problem() == {"title": "no such ticket", "status": 404}
    assert str(TandemError("no")) == "no."


def test_a_busy_answer_says_when() -> None:
    assert Busy("the backlog is full", after=2.5).after == 2.5
