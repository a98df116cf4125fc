"""ServiceNow keeps the contract, at the loopback instance."""

from connectors.contract import Contract
from connectors.simulators.servicenow import ServiceNow


class TestServiceNow(Contract):
    kind = "servicenow"
    simulator = ServiceNow
    title, body = "short_description", "description"
    status = ("state", "1", "2")
