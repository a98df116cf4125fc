"""Znuny keeps the contract, at the loopback desk."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.znuny import Znuny


class TestZnuny(Contract):
    kind = "znuny"
    simulator = Znuny
    title, body = "Title", "Body"
    status = ("State", "new", "closed successful")
    fixtures = Path(__file__).parent / "fixtures"
