"""The shipped mappings fit the connectors they are shipped with, field by field, as these tell their own catalogues."""

from typing import Any

import pytest

from mappings.engine import compile_mapping
from mappings.examples import failures
from mappings.loader import load
from mappings.prover import prove
from tests.mappings import support

URL = "http://127.0.0.1:1"
DESKS: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = {
    "memory": ({"url": URL}, {"token": "x", "webhook": "y"}, {}),
    "tandem": ({"url": URL, "there": "us"}, {"token": "x", "sign": "y", "webhook": "z"}, {}),
    "rt": (
        {"url": URL, "queue": "General", "login": "gateway"},
        {"token": "x", "webhook": "y"},
        {
            "custom_fields": [
                {"id": "External Reference", "label": "", "type": "FreeformSingle"},
                {"id": "Impact", "label": "", "type": "SelectSingle"},
                {"id": "Urgency", "label": "", "type": "SelectSingle"},
                {"id": "Asset Tag", "label": "", "type": "FreeformMultiple"},
            ]
        },
    ),
    "glpi": (
        {"url": URL, "client_id": "x", "login": "x"},
        {"client_secret": "x", "password": "x", "webhook": "y"},
        {},
    ),
    "mail": (
        {"address": "tandem@a.example", "provider": "support@b.example", "smtp_host": "mail.a.example"},
        {"password": "x"},
        {},
    ),
    "glpi_legacy": ({"url": URL}, {"user_token": "x", "webhook": "y"}, {}),
    "znuny": ({"url": URL, "login": "x", "queue": "q", "customer": "c@a.example"}, {"password": "x"}, {}),
    "zammad": ({"url": URL, "group": "Users", "customer": "desk@a.example"}, {"token": "x", "webhook": "y"}, {}),
    "autotask": (
        {"login": "api@a.example", "company": 1},
        {"secret": "x", "integration_code": "x", "webhook": "y"},
        {},
    ),
    "itop": (
        {"url": URL, "login": "x", "organization": 3, "caller": 1, "team": 1, "agent": 1},
        {"password": "x"},
        {},
    ),
    "halo": ({"url": URL, "application": "x", "client": 1}, {"client_secret": "x", "webhook": "y"}, {}),
    "connectwise": (
        {"company_id": "acme", "public_key": "x", "member": "api", "client_id": "x", "company": "c"},
        {"private_key": "x", "webhook": "y"},
        {},
    ),
    "servicenow": ({"login": "x", "instance": "acme"}, {"password": "x", "webhook": "y"}, {}),
    "freshdesk": ({"domain": "acme", "requester": "desk@a.example"}, {"key": "x", "webhook": "y"}, {}),
    "freshservice": ({"domain": "acme", "requester": "desk@a.example"}, {"key": "x", "webhook": "y"}, {}),
    "zendesk": ({"subdomain": "acme", "login": "a@a.example", "requester": 7}, {"token": "x", "webhook": "y"}, {}),
    "jira": (
        {"site": URL, "project": "OPS", "login": "a@a.example", "reference_field": 10050},
        {"token": "x", "webhook": "y"},
        {},
    ),
    "jsm": (
        {
            "site": URL,
            "project": "OPS",
            "login": "a@a.example",
            "reference_field": 10050,
            "service_desk": "10",
            "request_type": "25",
        },
        {"token": "x", "webhook": "y"},
        {},
    ),
    "redmine": (
        {"url": URL, "project": "p", "tracker": 1, "reference_field": 1},
        {"key": "x", "webhook": "y"},
        {
            "custom_fields": [
                {"id": "1", "label": "External Reference", "type": "string"},
                {"id": "2", "label": "Impact", "type": "list", "values": ["High", "Medium", "Low"]},
                {"id": "3", "label": "Urgency", "type": "list", "values": ["High", "Medium", "Low"]},
                {"id": "4", "label": "Asset Tag", "type": "string"},
            ]
        },
    ),
}


KINDS = tuple(DESKS)


def test_every_shipped_mapping_is_looked_at() -> None:
    assert {path.stem for path in support.SHIPPED.glob("*.yaml")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_connectors_own_catalogue_takes_the_mapping(kind: str) -> None:
    settings, secrets, lists = DESKS[kind]
    catalogue = support.own_catalogue(kind, settings, secrets, lists)
    mapping = compile_mapping(support.shipped(kind), catalogue, support.VOCABULARY, None, kind)
    assert mapping.reference in catalogue["reference_searchable"]
    assert mapping.reads <= catalogue["fields"].keys()
    assert failures(mapping, load(support.shipped(kind), kind)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_mapping_holds_against_the_connectors_own_catalogue(kind: str) -> None:
    """Request Tracker does not tell the values of its custom fields: an admin declares them."""
    levels = {"type": "choice", "values": {"High": "High", "Medium": "Medium", "Low": "Low"}}
    declared = {"fields": {"cf:Impact": levels, "cf:Urgency": levels}} if kind == "rt" else None
    catalogue = support.own_catalogue(kind, *DESKS[kind], declared)
    found = prove(support.shipped(kind), catalogue, support.VOCABULARY, name=kind)
    assert found.holds, [str(told) for told in found.complaints]


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_of_the_connector_has_an_audience_and_both_audiences_a_channel(kind: str) -> None:
    catalogue = support.own_catalogue(kind, *DESKS[kind])
    mapping = compile_mapping(support.shipped(kind), catalogue, support.VOCABULARY, None, kind)
    channels = catalogue["channels"]
    assert {mapping.channel_out(frozenset(a.split("+"))) for a in ("provider", "provider+requester")} <= channels.keys()
    for channel, entry in channels.items():
        assert mapping.audience_in(channel) == frozenset(entry["reaches"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_ours_is_mapped_or_explained(kind: str) -> None:
    catalogue = support.own_catalogue(kind, *DESKS[kind])
    mapping = compile_mapping(support.shipped(kind), catalogue, support.VOCABULARY, None, kind)
    assert mapping.fields.keys() | mapping.unsupported.keys() == support.VOCABULARY.keys()
    assert not mapping.fields.keys() & mapping.unsupported.keys()
