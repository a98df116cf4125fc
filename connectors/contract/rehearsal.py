"""One connector before its simulator: what the tests of the contract have in hand."""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from connectors import adf, registry
from connectors.base import Change, Connector, Context, File, Record, Value
from connectors.egress import Egress
from connectors.errors import Outcome
from connectors.manifest import Manifest, defined
from connectors.schema import seconds
from connectors.session import Session
from connectors.simulators.desk import Cannot, Clock, Simulator

LOG = "contract"
"""The logger that a connector gets in these tests."""

SECONDS = 5.0
"""A call's deadline in these tests."""


class Rehearsal:
    """``kind`` of a shipped connector, or the ``folder`` of another with its ``manifest.yaml``. ``fields``: what a
    create of ours gives besides title and body, if the desk insists on more. ``fixtures``: where the vendor's own
    recorded bodies lie, with what is to be read from them."""

    kind: ClassVar[str] = ""
    folder: ClassVar[Path | None] = None
    simulator: ClassVar[Callable[..., Simulator]]
    auth: ClassVar[str] = ""
    verify: ClassVar[str] = ""
    title: ClassVar[str] = "title"
    body: ClassVar[str] = ""
    status: ClassVar[tuple[str, str, str]] = ("status", "", "")
    fields: ClassVar[Mapping[str, Value]] = {}
    fixtures: ClassVar[Path | None] = None
    clocks: ClassVar[Callable[[], Clock]] = Clock
    many: ClassVar[int] = 230
    """More records than two pages of any desk hold."""

    clock: Clock
    sim: Simulator
    desk: Connector
    kept: dict[str, str]
    found: Mapping[str, str]
    lists: Mapping[str, Any]
    opened: ExitStack

    def setup_method(self, _method: object = None) -> None:
        self.clock = type(self).clocks()
        self.kept, self.found, self.lists = {}, {}, {}
        with ExitStack() as opened:
            self.sim = opened.enter_context(type(self).simulator(self.clock))
            self.session = Session(Egress.parse(", ".join(f"127.0.0.1:{port}" for port in self.sim.ports)))
            opened.callback(lambda: self.session.close())
            self.desk = self.connect()
            if self.spec().part("calls").get("check"):
                self.found = self.desk.check(self.ctx()).values
                self.lists = self.connect(found=self.found).lists(self.ctx())
                self.desk = self.fresh()
            self.opened = opened.pop_all()

    def teardown_method(self, _method: object = None) -> None:
        self.opened.close()

    # what the tests build with

    def spec(self) -> Manifest:
        """The manifest under test: of a shipped kind, or of ``folder``."""
        if self.folder is None:
            return registry.manifest(self.kind)
        return _read(self.folder, (self.folder / "manifest.yaml").stat().st_mtime_ns)

    def connect(self, **changes: Any) -> Connector:
        """The connector, as the gateway builds it; ``changes`` go over ``spec``, ``settings``, ``secrets``. All that
        are built share what is kept of the sign-in, but those that are given other secrets."""
        renewal = None if "secrets" in changes else lambda: nullcontext(self.kept)
        settings = {**self.sim.settings, **changes.pop("settings", {})}
        secrets = {**self.sim.secrets, **changes.pop("secrets", {})}
        given = {"auth": self.auth, "verify": self.verify, "renewal": renewal, **changes}
        return registry.build(given.pop("spec", None) or self.spec(), settings=settings, secrets=secrets, **given)

    def fresh(self) -> Connector:
        """A connector that knows what ``check`` and ``lists`` told, and nothing else yet."""
        return self.connect(found=self.found, lists=self.lists)

    def catalogue(self) -> Mapping[str, Any]:
        """The catalogue with the live values."""
        return self.desk.catalogue(self.lists).doc

    def ctx(self, seconds: float = SECONDS, now: datetime | None = None) -> Context:
        log = logging.getLogger(LOG)
        keep = self.kept.__setitem__
        return Context(now or self.clock(), time.monotonic, self.session, log, time.monotonic() + seconds, keep)

    def new(self, title: str = "VPN down ☂", ref: str = "TDM-CONTRACT01", **more: Value) -> str:
        """A record that we create; its id."""
        made = self.desk.create(self.ctx(), {**self.fields, self.title: title, **more}, ref, f"key-{ref}")
        if made.id is None:
            return self.desk.find(self.ctx(), ref)[0].id
        return made.id

    def record(self, id: str) -> Record:
        return self.desk.fetch(self.ctx(), id)

    def poll(self, feed: str, cursor: str | None = None) -> tuple[list[Change], str]:
        """All pages of a feed; the cursor at the end."""
        found: list[Change] = []
        for _ in range(1000):
            page = self.desk.changed(self.ctx(), feed, cursor)
            found += page.changes
            cursor = page.cursor
            if page.done:
                return found, cursor
        raise AssertionError(f"the feed {feed} does not end")

    def polled(self, cursors: dict[str, str]) -> set[str]:
        """The ids of the records that the feeds tell of, once each shows the latest; ``cursors`` move on."""
        ids = set()
        for feed, told in self.desk.feeds.items():
            if told.gives != "worklogs":
                self.clock.forward(seconds(self.spec().part("changed", feed).get("visible_after", "0s")))
                changes, cursors[feed] = self.poll(feed, cursors.get(feed))
                ids |= {change.record_id for change in changes}
        return ids

    # what a desk may lack

    def needs(self, *verbs: str) -> None:
        """Skips with the manifest's own sentence where the desk lacks one of ``verbs``; a lack unsaid is a failure."""
        for verb in verbs:
            if verb not in defined(self.spec().doc):
                assert self.desk.cannot.get(verb), f"{verb} is neither there nor under cannot"
                raise SkipTest(f"{verb}: {self.desk.cannot[verb]}")

    def over_http(self) -> None:
        """Skips where no call of a manifest is made."""
        if not self.spec().part("calls"):
            raise SkipTest("it is not spoken to by calls of a manifest")

    @contextmanager
    def theirs(self) -> Iterator[None]:
        """Acts of the vendor's people; what its product lacks skips the test."""
        try:
            yield
        except Cannot as lack:
            raise SkipTest(str(lack)) from None

    def words(self, text: str) -> str:
        """What a text of the desk says to people, also where it is a tree."""
        return adf.words(adf.tree(text)) if self.desk.text_format == "adf" else text

    def took(self, id: str | None, *call: str) -> None:
        """The id of what a call made is where its ``take`` says, if it says so."""
        spec = self.spec().part(*call)
        where = spec.get("take", {}).get("id") if isinstance(spec, Mapping) else None
        assert id or where is None, f"{'.'.join(call)}: its answer holds no id at {where!r}"

    def channel(self, public: bool) -> str:
        """The channel that reaches the requester, or the one that reaches the desk's people alone."""
        for name, channel in self.desk.channels.items():
            if channel.comment and ("requester" in channel.reaches) == public:
                return name
        raise SkipTest(f"no {'public' if public else 'internal'} channel")


@cache
def _read(folder: Path, _at: int) -> Manifest:
    """The manifest of a folder as it was at that time: each test looks at it many times."""
    return registry.read(folder)


def file_of(name: str, data: bytes, mime: str = "text/plain") -> File:
    """A file to send."""
    return File(name, mime, len(data), hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))


def ends(outcome: type[Outcome], call: Callable[[], object]) -> Outcome:
    """Runs ``call``, which has to end so; the outcome."""
    try:
        got = call()
    except outcome as end:
        return end
    except Outcome as end:
        raise AssertionError(f"{outcome.__name__} expected, not {type(end).__name__}: {end.said}") from end
    raise AssertionError(f"{outcome.__name__} expected, not {got!r}")
