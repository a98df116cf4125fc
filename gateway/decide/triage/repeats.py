"""Second contacts about what is open already: the same subject again, or the question how it stands.

They belong to the open ticket and are counted there. A person can say that it is another matter; that holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.conditions import Condition, condition, matches
from gateway.decide.conditions import read as read_condition
from gateway.decide.language import Reader, join
from gateway.decide.triage.words import NO_WORDS, Words, alike, sentences, texts, words

KEYS = ("when", "similarity", "same_category", "within", "chasers", "answer")
DAY = 86_400_000_000
_NUMBER = re.compile(r"(?<![\w-])(?:T-|#)(\d{1,12})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Repeats:
    """``similarity``: of two subjects, 0 to 1; ``same_category``: enough where the category is the same one; ``within``
    in microseconds; ``chasers``: how people ask how it stands."""

    when: Condition
    similarity: float = 0.6
    same_category: float = 0.4
    within: int = 14 * DAY
    chasers: Words = NO_WORDS
    answer: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The open ticket that a contact belongs to. ``rule``: ``status chaser`` or ``same subject``."""

    id: int
    number: int
    rule: str
    because: str


CHASER, SAME = "status chaser", "same subject"


def repeats(r: Reader, value: Any, path: str) -> Repeats | None:
    table = r.table(value, path, KEYS)
    when = read_condition(r, table.get("when"), join(path, "when")) or condition("false")
    shares = {
        key: r.number(table[key], join(path, key), 0.1, 1.0) for key in ("similarity", "same_category") if key in table
    }
    within = r.duration(table["within"], join(path, "within")) if "within" in table else 14 * DAY
    chasers = words(r, table["chasers"], join(path, "chasers")) if "chasers" in table else NO_WORDS
    answer = texts(r, table["answer"], join(path, "answer")) if "answer" in table else None
    return Repeats(when, shares.get("similarity", 0.6), shares.get("same_category", 0.4), within, chasers, answer)


def earlier(one: Repeats | None, inputs: Mapping[str, Any]) -> tuple[Earlier | None, str]:
    """The open ticket of the same requester that this contact is about, or why there is none."""
    if one is None or not inputs["requester"]:
        return None, "" if one is None else "nobody is named as its requester"
    if not matches(one.when, inputs)[0]:
        return None, "repeats are not looked for here"
    others = [other for other in inputs["others"] if inputs["as_of"] - other["created_at"] <= one.within]
    if not others:
        return None, "the requester has no other open ticket"
    best = max(others, key=lambda other: (_likeness(inputs, other), other["created_at"], other["id"]))
    likeness = _likeness(inputs, best)
    phrase = one.chasers.found(sentences(f"{inputs['title']}\n{inputs['description']}"))
    if phrase:
        named = _named(f"{inputs['title']} {inputs['description']}", others)
        if named or likeness or len(others) == 1:
            return _is(named or best, CHASER, f'"{phrase}" is said, and T-{(named or best)["number"]} is open'), ""
    if likeness >= one.similarity:
        return _is(best, SAME, f"T-{best['number']} is open with the same subject ({likeness:.0%} alike)"), ""
    same = [other for other in others if other["category"] and other["category"] == inputs["category"]]
    near = [other for other in same if _likeness(inputs, other) >= one.same_category]
    if near:
        found = max(near, key=lambda other: (_likeness(inputs, other), other["created_at"], other["id"]))
        return _is(found, SAME, f"T-{found['number']} is open with the same category and a like subject"), ""
    return None, f"its subject is another than that of T-{best['number']} ({likeness:.0%} alike)"


def _likeness(inputs: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return round(alike(str(inputs["title"]), str(other["title"])), 4)


def _named(text: str, others: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one whose number is in the text."""
    numbers = {int(number) for number in _NUMBER.findall(text)}
    return next((other for other in others if other["number"] in numbers), None)


def _is(other: Mapping[str, Any], rule: str, because: str) -> Earlier:
    return Earlier(int(other["id"]), int(other["number"]), rule, because)
