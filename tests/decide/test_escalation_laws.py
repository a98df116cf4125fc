"""What holds of every matrix and every story: each step once, nothing after the end, no waking in the past."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.decide.escalation import compile_escalation, explain, replay
from gateway.decide.escalation.actions import HandOver, Inform, Promote, TakeBack, decision
from gateway.decide.escalation.matrix import Matrix
from gateway.decide.hours import compile_calendars
from gateway.decide.language import BadPolicy
from gateway.decide.signals import Signal
from gateway.tickets.vocabulary import FINAL
from tests.decide.escalation_stories import HOUR, KNOWN, MIN, Story

ACME = "provider:acme"
CALENDARS = compile_calendars(
    {
        "policy": "1",
        "name": "calendars",
        "default": "office",
        "calendars": {
            "office": {"zone": "Europe/Madrid", "hours": {"monday to friday": "09:00-18:00"}},
            "night": {"zone": "Asia/Tokyo", "hours": {"every day": "20:00-06:00 next day"}, "kept_by": [ACME]},
        },
        "texts": {"closed": {"en": "Until {opens}.", "es": "Hasta {opens}.", "ru": "{opens}"}},
        "out_of_hours": {"text": "closed", "rules": [{"name": "wait", "do": "wait"}]},
    }
)  # fmt: skip

PROVIDERS = (ACME, "provider:globex", "provider:initech")
TEAMS = ("team:service-desk", "team:network", "team:last-resort")
SERVICES = ("network", "payroll", "")
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")

length = st.sampled_from(["1 min", "15 min", "1 h", "5 h", "1 d", "3 d"])


@st.composite
def step(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"after": draw(st.one_of(length, st.just("at once"))), "do": "hierarchical"}
    made["since"] = draw(st.sampled_from(["opened", "holder", "unacknowledged", "breach:requester_wait"]))
    if draw(st.booleans()):
        made["clock"] = "wall"
    else:
        made["calendar"] = draw(st.sampled_from(["desk", "holder", "provider:acme"]))
    if draw(st.booleans()):
        made["do"], made["to"] = "functional", draw(st.sampled_from(PROVIDERS + TEAMS))
        if made["to"] in PROVIDERS:
            made["how"] = draw(st.sampled_from(["warm", "cold"]))
            if draw(st.booleans()):
                made["acknowledge"] = draw(length)
        if draw(st.booleans()):
            made["otherwise"] = draw(st.sampled_from(TEAMS))
    else:
        made["inform"] = ["lead"]
    if draw(st.integers(0, 9)) == 0:
        made["ends"] = "true"
    return made


@st.composite
def document(draw: st.DrawFn) -> dict[str, Any]:
    rows = [
        {"name": f"row{n}",
         "priority": draw(st.lists(st.sampled_from(PRIORITIES), min_size=1, max_size=3, unique=True)),
         "service": draw(st.lists(st.sampled_from(SERVICES[:2]), max_size=2, unique=True)),
         "steps": draw(st.lists(step(), min_size=1, max_size=4))}
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    rows.append({"name": "rest", "steps": draw(st.lists(step(), min_size=1, max_size=5))})
    doc: dict[str, Any] = {
        "policy": "1", "name": "escalation", "roles": {"lead": {"users": ["ana"]}}, "matrix": rows,
        "waits": draw(st.sampled_from([[], ["pending_requester"]])),
        "returned": draw(st.sampled_from(["before", "next"])),
        "deadlock": {"returns": draw(st.integers(1, 3)), "messages": draw(st.integers(2, 5)), "inform": ["lead"]},
    }  # fmt: skip
    if draw(st.booleans()):
        doc["acknowledge"] = {"after": draw(length), "clock": "wall"}
    if draw(st.booleans()):
        doc["fallback"] = {"to": draw(st.sampled_from(TEAMS)), "unassigned": draw(length), "inform": ["lead"]}
    return doc


def compiled(doc: dict[str, Any]) -> Matrix | None:
    """The matrix; steps that are wrong are taken away until it is right."""
    for _ in range(40):
        try:
            return compile_escalation(doc, KNOWN)
        except BadPolicy as error:
            path = error.faults[0].path
            row = int(path[7]) if path.startswith("matrix[") else -1
            if "steps[" in path and len(doc["matrix"][row]["steps"]) > 1:
                del doc["matrix"][row]["steps"][int(path.split("steps[")[1].split("]")[0])]
            elif "steps[" in path:
                doc["matrix"][row]["steps"] = [{"after": "1 h", "do": "hierarchical", "inform": ["lead"]}]
            elif row >= 0:
                del doc["matrix"][row]
            else:
                return None
    return None


matrices = document().map(compiled).filter(lambda one: one is not None)

ACTS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0, MIN, 20 * MIN, HOUR, 9 * HOUR, 80 * HOUR])),
    st.tuples(st.just("freeze"), st.sampled_from([HOUR, 100 * HOUR])),
    st.tuples(st.just("hand"), st.sampled_from(PROVIDERS + TEAMS)),
    st.tuples(st.just("status"), st.sampled_from(["in_progress", "pending_requester", "resolved", "closed", "new"])),
    st.tuples(st.sampled_from(["answered", "replied", "worked"]), st.sampled_from(PROVIDERS + TEAMS)),
    st.tuples(st.just("returned"), st.just("")),
    st.tuples(st.just("end"), st.sampled_from(PROVIDERS)),
    st.tuples(st.sampled_from(["spoke", "stuck"]), st.just("requester")),
    st.tuples(st.just("breach"), st.just("requester_wait")),
    st.tuples(st.just("priority"), st.sampled_from(PRIORITIES)),
    st.tuples(st.just("nobody"), st.just("")),
)


class Watched(Story):
    """A story that sees that nothing is asked of a ticket that has ended."""

    def look(self, *signals: Signal) -> Any:
        seen = super().look(*signals)
        if self.fields["status"] in FINAL:
            assert not seen.actions and seen.wake_at is None
        givers = [one for one in seen.actions if isinstance(one, HandOver | TakeBack | Promote)]
        passes = [one for one in givers if not (isinstance(one, TakeBack) and one.to != self.holder)]
        assert len(passes) <= 1 or any(isinstance(one, TakeBack) for one in passes), "it goes on once a look"
        return seen

    def act(self, what: str, how: Any) -> None:
        if what == "wait":
            self.after(how)
        elif what == "freeze":
            self.frozen = True
            self.after(how)
            self.frozen = False
            self.look(Signal("clock", self.now))
        elif what == "hand" and how != self.holder:
            self.hands(how)
        elif what == "status" and how != self.fields["status"]:
            self.becomes(how)
        elif what in ("answered", "replied", "worked", "spoke", "stuck"):
            self.says(what, how)
        elif what == "returned" and self.holder in PROVIDERS:
            self.gives_back()
        elif what == "end" and self.holder != how:
            self.legs.pop(how.removeprefix("provider:"), None)
            self.look(Signal("replied", self.now, "team:service-desk"))
        elif what == "breach":
            self.look(Signal("breach", self.now, after=how))
        elif what == "priority":
            before, self.fields["priority"] = self.fields["priority"], how
            self.look(Signal("priority", self.now, "team:service-desk", before, how))
        elif what == "nobody":
            before, self.holder = self.holder, ""
            self.look(Signal("holder", self.now, "tandem", before, ""))

    def gives_back(self) -> None:
        who = self.holder
        self.legs[who.removeprefix("provider:")] = ("ended", "cancelled")
        self.holder = "team:service-desk"
        self.look(
            Signal("answered", self.now, who),
            Signal("holder", self.now, who, who, self.holder),
            Signal("returned", self.now, who),
        )


def told(story: Story, matrix: Matrix, calendars: Any) -> None:
    """What is explained as the next thing is when the clock is set for."""
    found = explain(matrix, story.view(), story.now, story.state, calendars)
    if story.wake_at is None:
        assert not found.following, found.text()
    else:
        assert found.following, (story.wake_at, found.text())
        assert max(found.following[0][0], story.now + 1) == story.wake_at, found.text()


@settings(deadline=None, max_examples=300)
@given(matrices, st.sampled_from(PRIORITIES), st.sampled_from(SERVICES), st.lists(ACTS, max_size=14), st.booleans())
def test_each_step_acts_at_most_once_and_nothing_after_the_end(
    matrix: Matrix, priority: str, service: str, acts: list[tuple[str, Any]], hours: bool
) -> None:
    calendars = CALENDARS if hours else None
    story = Watched(matrix, calendars, fields={"status": "new", "priority": priority, "service": service})
    episodes: list[tuple[int, str]] = []
    for what, how in acts:
        known = len(story.log)
        story.act(what, how)
        for _, action in story.log[known:]:
            if isinstance(action, HandOver | Inform) and "/" in action.rule:
                episodes.append((story.state.get("episode", 0), action.rule))
        told(story, matrix, calendars)
    assert not [one for one, times in Counter(episodes).items() if times > 1]
    known = len(story.log)
    story.after(365 * 24 * HOUR)
    assert story.wake_at is None or story.fields["status"] in matrix.waits
    for _, action in story.log[known:]:
        assert isinstance(action, HandOver | TakeBack | Inform), "left alone it comes to rest"
    for _, action in story.log:
        if isinstance(action, HandOver | TakeBack | Inform | Promote):
            inputs = json.loads(json.dumps(action.inputs))
            assert replay(matrix, inputs) == decision(action, "escalation").text(), "every decision is made again"


@settings(deadline=None, max_examples=150)
@given(matrices, st.sampled_from(PRIORITIES), st.integers(1, 400))
def test_left_alone_a_path_never_returns(matrix: Matrix, priority: str, step: int) -> None:
    """By steps alone nobody gets a ticket twice, however rarely the clock asks; only the last resort may."""
    story = Watched(matrix, CALENDARS, fields={"status": "new", "priority": priority})
    for _ in range(60):
        story.frozen = True
        story.after(step * HOUR // 4)
        story.look(Signal("clock", story.now))
    had = [action.to for _, action in story.log if isinstance(action, HandOver)]
    assert len(had) == len(set(had)), had


@settings(deadline=None, max_examples=200)
@given(document())
def test_whatever_is_written_is_compiled_or_told(doc: dict[str, Any]) -> None:
    try:
        matrix = compile_escalation(doc, KNOWN)
    except BadPolicy as error:
        assert all(fault.path and fault.title for fault in error.faults)
    else:
        assert all(matrix.row(service, priority) for service in SERVICES for priority in PRIORITIES)
        for row in matrix.rows:
            chain = [one.to for one in row.steps if one.functional]
            assert len(chain) == len(set(chain))
