"""Request Tracker keeps the contract, at the loopback site."""

from connectors.contract import Contract
from connectors.simulators.rt import RequestTracker


class TestRequestTracker(Contract):
    kind = "rt"
    simulator = RequestTracker
    title, body = "Subject", "Content"
    status = ("Status", "new", "open")
