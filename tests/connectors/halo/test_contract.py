"""HaloPSA keeps the contract, at the loopback tenant."""

from collections.abc import Mapping
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.halo import Halo


class TestHalo(Contract):
    kind = "halo"
    simulator = Halo
    title, body = "summary", "details"
    status = ("status_id", "1", "2")
    fields: ClassVar[Mapping[str, Value]] = {"tickettype_id": "1"}
