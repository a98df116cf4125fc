"""The real ServiceNow log comes in through the real door: shuffled, a tenth doubled, a tenth lost; polling heals it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from connectors.simulators.servicenow import ServiceNow
from connectors.simulators.servicenow_log import Replay, read
from connectors.simulators.webhooks import Mood
from gateway.app import create_app
from gateway.clock import now_us, utc
from gateway.config import Config
from gateway.decide.merge import token
from gateway.providers import connection
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Store
from tests.worlds import World

DATA = Path(__file__).parents[3] / "shared" / "data"
SAMPLE, FULL = DATA / "sample_uci_incidents.csv", DATA / "uci_incident_event_log_full.csv.xz"
FIELDS = (
    "title",
    "status",
    "impact",
    "urgency",
    "resolution_code",
    "resolution_text",
    "assignee",
    "custom.provider_group",
)


@contextmanager
def replayed(config: Config, mood: Mood) -> Iterator[tuple[World, ServiceNow]]:
    """Tandem behind its own web server, connected to a desk that tells it of every change."""
    with _listening() as (port, serve):
        hook = f"http://127.0.0.1:{port}/hooks/servicenow"
        with ServiceNow(lambda: utc(now_us()), webhook=hook, mood=mood) as desk:
            rt = Runtime.open(config.allowing(desk.url.removeprefix("http://")))
            _connect(rt, desk)
            with serve(rt):
                yield World(rt), desk
            rt.close()


@contextmanager
def _listening() -> Iterator[tuple[int, Callable[[Runtime], AbstractContextManager[None]]]]:
    """A free port, and what serves a runtime there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])

    @contextmanager
    def serve(rt: Runtime) -> Iterator[None]:
        server = make_server("127.0.0.1", port, create_app(rt), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

    yield port, serve


def _connect(rt: Runtime, desk: ServiceNow) -> None:
    d = tables.document.c
    doc = {
        "name": "servicenow", "kind": "servicenow", "provider": "northwind", "auth": "basic", "verify": "signed",
        "settings": {"instance": "acme", "url": desk.url, "login": "tandem.integration"},
        "secrets": {"password": "let-me-in", "webhook": "servicenow-secret"},
    }  # fmt: skip
    with rt.store.write() as conn:
        mapping = conn.execute(select(d.id).where(d.kind == "mapping", d.name == "servicenow")).scalar_one()
        connection.add(conn, rt.key, rt.vault, doc, "", mapping, "test")
        conn.execute(tables.connection.update().values(me='["tandem.integration"]'))
    rt.desks.load()


def bring(w: World, desk: ServiceNow, replay: Replay) -> None:
    """Apply the log, let every webhook arrive, work it off, and poll once."""
    replay.run()
    assert desk.sender is not None
    assert desk.sender.flush(300)
    w.run(500)
    w.poll()
    w.run(500)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real log is not on this machine")
def test_the_log_comes_in_whole(store: Store, config: Config, full: bool, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(read(SAMPLE))
    if not full:
        some = {row["number"] for row in rows}
        rows = [row for row in rows if row["number"] in set(sorted(some)[::12])]
    with replayed(config, Mood(twice=0.1, shuffle=30, drop=0.1)) as (w, desk):
        replay = Replay(desk, rows)
        bring(w, desk, replay)
        wrong = differences(w, replay)
        assert desk.sender is not None
        tally, tickets = desk.sender.tally, w.value("select count(*) from ticket")
        with capsys.disabled():
            sent = f"{len(rows)} events of {tickets} incidents, {tally.doubled} doubled, {tally.dropped} dropped"
            print(f"\n[{store.dialect}] {sent}, {len(wrong)} wrong")  # noqa: T201 - the counts are to be seen
        assert tickets == len(replay.final())
        assert wrong == []
        assert w.value("select count(*) from arrival where state <> 1") == 0


def differences(w: World, replay: Replay) -> list[tuple[str, str, object, object]]:
    """Per incident, the fields in which the ticket is not what the log's last row means."""
    (row,) = w.rt.desks.rows()
    leg, desk = w.rt.desks.of(row.id, row.mapping_id), w.rt.desks.desk(row.id)
    ours = {
        remote: json.loads(fields)
        for remote, fields in w.rows("select l.remote_id, t.fields from link l join ticket t on t.id = l.ticket_id")
    }
    found = []
    for number, last in replay.final().items():
        record = desk.connector.fetch(w.rt.context(desk), last["sys_id"], False)
        fields = dict(record.fields)
        for name in desk.person_fields:
            known = desk.people.get(str(fields.get(name)))
            fields[name] = known[0] if known else fields.get(name)
        values, _, _ = leg.mapping.inward(fields)
        for name in FIELDS:
            if name in values and token(values[name]) != token(ours[last["sys_id"]].get(name)):
                found.append((number, name, values[name], ours[last["sys_id"]].get(name)))
    return found


@pytest.mark.skipif(not FULL.exists(), reason="the real log is not on this machine")
def test_the_logs_bad_states_are_held_and_never_applied(store: Store, config: Config) -> None:
    rows = list(read(FULL, holding="-100"))
    bad = [row for row in rows if row["incident_state"] == "-100"]
    assert len(bad) == 5
    with replayed(config, Mood()) as (w, desk):
        replay = Replay(desk, rows)
        seen: set[str] = set()
        while (step := replay.step()) is not None:
            assert desk.sender is not None
            assert desk.sender.flush(60)
            w.run()
            if step.row["state"] == "-100":
                statuses = {row[0] for row in w.rows("select status from ticket")}
                assert not statuses & {"-100", ""}
                seen |= {row[0] for row in w.rows("select kind from notice where field = 'status'")}
        assert "held" in seen
        assert differences(w, replay) == []
