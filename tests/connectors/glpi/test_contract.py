"""GLPI's high-level API keeps the contract, at the loopback desk."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.glpi import GlpiApi


class TestGlpi(Contract):
    kind = "glpi"
    simulator = GlpiApi
    title, body = "name", "content"
    status = ("status", "1", "2")
    fixtures = Path(__file__).parent / "fixtures"
