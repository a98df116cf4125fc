"""What every vendor's simulator is: a loopback server with state, a clock, faults, webhooks, and people who work there.

A simulator answers as the vendor's documentation says, and is written from that alone. The acts of the vendor's own
people (``open_record`` to ``remove``) go around its API, as if done in its own screens; ids and values are those that
the connector's catalogue names.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, NoReturn, Self

from connectors.base import Arrival
from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Loopback, Request, Response
from connectors.simulators.webhooks import Mood, Sender

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Clock:
    """A time that moves when it is told to. Aware UTC."""

    def __init__(self, at: datetime = BEGAN) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Cannot(Exception):
    """The vendor's product has no such thing."""


@dataclass(frozen=True)
class Said:
    """A comment as people see it there. ``public``: the requester sees it too; ``text`` as its author wrote it."""

    id: str
    author: str
    text: str
    public: bool


@dataclass(frozen=True)
class Kept:
    """A file as people see it there."""

    id: str
    name: str
    data: bytes
    public: bool


class Simulator(ABC):
    """``settings`` and ``secrets``: what an admin fills in for a connection to it. ``webhook``: where its webhooks go;
    ``told`` keeps each of them as the receiver gets it, whether or not it is sent. ``asked``: all that it was asked.
    ``slip``: an exception that it raised instead of an answer.
    ``coming`` and ``going`` may make another request, or another answer, of one on its way: what a rule of that desk,
    or another version of it, would do."""

    settings: Mapping[str, Any]
    secrets: Mapping[str, str]

    def __init__(
        self, clock: Callable[[], datetime], *, webhook: str | None = None, mood: Mood | None = None, port: int = 0
    ) -> None:
        self.clock = clock
        self.faults = Faults()
        self.lock = RLock()
        self.asked: list[Request] = []
        self.slip: Exception | None = None
        self.told: list[Arrival] = []
        self.coming: Callable[[Request], Request] | None = None
        self.going: Callable[[Request, Response], Response] | None = None
        self.sender = Sender(webhook, self.sign, uuid.uuid4().hex[:8], mood) if webhook else None
        self._loopback = Loopback(self._noted, port, self.faults)
        self.url = self._loopback.url
        self.port = self._loopback.port

    # what a vendor fills in

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """One call of the API."""

    @abstractmethod
    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        """The headers of a webhook."""

    # people at work there: what a vendor's product lacks raises ``Cannot``

    @abstractmethod
    def open_record(self, title: str) -> str:
        """A new record where our connection looks; its id."""

    @abstractmethod
    def change(self, id: str, values: Mapping[str, Any]) -> None:
        """Sets fields, by catalogue name, to normal values of the catalogue."""

    @abstractmethod
    def shows(self, id: str) -> Mapping[str, Any]:
        """The record as the API's own representation; raises KeyError."""

    @abstractmethod
    def ids(self) -> list[str]:
        """The records that are there."""

    @abstractmethod
    def say(self, id: str, text: str, public: bool) -> str:
        """A comment of theirs; its id."""

    @abstractmethod
    def said(self, id: str) -> list[Said]:
        """All that was said, the description apart."""

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        """A file of theirs; its id."""
        self._cannot("files")

    def kept(self, id: str) -> list[Kept]:
        """The files of a record."""
        self._cannot("files")

    def spent(self, id: str) -> list[int]:
        """The minutes that were written down, entry by entry."""
        self._cannot("time entries")

    def work(self, id: str, minutes: int, text: str) -> str:
        """Time that somebody there books; its id."""
        self._cannot("time of their people")

    def edit(self, id: str, comment: str, text: str | None) -> None:
        """Gives a comment another text; None deletes it."""
        self._cannot("edits of comments")

    def remove(self, id: str) -> None:
        """The record is deleted."""
        self._cannot("deletion")

    def move(self, id: str) -> None:
        """The record goes where our connection does not look."""
        self._cannot("place where our connection does not look")

    def revoke(self) -> None:
        """Our credentials stop working."""
        self._cannot("a sign-in to revoke")

    def expire(self) -> None:
        """The access tokens given so far stop working; another sign-in gives a new one."""
        self._cannot("sign-in that expires")

    def seal(self, id: str) -> None:
        """The record is over for good: it takes no change any more."""
        self._cannot("record that takes no change any more")

    def challenged(self) -> tuple[Arrival, bytes]:
        """The question that comes before webhooks are sent, and its right answer."""
        self._cannot("question before its webhooks")

    # the server

    def announce(self, body: bytes) -> None:
        """A webhook leaves."""
        headers = {name.lower(): value for name, value in self.sign(body, f"d-{len(self.told) + 1}").items()}
        self.told.append(Arrival("POST", {}, headers, body))
        if self.sender is not None:
            self.sender.offer(body)

    @property
    def ports(self) -> tuple[int, ...]:
        """All that it listens on."""
        return (self.port,)

    def start(self) -> Self:
        """Serves from threads of its own."""
        self._loopback.start()
        return self

    def stop(self) -> None:
        """Closes the port and the sender."""
        self._loopback.stop()
        if self.sender is not None:
            self.sender.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _noted(self, request: Request) -> Response:
        with self.lock:
            self.asked.append(request)
            try:
                response = self.answer(self.coming(request) if self.coming else request)
            except Exception as error:
                self.slip = error  # whoever asked sees a connection that ends: here is why
                raise
            response = self.going(request, response) if self.going else response
        if self.sender is not None and self.sender.mood.first:
            self.sender.flush()
        return response

    def _cannot(self, what: str) -> NoReturn:
        raise Cannot(f"{type(self).__name__} has no {what}")
