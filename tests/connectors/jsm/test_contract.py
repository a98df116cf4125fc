"""Jira Service Management keeps the contract."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.jsm import Jsm


class TestJsm(Contract):
    kind = "jsm"
    simulator = Jsm
    title, body = "summary", "description"
    status = ("status", "10101", "5")
    fixtures = Path(__file__).parent / "fixtures"

    def with_status(self) -> dict[str, str]:
        """The screen of the transition asks for it."""
        return {"resolution": "10000"}
