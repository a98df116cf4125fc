"""What the dialog of escalation says of who solves such tickets best; nothing where too little is known."""

from __future__ import annotations

from gateway.console import labels
from gateway.insight import recommend
from gateway.insight.saying import DAY, HOUR, day_start
from tests.console.conftest import Client
from tests.console.scene import Scene
from tests.console.test_ticket import made
from tests.console.test_words import in_language
from tests.insight.world import Past, remember

VPN = {"category": "network", "subcategory": "vpn"}


def history(desk: Scene, theirs: int) -> None:
    """40 tickets solved by our desk within 41 to 80 hours, some by acme within 1 to 40."""
    long_ago = day_start(desk.rt.now()) - 60 * DAY
    ours = [Past(long_ago, solved=[(40 + n) * HOUR]) for n in range(1, 41)]
    held = [("provider:acme", 0)]
    remember(desk.rt.store, [*ours, *(Past(long_ago, solved=[n * HOUR], held=held) for n in range(1, theirs + 1))])


def test_both_sides_are_told_by_their_names(desk: Scene, work: Client) -> None:
    history(desk, 40)
    agent = work("agent")
    number = made(agent, category="network")
    text = agent.get(f"/tickets/{number}/escalate").text
    assert "Acme Networks solves such tickets faster: half within 21 hours (n = 40)" in text
    assert "with our desk within 3 days (n = 40)" in text and "internal" not in text
    assert "Acme Networks быстрее" not in text
    assert "решает такие заявки быстрее" in in_language(work("agent"), "ru").get(f"/tickets/{number}/escalate").text


def test_too_little_says_nothing(desk: Scene, work: Client) -> None:
    history(desk, 10)
    agent = work("agent")
    text = agent.get(f"/tickets/{made(agent, category='network')}/escalate").text
    assert "Who solves such tickets best" not in text


def test_every_sentence_has_its_translation() -> None:
    texts = {value for name, value in vars(recommend).items() if name.startswith("_") and isinstance(value, str)}
    told = {one for one in texts if "%(" in one and not one.startswith("Not enough data: ")}
    assert told == set(labels.SAID)
