"""What a manifest says about a desk without any call: the attributes of ``base.Connector``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

from connectors.base import Channel, Feed, Limits
from connectors.errors import Refused
from connectors.manifest import Manifest, defined, item_lists
from connectors.schema import rate, seconds
from connectors.templates import Names, parse
from connectors.values import Times

DEADLINE = 30.0
"""Seconds a request may take by default: what the default apply horizon is reckoned from."""


class Traits:
    """Read from the checked manifest once; nothing here changes."""

    def __init__(self, manifest: Manifest, settings: Names) -> None:
        self._manifest = manifest
        self._settings = settings
        self.kind = manifest.kind
        self.manifest: Mapping[str, Any] = manifest.doc

    @cached_property
    def verbs(self) -> frozenset[str]:
        found = {"check", "describe", *defined(self._manifest.doc)}
        if "webhook" in found:
            found = found - {"webhook"} | {"verify", "parse"}
        return frozenset(found | ({"challenge"} if "challenge" in self._manifest.part("hooks") else set()))

    @cached_property
    def cannot(self) -> Mapping[str, str]:
        return dict(self._manifest.part("cannot"))

    @cached_property
    def feeds(self) -> Mapping[str, Feed]:
        return {
            name: Feed(spec["gives"], seconds(spec.get("cursor", {}).get("every", "0s")))
            for name, spec in self._manifest.part("changed").items()
        }

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        return {
            name: Channel(
                frozenset(spec["reaches"]),
                comment="comment" in spec,
                attach="attach" in spec,
                edit="edit" in spec,
                side_effects=tuple(spec.get("side_effects", ())),
            )
            for name, spec in self._manifest.part("channels").items()
        }

    def check_reach(self, name: str, reaches: Sequence[str]) -> None:
        """The last check before anything is sent: raises ``Refused`` where the channel reaches anybody but these."""
        channel = self.channels.get(name)
        if channel is None:
            raise Refused(f"there is no channel {name!r}")
        beyond = sorted(channel.reaches - set(reaches))
        if beyond:
            raise Refused(f"{name} also reaches {', '.join(beyond)}: not sent")

    @cached_property
    def limits(self) -> Limits:
        spec = self._manifest.part("limits")
        return Limits(spec.get("in_flight", 4), rate(spec["rate"]) if "rate" in spec else None)

    @cached_property
    def record_version_order(self) -> Literal["time", "integer", "opaque"] | None:
        order = self._manifest.part("record", "version").get("order")
        return cast(Literal["time", "integer", "opaque"] | None, order)

    @cached_property
    def text_format(self) -> str:
        return parse(self._manifest.part("text")["format"]).text(self._settings)

    @cached_property
    def text_max(self) -> int | None:
        return cast(int | None, self._manifest.part("text").get("max"))

    @cached_property
    def apply_horizon(self) -> float:
        said = self._manifest.doc.get("apply_horizon")
        return seconds(said) if said else max(4 * DEADLINE, 900.0)

    @cached_property
    def visible_after(self) -> float:
        specs = [self._manifest.part("calls", "find"), *(spec for _, spec in item_lists(self._manifest.doc))]
        return max(seconds(spec.get("visible_after", "0s")) for spec in specs)

    @cached_property
    def people(self) -> frozenset[str]:
        return frozenset(way.removeprefix("by_") for way in self._manifest.part("people") if way.startswith("by_"))

    @cached_property
    def reference(self) -> str:
        return parse(self._manifest.part("reference") or "").text(self._settings)

    @cached_property
    def status(self) -> str:
        return str(self._manifest.part("status") or "status")

    def read_back(self, verb: str) -> str:
        spec = self._manifest.part("calls", verb)
        return str(spec.get("read_back") or ("reply" if "record" in spec else "fetch"))

    def repeatable(self, verb: str) -> float:
        return seconds(self._manifest.part("calls", verb).get("repeatable", "0s"))

    def newer(self, one: str, other: str) -> bool | None:
        try:
            if self.record_version_order == "integer":
                return int(one) > int(other)
            if self.record_version_order == "time":
                return bool(self._moment(one) > self._moment(other))
        except ValueError:
            return None
        return None

    def _moment(self, text: str) -> datetime:
        moment = Times(self._manifest.part("times").get("format", "iso")).read(text)
        if moment is None:
            raise ValueError("no time")
        return moment
