"""W3 W4 W13, R4 R5 R9, I3: answers that a desk of another version, another rule or another hand would give."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest import SkipTest
from zoneinfo import ZoneInfo

from connectors import paths
from connectors.base import Item, Record
from connectors.contract.altered import document, each_at, keys, rows_of, saying
from connectors.contract.rehearsal import Rehearsal, ends
from connectors.egress import Egress
from connectors.errors import Outcome, Refused
from connectors.session import REPLY_CAP, Session
from connectors.simulators.loopback import Loopback, Request, Response

UNHEARD = "77777"
"""A value that no desk of these has."""

ELSEWHERE = "Pacific/Auckland"


class Oddities(Rehearsal):
    def test_w03_an_address_of_another_host_is_not_followed(self) -> None:
        self.over_http()
        id, asked = self.new(), []
        with self.theirs():
            self.sim.upload(id, "log.txt", b"bytes", True)
        item = self.record(id).files[0]

        def strange(request: Request) -> Response:
            asked.append(request.path)
            return Response.of({})

        with Loopback(strange) as stranger:
            session, self.session = self.session, self.open_to(stranger.port)
            try:
                self.leads_away(stranger.url, item)
            finally:
                self.session.close()
                self.session = session
        assert asked == []

    def open_to(self, *ports: int) -> Session:
        """A session that may reach these ports besides: it is not the network that holds us back."""
        return Session(Egress.parse(", ".join(f"127.0.0.1:{port}" for port in (*self.sim.ports, *ports))))

    def leads_away(self, url: str, item: Item) -> None:
        """Follows a file's address and a next page's to ``url``, as far as this desk follows any."""
        led: list[str] = []
        try:
            b"".join(self.desk.file(self.ctx(), self.moved(item, url)))
        except Outcome:
            pass  # refused, or looked for at home
        for feed in self.desk.feeds:
            spec = self.spec().part("changed", feed)
            if spec.get("page", {}).get("kind") not in ("next_url", "link"):
                continue
            self.sim.going = partial(_leading, spec, url, led)
            try:
                self.poll(feed)
            except Refused:
                led.clear()
            self.sim.going = None
            assert led == [], "the next page lay elsewhere, and nobody minded"

    def moved(self, item: Item, url: str) -> Item:
        """The file as if it lay at ``url``."""
        return Item(**{**vars(item), "url": f"{url}/log.txt"})

    def test_w04_an_answer_without_end_is_not_read_to_its_end(self) -> None:
        self.over_http()
        id = self.new()
        body = gzip.compress(b'{"a": "' + b" " * (REPLY_CAP + 1) + b'"}', 1)
        headers = {"Content-Encoding": "gzip"}
        self.sim.going = lambda request, response: Response(200, body, "application/json", headers)
        ends(Refused, lambda: self.record(id))

    def test_w13_an_error_inside_a_success_is_an_error(self) -> None:
        id = self.new()
        rules = [rule for rule in self.spec().part("errors").get("rules", ()) if _inside(rule) and self.asks(rule)]
        if not rules:
            raise SkipTest("its errors have a status of their own")
        version = self.record(id).version
        for rule in rules:
            self.sim.going = partial(_answered, self.failure(rule, id))
            try:
                self.desk.update(self.ctx(), id, {self.title: "said in vain"}, version)
            except Outcome as end:
                assert type(end).__name__.lower() == rule["is"], (rule, end)
            else:
                raise AssertionError(f"{rule} was taken for a success")

    def failure(self, rule: Mapping[str, Any], id: str) -> Any:
        """A success of the desk in whose words ``rule`` sees a failure."""
        doc: Any = {}
        for where, text in zip(self.spec().part("errors").get("says", ()), rule.get("says", ()), strict=False):
            doc = paths.parse(where).write(doc, text)
        for where, values in rule["where"].items():
            value = values[0] if isinstance(values, list) else "any"
            if where.startswith("["):
                doc = []
            doc = paths.parse(where).write(doc, value, {"id": id})
        return doc

    def asks(self, rule: Mapping[str, Any]) -> bool:
        """Whether an update can meet a rule."""
        return "update" in rule.get("verbs", ["update"])

    def test_r04_an_id_may_be_a_number_or_a_text(self) -> None:
        self.over_http()
        id = self.new()
        plain = self.record(id)
        ways = {keys(self.read_at(name)) for name in plain.fields if self.read_at(name) and self.chosen(name)}
        ways.add(keys(self.spec().part("record")["id"]))
        other = self.altered(id, {way: _other for way in ways if way})
        chosen = {name for name in plain.fields if self.chosen(name)}
        assert other.id == plain.id and {n: other.fields[n] for n in chosen} == {n: plain.fields[n] for n in chosen}

    def test_r05_a_value_that_nobody_listed_arrives_as_itself(self) -> None:
        self.over_http()
        field, id = self.desk.status, self.new()
        strange = self.altered(id, {keys(self.read_at(field)): lambda v: int(UNHEARD) if type(v) is int else UNHEARD})
        assert strange.fields[field] == UNHEARD

    def chosen(self, name: str) -> bool:
        spec = self.spec().part("fields").get(name, {})
        return spec.get("type") in ("choice", "ref", "person") and spec.get("read") != "none"

    def read_at(self, name: str) -> str:
        """Where a field is read."""
        spec = self.spec().part("fields").get(name, {})
        where = str(spec.get("read", spec.get("at", name)))
        return "" if where == "none" else where

    def altered(self, id: str, changes: Mapping[tuple[str, ...], Any]) -> Record:
        """The record, read from answers in which ``changes`` were made."""
        met = 0

        def going(_: Request, response: Response) -> Response:
            nonlocal met
            doc = document(response)
            if doc is None:
                return response
            met += sum(each_at(doc, way, change) for way, change in changes.items())
            return saying(response, doc)

        self.sim.going = going
        try:
            return self.record(id)
        finally:
            self.sim.going = None
            if not met and "unwrap" in self.spec().part("hooks"):
                raise SkipTest("its answers are put in order by code of its own")
            assert met, f"{sorted(changes)} stands in no answer"

    def test_r09_a_time_is_the_moment_it_means(self) -> None:
        self.over_http()
        if "created" not in self.spec().part("record"):
            raise SkipTest("its records do not tell when they were made")
        zone = next((name for name, spec in self.spec().part("settings").items() if spec["type"] == "zone"), "")
        for ref, days in (("TDM-WINTER", 0.0), ("TDM-SUMMER", 200.0)):
            self.clock.forward(days * 86400)
            moment, id = self.clock(), self.new(ref=ref)
            created = self.record(id).created
            assert created == moment
            if zone:
                shown = moment.astimezone(ZoneInfo(str(self.sim.settings[zone])))
                other = self.connect(found=self.found, settings={zone: ELSEWHERE}).fetch(self.ctx(), id)
                assert other.created in (moment, shown.replace(tzinfo=ZoneInfo(ELSEWHERE)))

    def test_i03_a_comment_that_says_nothing_of_its_readers_is_for_the_fewest(self) -> None:
        self.over_http()
        spec = self.spec().part("items").get("comments")
        where = spec.get("channel") if isinstance(spec, dict) else None
        if not isinstance(where, dict) or ":" in where["at"]:
            raise SkipTest("its comments come in a list of their own for each kind of readers")
        id = self.new()
        with self.theirs():
            self.sim.say(id, "for whom?", True)
        told = self.altered(id, {keys(where["at"]): lambda _: UNHEARD})
        narrowest = min(self.desk.channels.values(), key=lambda each: len(each.reaches)).reaches
        assert [self.desk.channels[each.channel].reaches for each in told.comments] == [narrowest]


def _leading(spec: Mapping[str, Any], url: str, led: list[str], _: Request, response: Response) -> Response:
    """A page of a feed whose next one lies elsewhere; ``led`` tells of each."""
    if not rows_of(response, spec["items"]):
        return response
    led.append(url)
    if spec["page"]["kind"] == "link":
        return Response(response.status, response.body, response.mime, {"Link": f'<{url}/next>; rel="next"'})
    return saying(response, paths.parse(spec["page"]["at"]).write(document(response), f"{url}/next"))


def _answered(doc: Any, _: Request, __: Response) -> Response:
    return Response.of(doc)


def _inside(rule: Mapping[str, Any]) -> bool:
    """Whether a rule speaks of a success."""
    status = rule.get("status", 200)
    return "where" in rule and 200 in (status if isinstance(status, list) else [status])


def _other(value: Any) -> Any:
    """A number as text, a text of digits as a number."""
    if type(value) is int:
        return str(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
