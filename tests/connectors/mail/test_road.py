"""A ticket that goes to a provider by mail, over the whole road: out, answered, lost on the way, and come back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.simulators.mail import OURS, REFRESH, SECRET, THEIRS, WEBHOOK, Mail
from gateway.clock import now_us, utc
from gateway.runtime import Runtime
from tests.commandline import runner
from tests.databases import Maker, settings
from tests.worlds import World

NONE: Mapping[str, Any] = {}


@pytest.fixture
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker("sqlite", tmp_path_factory.mktemp("template"), None)


@pytest.fixture
def sim() -> Iterator[Mail]:
    with Mail(lambda: utc(now_us())) as made:
        yield made


def make(
    sim: Mail,
    maker: Maker,
    tmp_path: Path,
    more: Mapping[str, Any] = NONE,
    proof: Mapping[str, Any] = NONE,
    auth: str = "password",
) -> Iterator[World]:
    """An installation with a connection to that provider. ``more``: other settings; ``proof``: more secrets, or with
    another ``auth`` all of them."""
    allow = ",".join(f"127.0.0.1:{port}" for port in sim.ports)
    config = settings(tmp_path, maker.prepared(tmp_path).url, TANDEM_EGRESS_ALLOW=allow)
    document: dict[str, Any] = {"name": "acme", "provider": {"slug": "acme", "name": "Acme"}, "kind": "mail"}
    document |= {"auth": auth, "settings": {**sim.settings, **more}}
    document |= {"secrets": {**({"password": {"env": "MAIL_PASSWORD"}} if auth == "password" else {}), **proof}}
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(document))
    env = {"MAIL_PASSWORD": sim.password, "MAIL_WEBHOOK": WEBHOOK, "MAIL_CLIENT": SECRET, "MAIL_REFRESH": REFRESH}
    env |= {"TANDEM_EGRESS_ALLOW": allow}
    done = runner(config)("connection", "add", str(tmp_path / "acme.yaml"), **env)
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    rt = Runtime.open(config)
    yield World(rt)
    rt.close()


@pytest.fixture
def world(sim: Mail, maker: Maker, tmp_path: Path) -> Iterator[World]:
    yield from make(sim, maker, tmp_path)


def look(world: World) -> None:
    for _ in range(2):
        world.poll()
        world.run()


def mails(sim: Mail) -> list[str]:
    """What lies in the provider's mailbox."""
    return [str(each.mail["Subject"]) for each in sim.boxes[THEIRS].mails]


