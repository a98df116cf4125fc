"""One installation of Tandem, connected to a real desk as an admin connects it, with its parts running.

The web process is the real one (granian in a process of its own); the drains run in a thread of this process, so that a
test can count calls, move the clock and wait until nothing is due. Webhooks may come through ``Lossy``, which drops and
doubles them. Nothing here listens or sends anywhere but on loopback.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from click.testing import Result

from gateway import clock, pipeline
from gateway.config import Config
from gateway.desk import drift
from gateway.runtime import Runtime
from gateway.workers import children
from tests.commandline import runner
from tests.databases import SECRET_KEY
from tests.live.peers import RequestTracker, free_port
from tests.live.provider import Paula
from tests.worlds import World

ROOT = Path(__file__).parents[2]
HOOK_SECRET = "loopback-hook-secret"
IDLE = 0.05
"""Seconds the drains sleep when nothing was due."""

CONNECTION = """
name: {name}
provider: {{slug: {name}, name: Acme Managed Services}}
kind: rt
auth: token
settings: {{url: {url}, queue: {queue}, login: gateway}}
secrets: {{token: {{env: ACME_TOKEN}}, webhook: {{env: ACME_HOOKS}}}}
"""


class Counted:
    """The guarded session, with its calls counted by method."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def send(self, request: Any, **options: Any) -> Any:
        with self._lock:
            self.calls[request.method] += 1
        return self._session.send(request, **options)


class Rig(World):
    """A world whose desk is a Request Tracker. ``polls``: seconds between two polls of its drains, 0 for none."""

    def __init__(self, config: Config, server: RequestTracker, name: str = "acme") -> None:
        super().__init__(Runtime.open(config))
        self.server, self.paula, self.name = server, Paula(server), name
        self.session = Counted(self.rt.session)
        self.rt.session = self.session  # type: ignore[assignment]
        self.polls = 0.0
        self.ahead = 0
        self.rt.now = lambda: clock.now_us() + self.ahead
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._working = threading.Lock()

    # -- as an admin does it

    @classmethod
    def connect(cls, config: Config, server: RequestTracker, more: str = "", queue: str = "Escalations") -> Rig:
        """Add the connection by the command line, from a document and two variables."""
        done = cls.connection_add(config, server, CONNECTION.format(name="acme", url=server.url, queue=queue) + more)
        assert done.exit_code == 0, f"{done.output} {done.exception}"
        return cls(config, server)

    @staticmethod
    def connection_add(config: Config, server: RequestTracker, text: str) -> Result:
        document = config.home / "acme.yaml"
        document.write_text(text)
        env = {"ACME_TOKEN": server.secrets["gateway"], "ACME_HOOKS": HOOK_SECRET}
        allowed = ",".join(config.egress_allow)
        return runner(config)("connection", "add", str(document), TANDEM_EGRESS_ALLOW=allowed, **env)

    @property
    def connection(self) -> int:
        found = self.rt.desks.id_of(self.name)
        assert found is not None
        return found

    # -- the drains

    def start(self) -> None:
        self._thread = threading.Thread(target=self._drains, name="drains", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)
        self.rt.close()

    def _drains(self) -> None:
        polled = 0.0
        while not self._stop.is_set():
            try:
                with self._working:
                    did = pipeline.process(self.rt) + pipeline.deliver(self.rt, 2.0)
                    if self.polls and time.monotonic() - polled >= self.polls:
                        did += pipeline.poll(self.rt, self.connection)
                        polled = time.monotonic()
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                did = 0
            if not did:
                self._stop.wait(IDLE)

    def look(self) -> int:
        """One poll now; how much of it was new."""
        with self._working:
            return pipeline.poll(self.rt, self.connection)

    def quiet(self, within: float = 600.0) -> None:
        """Wait until nothing is due and nothing is in flight."""
        until = time.monotonic() + within
        while self.waiting():
            assert time.monotonic() < until, f"not quiet in {within:.0f} s: {self.waiting()} {self.failures[-3:]}"
            time.sleep(0.1)

    def waiting(self) -> dict[str, Any]:
        """What keeps the drains busy, or will later."""
        found = {
            "arrivals": self.value("select count(*) from arrival where state = 0"),
            "lanes": self.value("select count(*) from lane where due_at is not null"),
            "deliveries": self.value("select count(*) from delivery where state = 0"),
        }
        return {name: count for name, count in found.items() if count}

    def settle(self, within: float = 600.0) -> None:
        """Poll until a poll brings nothing more; what waits for its time alone gets there at once."""
        until = time.monotonic() + within
        while True:
            new = self.look()
            while self.waiting():
                assert time.monotonic() < until, f"not settled in {within:.0f} s: {self.stuck()}"
                self.skip()
                time.sleep(IDLE)
            if not new:
                return

    def skip(self) -> None:
        """Where nothing is to be done now, move the clock to when something is. Nothing is in flight while the drains
        stand still."""
        with self._working:
            now = self.rt.now()
            lanes = self.value("select min(due_at) from lane where due_at is not null")
            arrivals = self.value("select min(coalesce(due_at, 0)) from arrival where state = 0")
            opens = self.value("select max(until) from health where breaker = 'open'") or 0
            first = min((one for one in (lanes, arrivals) if one is not None), default=0)
            if first > now or (opens > now and arrivals is None):
                self.ahead += max(first, opens) - now

    def stuck(self) -> dict[str, Any]:
        """Everything that says why it does not end."""
        return {
            "waiting": self.waiting(),
            "lanes": self.rows("select link_id, due_at, tries, held from lane where due_at is not null limit 5"),
            "deliveries": self.rows("select kind, tries, said from delivery where state = 0 limit 5"),
            "health": self.rows("select breaker, fails, until, last_error from health"),
            "failures": self.failures[-3:],
        }

    # -- what both sides hold

    def escalated(self, **fields: Any) -> tuple[int, str]:
        """A ticket the desk has: its id here and there."""
        ticket = self.create(**fields)
        self.wish("escalate", ticket, connection=self.name)
        self.quiet()
        return ticket, self.remote(ticket)

    def told(self, ticket: int) -> list[tuple[Any, ...]]:
        """(kind, field, text) of every notice about a ticket, in their order."""
        return self.rows("select kind, field, text from notice where ticket_id = ? order by id", ticket)

    def remote(self, ticket: int) -> str:
        found: str = self.value("select remote_id from link where ticket_id = ?", ticket)
        return found

    def fields(self, ticket: int) -> dict[str, Any]:
        """Our fields."""
        fields: dict[str, Any] = json.loads(self.value("select fields from ticket where id = ?", ticket))
        return fields

    def drift(self) -> list[drift.Compared]:
        """The links whose records differ from their tickets, as ``tandem drift`` finds them."""
        with self._working:
            found = list(drift.look(self.rt, self.connection))
        return [one for one in found if one.differences or one.said]

    def file(self, name: str, content: bytes, mime: str) -> dict[str, Any]:
        """Stored bytes, as a command takes them."""
        return {**self.rt.files.put([content]), "name": name, "mime": mime}


