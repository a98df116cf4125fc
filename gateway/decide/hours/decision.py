"""What is done for a ticket outside of hours, as a decision that is kept and can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.decide.decision import Decision
from gateway.decide.hours.calendars import Calendars, Ruling

NAME = "hours"


def choose(calendars: Calendars, inputs: Mapping[str, Any]) -> tuple[Ruling, Decision]:
    """``inputs``: ``holder``, who should have the ticket within hours; ``priority``; ``at`` in UTC microseconds;
    ``stays``, whether a person said so."""
    holder = str(inputs["holder"])
    ruling = calendars.may_call(holder, str(inputs["priority"]), int(inputs["at"]), bool(inputs["stays"]))
    outcome = ruling.to or (f"call {ruling.person.name}" if ruling.person is not None else ruling.does)
    otherwise = "" if ruling.does == "open" else f"{holder} would have it when it opens"
    made = Decision(NAME, outcome, ruling.rule, ruling.policy, dict(inputs), ruling.lost, ruling.because, otherwise)
    return ruling, made


def replay(calendars: Calendars, inputs: Mapping[str, Any]) -> str:
    """The decision that these inputs lead to, as its canonical text: the same for the same, to the byte."""
    return choose(calendars, inputs)[1].text()
