"""What an admin fills in: the form, the checks, and the two secrets of a rotation."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.registry import BadSettings, form
from connectors.signing import sign
from tests.connectors.support import DESKLY, NOW

GOOD = {"url": "https://desk.example/base/", "team": "network"}
SECRETS = {"token": "t"}


def problems(settings: dict[str, Any], secrets: dict[str, str] = SECRETS, text: str = DESKLY, **more: Any) -> set[str]:
    try:
        registry.build(registry.load(text), settings=settings, secrets=secrets, **more)
    except BadSettings as bad:
        assert all(bad.problems.values())
        return set(bad.problems)
    return set()


def test_the_form_of_a_kind_follows_its_choices() -> None:
    servicenow = registry.manifest("servicenow")
    names = {entry.name: entry for entry in form(servicenow, "oauth_refresh", "header")}
    assert {name for name, entry in names.items() if entry.secret} == {"refresh_token", "client_secret", "webhook"}
    assert names["client_id"].required and not names["webhook"].required and not names["table"].required
    assert names["table"].options == ("incident", "problem", "sc_task")
    assert "password" in {entry.name for entry in form(servicenow)}


def test_good_settings_build() -> None:
    assert problems(GOOD) == set()


@pytest.mark.parametrize(
    "url",
    [
        "desk.example",
        "http://desk.example",
        "ftp://desk.example",
        "https://",
        "https://a@b.example",
        "https:///x",
        "https://desk.example/?x=1",
        "https://desk.example/#x",
        "https://desk.exämple",
        "https://desk.example:0/",
        "https://desk.example:99999",
        "javascript:alert(1)",
        "https://desk.example/{x}",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    assert problems({**GOOD, "url": url}) == {"url"}


@pytest.mark.parametrize(
    "url", ["https://desk.example", "http://127.0.0.1:8080", "http://localhost:1/x", "http://[::1]:1"]
)
def test_addresses_that_are_good(url: str) -> None:
    assert problems({**GOOD, "url": url}) == set()


SETTINGS = """settings:
  url:   {type: url, label: a}
  team:  {type: text, pattern: "[a-z]+", label: a}
  host:  {type: host_label, label: a, optional: true}
  mail:  {type: email, label: a, optional: true}
  count: {type: integer, label: a, optional: true}
  flag:  {type: boolean, label: a, default: false}
  pick:  {type: choice, of: [one, two], label: a, default: one}
  zone:  {type: zone, label: a, default: UTC}
  free:  {type: raw, label: a, optional: true}
"""
TYPED = SETTINGS + DESKLY[DESKLY.index("base:") :]
TYPED = DESKLY[: DESKLY.index("settings:")] + TYPED


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("team", "network", True),
        ("team", "Network!", False),
        ("team", "network\n", True),
        ("host", "dev-1", True),
        ("host", "dev1.evil.example", False),
        ("host", "-x", False),
        ("mail", "ana@example.com", True),
        ("mail", "ana@example.com'", False),
        ("count", "12", True),
        ("count", 12, True),
        ("count", "12a", False),
        ("count", True, False),
        ("flag", "true", True),
        ("flag", "yes", False),
        ("pick", "two", True),
        ("pick", "three", False),
        ("zone", "Europe/Madrid", True),
        ("zone", "Europe/Nowhere", False),
        ("zone", "../etc/passwd", False),
        ("free", "a^ORb", True),
        ("free", "a\x00b", False),
        ("nothing", "x", False),
    ],
)
def test_each_type(name: str, value: Any, good: bool) -> None:
    assert problems({**GOOD, name: value}, text=TYPED) == (set() if good else {name})


def test_every_problem_comes_at_once() -> None:
    assert problems({"url": "x", "other": 1}, {"nonsense": "y"}) == {"url", "team", "token", "other", "nonsense"}


def test_an_unknown_choice() -> None:
    assert problems(GOOD, auth="kerberos") == {"auth"}
    with pytest.raises(KeyError):
        registry.build("nobody", settings={}, secrets={})


def test_two_webhook_secrets_during_rotation() -> None:
    secrets = {"token": "t", "webhook": "new", "webhook.previous": "old"}
    desk = registry.build(registry.load(DESKLY), settings=GOOD, secrets=secrets)
    scheme = registry.load(DESKLY).part("webhook", "verify", "signed")
    for name, secret in (("webhook", "new"), ("webhook.previous", "old")):
        headers = {key.lower(): value for key, value in sign(scheme, b"{}", secret, {}).items()}
        assert desk.verify(Arrival("POST", {}, headers, b"{}"), NOW).secret == name


def test_an_address_without_its_last_slash() -> None:
    desk: Any = registry.build(registry.load(DESKLY), settings=GOOD, secrets=SECRETS)
    assert desk._places().base == "https://desk.example/base/api"


def test_a_secret_in_the_body_of_a_call_is_asked_for_too() -> None:
    made = 'create: {send: POST /tickets, headers: {X-Door: "{secret.door}"},'
    text = DESKLY.replace("create: {send: POST /tickets,", made)
    assert "door" in {entry.name for entry in form(registry.load(text)) if entry.secret}
