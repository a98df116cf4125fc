"""Redmine keeps the contract, at the loopback site."""

from connectors.contract import Contract
from connectors.simulators.redmine import Redmine


class TestRedmine(Contract):
    kind = "redmine"
    simulator = Redmine
    title, body = "subject", "description"
    status = ("status", "1", "2")
