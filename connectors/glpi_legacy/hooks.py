"""What a manifest cannot say of GLPI: the challenge that comes before each webhook."""

from __future__ import annotations

from connectors.base import Arrival, Reply
from connectors.challenge import answered
from connectors.rest import Rest


class Hooks:
    """The step ``challenge`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def challenge(self, arrival: Arrival) -> Reply | None:
        """Proves that we hold the secret: GLPI asks before it sends."""
        return answered(arrival, "crc_token", self._rest.webhook_secrets.get("webhook", ""))
