"""The road against a real Redmine 5: the shipped mapping proved live, tickets out and back, both sides the same."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import Keys, seal
from gateway.journal.verify import verify
from tests.commandline import runner
from tests.databases import Maker, settings
from tests.live import redmine
from tests.live.peers import Redmine
from tests.live.redmine import OWN, Desk, Tale, check
from tests.live.rig import running

pytestmark = pytest.mark.live

SHIPPED = Path(__file__).parents[2] / "mappings" / "redmine.yaml"


@pytest.fixture
def config(maker: Maker, tmp_path: Path, redmine_server: Redmine) -> Config:
    """A fresh installation that may reach this Redmine and nothing else."""
    return settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=f"127.0.0.1:{redmine_server.port}")


@pytest.fixture
def desk(redmine_server: Redmine, config: Config) -> Iterator[Desk]:
    """Connected with a mapping that extends the shipped one by one agent's address."""
    with running(Desk.at(config, redmine_server, OWN)) as made:
        assert isinstance(made, Desk)
        yield made


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    {text}\n")

    return say


def test_the_shipped_mapping_is_proved_against_the_live_catalogue(redmine_server: Redmine, config: Config) -> None:
    desk = Desk.at(config, redmine_server)
    lists = desk.rt.desks.row(desk.connection).found["lists"]
    assert [row["label"] for row in lists["statuses"]][:3] == ["New", "In Progress", "Resolved"]
    assert {row["label"] for row in lists["categories"]} == {"Network", "Hardware"}
    desk.rt.close()
    said = runner(config)("mapping", "prove", str(SHIPPED), "--connection", "acme")
    assert said.exit_code == 0, said.output
    assert "redmine.yaml: good, 10 fields" in said.output
    allowed = ",".join(config.egress_allow)
    checked = runner(config)("connection", "check", "acme", TANDEM_EGRESS_ALLOW=allowed)
    assert checked.exit_code == 0 and "M111" not in checked.output, checked.output


def test_tickets_out_and_back(desk: Desk, redmine_server: Redmine, full: bool, tell: Callable[[str], None]) -> None:
    """Both sides work on each of them at the same time; she resolves them; in the end both say the same, once."""
    began, before = time.monotonic(), Counter(desk.agent.references())
    tales = [Tale(number, desk) for number in range(100 if full else 20)]
    for tale in tales:
        tale.begin()
    desk.quiet()
    for tale in tales:
        tale.remote = desk.remote(tale.id)
    with ThreadPoolExecutor(1) as her:
        hers = her.submit(lambda: [tale.hers() for tale in tales])
        for tale in tales:
            tale.ours()
        hers.result()
    desk.settle()
    for tale in tales:
        tale.ends()
    desk.settle()
    assert desk.drift() == []
    total: Counter[str] = Counter(tickets=len(tales))
    for tale in tales:
        total += check(tale)
        assert desk.fields(tale.id)["assignee"] == {"email": "paula@provider.example.test"}
    wanted = Counter(desk.rt.reference(link) for (link,) in desk.rows("select id from link"))
    assert Counter(desk.agent.references()) - before == wanted
    redmine.nothing_leaked(redmine_server)
    whole(desk)
    calls = sum(desk.session.calls.values())
    figures = ", ".join(f"{count} {name}" for name, count in total.items())
    tell(f"Redmine: {figures}, {calls} calls ({calls / len(tales):.1f} a ticket), {time.monotonic() - began:.1f} s")


def whole(desk: Desk) -> None:
    """Nothing waits, nothing died, no conflict is open, and the audit trail verifies."""
    assert desk.failures == []
    assert desk.waiting() == {}
    assert desk.rows("select kind, state, said from delivery where state not in (1, 3)") == []
    assert desk.rows("select kind, said from arrival where state = 2") == []
    assert desk.rows("select field from conflict where state = 'open'") == []
    keys = Keys.of(desk.rt.config)
    while seal(desk.rt.store, keys, now_us()):
        pass
    assert verify(desk.rt.store, keys, [], now_us()).problems == ()
