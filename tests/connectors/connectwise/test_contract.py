"""ConnectWise PSA keeps the contract, at the loopback instance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.connectwise import ConnectWise


class TestConnectWise(Contract):
    kind = "connectwise"
    simulator = ConnectWise
    title, body = "summary", "initialDescription"
    status = ("status", "11", "12")
    fields: ClassVar[Mapping[str, Value]] = {"board": "1"}
    fixtures = Path(__file__).parent / "fixtures"

    def new(self, title: str = "VPN down ☂", ref: str = "TDM-CONTRACT01", **more: Value) -> str:
        """ConnectWise keeps the description as a note that differs from others by its time alone."""
        id = super().new(title, ref, **more)
        self.clock.forward(10)
        return id
