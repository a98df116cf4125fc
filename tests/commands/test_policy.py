"""``tandem policy``: what each provider may see and who gets a new ticket, checked, put in force, rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.memory.server import DeskServer
from tests.commands.conftest import Cli

NARROW = """\
share: 1
provider: acme
fields: [title, status, impact]
audiences: [provider]
attachments: {max: 1 MB, types: [image/*]}
worklogs: false
"""
Write = Callable[[str], str]
ROUTING = """\
policy: 1
name: routing
rules:
  - name: network
    when: 'category == "network"'
    to: provider:acme
    because: they run it
default: team:service-desk
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(text: str) -> str:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return str(path)

    return made


def test_a_new_provider_has_a_policy_that_can_be_looked_at(connected: Cli) -> None:
    said = connected.good("policy", "show", "share:acme")
    assert "provider: acme" in said
    assert "requester.email" in said
    (row,) = json.loads(connected.good("policy", "history", "--json"))
    assert (row["name"], row["version"], row["reason"]) == ("share:acme", 1, "default for a new provider")


def test_a_narrower_policy_keeps_back_fields_at_once(connected: Cli, server: DeskServer, write: Write) -> None:
    said = connected.good("policy", "publish", write(NARROW), "--reason", "their new contract")
    assert "- description" in said
    assert "- time spent" in said
    assert "share:acme: version 2 is in force" in said
    connected.good("ticket", "create", "--title", "VPN", "--description", "private", "--field", "service=Payroll")
    connected.good("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "x")
    connected.work()
    (record,) = server.desk.tickets.values()
    assert record.fields["title"] == "VPN"
    assert not record.fields.get("description")
    ((payload,),) = connected.rows("select payload from audit where subject = 'policy:share:acme'")
    told = json.loads(payload)
    assert (told["reason"], told["text"]) == ("their new contract", NARROW)
    assert "fields: [title, description" in told["before"]


def test_rules_decide_who_gets_the_next_ticket(connected: Cli, server: DeskServer, write: Write) -> None:
    connected.good("policy", "publish", write(ROUTING), "--reason", "Acme runs the network")
    said = connected.good("ticket", "create", "--title", "Switch is down", "--category", "network")
    assert "provider:acme" in said
    connected.work()
    assert [record.fields["title"] for record in server.desk.tickets.values()] == ["Switch is down"]
    assert connected.rows("select rule, reason from decision") == [("network", "they run it")]


def test_rolled_back_to_an_earlier_version_as_the_next_one(connected: Cli, write: Write) -> None:
    connected.good("policy", "publish", write(NARROW), "--reason", "narrow")
    said = connected.good("policy", "rollback", "share:acme", "1", "--reason", "too narrow")
    assert "version 3 is in force" in said
    assert "+ description" in said
    assert "description" in connected.good("policy", "show", "share:acme")
    assert connected.good("policy", "show", "share:acme", "--version", "2") == NARROW
    versions = json.loads(connected.good("policy", "history", "share:acme", "--json"))
    assert [(one["version"], one["reason"]) for one in versions] == [
        *((3, "too narrow"), (2, "narrow"), (1, "default for a new provider")),
    ]
    assert "no such version" in connected.refused("policy", "rollback", "share:acme", "9", "--reason", "x")
    assert "There are: share:acme" in connected.refused("policy", "show", "share:nobody")


def test_the_very_same_is_not_published_twice(connected: Cli, write: Write) -> None:
    file = write(NARROW)
    connected.good("policy", "publish", file, "--reason", "x")
    assert "in force already" in connected.refused("policy", "publish", file, "--reason", "x")
    assert "reason" in connected.refused("policy", "publish", file)
    assert connected.rows("select count(*) from document where kind = 'share'") == [(2,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NARROW.replace("title", "titel"), ["M010", "policy.yaml:3:", "title"]),
        (NARROW.replace("[provider]", "[team]"), ["M003", "'team'"]),
        (NARROW.replace("provider: acme", "provider: acne"), ["no such provider", "acme"]),
        (NARROW.replace("1 MB", "much"), ["M003", "attachments.max"]),
        (NARROW + "secret: x\n", ["M002", "secret"]),
        ("share: [", ["M001"]),
        ("just: this\n", ["not a policy", "share: 1"]),
        (ROUTING.replace("category", "categry"), ["rules[0].when", "categry", "column 1", "category"]),
        (ROUTING.replace('category == "network"', "category"), ["rules[0].when", "not true or false"]),
        (ROUTING.replace("provider:acme", "provider:bolt"), ["rules[0].to", "no such provider", "acme"]),
        (ROUTING.replace("provider:acme", "acme"), ["rules[0].to", "team:<slug>"]),
        (ROUTING.replace("team:service-desk", "team:servicedesk"), ["default", "no such team", "service-desk"]),
        (ROUTING.replace("because", "becuase"), ["rules[0].becuase", "because"]),
        (ROUTING.replace("name: routing", "name: sla"), ["name", "'sla'", "routing"]),
        (ROUTING.replace("policy: 1", "policy: 2"), ["policy", "'2'"]),
        (ROUTING.replace("default", "  - {name: network, to: 'team:service-desk'}\ndefault"), ["rules[1].name"]),
        ("policy: 1\nname: routing\nrules: {a: b}\n", ["rules", "a list"]),
    ],
)  # fmt: skip
def test_a_policy_with_a_mistake_is_refused_by_name(connected: Cli, write: Write, text: str, said: list[str]) -> None:
    for verb in (("prove",), ("publish", "--reason", "x")):
        told = connected.refused("policy", *verb, write(text))
        assert [word for word in said if word not in told] == [], told
    assert connected.rows("select count(*) from document where kind in ('share', 'policy')") == [(1,)]


def test_what_its_author_should_know_is_said(connected: Cli, write: Write) -> None:
    rules = ROUTING.replace("rules:\n", "rules:\n  - {name: all, to: 'team:service-desk'}\n")
    assert "rules[1] is never reached" in connected.good("policy", "prove", write(rules))
    assert "title is not shared" in connected.good(
        "policy",
        "prove",
        write(NARROW.replace("title, ", "")),
    )
    connected.good("connection", "pause", "acme")
    told = json.loads(connected.good("policy", "prove", write(ROUTING), "--json"))
    assert (told["ok"], told["name"], told["changes"]) == (True, "routing", ["there is none yet"])
    assert "no active connection" in told["notes"][0]
    assert connected.rows("select count(*) from document where kind = 'policy'") == [(0,)]


def test_what_changes_is_told_before(connected: Cli, write: Write) -> None:
    connected.good("policy", "publish", write(ROUTING), "--reason", "x")
    other = ROUTING.replace("== ", "!= ").replace(
        "default: team", "  - {name: rest, to: 'team:service-desk'}\ndefault: team"
    )
    assert json.loads(connected.good("policy", "prove", write(other), "--json"))["changes"] == [
        "+ rest, to team:service-desk",
        "network: changed, to provider:acme",
    ]
