"""A ticket escalated to a desk's simulator by an installation as an admin connects it, worked on there, and solved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import registry
from connectors.simulators.desk import Simulator
from connectors.simulators.glpi import GlpiApi
from connectors.simulators.glpi_desk import PAULA
from connectors.simulators.glpi_legacy import GlpiLegacy
from connectors.simulators.zammad import Zammad
from connectors.simulators.znuny import Znuny
from gateway.clock import now_us, utc
from gateway.runtime import Runtime
from tests.commandline import runner
from tests.databases import Maker, settings
from tests.worlds import World


@dataclass(frozen=True)
class Case:
    """A kind, its simulator, the field of the title there, that of the status, and its values for in progress,
    waiting for the requester, and solved; where it is made."""

    kind: str
    simulator: Callable[..., Simulator]
    title: str
    status: str
    working: str
    waiting: str
    solved: str
    creates: str


CASES = (
    Case("zammad", Zammad, "title", "state", "open", "pending reminder", "closed", "/tickets"),
    Case("glpi", GlpiApi, "name", "status", "2", "4", "5", "/Ticket"),
    Case("glpi_legacy", GlpiLegacy, "name", "status", "2", "4", "5", "/Ticket"),
    Case("znuny", Znuny, "Title", "State", "open", "pending reminder", "closed successful", "/TicketCreate"),
)


@pytest.fixture
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker("sqlite", tmp_path_factory.mktemp("template"), None)


@pytest.fixture(params=CASES, ids=lambda case: str(case.kind))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def sim(case: Case) -> Iterator[Simulator]:
    with case.simulator(lambda: utc(now_us())) as made:
        if isinstance(made, Zammad):
            made.store.index.lag = 0
        yield made


@pytest.fixture
def world(case: Case, sim: Simulator, maker: Maker, tmp_path: Path) -> Iterator[World]:
    config = settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=f"127.0.0.1:{sim.port}")
    document: dict[str, Any] = {"name": "acme", "provider": {"slug": "acme", "name": "Acme"}, "kind": case.kind}
    document |= {"settings": dict(sim.settings), "secrets": {name: {"env": name.upper()} for name in sim.secrets}}
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(document))
    env = {name.upper(): secret for name, secret in sim.secrets.items()}
    env["TANDEM_EGRESS_ALLOW"] = f"127.0.0.1:{sim.port}"
    done = runner(config)("connection", "add", str(tmp_path / "acme.yaml"), **env)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    rt = Runtime.open(config)
    yield World(rt)
    rt.close()


def look(world: World) -> None:
    """Polls until a poll brings nothing more: what happened within one second of a desk's clock is told in the next."""
    for _ in range(2):
        world.poll()
        world.run()


def test_escalated_worked_on_and_solved(case: Case, sim: Simulator, world: World) -> None:
    fields = {"description": "Error 809.", "impact": "high", "urgency": "medium"}
    ticket = world.create("VPN down ☂", **fields)
    world.wish("escalate", ticket, connection="acme")
    world.run()
    (id,) = sim.ids()
    assert sim.shows(id)[case.title] == "VPN down ☂" and "TDM-" in str(sim.shows(id)) and sim.said(id) == []
    world.wish("comment", ticket, text="we called them", audience=["provider:acme"])
    world.run()
    (ours,) = sim.said(id)
    assert "we called them" in ours.text and not ours.public
    sim.say(id, "restart it", True)
    sim.change(id, {case.status: case.working})
    look(world)
    assert world.rows("select status from ticket") == [("in_progress",)]
    assert world.rows("select body from comment order by body") == [("restart it",), ("we called them",)], "no echo"
    sql = "select a.party from audience a join comment c on c.id = a.comment_id where c.body = 'restart it'"
    assert ("requester",) in world.rows(sql)
    world.wish("edit", ticket, fields={"title": "VPN down for all"})
    world.run()
    assert sim.shows(id)[case.title] == "VPN down for all"
    world.wish("edit", ticket, fields={"status": "pending_requester"})
    world.run()
    assert shown(sim.shows(id)[case.status]) == case.waiting
    sim.upload(id, "log ü.txt", b"what the switch said", True)
    sim.change(id, {case.status: case.solved})
    look(world)
    assert world.rows("select title, status from ticket") == [("VPN down for all", "resolved")]
    assert world.rows("select name, size, state from attachment") == [("log ü.txt", 20, "stored")]
    assert world.rows("select kind, text from notice") == []


def shown(value: object) -> str:
    """A status as the catalogue names it."""
    return str(value["id"] if isinstance(value, dict) else value)


def test_an_escalation_whose_answer_is_lost_is_found_again_and_made_once(
    case: Case, sim: Simulator, world: World
) -> None:
    sim.faults.plan("commit_then_drop", method="POST", path=case.creates)
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    world.run()
    assert len(sim.ids()) == 1 and sim.faults.met
    world.rt.now = lambda: now_us() + 3600 * 1_000_000
    world.run()
    assert sim.ids() == [world.value("select remote_id from link")]


def test_time_of_theirs_comes_in_where_the_desk_tells_it(case: Case, sim: Simulator, world: World) -> None:
    if not isinstance(sim, GlpiApi):
        assert "read_worklog" in registry.manifest(case.kind).doc["cannot"]
        return
    world.wish("escalate", world.create("VPN down"), connection="acme")
    world.run()
    (id,) = sim.ids()
    sim.enter(PAULA, "Task", int(id), {"content": "on site", "actiontime": 1800})
    look(world)
    assert world.rows("select minutes, text from worklog") == [(30, "on site")]
