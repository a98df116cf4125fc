"""Jira Cloud keeps the contract, signed in by a token and as an app."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from connectors.base import Value
from connectors.contract import Contract
from connectors.contract.signins import SignIns
from connectors.simulators.jira import Jira, JiraOAuth


class TestJira(Contract):
    kind = "jira"
    simulator = Jira
    title, body = "summary", "description"
    status = ("status", "1", "3")
    fields: ClassVar[Mapping[str, Value]] = {"issuetype": "10011"}
    fixtures = Path(__file__).parent / "fixtures"


class TestJiraAsAnApp(SignIns):
    kind = "jira"
    simulator = JiraOAuth
    auth = "oauth"
    title = "summary"
    fields: ClassVar[Mapping[str, Value]] = {"issuetype": "10011"}
