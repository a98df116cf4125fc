"""I9: what a preview says of an item is what happens when the draft is published and the same comes in again."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import pipeline, plain
from gateway.decide.objection import Objection
from gateway.people.users import By
from gateway.providers import publishing
from tests.preview.support import Past, changed, draft, items, publish
from tests.road.conftest import Make
from tests.road.scene import Scene

OURS = (
    "new",
    "in_progress",
    "pending_requester",
    "pending_provider",
    "pending_problem",
    "resolved",
    "closed",
    "cancelled",
)
THEIRS = ("open", "working", "waiting", "vendor", "done", "closed", "rejected")
Do = Callable[[Scene, int], None]


def drawn_tables(draw: st.DrawFn) -> str:
    """A mapping with other tables, directions, policies and audiences."""
    rows = {one: draw(st.sampled_from([None, *OURS])) for one in THEIRS}
    values = ", ".join(f"{one}: {meaning}" if meaning else f"{one}: []" for one, meaning in rows.items())
    write = ", ".join(f"{one}: {draw(st.sampled_from(THEIRS))}" for one in OURS)
    conflict = draw(st.sampled_from(["ours", "theirs", "ask"]))
    direction = draw(st.sampled_from(["both", "in", "out"]))
    title = {
        "both": f"{{conflict: {conflict}}}",
        "in": "{direction: in, overlong: null}",
        "out": "{direction: out}",
    }[direction]
    levels = draw(st.permutations(["high", "medium", "low"]))
    parts = {
        "status": f"{{values: {{{values}}}, write: {{{write}}}, unmapped: {draw(st.sampled_from(['hold', 'note']))}}}",
        "title": title,
        "impact": f"{{values: {{high: {levels[0]}, medium: {levels[1]}, low: {levels[2]}}}}}",
        "comments": "{{inward: {{reply: {}, note: {}}}, outward: {{provider: {}}}}}".format(
            draw(st.sampled_from(["provider", "provider+requester", "ignore"])),
            draw(st.sampled_from(["provider", "ignore"])),
            draw(st.sampled_from(["note", "ignore"])),
        ),
        "worklogs": draw(st.sampled_from(["none", "in", "both"])),
    }
    if draw(st.booleans()):
        parts["due"], parts["unsupported"] = "null", "{due: no such field}"
    return changed(**parts)


tables_ = st.composite(drawn_tables)()


def theirs(**fields: str) -> Do:
    def do(s: Scene, ticket: int) -> None:
        s.hooks.clear()
        s.desks["acme"].update("tess", s.record().id, fields)

    return do


def said(s: Scene, ticket: int) -> None:
    s.hooks.clear()
    s.desks["acme"].comment("tess", s.record().id, "we are on it", True)


def began(s: Scene, ticket: int) -> None:
    s.hooks.clear()
    s.desks["acme"].create("tess", {"title": "theirs", "status": "working", "impact": "low"})


def no(s: Scene, ticket: int) -> None:
    s.hooks.clear()


HAPPENINGS: dict[str, Do] = {
    **{f"status {one}": theirs(status=one) for one in THEIRS},
    "title": theirs(title="theirs now"),
    "impact": theirs(impact="low"),
    "both": theirs(status="working", title="and this", impact="high"),
    "comment": said,
    "record": began,
}
WISHES: dict[str, Callable[[Scene, int], object]] = {
    "title": lambda s, t: s.edit(t, title="ours now"),
    "status": lambda s, t: s.edit(t, status="resolved"),
    "impact": lambda s, t: s.edit(t, impact="high"),
    "comment": lambda s, t: s.wish("comment", t, text="a word", audience=["provider:acme"]),
    "all": lambda s, t: s.wish("comment", t, text="a word", audience=["everyone"]),
    "back": lambda s, t: s.wish("take_back", t),
}


def hashes(s: Scene) -> list[str]:
    """The plans of the batch that was stored last, by the facts of the road."""
    blob = s.rows("select blob from facts order by id desc limit 1")[0][0]
    found: list[str] = plain.read(zlib.decompress(blob))["plans"]
    return found


def arrive(s: Scene, ticket: int) -> None:
    for number in range(len(s.hooks)):
        assert s.hook(number, keep=True) == 202
    pipeline.process(s.rt)


def compare(
    s: Scene, ticket: int, text: str, act: Callable[[Scene, int], object], in_force: Callable[[Scene, str], object]
) -> int:
    """Let something happen, preview it, put the world back, publish, let it happen again. How many plans differed."""
    if act is arrive and not s.hooks:
        return 0  # it was so already
    past = Past(s.rt)
    act(s, ticket)
    one = draft(s.rt, text)
    newest = s.value("select max(as_of) from facts")
    seen = [item for item in items(s.rt, one) if item.as_of == newest]
    assert seen and all(item.exact for item in seen), seen
    assert [item.before.hash for item in seen] == hashes(s)
    past.back(s.rt)
    in_force(s, text)
    before = s.value("select count(*) from facts")
    refused = ""
    try:
        act(s, ticket)
    except Objection as objection:
        refused = objection.text
    if refused:
        assert [item.after.refused for item in seen] == [refused]
    else:
        assert s.value("select count(*) from facts") == before + 1
        assert [item.after.hash for item in seen] == hashes(s), (text, seen)
    past.back(s.rt)
    act(s, ticket)  # and time goes on under the old one
    pipeline.deliver(s.rt)
    return sum(not item.before.same(item.after) for item in seen)


@pytest.mark.parametrize("name", HAPPENINGS)
def test_an_arrival_after_publishing_is_planned_as_previewed(scene: Make, name: str) -> None:
    s = scene()
    ticket = s.escalated()
    s.world.run()
    HAPPENINGS[name](s, ticket)
    text = changed(
        status="{values: {working: pending_provider, vendor: in_progress, done: closed, closed: resolved, open: []}, "
        "write: {new: open, in_progress: working, pending_provider: vendor, resolved: done, closed: closed}}",
        title="{direction: in, overlong: null}",
        impact="{values: {high: low, low: high}}",
        comments="{inward: {reply: provider}}",
    )
    differed = compare(s, ticket, text, arrive, publish)
    assert differed == (name not in ("status waiting", "status rejected", "status open", "title", "comment"))


def proved_and_published(s: Scene, text: str) -> None:
    """As an admin does it, who takes the warnings."""
    by = By("user:1", s.rt.key, s.now())
    wish = publishing.Wish(text, "they changed their words", ("all",), connections=("acme",))
    assert publishing.publish(s.rt, by, wish)[1].failed == []


@pytest.mark.parametrize("name", ["status done", "status vendor", "both", "record"])
def test_a_draft_that_is_proved_and_published_does_what_its_preview_said(scene: Make, name: str) -> None:
    s = scene()
    ticket = s.escalated()
    s.world.run()
    HAPPENINGS[name](s, ticket)
    text = changed(
        status="{values: {vendor: pending_problem, done: closed, closed: cancelled, rejected: resolved},"
        " write: {pending_problem: vendor, pending_provider: vendor, cancelled: closed, resolved: done}}",
        impact="{values: {high: low, low: high}}",
    )
    assert compare(s, ticket, text, arrive, proved_and_published) == (name != "none")


@pytest.mark.parametrize("examples", [6, 150])
def test_whatever_the_tables_and_the_traffic(scene: Make, full: bool, examples: int) -> None:
    if examples > 6 and not full:
        pytest.skip("many with --full")

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        some_traffic(scene(), data)

    run()


def some_traffic(s: Scene, data: st.DataObject) -> None:
    ticket = s.escalated(impact="medium", due="2026-11-23T17:00:00Z")
    s.world.run()
    text = data.draw(tables_)
    for _ in range(data.draw(st.integers(2, 5))):
        if data.draw(st.booleans()):
            HAPPENINGS[data.draw(st.sampled_from(sorted(HAPPENINGS)))](s, ticket)
            compare(s, ticket, text, arrive, publish)
        else:
            wish = WISHES[data.draw(st.sampled_from(sorted(WISHES)))]
            try:
                past = Past(s.rt)
                wish(s, ticket)
                past.back(s.rt)
            except Objection:
                continue
            compare(s, ticket, text, wish, publish)
