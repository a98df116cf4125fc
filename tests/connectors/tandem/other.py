"""A whole Tandem as the desk of the contract: the real application over a database of its own, with people at work."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connectors.base import Arrival
from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.loopback import Loopback, Request, Response
from gateway import pipeline
from gateway.clock import to_us
from gateway.decide.facts import Command
from gateway.people import tokens
from gateway.people.users import By
from gateway.providers import connection
from gateway.runtime import Runtime
from gateway.store import tables
from tests.databases import settings
from tests.pairing.apps import answered, lent, maker

US, SECRET = "alpha", "hooks-" + "s" * 32
PAULA = "user:1"


class Other(Simulator):
    """``beta``, where we are the connection ``alpha``. Its people write as Paula; what it tells us by webhook comes to
    a small server, and from there into ``told``."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self._home = tempfile.TemporaryDirectory(prefix="tandem-")
        self._ear = Loopback(self._hear)
        config = settings(Path(self._home.name), maker().prepared(Path(self._home.name)).url)
        self.rt = Runtime.open(config.allowing(f"127.0.0.1:{self._ear.port}"))
        self.rt.now = lambda: to_us(clock())
        self.by = By("test", self.rt.key, self.rt.now())
        with self.rt.store.write() as conn:
            d = tables.document.c
            mapping = conn.execute(select(d.id).where(d.kind == "mapping", d.name == "tandem")).scalar_one()
            doc = {
                "name": US, "kind": "tandem", "provider": US, "settings": {"url": self._ear.url, "there": "beta"},
                "secrets": {"token": "t", "sign": SECRET, "webhook": "w"},
            }  # fmt: skip
            self._us = connection.add(conn, self.by.key, self.rt.vault, doc, "", mapping, "test")
            self._token, token = tokens.create(conn, self.by, US, "provider", connection_id=self._us)
        self.rt.desks.load()
        self._app = lent("other", self.rt)
        self._brought = 0
        self.settings = {"url": self.url, "there": US}
        self.secrets = {"token": token, "sign": "to-them-" + "x" * 32, "webhook": SECRET}

    def start(self) -> Other:
        self._ear.start()
        return super().start()

    def stop(self) -> None:
        super().stop()
        self._ear.stop()
        self.rt.close()
        self._home.cleanup()

    def _hear(self, request: Request) -> Response:
        if not request.path.startswith("/hooks/"):
            return Response(503)
        self.told.append(Arrival(request.method, request.query, request.headers, request.body))
        return Response(202)

    def answer(self, request: Request) -> Response:
        return answered(self._app, request)

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        raise AssertionError("it signs and sends its own")

    # people at work there

    def _wish(self, what: str, id: str | None, actor: str = PAULA, party: str = "", **data: Any) -> Any:
        wish = Command(what, actor, data, "", "Paula", party)
        done = pipeline.change(self.rt, wish, None if id is None else self._inner(id))
        pipeline.deliver(self.rt)
        return done.named[-1]

    def _inner(self, id: str) -> int:
        found = self.rt.ids.inner(id)
        if found is None:
            raise KeyError(id)
        return found

    def open_record(self, title: str) -> str:
        """A ticket that we brought some other day."""
        self._brought += 1
        guest = {"connection": US, "reference": f"TDM-EARLIER-{self._brought}"}
        made = self._wish(
            "create", None, f"token:{self._token}", f"provider:{US}", fields={"title": title}, guest=guest
        )
        return self.rt.ids.public(made.ticket.id)

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self._wish("edit", id, fields=dict(values))

    def shows(self, id: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self.secrets['token']}"}
        got = self._app.test_client().get(f"/api/v1/tickets/{id}", headers=headers)
        if got.status_code != 200:
            raise KeyError(id)
        shown: Mapping[str, Any] = json.loads(got.get_data())
        return shown

    def ids(self) -> list[str]:
        return [self.rt.ids.public(id) for (id,) in self._rows("select id from ticket order by id")]

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.rt.store.road() as road:
            return road.rows(sql, *values)

    def say(self, id: str, text: str, public: bool) -> str:
        parties = [f"provider:{US}", *(["requester"] if public else [])]
        named = self._wish("comment", id, text=text, audience=parties)
        return self.rt.ids.public(named.ids["new:1"])

    def said(self, id: str) -> list[Said]:
        sql = (
            "select c.id, c.author_name, c.body, (select count(*) from audience a where a.comment_id = c.id"
            " and a.party = 'requester') from comment c where c.ticket_id = ? order by c.id"
        )
        rows = self._rows(sql, self._inner(id))
        return [Said(self.rt.ids.public(one), who, text, bool(public)) for one, who, text, public in rows]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        kept = self.rt.files.put(iter([data]))
        parties = [f"provider:{US}", *(["requester"] if public else [])]
        file = {"name": name, "mime": "application/octet-stream", **kept}
        return self.rt.ids.public(self._wish("attach", id, files=[file], audience=parties).ids["new:1"])

    def kept(self, id: str) -> list[Kept]:
        sql = "select id, name, key, audience from attachment where ticket_id = ? order by id"
        rows = self._rows(sql, self._inner(id))
        return [
            Kept(self.rt.ids.public(one), name, self.rt.files.open(key).read(), '"requester"' in audience)
            for one, name, key, audience in rows
        ]

    def spent(self, id: str) -> list[int]:
        return [row[0] for row in self._rows("select minutes from worklog where ticket_id = ?", self._inner(id))]

    def revoke(self) -> None:
        with self.rt.store.write() as conn:
            tokens.revoke(conn, self.by, self._token)
