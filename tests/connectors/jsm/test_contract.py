"""Jira Service Management keeps the contract."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.jsm import Jsm


class TestJsm(Contract):
    kind = "jsm"
    simulator = Jsm
    title, body = "summary", "description"
    status = ("status", "10101", "3")
    fixtures = Path(__file__).parent / "fixtures"
