"""What a manifest cannot say of iTop: objects keyed by class and id, a status moved by stimuli, files in base64.

iTop tells no list of what may be done to an object; its documented stimuli are here, and where a ticket stands is read
before each step. Log entries have no id: they are numbered from the oldest, as a log is only ever appended to.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.base import Context, Item
from connectors.errors import Gone, Refused, Retry
from connectors.rest import Rest
from connectors.templates import literal
from connectors.workflow import HOPS, walk

STIMULI: Mapping[str, Mapping[str, str]] = {
    "new": {"assigned": "ev_assign", "waiting_for_approval": "ev_wait_for_approval"},
    "escalated_tto": {"assigned": "ev_assign"},
    "assigned": {"pending": "ev_pending", "resolved": "ev_resolve"},
    "escalated_ttr": {"pending": "ev_pending", "resolved": "ev_resolve", "assigned": "ev_reassign"},
    "waiting_for_approval": {"approved": "ev_approve", "rejected": "ev_reject"},
    "approved": {"assigned": "ev_assign"},
    "rejected": {"new": "ev_reopen"},
    "pending": {"assigned": "ev_assign"},
    "resolved": {"closed": "ev_close", "assigned": "ev_reopen"},
    "closed": {},
}
CARRIES: Mapping[str, tuple[str, ...]] = {
    "ev_assign": ("team_id", "agent_id"),
    "ev_reassign": ("team_id", "agent_id"),
    "ev_pending": ("pending_reason",),
    "ev_resolve": ("resolution_code", "solution"),
}
CLOSES = "ev_close"
OURS = {"team_id": "{settings.team}", "agent_id": "{settings.agent}"}
LOGS = ("public_log", "private_log")
STATUS = "status"
WRAPPED = 36 * 1024 * 1024

Step = Mapping[str, Any]


class Hooks:
    """The steps ``unwrap``, ``transition`` and ``file`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def unwrap(self, doc: Any) -> Any:
        """``objects`` as a list, their logs as one list of ``entries`` with ids, and the id of each log's newest."""
        if not isinstance(doc, dict) or "objects" not in doc:
            return doc
        objects = doc["objects"]
        return {**doc, "objects": [_opened(each) for each in objects.values()] if isinstance(objects, dict) else []}

    def transition(self, ctx: Context, id: str, field: str, wanted: str, have: Mapping[str, Any]) -> Iterator[Step]:
        """The stimuli that lead to a status, each with what it carries; what goes with none goes by itself, before the
        ticket is closed, since a closed one takes nothing."""
        if field != STATUS:
            if STATUS not in have:
                yield _call("core/update", {field: literal(wanted)})
            return
        workflow = self._rest.workflow
        hops = int(workflow.get("hops", HOPS))
        here = self._status(ctx, id)
        left = {name: literal(value) for name, value in have.items() if name != STATUS and value}
        for stimulus in walk(here, wanted, workflow["edges"], hops, lambda: STIMULI.get(self._status(ctx, id), {})):
            if stimulus is None:
                raise Refused(f"from {self._status(ctx, id)} no stimulus leads to {wanted}", field=STATUS)
            carried = CARRIES.get(stimulus, ())
            given = {name: literal(have[name]) for name in carried if have.get(name)}
            ours = {name: OURS[name] for name in carried if name in OURS}
            left = {name: value for name, value in left.items() if name not in carried}
            if left and stimulus == CLOSES:
                yield _call("core/update", left)
                left = {}
            yield _call("core/apply_stimulus", {**ours, **given}, stimulus)
        if left:
            yield _call("core/update", left)

    def _status(self, ctx: Context, id: str) -> str:
        asked = {"operation": "core/get", "class": "{settings.class}", "key": "{id}", "output_fields": "status"}
        objects = self._rest.ask(ctx, _sent(asked), {"id": id}).doc["objects"]
        if not objects:
            raise Gone("the ticket is not there any more")
        return str(objects[0]["fields"][STATUS])

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        """The content, whole."""
        asked = {"operation": "core/get", "class": "Attachment", "key": "{file}", "output_fields": "contents"}
        objects = self._rest.ask(ctx, _sent(asked), {"file": item.id}, WRAPPED).doc["objects"]
        if not objects:
            raise Gone("the attachment is not there any more")
        try:
            yield base64.b64decode(objects[0]["fields"]["contents"]["data"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise Retry(f"attachment {item.id} cannot be read: {error}") from error


def _call(operation: str, fields: Mapping[str, Any], stimulus: str | None = None) -> Step:
    asked = {"operation": operation, "class": "{settings.class}", "key": "{id}", "fields": dict(fields)}
    return _sent(
        {**asked, **({"stimulus": stimulus} if stimulus else {}), "comment": "Tandem", "output_fields": STATUS}
    )


def _sent(asked: Mapping[str, Any]) -> Step:
    return {"send": "POST /rest.php", "form": {"version": "1.3", "json_data": dict(asked)}}


def _opened(found: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(found.get("fields") or {})
    entries: list[dict[str, Any]] = []
    newest: dict[str, str] = {}
    for log in LOGS:
        told = fields.get(log)
        rows = told.get("entries") or [] if isinstance(told, Mapping) else []
        for number, row in enumerate(reversed(rows), 1):
            newest[log] = f"{log}:{number}"
            entries.append({**row, "id": newest[log], "log": log})
    contents = fields.get("contents")
    size = len(contents.get("data") or "") * 3 // 4 if isinstance(contents, Mapping) else None
    return {**found, "fields": {**fields, "entries": entries}, "newest": newest, "size": size}
