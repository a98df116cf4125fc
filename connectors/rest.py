"""The engine: one configured desk, run by its manifest, with every verb of ``base.Connector``."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from connectors import signing, webhooks
from connectors.base import Arrival, Context, Event, Reply, Verified
from connectors.calls import Ask
from connectors.writing import Writing


class Rest(Writing):
    """``engine.py`` connects, ``reading.py`` and ``writing.py`` speak; here is what comes in by itself."""

    def verify(self, arrival: Arrival, now: datetime) -> Verified:
        if hasattr(self._hooks, "verify") and not self._verify.keys() & {"hmac", "shared"}:
            return cast(Verified, self._hooks.verify(arrival, now))
        delivery = self._manifest.part("webhook").get("delivery")
        return signing.verify(self._verify, arrival, now, self.webhook_secrets, delivery)

    def challenge(self, arrival: Arrival) -> Reply | None:
        return self._hooks.challenge(arrival) if hasattr(self._hooks, "challenge") else None

    def parse(self, arrival: Arrival) -> list[Event]:
        if hasattr(self._hooks, "parse"):
            return cast(list[Event], self._hooks.parse(arrival))
        return webhooks.parse(self._manifest.part("webhook"), arrival, self.decode)

    def tell(self, ctx: Context, id: str, key: str) -> None:
        names = {"id": id, "key": key, "seconds": int(ctx.now.timestamp())}
        self._call(ctx, Ask(self._spec("tell"), "tell", names))
