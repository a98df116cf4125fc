"""The road against a real Request Tracker 5: tickets go out, are worked on by both sides, and come back solved."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import verify
from tests.databases import Maker, settings
from tests.live.conftest import MakeServer
from tests.live.peers import RequestTracker
from tests.live.rig import HOOK_SECRET, Lossy, Rig, door, running
from tests.live.story import Story, check, nothing_leaked

pytestmark = pytest.mark.live

Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Say a figure on the terminal, whatever pytest captures."""

    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    {text}\n")

    return say


@pytest.fixture
def server(make_server: MakeServer) -> RequestTracker:
    """A Request Tracker without any ticket."""
    return cast(RequestTracker, make_server(RequestTracker))


@pytest.fixture
def config(maker: Maker, tmp_path: Path, server: RequestTracker) -> Config:
    """A fresh installation that may reach this Request Tracker and nothing else."""
    return settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=f"127.0.0.1:{server.port}")


def whole(rig: Rig) -> None:
    """Nothing waits, nothing died, nothing was said that should not have been, and the audit trail verifies."""
    assert rig.failures == []
    assert rig.waiting() == {}
    assert rig.rows("select kind, state, said from delivery where state not in (1, 3)") == []
    assert rig.rows("select kind, said from arrival where state = 2") == []
    assert rig.rows("select field from conflict where state = 'open'") == []
    keys = Keys.of(rig.rt.config)
    while seal(rig.rt.store, keys, now_us()):
        pass
    assert verify(rig.rt.store, keys, [], now_us()).problems == ()


def alone(rig: Rig, stories: list[Story]) -> None:
    """One record for each ticket there, and one ticket for each record here."""
    wanted = Counter(rig.rt.reference(link) for (link,) in rig.rows("select id from link"))
    found = Counter(rig.paula.fields(row["id"])["External Reference"] for row in rig.paula.made())
    assert found == wanted
    assert {row[0] for row in rig.rows("select id from ticket")} == {story.id for story in stories}


def tell_story(rig: Rig, count: int, first: int = 0) -> list[Story]:
    """Escalate ``count`` tickets, and let both sides work on them at the same time."""
    stories = [Story(number, rig) for number in range(first, first + count)]
    for story in stories:
        story.begin()
    rig.quiet()
    for story in stories:
        story.remote = rig.remote(story.id)
    with ThreadPoolExecutor(1) as her:
        hers = her.submit(lambda: [story.hers(rig.paula) for story in stories])
        for story in stories:
            story.ours()
        hers.result()
    return stories


def ending(stories: list[Story], settle: Callable[[], None]) -> None:
    """She ends them all, and then some of us have a last word."""
    settle()
    for story in stories:
        story.ends(story.rig.paula)
    settle()
    for story in stories:
        story.thanks()
    settle()


def agreed(rig: Rig, stories: list[Story], tell: Tell, began: float, what: str) -> None:
    """Both sides, field by field, item by item; and the figures."""
    assert rig.drift() == []
    total: Counter[str] = Counter(tickets=len(stories))
    for story in stories:
        total += check(story, rig.paula)
    alone(rig, stories)
    nothing_leaked(rig)
    whole(rig)
    took = time.monotonic() - began
    figures = ", ".join(f"{count} {name}" for name, count in total.items())
    calls = sum(rig.session.calls.values())
    tell(f"{what}: {figures}, {calls} calls ({calls / len(stories):.1f} a ticket), {took:.1f} s")


def test_polling_alone(server: RequestTracker, config: Config, full: bool, tell: Tell) -> None:
    began = time.monotonic()
    with running(Rig.connect(config, server)) as rig:
        stories = tell_story(rig, 70 if full else 12)
        ending(stories, rig.settle)
        agreed(rig, stories, tell, began, "polling alone")


def test_webhooks_alone(server: RequestTracker, config: Config, full: bool, tell: Tell) -> None:
    """What the webhooks told is everything: a poll at the end changes nothing."""
    began = time.monotonic()
    with running(Rig.connect(config, server)) as rig, door(config) as url:
        server.webhook(f"{url}/hooks/acme", HOOK_SECRET)
        try:
            stories = tell_story(rig, 70 if full else 12)
            ending(stories, rig.quiet)
        finally:
            server.webhook_off()
        hooks = rig.value("select count(*) from arrival where kind = 'webhook'")
        before = rig.rows("select id, version, status, fields from ticket order by id")
        rig.settle()
        assert [row[2:] for row in rig.rows("select id, version, status, fields from ticket order by id")] == [
            row[2:] for row in before
        ]
        agreed(rig, stories, tell, began, f"{hooks} webhooks alone")


def test_lossy_webhooks_and_polling(server: RequestTracker, config: Config, full: bool, tell: Tell) -> None:
    """A third of the webhooks is lost, another third comes twice: polling heals, and nothing is doubled."""
    began = time.monotonic()
    with running(Rig.connect(config, server)) as rig, door(config) as url, Lossy(url, 1 / 3, 1 / 3, 7) as between:
        rig.polls = 2.0
        server.webhook(f"{between.url}/hooks/acme", HOOK_SECRET)
        try:
            stories = tell_story(rig, 60 if full else 8)
            ending(stories, rig.settle)
        finally:
            server.webhook_off()
        lost, doubled, repeats = (between.counts[word] for word in ("dropped", "doubled", "200"))
        assert lost and doubled == repeats, between.counts
        assert set(between.counts) == {"dropped", "doubled", "passed", "200", "202"}
        agreed(rig, stories, tell, began, f"webhooks with {lost} lost and {doubled} doubled")


def test_killed_in_the_middle(server: RequestTracker, config: Config, full: bool, tell: Tell) -> None:
    """Power cuts while tickets are made, while we talk, attach and change, and while what she did is fetched: whatever
    was under way, it is there once in the end."""
    began = time.monotonic()
    with running(Rig.connect(config, server)) as rig:
        stories = [Story(number, rig) for number in range(50 if full else 8)]
        for story in stories:
            story.begin()
        cut_power(rig, len(stories) // 2)
        rig.settle()
        for story in stories:
            story.remote = rig.remote(story.id)
        for story in stories:
            story.hers(rig.paula)
            story.ours()
        cut_power(rig, len(stories))
        cut_power(rig, len(stories) // 2)
        rig.settle()
        for story in stories:
            story.ends(rig.paula)
        rig.look()
        cut_power(rig, len(stories))
        rig.settle()
        for story in stories:
            story.thanks()
        rig.settle()
        lost = rig.value("select count(*) from attempt where outcome = 'ghost'")
        agreed(rig, stories, tell, began, f"4 power cuts, {lost} answers lost and looked up")


def cut_power(rig: Rig, calls: int) -> None:
    """Kill the desk when so many more calls have been made, with whatever it is doing, and start it again."""
    until = time.monotonic() + 60
    wanted = rig.session.calls.total() + calls
    while rig.session.calls.total() < wanted and rig.waiting() and time.monotonic() < until:
        time.sleep(0.002)
    rig.server.kill()
    time.sleep(0.5)
    rig.server.up()
