"""Zendesk keeps the contract, and each way in keeps its part of it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.contract.signins import SignIns
from connectors.simulators.zendesk import Zendesk


class TestZendesk(Contract):
    kind = "zendesk"
    simulator = Zendesk
    title, body = "subject", "description"
    status = ("status", "new", "open")
    fields: ClassVar[Mapping[str, Value]] = {"description": "since 08:00"}
    fixtures = Path(__file__).parent / "fixtures"

    def samples(self) -> dict[str, Value]:
        """A custom status is another word for the status, which has its own test."""
        return {name: value for name, value in super().samples().items() if name != "custom_status"}


class TestAccessToken(SignIns):
    kind, auth = "zendesk", "oauth"
    simulator = partial(Zendesk, signin="oauth")
    title = "subject"
    fields = TestZendesk.fields


class TestRefreshToken(TestAccessToken):
    auth = "oauth_refresh"
    simulator = partial(Zendesk, signin="oauth_refresh")


class TestClientCredentials(TestAccessToken):
    auth = "oauth_client"
    simulator = partial(Zendesk, signin="oauth_client")
