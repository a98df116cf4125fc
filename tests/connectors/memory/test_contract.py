"""The memory desk keeps the contract."""

from connectors.contract import Contract
from connectors.memory.simulator import Memory


class TestMemory(Contract):
    kind = "memory"
    simulator = Memory
    body = "description"
    status = ("status", "open", "working")
