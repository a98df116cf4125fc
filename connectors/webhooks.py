"""What a verified webhook says: a manifest's ``webhook`` read into events. A payload is a hint, or a whole record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from connectors import paths
from connectors.base import Arrival, Event, Record
from connectors.paths import ABSENT, first

Kind = Literal["created", "changed", "gone", "ignored"]


def parse(spec: Mapping[str, Any], arrival: Arrival, decode: Callable[[Any], Record]) -> list[Event]:
    """The events of a payload, one or (``many``) several; what says nothing to us is ``ignored`` with the reason."""
    try:
        doc = json.loads(arrival.body)
    except (ValueError, RecursionError):
        return [Event("ignored", reason="the payload is not JSON" if arrival.body else "the payload is empty")]
    rows = paths.parse(spec["many"]).read(doc) if "many" in spec else [doc]
    if isinstance(rows, dict) and "many" in spec:  # one that stands where several may
        rows = [rows]
    if not isinstance(rows, list):
        return [Event("ignored", reason=f"there is no list at {spec['many']}")]
    headers = {key.lower(): value for key, value in arrival.headers.items()}
    return [_event(spec, paths.Reply(row, headers), decode) for row in rows]


def _event(spec: Mapping[str, Any], reply: paths.Reply, decode: Callable[[Any], Record]) -> Event:
    actor = first(spec.get("actor", []), reply)
    id = first(spec["record_id"], reply)
    if "skip" in spec and paths.matches(spec["skip"], reply):
        return Event("ignored", id, "the manifest skips such events", actor)
    if id is None:
        return Event("ignored", None, "the payload names no record", actor)
    event = spec.get("event", {"at": [], "values": {}})
    told = first(event["at"], reply)
    kind = cast(Kind, event["values"].get(told, "changed"))
    if kind == "ignored":
        return Event("ignored", id, f"{told} is of no interest", actor)
    return Event(kind, id, told or "", actor, _record(spec, reply, decode, id))


def _record(spec: Mapping[str, Any], reply: paths.Reply, decode: Callable[[Any], Record], id: str) -> Record | None:
    """The whole record in a payload, if it gives that and it is the record it speaks of."""
    doc = paths.parse(spec["record"]).read(reply.doc) if "record" in spec else ABSENT
    try:
        record = decode(doc) if isinstance(doc, Mapping) else None
    except ValueError:
        return None
    return record if record and record.id == id else None
