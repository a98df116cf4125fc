"""A silent provider on a real Redmine loses its ticket to one on a real Request Tracker, and is heard all the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import pipeline
from gateway.config import Config
from tests.commandline import runner
from tests.databases import Maker, settings
from tests.live.peers import Redmine, RequestTracker
from tests.live.provider import Paula
from tests.live.redmine import Desk
from tests.live.rig import CONNECTION, Rig, running
from tests.live.test_redmine import whole

pytestmark = pytest.mark.live

POLICY = """
policy: 1
name: escalation
roles: {lead: {email: [lead@example.com]}}
acknowledge: {after: 20 min, clock: wall}
fallback: {to: team:service-desk}
deadlock: {inform: [lead]}
matrix:
  - name: all
    steps:
      - {name: acme, after: 10 min, clock: wall, do: functional, to: "provider:acme"}
      - {name: globex, after: 8 h, clock: wall, do: functional, to: "provider:globex"}
"""
MINUTE = 60_000_000


@pytest.fixture
def config(maker: Maker, tmp_path: Path, redmine_server: Redmine, rt_server: RequestTracker) -> Config:
    """A fresh installation that may reach these two and nothing else."""
    allowed = f"127.0.0.1:{redmine_server.port},127.0.0.1:{rt_server.port}"
    return settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=allowed)


@pytest.fixture
def desk(redmine_server: Redmine, rt_server: RequestTracker, config: Config) -> Iterator[Desk]:
    """Both connected, with a published policy: Redmine is acme, Request Tracker is globex."""
    text = CONNECTION.format(name="globex", url=rt_server.url, queue="Escalations") + "intake: ignore\n"
    assert Rig.connection_add(config, rt_server, text).exit_code == 0
    made = Desk.at(config, redmine_server)
    (config.home / "escalation.yaml").write_text(POLICY)
    said = runner(config)("policy", "publish", str(config.home / "escalation.yaml"), "--reason", "agreed")
    assert said.exit_code == 0, said.output
    made.rt.desks.load()
    with running(made):
        yield made


def later(desk: Desk, minutes: int) -> None:
    """Time goes by; the clock ticks twice, and all that comes of it is done."""
    desk.ahead += minutes * MINUTE
    for _ in range(2):
        pipeline.tick(desk.rt)
        desk.quiet()


def test_a_silent_provider_loses_the_ticket_once_and_its_late_answer_is_heard(
    desk: Desk, rt_server: RequestTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    began, paula = time.monotonic(), Paula(rt_server)
    before = {str(row["id"]) for row in paula.made()}
    issues = len(desk.agent.references())
    ticket = desk.create("VPN down in Zürich")
    later(desk, 11)
    assert desk.value("select holder from ticket where id = ?", ticket) == "provider:acme"
    issue = desk.remote(ticket)
    later(desk, 21)
    assert desk.value("select holder from ticket where id = ?", ticket) == "provider:globex"
    (theirs,) = {str(row["id"]) for row in paula.made()} - before
    notes = [one["notes"] for one in desk.agent.issue(issue)["journals"] if one["notes"]]
    assert [("Taken back: there was no sign of work in time" in note) for note in notes] == [True]

    desk.agent.say(issue, "Sorry, we are on it now.")
    desk.agent.change(issue, status_id=2, subject="Ours now")
    paula.reply(theirs, "We have it.")
    paula.change(theirs, Status="open")
    for name in ("acme", "globex"):
        connection = desk.rt.desks.id_of(name)
        assert connection is not None
        pipeline.poll(desk.rt, connection)
    desk.quiet()
    assert desk.value("select holder from ticket where id = ?", ticket) == "provider:globex"
    fields = desk.fields(ticket)
    assert (fields["title"], fields["status"]) == ("VPN down in Zürich", "in_progress")
    heard = dict(desk.rows("select c.body, l.role from comment c join link l on l.id = c.link_id"))
    assert {text: role for text, role in heard.items() if "on it now" in text} == {"Sorry, we are on it now.": "ended"}
    assert desk.rows("select count(*) from notice where kind = 'late' and state = 'open'") == [(1,)]
    assert not any("on it now" in one.text for one in paula.said(theirs)), "nobody passes it on"

    later(desk, 600)
    assert [row[0] for row in desk.rows("select rule from decision where kind = 'escalation' order by id")] == [
        "all/acme",
        "all/globex",
    ]
    assert len(desk.agent.references()) == issues + 1
    assert len({str(row["id"]) for row in paula.made()} - before) == 1, "once"
    whole(desk)
    with capsys.disabled():
        sys.stdout.write(f"\n    Redmine was silent, Request Tracker has it: {time.monotonic() - began:.1f} s\n")


def test_what_a_real_redmine_rejects_without_a_word_comes_home(desk: Desk) -> None:
    """Its status Rejected is our cancelled; nobody there has said or done anything."""
    ticket = desk.create("Wrong number")
    desk.wish("escalate", ticket, connection="acme")
    desk.quiet()
    desk.agent.change(desk.remote(ticket), status_id=6)
    desk.look()
    desk.quiet()
    row = desk.rows("select holder, status from ticket where id = ?", ticket)
    assert row == [("team:service-desk", "new")]
    assert desk.rows("select rule from decision where kind = 'take_back'") == [("given back",)]
    whole(desk)
