"""GLPI's older API keeps the contract, at the loopback desk."""

from pathlib import Path

from connectors.contract import Contract
from connectors.simulators.glpi_legacy import GlpiLegacy


class TestGlpiLegacy(Contract):
    kind = "glpi_legacy"
    simulator = GlpiLegacy
    title, body = "name", "content"
    status = ("status", "1", "2")
    fixtures = Path(__file__).parent / "fixtures"
