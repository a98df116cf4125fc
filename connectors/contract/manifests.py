"""M: what a manifest has to say of itself. No network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connectors import registry
from connectors.contract.rehearsal import Rehearsal
from connectors.manifest import VERBS, defined

REFERENCE = 40
"""Characters that our reference may need."""


class Manifests(Rehearsal):
    def test_m01_the_schema_is_closed_and_the_manifest_fits(self) -> None:
        text = self.spec().text
        try:
            registry.load(text + "\nsurprise: 1\n", "manifest", self.spec().hooks)
        except registry.BadManifest as error:
            assert "surprise" in str(error)
        else:
            raise AssertionError("a key that nobody knows was taken")

    def test_m02_each_verb_is_there_or_its_lack_is_said(self) -> None:
        for verb in VERBS:
            there, said = verb in defined(self.spec().doc), bool(self.desk.cannot.get(verb))
            assert there != said, f"{verb}: {'both there and under cannot' if there else 'neither there nor said'}"

    def test_m05_no_secret_stands_in_an_address(self) -> None:
        for where, text in _texts(self.spec().doc):
            if where[-1] in ("send", "base", "page", "url") or "query" in where:
                assert "{secret." not in text, f"{'.'.join(where)} holds a secret"

    def test_m06_every_channel_reaches_the_desk_and_one_reaches_it_alone(self) -> None:
        channels = self.desk.channels
        assert all("staff" in channel.reaches for channel in channels.values())
        alone = any(channel.reaches == {"staff"} for channel in channels.values())
        assert alone or self.desk.cannot.get("internal_comment"), (
            "no channel is for the desk alone, and cannot.internal_comment is unsaid"
        )

    def test_m07_the_reference_is_written_found_and_long_enough(self) -> None:
        reference = self.desk.reference
        if not reference:
            assert self.desk.cannot.get("reference") or self.desk.cannot.get("find"), "no reference, and no word why"
            return
        assert "find" in self.desk.verbs
        field = self.catalogue()["fields"].get(reference, {})
        assert field.get("write") != "never" and field.get("max", REFERENCE) >= REFERENCE, field

    def test_m10_words_that_yaml_once_took_for_others_stay_words(self) -> None:
        for where, _ in _texts(self.spec().doc):
            assert all(isinstance(key, str) for key in where), where
        words = re.findall(r"^\s*(on|off|yes|no):", self.spec().text, re.M)
        keys = {key for where, _ in _texts(self.spec().doc) for key in where}
        assert all(word in keys for word in words)


def _texts(node: Any, way: tuple[str, ...] = ("",)) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a document, and the keys that lead to it."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, (*way, key))
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, way)
    elif isinstance(node, str):
        yield way, node