def test_escalated_answered_and_talked_about(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down ☂", description="Error 809.", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    world.run()
    (id,) = sim.ids()
    look(world)
    assert mails(sim)[0].endswith("] VPN down ☂") and mails(sim)[0].startswith("[TDM-")
    world.wish("comment", ticket, text="we called them", audience=["provider:acme"])
    look(world)
    (ours,) = sim.said(id)
    assert ours.text.endswith("we called them")
    sim.say(id, "restart it", False)
    sim.upload(id, "log ü.txt", b"what the switch said", False)
    sim.post(sim.write("I am away.", "Re: VPN down", id, {"Auto-Submitted": "auto-replied"}))
    look(world)
    said = [body for (body,) in world.rows("select body from comment order by id")]
    assert sorted(said) == ["Here it is.", "restart it", "we called them"]
    sql = "select a.party from audience a join comment c on c.id = a.comment_id where c.body = 'restart it'"
    assert ("requester",) not in world.rows(sql)
    assert world.rows("select name, size, state from attachment") == [("log ü.txt", 20, "stored")]
    assert world.rows("select title from ticket") == [("VPN down ☂",)] and len(mails(sim)) == 2
    assert world.rows("select kind, text from notice") == []
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []


def test_of_an_update_of_ours_the_status_alone_is_a_mail_and_nothing_stops(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down", description="Error 809.", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    look(world)
    world.wish("edit", ticket, fields={"title": "VPN down for all", "status": "in_progress"})
    look(world)
    world.wish("comment", ticket, text="it is worse", audience=["provider:acme"])
    look(world)
    texts = [str(each.mail.get_content()).strip() for each in sim.boxes[THEIRS].mails]
    assert texts == ["Error 809.", "Status: in progress", texts[2]] and "it is worse" in texts[2]
    assert world.rows("select title from ticket") == [("VPN down for all",)]
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_status", "truncate_head", "drop_before_commit"])
def test_whatever_is_lost_on_the_way_is_there_once(fault: str, sim: Mail, world: World) -> None:
    sim.faults.plan(fault, method="POST")  # type: ignore[arg-type]
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    world.run()
    hours = 0

    def later() -> None:
        nonlocal hours
        hours += 1
        world.rt.now = lambda: now_us() + hours * 3600 * 1_000_000
        sim.clock = lambda: utc(world.rt.now())
        look(world)

    later()
    assert sim.ids() == [world.value("select remote_id from link")]
    for verb in ("first", "second"):
        sim.faults.plan(fault, method="POST")  # type: ignore[arg-type]
        world.wish("comment", ticket, text=f"{verb} word", audience=["provider:acme"])
        world.run()
        later()
    assert sim.faults.met == {fault: 3}
    (id,) = sim.ids()
    assert [each.text.splitlines()[-1] for each in sim.said(id)] == ["first word", "second word"]
    assert len(world.rows("select id from comment")) == 2 and len(sim.boxes[OURS].mails) == 3


def test_a_ticket_of_theirs_comes_in_and_a_robots_does_not(sim: Mail, world: World) -> None:
    look(world)
    sim.post(sim.write("Our newsletter.", "News", headers={"Precedence": "bulk"}))
    id = sim.open_record("Your certificate")
    look(world)
    assert world.rows("select remote_id from link") == [(id,)]
    assert world.rows("select title from ticket") == [("Your certificate",)]


def status(world: World) -> str:
    (fields,) = world.rows("select fields from ticket")[0]
    return str(json.loads(fields)["status"])


def test_they_solve_it_we_take_it_up_again_and_they_solve_it_again(sim: Mail, world: World) -> None:
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    look(world)
    (id,) = sim.ids()
    for said, means in (("Estado: en curso\n\nLo miramos.", "in_progress"), ("#solved", "resolved")):
        sim.say(id, said, False)
        look(world)
        assert status(world) == means
    count = len(mails(sim))
    world.wish("edit", ticket, fields={"status": "in_progress"})
    look(world)
    assert len(mails(sim)) == count + 1 and status(world) == "in_progress"
    sim.say(id, "Статус: Решена.", False)
    look(world)
    assert status(world) == "resolved" and len(mails(sim)) == count + 1
    sim.say(id, "Status: exploded", False)
    look(world)
    assert status(world) == "resolved"
    said = [body for (body,) in world.rows("select body from comment order by id")]
    assert said[-1] == "Status: exploded" and len(said) == 4
    assert world.rows("select kind, text from notice") == []


@pytest.mark.parametrize("fault", ["commit_then_drop", "drop_before_commit"])
def test_a_status_whose_answer_was_lost_is_the_same_mail_again(fault: str, sim: Mail, world: World) -> None:
    ticket = world.create("VPN down", impact="high", urgency="medium")
    world.wish("escalate", ticket, connection="acme")
    look(world)
    sim.faults.plan(fault, method="POST")  # type: ignore[arg-type]
    world.wish("edit", ticket, fields={"status": "in_progress"})
    look(world)
    ahead = world.rt.now
    world.rt.now = lambda: ahead() + 3_600_000_000
    look(world)
    told = [each.mail for each in sim.boxes[THEIRS].mails if each.mail["X-Tandem-Status"]][1:]
    assert [mail["X-Tandem-Status"] for mail in told] == ["in progress"] and sim.faults.met == {fault: 1}
    assert status(world) == "in_progress"
    assert world.rows("select kind, state, said from delivery where state not in (1, 3)") == []


def test_a_refresh_token_that_is_good_once_is_kept_and_the_next_process_goes_on_with_it(
    maker: Maker, tmp_path: Path
) -> None:
    proof = {"client_secret": {"env": "MAIL_CLIENT"}, "refresh_token": {"env": "MAIL_REFRESH"}}
    with Mail(lambda: utc(now_us()), signin="token") as sim:
        made = make(sim, maker, tmp_path, NONE, proof, "google")
        world = next(made)
        ticket = world.create("VPN down", impact="high", urgency="medium")
        world.wish("escalate", ticket, connection="acme")
        look(world)
        sim.expire()
        other = World(Runtime.open(world.rt.config))  # another process, which takes what the first one kept
        world.wish("comment", ticket, text="any news?", audience=["provider:acme"])
        look(world)
        sim.say(sim.ids()[0], "restart it", False)
        asked = len([each for each in sim.asked if each.path == "/token"])
        look(other)
        assert [body for (body,) in world.rows("select body from comment order by id")] == ["any news?", "restart it"]
        assert len([each for each in sim.asked if each.path == "/token"]) == asked == 2 and sim.refresh != REFRESH
        sim.expire()
        look(other)
        assert len([each for each in sim.asked if each.path == "/token"]) == 3
        assert world.rows("select state from connection") == [("active",)]
        other.rt.close()
        made.close()
