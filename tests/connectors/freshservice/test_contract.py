"""Freshservice keeps the contract."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.freshservice import Freshservice


class TestFreshservice(Contract):
    kind = "freshservice"
    simulator = Freshservice
    title, body = "subject", "description"
    status = ("status", "2", "3")
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    fixtures = Path(__file__).parent / "fixtures"
