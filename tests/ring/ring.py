"""Several vendors' desks around one Tandem, on one simulated clock: what one of them changes reaches all the others."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import update

from connectors.simulators.desk import Simulator
from gateway import pipeline
from gateway.clock import utc
from gateway.inbox.webhooks import Door
from gateway.journal import checkpoints, verify
from gateway.people.users import By
from gateway.providers import admission, documents
from gateway.runtime import Runtime
from gateway.store import tables
from tests.connectors.matrix import contract
from tests.databases import Maker, settings
from tests.worlds import World

START = 1_780_000_000_000_000
MIXTURE = (
    (0.05, "commit_then_drop", {}),
    (0.05, "drop_before_commit", {}),
    (0.04, "status", {"status": 503}),
    (0.03, "commit_then_status", {"status": 502}),
    (0.03, "truncate_head", {"size": 20}),
)
"""Of the requests to each desk, a fifth goes wrong."""

OURS = re.compile(r"our (comment \d+|word for \w+)")
"""What the tests say, in whatever markup a desk keeps it."""

OWN = {
    "jira": """mapping: 1
name: own-jira
extends: jira
fields:
  kind: {values: {Task: request}, write: {request: Service request}}
  status: {values: {Waiting: pending_provider}}
""",
}
"""What an admin adds to a shipped mapping for types and statuses of the site's own."""

WAYS = {
    "1": ["3", "5", "6"],
    "3": ["1", "10010", "5", "6"],
    "10010": ["3"],
    "5": ["6", "4"],
    "6": ["4"],
    "4": ["3", "5"],
}
LEVELS = {"High": "High", "Medium": "Medium", "Low": "Low"}
DECLARED = {
    "jira": {"workflow": {"hops": 3, "edges": WAYS}},
    "redmine": {
        "fields": {
            "custom:1": {"type": "text", "max": 80},
            "custom:2": {"type": "choice", "values": LEVELS},
            "custom:3": {"type": "choice", "values": dict(LEVELS)},
            "custom:4": {"type": "text", "max": 255},
        }
    },
}
"""What an admin declares: of a desk that shows its workflow only step by step, of one that tells its custom fields to
administrators alone."""


class Ring:
    """One installation, and a desk of each of ``kinds`` as a provider of that name."""

    def __init__(self, maker: Maker, folder: Path, kinds: tuple[str, ...]) -> None:
        self._maker, self._database = maker, maker.prepared(folder)
        self.clock = START
        self.contracts = {kind.replace("_", "-"): contract(kind) for kind in kinds}
        self.sims: dict[str, Simulator] = {k: one.simulator(self.time).start() for k, one in self.contracts.items()}
        config = settings(folder, self._database.url)
        self.rt = Runtime.open(config.allowing(*(f"127.0.0.1:{sim.port}" for sim in self.sims.values())))
        self.rt.now, self.rt._told_at = self.now, math.inf
        self.world = World(self.rt)
        self.door = Door(self.rt)
        self.heard = dict.fromkeys(self.sims, 0)
        for kind, sim in self.sims.items():
            self._connect(kind, sim)

    def _connect(self, name: str, sim: Simulator) -> None:
        kind = self.contracts[name].kind
        doc = {"name": name, "provider": name, "kind": kind, "mapping": OWN.get(kind, kind), "intake": "ignore"}
        doc |= {"declared": DECLARED[kind]} if kind in DECLARED else {}
        text = yaml.safe_dump({**doc, "settings": dict(sim.settings), "secrets": dict(sim.secrets)})
        admission.add(self.rt, By("test", self.rt.key, self.now()), documents.read(text))
        with self.rt.store.write() as conn:
            conn.execute(update(tables.connection).values(poll_at=START))
        self.rt.desks.load()

    def close(self) -> None:
        self.rt.close()
        for sim in self.sims.values():
            sim.stop()
        self._maker.drop(self._database)

    # time and work

    def now(self) -> int:
        self.clock += 10
        return self.clock

    def time(self) -> datetime:
        return utc(self.clock)

    def turn(self, seconds: float, hooks: bool = True) -> None:
        """Time goes on; webhooks come in, or else the desks are polled; what is due is done."""
        self.clock += int(seconds * 1_000_000)
        if hooks:
            self.listen()
        else:
            self.world.poll()
        self.world.run()

    def listen(self) -> None:
        """Every webhook that the desks have sent since."""
        for kind, sim in self.sims.items():
            for arrival in sim.told[self.heard[kind] :]:
                pipeline.receive(self.door, kind, arrival)
            self.heard[kind] = len(sim.told)

    def calm(self) -> None:
        """Faults stop, and everything drains."""
        for sim in self.sims.values():
            sim.faults.clear()
        for round_ in range(40):
            self.turn(30 if round_ < 10 else 600, hooks=round_ % 2 == 0)
            if round_ > 6 and not self.busy():
                break
        self.turn(60, hooks=False)

    def busy(self) -> bool:
        return bool(
            self.world.value("select count(*) from delivery where state = 0")
            or self.world.value("select count(*) from arrival where state = 0")
            or self.world.value("select count(*) from lane where due_at is not null and held = ''")
        )

    def storm(self, seed: int) -> None:
        """From now on a fifth of all requests goes wrong."""
        for number, sim in enumerate(self.sims.values()):
            sim.faults.seed(seed + number)
            for share, what, how in MIXTURE:
                sim.faults.chance(share, what, **how)  # type: ignore[arg-type]

    # what stands where

    def remote(self, kind: str) -> str:
        """The record of the one ticket at a desk."""
        sql = "select l.remote_id from link l join connection c on c.id = l.connection_id where c.name = ?"
        return str(self.world.value(sql, kind))

    def titles(self) -> dict[str, Any]:
        """The title of the one ticket, here and at every desk as its connector reads it."""
        found = {"tandem": self.world.value("select title from ticket")}
        for kind in self.sims:
            id = self.rt.desks.id_of(kind)
            assert id is not None
            desk = self.rt.desks.desk(id)
            record = desk.connector.fetch(self.rt.context(desk), self.remote(kind), False)
            found[kind] = record.fields[self.contracts[kind].title]
        return found

    def retitle(self, kind: str, title: str) -> None:
        """Somebody there gives the record another title."""
        self.sims[kind].change(self.remote(kind), {self.contracts[kind].title: title})

    def said(self) -> dict[str, list[tuple[str, bool]]]:
        """What we said at every desk: (text, whether the requester reads it)."""
        return {
            kind: [
                (told[0], one.public)
                for one in sim.said(self.remote(kind))
                if (told := OURS.search(one.text)) is not None
            ]
            for kind, sim in self.sims.items()
        }

    def audit_problems(self) -> tuple[Any, ...]:
        keys = checkpoints.Keys.of(self.rt.config)
        while checkpoints.seal(self.rt.store, keys, self.now()):
            pass
        return verify.verify(self.rt.store, keys, [], self.now()).problems
