"""The answer to a desk that asks, before it sends a webhook, whether we hold the secret."""

from __future__ import annotations

import hmac

from connectors.base import Arrival, Reply


def answered(arrival: Arrival, name: str, secret: str) -> Reply | None:
    """HMAC-SHA256, in hex, of the query's ``name``; None where nothing is asked or nobody has told us the secret."""
    token = arrival.query.get(name)
    if arrival.method != "GET" or not token or not secret:
        return None
    return Reply(200, hmac.new(secret.encode(), token.encode(), "sha256").hexdigest().encode())