@contextmanager
def running(rig: Rig) -> Iterator[Rig]:
    """The rig with its drains going."""
    rig.start()
    try:
        yield rig
    finally:
        rig.stop()


@contextmanager
def door(config: Config) -> Iterator[str]:
    """The real web process on a free port; its URL."""
    port = free_port()
    environ = {
        **config.bound_to("127.0.0.1", port).child_environment(),
        "TANDEM_DATABASE_URL": config.database_url,
        "TANDEM_SECRET_KEY": SECRET_KEY,
        "PYTHONPATH": str(ROOT),
    }
    log = config.home / "web.log"
    process = children.spawn([sys.executable, "-m", "gateway", "web"], environ, log, ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while True:
            try:
                if requests.get(f"{url}/healthz", timeout=5).ok:
                    break
            except requests.ConnectionError:
                pass
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.1)
        yield url
    finally:
        children.stop(process, grace=10)


class Lossy:
    """Stands between a desk and our door: drops some webhooks, doubles some, lets the others through."""

    def __init__(self, target: str, drop: float, double: float, seed: int) -> None:
        self.target, self.drop, self.double = target, drop, double
        self.counts: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(proxy.pass_on(self.path, dict(self.headers.items()), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def pass_on(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status that the desk is told; what is dropped looks delivered to it."""
        with self._lock:
            chance = self._chance.random()
            word = "dropped" if chance < self.drop else "doubled" if chance < self.drop + self.double else "passed"
            self.counts[word] += 1
        status = 202
        for _ in range({"dropped": 0, "passed": 1, "doubled": 2}[word]):
            with requests.Session() as session:
                session.trust_env = False
                status = session.post(self.target + path, data=body, headers=headers, timeout=10).status_code
        with self._lock:
            self.counts[str(status)] += 1
        return status

    def __enter__(self) -> Lossy:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
