"""Autotask PSA keeps the contract, at the loopback tenant."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.autotask import Autotask


class TestAutotask(Contract):
    kind = "autotask"
    simulator = Autotask
    title, body = "title", "description"
    status = ("status", "1", "8")
    fields: ClassVar[Mapping[str, Value]] = {"status": "1", "priority": "2"}
    fixtures = Path(__file__).parent / "fixtures"
