"""The way through a workflow that shows itself one step at a time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.workflow import search, walk

EDGES = {
    "new": ["open", "void"],
    "open": ["held", "done"],
    "held": ["open"],
    "done": ["closed"],
    "closed": [],
    "void": [],
}


@pytest.mark.parametrize(
    ("start", "target", "hops", "way"),
    [
        ("new", "open", 1, ["open"]),
        ("new", "done", 2, ["open", "done"]),
        ("new", "done", 1, None),
        ("new", "closed", 3, ["open", "done", "closed"]),
        ("new", "closed", 2, None),
        ("closed", "open", 3, None),
        ("elsewhere", "open", 3, None),
    ],
)
def test_the_shortest_way_within_the_bound(start: str, target: str, hops: int, way: list[str] | None) -> None:
    assert search(EDGES, start, target, hops) == way


class Desk:
    """A record that moves when a step is done."""

    def __init__(self, edges: Mapping[str, list[str]], at: str) -> None:
        self.edges, self.at, self.asked = edges, at, 0

    def offered(self) -> dict[str, str]:
        self.asked += 1
        return {status: f"to {status}" for status in self.edges.get(self.at, ())}

    def walks(self, target: str, known: Mapping[str, list[str]], hops: int = 3) -> list[str | None]:
        done: list[str | None] = []
        for step in walk(self.at, target, known, hops, self.offered):
            done.append(step)
            self.at = step.removeprefix("to ") if step else self.at
        return done


def test_it_walks_by_what_is_known_and_asks_at_each_step() -> None:
    desk = Desk(EDGES, "new")
    assert desk.walks("closed", EDGES) == ["to open", "to done", "to closed"]
    assert (desk.at, desk.asked) == ("closed", 3)


def test_what_the_desk_offers_has_the_last_word_and_the_way_is_sought_again() -> None:
    other = {**EDGES, "open": ["held"], "held": ["done"]}
    known = {**EDGES, "held": ["open", "done"]}
    assert Desk(other, "new").walks("done", known) == ["to open", "to held", "to done"]


def test_it_goes_nowhere_by_trial() -> None:
    desk = Desk(EDGES, "new")
    assert desk.walks("closed", {}) == [None] and desk.at == "new"


def test_a_desk_that_leads_back_is_not_followed_for_ever() -> None:
    round_about = {"a": ["b"], "b": ["a"]}
    assert Desk(round_about, "a").walks("z", {**round_about, "a": ["b", "z"], "b": ["a", "z"]}) == ["to b", None]


def test_where_it_is_there_is_nothing_to_do_and_nothing_to_ask() -> None:
    desk = Desk(EDGES, "done")
    assert desk.walks("done", EDGES) == [] and desk.asked == 0
