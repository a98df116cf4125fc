"""F4 F5 F6 F7 F9 F11: feeds that do not end, skip, come late, or come from another past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import SkipTest

from connectors import paths
from connectors.contract.altered import document, rows_of, with_rows
from connectors.contract.rehearsal import Rehearsal
from connectors.errors import Gone, Outcome
from connectors.pages import size
from connectors.paths import plain, source
from connectors.schema import seconds
from connectors.simulators.loopback import Request, Response
from connectors.templates import leaves

DAY = 86400.0


class Cursors(Rehearsal):
    def first_feed(self, *kinds: str) -> tuple[str, Mapping[str, Any]]:
        """The feed that tells of records, if its pages or its cursor are of one of ``kinds``."""
        self.over_http()
        self.needs("changed")
        name = next(name for name, feed in self.desk.feeds.items() if feed.gives != "worklogs")
        spec = self.spec().part("changed", name)
        pages, cursor = spec.get("page", {}).get("kind", "none"), spec["cursor"]["kind"]
        if kinds and not {pages, cursor} & set(kinds):
            raise SkipTest(f"needs a feed by {' or '.join(kinds)}; this one goes by {cursor}, its pages by {pages}")
        return name, spec

    def told(self, feed: str, cursor: str | None = None) -> tuple[set[str], str]:
        """The ids that one poll tells, and the cursor after it."""
        self.clock.forward(seconds(self.spec().part("changed", feed).get("visible_after", "0s")))
        changes, cursor = self.poll(feed, cursor)
        return {change.record_id for change in changes}, cursor

    def test_f04_a_desk_that_gives_its_last_page_again_and_again_ends(self) -> None:
        feed, spec = self.first_feed("page", "offset")
        _, cursor = self.told(feed)
        ids, last, pages = set(), [Response()], 0
        with self.theirs():
            for number in range(size(spec["page"])):
                ids.add(self.sim.open_record(f"record {number}"))
                self.clock.forward(1)

        def clamped(_: Request, response: Response) -> Response:
            nonlocal pages
            pages += 1
            assert pages < 50, "the same page, again and again"
            if rows_of(response, spec["items"]):
                last[0] = response
            return last[0]

        self.sim.going = clamped
        assert ids <= self.told(feed, cursor)[0]

    def test_f05_an_empty_page_that_names_a_next_one_is_not_the_end(self) -> None:
        feed, spec = self.first_feed("link", "next_url", "token")
        _, cursor = self.told(feed)
        with self.theirs():
            for number in range(self.many):
                self.sim.open_record(f"record {number}")
                self.clock.forward(1)
        pages = 0

        def emptied(_: Request, response: Response) -> Response:
            nonlocal pages
            rows = rows_of(response, spec["items"])
            pages += bool(rows)
            return with_rows(response, spec["items"], []) if rows and pages == 1 else response

        self.sim.going = emptied
        ids, _ = self.told(feed, cursor)
        if not pages or (pages == 1 and self.holds_all(spec)):
            raise SkipTest("one page of it holds more")
        assert ids, "the end, at a page that rights had emptied"

    def holds_all(self, spec: Mapping[str, Any]) -> bool:
        """Whether one page of a feed holds all that these tests make."""
        return size(spec["page"]) > self.many

    def test_f06_a_filter_that_is_ignored_is_noticed(self) -> None:
        feed, spec = self.first_feed("time", "id")
        with self.theirs():
            old, began = self.sim.open_record("an old one"), self.clock()
            self.clock.forward(2 * DAY)
            aged = (self.clock() - began).total_seconds() >= DAY  # a real server's clock stays where it is
            new = self.sim.open_record("a new one")
            for number in range(int(spec["cursor"]["overlap"]) + 5 if spec["cursor"]["kind"] == "id" else 1):
                self.clock.forward(1)
                self.sim.change(new, {self.title: f"version {number}"})
        told: list[Response] = []
        self.sim.going = lambda _, response: self.noted(told, spec, response)
        first, cursor = self.told(feed)
        if not told:
            raise SkipTest("its feed is put together from several answers")
        assert old in first
        shown: list[Response] = []
        self.sim.going = lambda _, response: self.noted(shown, spec, response)
        self.told(feed, cursor)
        where = str(spec.get("record_id", self.spec().part("record")["id"]))
        rows = [row for response in shown for row in rows_of(response, spec["items"])]
        again = old in {plain(source(where, paths.Reply(row))) for row in rows}
        assert not (again and aged) or not self.filters(spec), "the desk is asked for all, each time"
        self.sim.going = lambda _, response: told.pop(0) if told and self.listing(spec, response) else response
        assert old not in self.told(feed, cursor)[0]

    def filters(self, spec: Mapping[str, Any]) -> bool:
        """Whether its feed asks from somewhere on, and not for the newest first."""
        texts = [text for key in ("send", "query", "body") for text in leaves(spec.get(key))]
        return any(name in text for text in texts for name in ("{since}", "{after}"))

    def noted(self, told: list[Response], spec: Mapping[str, Any], response: Response) -> Response:
        if rows_of(response, spec["items"]):
            told.append(response)
        return response

    def listing(self, spec: Mapping[str, Any], response: Response) -> bool:
        """Whether this is an answer of the feed, with rows or without."""
        found = paths.parse(spec["items"]).read(document(response))
        return isinstance(found, list)

    def test_f07_a_row_that_shows_late_is_told_late(self) -> None:
        feed, spec = self.first_feed("time", "id")
        _, cursor = self.told(feed)
        with self.theirs():
            late = self.sim.open_record("the late one")
            self.clock.forward(1)
            soon = self.sim.open_record("the other one")
        where, hidden = str(spec.get("record_id", self.spec().part("record")["id"])), 0

        def without(_: Request, response: Response) -> Response:
            nonlocal hidden
            rows = rows_of(response, spec["items"])
            kept = [row for row in rows if plain(source(where, paths.Reply(row))) != late]
            hidden += len(rows) - len(kept)
            return with_rows(response, spec["items"], kept) if len(kept) < len(rows) else response

        self.sim.going = without
        ids, cursor = self.told(feed, cursor)
        if not hidden:
            raise SkipTest("its feed is put together from several answers")
        assert late not in ids and soon in ids
        self.sim.going = None
        self.clock.forward(60)
        assert late in self.told(feed, cursor)[0]

    def test_f09_what_we_may_not_see_any_more_is_not_deleted(self) -> None:
        id = self.new()
        self.sim.faults.plan("status", status=403, times=9)
        try:
            state = self.record(id).state
        except Gone:
            state = "gone"
        except Outcome:
            return
        raise AssertionError(f"a record that we may not see is {state}")

    def test_f11_a_desk_that_was_set_back_is_noticed(self) -> None:
        feed, spec = self.first_feed("id")
        id = self.new()
        with self.theirs():
            self.sim.change(id, {self.title: "before it was set back"})
        _, cursor = self.told(feed)
        assert not self.desk.changed(self.ctx(), feed, cursor).regressed
        self.sim.going = lambda _, response: (
            with_rows(response, spec["items"], []) if rows_of(response, spec["items"]) else response
        )
        assert self.desk.changed(self.ctx(), feed, cursor).regressed
