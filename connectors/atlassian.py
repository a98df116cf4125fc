"""What a manifest cannot say of Jira: a status changes by transitions alone, an app's webhooks carry a signed token,
and time is listed issue by issue.

Which transitions there are, and which fields their screens take, differs by workflow and by where the issue stands: it
is asked at each step. Shared by Jira and Jira Service Management, which stands on the same platform.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connectors import pages
from connectors.base import Arrival, Context, Page, Verified
from connectors.calls import Reply
from connectors.errors import Gone, Refused, Unverified
from connectors.feeds import AskRows
from connectors.pages import Position
from connectors.rest import Rest
from connectors.signing import PREVIOUS, SECRET
from connectors.templates import literal
from connectors.workflow import walk

WINDOW = timedelta(minutes=5)
"""By how much a token's times may differ from ours."""

TIME: Mapping[str, Any] = {
    "send": "GET /issue/{id}/worklog",
    "query": {"startAt": "{offset}", "maxResults": "{size}"},
    "page": {"kind": "offset", "size": 1000},
}
"""The time booked on one issue, the oldest first."""

Step = Mapping[str, Any]


class Hooks:
    """The steps ``transition``, ``changed`` and ``verify`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def transition(self, ctx: Context, id: str, field: str, wanted: str, have: Mapping[str, Any]) -> Iterator[Step]:
        """The calls that lead to the status ``wanted``, each with what its screen takes of ``have``. Other fields of
        this sort travel with the status; without one they stay as they are, which reading back shows."""
        if field != self._rest.status:
            return
        shown = self._ask(ctx, {"send": "GET /issue/{id}", "query": {"fields": field}}, id)
        status = shown["fields"][field]
        edges = self._rest.workflow.get("edges")
        known = edges if isinstance(edges, Mapping) else {}
        for step in walk(str(status["id"]), wanted, known, self._rest.workflow["hops"], lambda: self._offered(ctx, id)):
            if step is None:
                raise Refused(f"from {status['name']} there is no way to the status {wanted}", field=field)
            yield self._post(step, have)

    def _offered(self, ctx: Context, id: str) -> dict[str, Step]:
        """What may be done with the issue now, by the status it leads to; a loop leads nowhere."""
        spec = {"send": "GET /issue/{id}/transitions", "query": {"expand": "transitions.fields"}}
        found: dict[str, Step] = {}
        for each in self._ask(ctx, spec, id).get("transitions", []):
            if each.get("isAvailable", True):
                found.setdefault(str(each["to"]["id"]), each)
        return found

    def _post(self, step: Step, have: Mapping[str, Any]) -> Step:
        """One transition, with what its screen asks for. Raises ``Refused`` where that is ours to give and missing."""
        asked = step.get("fields") or {}
        for name, asks in asked.items():
            ours = self._rest.manifest["fields"].get(name, {}).get("write") == "transition"
            if ours and asks.get("required") and not asks.get("hasDefaultValue") and have.get(name) is None:
                raise Refused(f"the transition {step['name']!r} asks for {asks.get('name', name)}", field=name)
        fields = {name: {"id": have[name]} for name in asked if have.get(name) is not None}
        body = {"transition": {"id": str(step["id"])}, **({"fields": fields} if fields else {})}
        return {"send": "POST /issue/{id}/transitions", "body": literal(body)}

    def _ask(self, ctx: Context, spec: Step, id: str) -> Any:
        return self._rest.ask(ctx, spec, {"id": id}).doc or {}

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        """A page of what changed, as the manifest's feed says; in the feed of time, with the time of its issues."""
        spec = self._rest.manifest["changed"].get(feed, {})
        asked = partial(self._page, ctx, spec)
        page = partial(self._timed, ctx, asked) if spec.get("gives") == "worklogs" else asked
        return self._rest.feed(feed, page).read(ctx, cursor)

    def _page(self, ctx: Context, spec: Step, names: Mapping[str, Any], at: Position) -> Reply:
        return self._rest.ask(ctx, spec, {**names, **at.names(pages.size(spec["page"]))})

    def _timed(self, ctx: Context, asked: AskRows, names: Mapping[str, Any], at: Position) -> Reply:
        """One page of issues, and behind them the time on them that changed since. Booking time touches its issue, so
        this finds all; the issues stay, since it is by their stamps that the cursor moves on."""
        doc = asked(names, at).doc
        rows = [{"stamp": each["fields"]["updated"]} for each in doc["issues"]]
        for each in doc["issues"]:
            if each["fields"].get("timespent"):
                rows += [{**one, "issueId": each["id"], "stamp": one["updated"]} for one in self._time(ctx, each["id"])]
        return Reply({**doc, "issues": [row for row in rows if _unix_ms(row["stamp"]) >= names["since"]]})

    def _time(self, ctx: Context, id: str) -> list[Any]:
        """What is booked on an issue; nothing where it is gone meanwhile."""
        every = pages.every(TIME["page"], partial(self._page, ctx, TIME, {"id": id}), "worklogs")
        try:
            return [row for _, rows in every for _, row in rows]
        except Gone as gone:
            ctx.log.warning("the time of issue %s cannot be read: %s", id, gone.said)
            return []

    def verify(self, arrival: Arrival, now: datetime) -> Verified:
        """An app's webhook: a JWT in the header Authorization, HS256 with the app's client secret. It proves who sends
        and when, not the body. Raises ``Unverified``."""
        scheme, _, token = arrival.headers.get("authorization", "").partition(" ")
        for name in (SECRET, SECRET + PREVIOUS):
            secret = self._rest.webhook_secrets.get(name)
            if secret and scheme == "Bearer":
                try:
                    stamp = _stamp(token, secret, now)
                except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
                    raise Unverified("the token cannot be read") from error
                if stamp is not None:
                    return Verified(arrival.headers.get("x-atlassian-webhook-identifier"), stamp, name)
        raise Unverified("the token does not fit")


def _unix_ms(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp() * 1000


def _stamp(token: str, secret: str, now: datetime) -> datetime | None:
    """When a token that ``secret`` signed was given, if it is good now."""
    head, claims, signature = token.split(".")
    made = hmac.new(secret.encode(), f"{head}.{claims}".encode(), "sha256").digest()
    if not hmac.compare_digest(base64.urlsafe_b64encode(made).rstrip(b"="), signature.encode()):
        return None
    said = json.loads(_decoded(claims))
    given, ends = (datetime.fromtimestamp(said[name], UTC) for name in ("iat", "exp"))
    good = json.loads(_decoded(head)).get("alg") == "HS256" and given - WINDOW <= now <= ends + WINDOW
    return given if good else None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
