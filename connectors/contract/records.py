"""R: records as they are read, and values as they come back."""

from __future__ import annotations

import json
from typing import Any
from unittest import SkipTest

from connectors.base import Value
from connectors.contract.rehearsal import Rehearsal, ends
from connectors.engine import Engine
from connectors.errors import Refused

TEXTS = (
    "plain",
    "CRLF\r\nand LF\nand blank \n\nlines",
    "emoji ☂ 🛠",
    "שלום עולם",
    "a < b & c > d",
    "[x] {y} *z* _u_",
    "  led",
)


class Records(Rehearsal):
    def test_r01_recorded_bodies_are_read_as_they_are_meant(self) -> None:
        for path in sorted(self.fixtures.glob("record*.json")) if self.fixtures else ():
            assert isinstance(self.desk, Engine), "recorded bodies are read by a manifest"
            told = json.loads(path.read_text("utf-8"))
            wanted: dict[str, Any] = told["means"]
            got = self.desk.decode(told["body"]).fields
            assert {name: got.get(name) for name in wanted} == wanted, path.name

    def test_r02_what_is_written_is_read_back(self) -> None:
        id = self.new()
        for name, value in self.samples().items():
            self.desk.update(self.ctx(), id, {name: value}, self.record(id).version)
            assert self.record(id).fields.get(name) == value, name

    def test_r03_what_is_empty_is_null(self) -> None:
        fields = self.record(self.new()).fields
        assert all(value is None or value == [] or value != "" for value in fields.values()), fields
        assert not any(value == "" for value in fields.values())

    def test_r06_texts_come_back_as_they_went(self) -> None:
        for number, text in enumerate(TEXTS):
            title = text.split("\n")[0].strip()
            id = self.new(title, f"TDM-TEXT{number}")
            assert self.record(id).fields[self.title] == title
        assert len(self.sim.ids()) == len(TEXTS)

    def test_r07_what_is_too_long_is_refused_and_not_cut(self) -> None:
        most = self.catalogue()["fields"][self.title].get("max")
        if most is None:
            raise SkipTest("its titles may be of any length")
        id = self.new()
        before = len(self.sim.asked)
        end = ends(Refused, lambda: self.desk.update(self.ctx(), id, {self.title: "x" * (most + 1)}, None))
        assert isinstance(end, Refused) and end.field == self.title
        assert [request.method for request in self.sim.asked[before:] if request.method != "GET"] == []

    def test_r08_no_value_of_a_record_is_taken_for_nothing(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.change(id, {self.title: "0"})
        assert self.record(id).fields[self.title] == "0"

    def test_r10_what_a_record_says_of_itself_is_found_where_the_manifest_says(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.change(id, {self.title: "changed by them"})
        record, said = self.record(id), self.spec().part("record")
        lost = {name: said[name] for name in ("number", "version", "created", "author") if name in said}
        lost = {name: where for name, where in lost.items() if getattr(record, name) is None}
        assert not lost, f"nothing there: {lost}"

    def samples(self) -> dict[str, Value]:
        """A value for every field that can be written at any time and lists its values, or is text."""
        found: dict[str, Value] = {}
        for name, spec in self.catalogue()["fields"].items():
            if spec.get("write", "always") != "always" or spec.get("read") is False or name == self.desk.reference:
                continue
            if name == self.desk.status or spec.get("required") or spec.get("derived") or spec.get("per"):
                continue
            if spec["type"] == "choice" and spec.get("values"):
                found[name] = [id for id in spec["values"] if id not in spec.get("read_only", ())][-1]
            elif spec["type"] == "text" and spec.get("format", "plain") == "plain" and not spec.get("accepts"):
                found[name] = "a text"
        return found
