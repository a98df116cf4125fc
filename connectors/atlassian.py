"""What a manifest cannot say of Jira: a status changes by transitions alone, an app's webhooks carry a signed token.

Which transitions there are, and which fields their screens take, differs by workflow and by where the issue stands: it
is asked at each step. Shared by Jira and Jira Service Management, which stands on the same platform.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Arrival, Context, Verified
from connectors.errors import Refused, Unverified
from connectors.rest import Rest
from connectors.signing import PREVIOUS, SECRET
from connectors.templates import literal
from connectors.workflow import walk

WINDOW = timedelta(minutes=5)
"""By how much a token's times may differ from ours."""

Step = Mapping[str, Any]


class Hooks:
    """The steps ``transition`` and ``verify`` of this kind."""

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
