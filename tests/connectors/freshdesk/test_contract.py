"""Freshdesk keeps the contract."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.freshdesk import Freshdesk


class TestFreshdesk(Contract):
    kind = "freshdesk"
    simulator = Freshdesk
    title, body = "subject", "description"
    status = ("status", "2", "3")
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    fixtures = Path(__file__).parent / "fixtures"
