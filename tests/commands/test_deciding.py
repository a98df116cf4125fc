"""The policies that come with Tandem by command: adopted, tried on the past; and why a ticket is where it is."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import Cli


def test_what_comes_with_tandem_is_adopted_once(cli: Cli) -> None:
    said = cli.good("policy", "adopt", "--reason", "a beginning")
    names = ["calendars", "triage", "routing", "targets", "escalation"]
    assert said.splitlines() == [f"{name}: version 1 is in force" for name in names]
    assert "nothing was done" in cli.good("policy", "adopt", "--reason", "again")


def test_why_a_ticket_is_where_it_is_and_what_is_due(cli: Cli) -> None:
    cli.good("policy", "adopt", "--reason", "a beginning")
    cli.good("ticket", "create", "--title", "The VPN is down", "--impact", "high", "--urgency", "high")
    told = json.loads(cli.good("ticket", "why", "T-1001", "--json"))
    assert [one["kind"] for one in told["decisions"]][:2] == ["triage", "routing"]
    assert told["decisions"][0]["words"].startswith("incident because a device, a service or a process")
    assert {one["clock"] for one in told["clocks"]} >= {"acknowledge", "reply", "requester_wait", "agent_work"}
    assert "team:service-desk has the ticket since" in told["because"] and told["next"]
    assert "desk-lead will know" in cli.good("ticket", "why", "T-1001")


def test_a_draft_is_tried_on_the_past(cli: Cli, tmp_path: Path) -> None:
    cli.good("policy", "adopt", "--reason", "a beginning")
    for title in ("VPN is down", "Printer jams"):
        cli.good("ticket", "create", "--title", title)
    text = cli.good("policy", "show", "routing")
    same = tmp_path / "routing.yaml"
    same.write_text(text, "utf-8")
    found = json.loads(cli.good("policy", "preview", str(same), "--json"))
    assert (found["decisions"], found["exact"], found["changed"]) == (2, 2, [])
    assert "2 of them made again exactly as they were" in cli.good("policy", "preview", str(same))
    said = cli.refused("policy", "preview", str(same), "--agents", "internal")
    assert "internal=5" in said
