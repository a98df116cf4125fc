"""Jira Service Management keeps the contract, signed in by a token and as an app."""

from pathlib import Path

from connectors.contract import Contract
from connectors.contract.signins import SignIns
from connectors.simulators.jsm import Jsm, JsmOAuth


class TestJsm(Contract):
    kind = "jsm"
    simulator = Jsm
    title, body = "summary", "description"
    status = ("status", "10101", "5")
    fixtures = Path(__file__).parent / "fixtures"

    def with_status(self) -> dict[str, str]:
        """The screen of the transition asks for it."""
        return {"resolution": "10000"}


class TestJsmAsAnApp(SignIns):
    kind = "jsm"
    simulator = JsmOAuth
    auth = "oauth"
    title = "summary"
