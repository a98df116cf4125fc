"""Zammad keeps the contract, at the loopback desk."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.zammad import Zammad


class TestZammad(Contract):
    kind = "zammad"
    simulator = Zammad
    body = "description"
    status = ("state", "new", "closed")
    fixtures = Path(__file__).parent / "fixtures"
