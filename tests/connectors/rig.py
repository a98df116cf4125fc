"""A vendor's simulator and our connector to it, as ``check`` and ``lists`` left it: where tests of its ways begin."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from connectors import registry
from connectors.base import Context, Record
from connectors.egress import Egress
from connectors.rest import Rest
from connectors.session import Session
from connectors.simulators.desk import BEGAN, Clock


class Rig:
    """``fields``: what a create needs; ``began``: when the rehearsal begins."""

    kind: ClassVar[str]
    simulator: ClassVar[Callable[..., Any]]
    fields: ClassVar[Mapping[str, Any]]
    began: ClassVar[datetime] = BEGAN

    def __init__(self) -> None:
        self.clock = Clock(self.began)
        self.sim: Any = type(self).simulator(self.clock).start()
        self.session = Session(Egress.parse(f"127.0.0.1:{self.sim.port}"))
        self.kept: dict[str, str] = {}
        first = self.connect()
        self.found = first.check(self.ctx())
        self.lists = first.lists(self.ctx())
        self.desk = self.connect(found=self.found.values, lists=self.lists)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self.sim.stop()

    def connect(self, **more: Any) -> Rest:
        """The connector; ``settings`` go over those of the simulator."""
        settings = {**self.sim.settings, **more.pop("settings", {})}
        made = registry.build(self.kind, **{"settings": settings, "secrets": self.sim.secrets, **more})
        assert isinstance(made, Rest)
        return made

    def ctx(self) -> Context:
        log = logging.getLogger(f"tests.{self.kind}")
        return Context(self.clock(), time.monotonic, self.session, log, time.monotonic() + 5, self.kept.__setitem__)

    def new(self, ref: str = "TDM-1", **fields: Any) -> str:
        """A record of ours; its id."""
        made = self.desk.create(self.ctx(), {**self.fields, **fields}, ref, "k")
        assert made.id
        return made.id

    def fetch(self, id: str) -> Record:
        return self.desk.fetch(self.ctx(), id)
