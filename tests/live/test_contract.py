"""The connectors for Request Tracker, Redmine and mail keep the contract on the real servers, as is written down."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

from connectors.contract import table
from tests.live.conftest import MakeServer
from tests.live.contract import FRONTS, MANY, Peer, kept
from tests.live.mailboxes import Mailboxes
from tests.live.peers import Redmine, RequestTracker

pytestmark = pytest.mark.live

FEW: dict[type[Peer], int] = {RequestTracker: 40, Redmine: 105, Mailboxes: 105}
"""More changes than one page holds: a ticket of Request Tracker's begins with three."""


@pytest.mark.parametrize("kind", [RequestTracker, Redmine, Mailboxes], ids=lambda kind: str(kind.name))
def test_the_contract_is_kept(
    kind: Any, make_server: MakeServer, full: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a server of its own; at full size on two at once, and with more records than two pages hold."""
    servers: Sequence[Peer] = [make_server(kind) for _ in range(2 if full else 1)]
    began = time.monotonic()
    found = kept(servers, MANY if full else FEW[kind])
    recorded = table.live()[FRONTS[kind].kind]
    assert set(recorded["passed"]) <= set(found["passed"])
    assert recorded["skipped"].items() <= found["skipped"].items()
    with capsys.disabled():
        figures = f"{len(found['passed'])} passed, {len(found['skipped'])} need what it does not have"
        took = time.monotonic() - began
        sys.stdout.write(f"\n    {found['server']} on {len(servers)}: {figures}, {took:.1f} s\n")
