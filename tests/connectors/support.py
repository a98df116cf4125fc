"""What the connector tests share: a desk that answers from a script on the loopback, contexts, small manifests."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import Context
from connectors.egress import Egress
from connectors.rest import Rest
from connectors.session import Session
from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Loopback, Request, Response

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"
DESKLY = (Path(__file__).parents[2] / "docs/examples/deskly.yaml").read_text("utf-8")


class Scripted:
    """A desk on the loopback: answers what ``answer`` says, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.asked: list[Request] = []
        self.faults = Faults()
        self._answer = answer
        self._server = Loopback(self._noted, 0, self.faults)
        self.url = self._server.url
        self.port = self._server.port

    def _noted(self, request: Request) -> Response:
        self.asked.append(request)
        return self._answer(request)

    def __enter__(self) -> Scripted:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class Kept(dict[str, str]):
    """What a connector asked to keep, in order too."""

    def __init__(self, *given: Mapping[str, str]) -> None:
        super().__init__(*given)
        self.order: list[str] = []

    def __setitem__(self, name: str, value: str) -> None:
        self.order.append(name)
        super().__setitem__(name, value)


def context(port: int | None = None, *, seconds: float = 10.0, now: datetime = NOW, kept: Any = None) -> Context:
    """A context whose session may reach ``port`` of the loopback and nothing else."""
    session = Session(Egress.parse(f"127.0.0.1:{port}" if port else ""))
    log = logging.getLogger("tests.connectors")
    keep = (kept if kept is not None else Kept()).__setitem__
    return Context(now, time.monotonic, session, log, time.monotonic() + seconds, keep)


def deskly(url: str, text: str = DESKLY, **more: Any) -> Rest:
    """The desk of ``docs/examples/deskly.yaml``, or a variation of it."""
    given: dict[str, Any] = {
        "settings": {"url": url, "team": "network"},
        "secrets": {"token": "s3cr3t-token", "webhook": "s3cr3t-hook"},
        **more,
    }
    desk = registry.build(registry.load(text), **given)
    assert isinstance(desk, Rest)
    return desk


def ticket(id: int = 7, **more: Any) -> dict[str, Any]:
    """A ticket as Deskly writes it."""
    return {
        "id": id,
        "revision": 3,
        "created_at": "2026-11-21T20:00:00Z",
        "updated_at": "2026-11-21T21:00:00Z",
        "updated_by": "paula",
        "title": "VPN down",
        "body": "since 08:00",
        "status": "open",
        "priority": 2,
        "partner_ref": None,
        **more,
    }


def recorded(path: str) -> dict[str, Any]:
    """A recording under ``fixtures``."""
    document: dict[str, Any] = json.loads((FIXTURES / path).read_text("utf-8"))
    return document


def replay(path: str) -> Response:
    """A recorded response, to be given again."""
    response = recorded(path)["response"]
    body = json.dumps(response["json"]).encode() if "json" in response else str(response.get("text", "")).encode()
    kept = {name: value for name, value in response["headers"] if name in ("ETag", "Location", "Link")}
    return Response(response["status"], body, "application/json", kept)


@contextmanager
def serving(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Iterator[Scripted]:
    """A desk that gives the same answer to everything."""
    with Scripted(lambda request: Response.of(document, status, headers or {})) as desk:
        yield desk
