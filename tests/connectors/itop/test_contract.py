"""iTop keeps the contract, at the loopback installation."""

from collections.abc import Mapping
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.simulators.itop import ITop


class TestITop(Contract):
    kind = "itop"
    simulator = ITop
    title, body = "title", "description"
    status = ("status", "new", "assigned")
    fields: ClassVar[Mapping[str, Value]] = {"description": "<p>what happened</p>"}
