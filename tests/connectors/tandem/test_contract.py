"""Tandem keeps the contract, before a whole Tandem."""

from connectors.contract import Contract
from tests.connectors.tandem.other import Other


class TestTandem(Contract):
    kind = "tandem"
    simulator = Other
    body = "description"
    status = ("status", "new", "pending_requester")
