"""Zammad keeps the contract, at the loopback desk."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.contract import Contract
from connectors.contract.signins import SignIns
from connectors.simulators.zammad import CLIENT, Zammad


class TestZammad(Contract):
    kind = "zammad"
    simulator = Zammad
    body = "description"
    status = ("state", "new", "closed")
    fixtures = Path(__file__).parent / "fixtures"


class Application(Zammad):
    """A Zammad that Tandem signs in to as an application."""

    def __init__(self, clock: Callable[[], datetime], **more: Any) -> None:
        super().__init__(clock, **more)
        self.settings = {**self.settings, "client_id": "tandem"}
        hook = self.secrets["webhook"]
        self.secrets = {"client_secret": CLIENT, "refresh_token": "zammad-refresh-0", "webhook": hook}


class TestZammadByApplication(SignIns):
    kind = "zammad"
    simulator = Application
    auth = "oauth"
    body = "description"
    status = ("state", "new", "closed")
