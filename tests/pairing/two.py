"""Tandems for tests: each with a home, a database, a clock and a port of its own, and its people at work."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from werkzeug.test import TestResponse

from connectors.egress import Egress
from connectors.session import Session
from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Loopback, Request, Response
from gateway import pipeline
from gateway.clock import now_us
from gateway.decide.facts import Command
from gateway.people import tokens
from gateway.people.users import By
from gateway.providers import pairing
from gateway.runtime import Runtime
from tests.commandline import runner
from tests.databases import settings
from tests.pairing.apps import answered, lent, maker

ANA = "user:1"


class Side:
    """One Tandem. ``ahead``: seconds by which its clock is ahead; ``asked``: every request it got, ``said``: the
    status it answered; ``faults``: what goes wrong with its answers."""

    def __init__(self, name: str, home: Path, ahead: float = 0.0) -> None:
        self.name = name
        self.faults, self.asked, self.said = Faults(), list[Request](), list[int]()
        self._noting = Lock()
        self._server = Loopback(self._answer, 0, self.faults)
        self.url = self._server.url
        self.config = settings(home, maker().prepared(home).url)
        self.rt = Runtime.open(self.config)
        self.ahead = ahead
        self.rt.now = lambda: now_us() + int(self.ahead * 1e6)
        self.app = lent(name, self.rt)
        self.tandem = runner(self.config)
        self.by = By(ANA, self.rt.key, self.rt.now())
        with self.rt.store.write() as conn:
            self._tokens = {role: tokens.create(conn, self.by, role, role)[1] for role in ("admin", "agent")}

    def reaches(self, *others: Side) -> None:
        """The operator lets it go to these addresses."""
        self.egress = ", ".join(f"127.0.0.1:{other.port}" for other in others)
        self.rt.session = Session(Egress.parse(self.egress))

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
        self.rt.close()

    def _answer(self, request: Request) -> Response:
        said = answered(self.app, request)
        with self._noting:
            self.asked.append(request)
            self.said.append(said.status)
        return said

    # its people

    def call(self, method: str, path: str, body: Any = None, who: str = "agent", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self._tokens.get(who, who)}"}
        return self.app.test_client().open(f"/api/v1/{path}", method=method, json=body, headers=headers, **more)

    def done(self, method: str, path: str, body: Any = None, who: str = "agent") -> Any:
        answer = self.call(method, path, body, who)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.get_data(as_text=True))
        return answer.json

    def ticket(self, title: str = "VPN down", **fields: Any) -> str:
        return str(self.done("POST", "tickets", {"title": title, **fields})["id"])

    def escalate(self, id: str, to: str, **more: Any) -> None:
        self.done("POST", f"tickets/{id}/escalate", {"connection": to, "reason": "theirs", **more})

    def say(self, id: str, text: str, *audience: str) -> None:
        self.done("POST", f"tickets/{id}/comments", {"text": text, "audience": list(audience) or ["team"]})

    def upload(self, id: str, name: str, data: bytes, *audience: str) -> None:
        kept = self.rt.files.put(iter([data]))
        file = {"name": name, "mime": "text/plain", **kept}
        wish = Command("attach", ANA, {"files": [file], "audience": list(audience)}, "", "Ana")
        pipeline.change(self.rt, wish, self.rt.ids.inner(id))

    def edit(self, id: str, **fields: Any) -> None:
        self.done("PATCH", f"tickets/{id}", fields)

    def shows(self, id: str) -> Any:
        return self.done("GET", f"tickets/{id}")

    def texts(self, id: str) -> list[str]:
        return [one["text"] for one in self.done("GET", f"tickets/{id}/comments")["items"]]

    def files(self, id: str) -> dict[str, bytes]:
        return {
            one["name"]: self.call("GET", f"tickets/{id}/attachments/{one['id']}").get_data()
            for one in self.done("GET", f"tickets/{id}/attachments")["items"]
        }

    def all(self) -> list[str]:
        return [one["id"] for one in self.done("GET", "tickets?limit=200")["items"]]

    def state(self, name: str) -> str:
        return str(self.done("GET", f"connections/{name}", who="admin")["state"])

    def state_of(self, name: str) -> str | None:
        """The state of a connection, if there is one."""
        found = self.rows("select state from connection where name = ?", name)
        return str(found[0][0]) if found else None

    def connector(self, name: str) -> str:
        """The token by which this side comes to the other one."""
        desk: Any = self.rt.desks.desk(self.rt.desks.id_of(name) or 0).connector
        return str(desk.webhook_secrets["token"])

    # its work

    def work(self) -> int:
        """Process and deliver what is due now; how much that was."""
        return pipeline.process(self.rt) + pipeline.deliver(self.rt, 5.0)

    def poll(self) -> None:
        for row in self.rt.desks.rows():
            if row.state == "active":
                pipeline.poll(self.rt, row.id)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.rt.store.road() as road:
            return road.rows(sql, *values)

    def hurry(self) -> None:
        """What waits for a while is due now."""
        with self.rt.store.road(write=True) as road:
            road.run("update lane set due_at = 0 where due_at is not null")


@contextmanager
def sides(*names: str, ahead: tuple[float, ...] = ()) -> Iterator[tuple[Side, ...]]:
    """Tandems that serve and may reach one another, not yet paired."""
    with ExitStack() as stack:
        made = []
        for at, name in enumerate(names):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-")))
            made.append(Side(name, home, ahead[at] if at < len(ahead) else 0.0))
        for one in made:
            one.reaches(*(other for other in made if other is not one))
            one.start()
            stack.callback(one.stop)
        yield tuple(made)


def pair(one: Side, other: Side) -> pairing.Joined:
    """Pair two of them, each called as the other side's connection there."""
    code = one.done("POST", "pairings", {"name": other.name, "url": one.url}, "admin")["code"]
    return pairing.join(other.rt, other.by, code, pairing.Side(one.name, other.url, one.name, one.name.title()))


def quiet(*of: Side, rounds: int = 60) -> None:
    """All work, until nobody has anything left."""
    for _ in range(rounds):
        if not sum(one.work() for one in of):
            return
    raise AssertionError("they do not come to rest")


def forward(*of: Side, times: int = 6) -> None:
    """Time passes for all of them, until what waited for it has been done."""
    for _ in range(times):
        quiet(*of)
        for one in of:
            one.ahead += 61.0
            one.hurry()
    quiet(*of)
