"""Tickets by the command line, and what needs a person: dead letters, arrivals nobody could read, conflicts, drift."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from connectors.memory.server import DeskServer
from tests.commands.conftest import Cli


def page(cli: Cli, ticket: str = "T-1001") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli.good("ticket", "show", ticket, "--json"))
    return found


@pytest.fixture
def linked(connected: Cli) -> Cli:
    """T-1001 stands at the desk as well."""
    connected.good("ticket", "create", "--title", "VPN down", "--description", "Error 809.", "--impact", "high")
    connected.good("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "they run it")
    connected.work()
    return connected


# --- tickets ---


def test_a_ticket_is_made_with_its_fields(cli: Cli) -> None:
    made = json.loads(
        cli.good(
            *("ticket", "create", "--title", "New laptop", "--description", "-", "--kind", "request", "--json"),
            *("--requester", "Bob@Customer.Example", "--name", "Bob", "--tag", "onboarding", "--tag", "laptop"),
            *("--field", "service=Workplace", "--field", "assets=LT-1,LT-2"),
            input="Starts on Monday.",
        )
    )
    assert (made["number"], made["holder"], made["status"]) == ("T-1001", "team:service-desk", "new")
    found = page(cli)
    assert found["id"] == made["id"]
    assert found["fields"]["requester"] == {"email": "bob@customer.example", "name": "Bob"}
    assert found["fields"]["tags"] == ["laptop", "onboarding"]
    assert found["fields"]["assets"] == ["LT-1", "LT-2"]
    assert found["fields"]["description"] == "Starts on Monday."
    assert found["fields"]["priority"] == "P3"


def test_a_field_that_is_none_is_refused_with_those_there_are(cli: Cli) -> None:
    said = cli.refused("ticket", "create", "--title", "x", "--field", "colour=red")
    assert "no such field" in said
    assert "subcategory" in said
    assert "One of: P1" in cli.refused("ticket", "create", "--title", "x", "--field", "priority=P9")
    assert "e-mail" in cli.refused("ticket", "create", "--title", "x", "--requester", "bob")
    assert cli.rows("select 1 from ticket") == []


def test_a_ticket_is_found_by_number_and_by_id_and_no_other_is(cli: Cli) -> None:
    id = json.loads(cli.good("ticket", "create", "--title", "One", "--json"))["id"]
    for name in ("T-1001", "t-1001", "1001", id):
        assert page(cli, name)["fields"]["title"] == "One"
    for name in ("T-1002", "nobody", id[:-1] + ("0" if id[-1] != "0" else "1")):
        assert "no such ticket" in cli.refused("ticket", "show", name)


def test_escalated_worked_on_and_taken_back(linked: Cli, server: DeskServer) -> None:
    (record,) = server.desk.tickets.values()
    assert (record.fields["title"], record.fields["impact"]) == ("VPN down", "high")
    said = linked.good("ticket", "show", "T-1001")
    assert "provider:acme" in said
    assert "they run it" in said
    assert "D-1001" in said
    assert "has this ticket already" in linked.refused(
        "ticket", "escalate", "T-1001", "--to", "acme", "--reason", "again"
    )
    assert "no such connection" in linked.refused("ticket", "escalate", "T-1001", "--to", "nobody", "--reason", "x")
    assert "taken back, with team:service-desk" in linked.good(
        "ticket", "take-back", "T-1001", "--reason", "solved here"
    )
    linked.work()
    assert record.comments[-1].text.endswith("Taken back: solved here")
    assert "nothing to take back" in linked.refused("ticket", "take-back", "T-1001", "--reason", "again")


def test_what_remotes_write_cannot_act_on_the_terminal(linked: Cli, server: DeskServer) -> None:
    server.desk.comment("paula", "1001", "\x1b[2Jgone\x07", True)
    linked.good("connection", "poll", "acme")
    linked.work()
    said = linked.good("ticket", "show", "T-1001")
    assert "[2Jgone" in said
    assert "\x1b" not in said
    assert "\x07" not in said


# --- dead letters ---


def test_a_dead_letter_is_listed_and_goes_out_after_a_replay(connected: Cli, server: DeskServer) -> None:
    connected.good("ticket", "create", "--title", "Printer")
    connected.good("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "x")
    connected.write("update delivery set state = 2, tries = 14, said = 'they said no'")
    connected.write("update lane set held = 'they said no', due_at = null")
    assert connected.work() == 0
    (one,) = json.loads(connected.good("delivery", "list", "--dead", "--json"))
    assert (one["ticket"], one["connection"], one["kind"], one["state"], one["said"]) == (
        *(1001, "acme", "create", "dead", "they said no"),
    )
    assert "they said no" in connected.good("delivery", "list", "--dead")
    assert "1 to be sent again" in connected.good("delivery", "replay", one["id"], "--reason", "they fixed it")
    assert json.loads(connected.good("delivery", "list", "--dead", "--json")) == []
    assert connected.rows("select state, tries, said from delivery") == [(0, 0, "")]
    (entry,) = connected.rows("select payload from audit where payload like '%replayed%'")
    assert "they fixed it" in entry[0]
    connected.work()
    assert [each.fields["title"] for each in server.desk.tickets.values()] == ["Printer"]
    assert "only what is dead" in connected.refused("delivery", "replay", one["id"])


def test_all_of_a_connection_at_once(linked: Cli) -> None:
    linked.write("update delivery set state = 2")
    assert "1 to be sent again" in linked.good("delivery", "replay", "--connection", "acme")
    assert "0 to be sent again" in linked.good("delivery", "replay", "--connection", "acme")
    assert "Name deliveries" in linked.refused("delivery", "replay")


def test_a_replay_after_the_link_ended_is_refused(linked: Cli) -> None:
    linked.good("ticket", "take-back", "T-1001", "--reason", "x")
    linked.work()
    linked.write("update delivery set state = 2 where kind = 'create'")
    (one,) = json.loads(linked.good("delivery", "list", "--dead", "--json"))
    result = linked.run("delivery", "replay", one["id"])
    assert result.exit_code == 1
    assert "its link has ended" in result.output
    assert "0 to be sent again" in result.output


def test_the_audit_trail_stands_after_replays(linked: Cli) -> None:
    linked.write("update delivery set state = 2")
    linked.good("delivery", "replay", "--connection", "acme", "--reason", "once more")
    linked.work()
    assert json.loads(linked.good("audit", "verify", "--json"))["problems"] == []


def test_an_arrival_nobody_could_read_is_worked_on_again(linked: Cli, server: DeskServer) -> None:
    server.desk.update("paula", "1001", {"status": "working"})
    linked.good("connection", "poll", "acme")
    linked.write("update arrival set state = 2, said = 'ValueError: no idea' where state = 0")
    found = json.loads(linked.good("arrival", "list", "--json"))
    assert {(one["connection"], one["kind"], one["state"], one["said"]) for one in found} == {
        ("acme", "poll", "dead", "ValueError: no idea"),
    }
    said = linked.good("arrival", "replay", *[one["id"] for one in found])
    assert f"{len(found)} to be worked on again" in said
    linked.work()
    assert page(linked)["status"] == "in_progress"
    assert "nothing waits" in linked.good("arrival", "list")
    assert json.loads(linked.good("arrival", "list", "--all", "--json"))[0]["state"] == "done"
    assert "no such arrival" in linked.refused("arrival", "replay", "nonsense")


# --- conflicts ---


@pytest.fixture
def torn(linked: Cli, server: DeskServer) -> Cli:
    """Both sides changed the title, under the policy ``ask``."""
    ((link, ticket),) = linked.rows("select id, ticket_id from link")
    ((text,),) = linked.rows("select pairs from link")
    pairs = json.loads(text)
    pairs["title"][1:4] = ["Theirs", 1, "ask"]
    server.desk.update("paula", "1001", {"title": "Theirs"})
    linked.good("connection", "poll", "acme")
    linked.work()
    linked.write("update link set pairs = ?, seen = replace(seen, 'VPN down', 'Theirs')", json.dumps(pairs))
    linked.write("update ticket set title = 'Ours', fields = replace(fields, 'Theirs', 'Ours')")
    columns = "id, ticket_id, link_id, field, ours, theirs, opened_at"
    values = (7, ticket, link, "title", '"Ours"', '"Theirs"', 1)
    linked.write(f"insert into conflict ({columns}) values (?, ?, ?, ?, ?, ?, ?)", *values)
    return linked


@pytest.mark.parametrize(("keep", "stands"), [("ours", "Ours"), ("theirs", "Theirs")])
def test_a_conflict_ends_with_the_value_a_person_chose(torn: Cli, server: DeskServer, keep: str, stands: str) -> None:
    (one,) = json.loads(torn.good("conflict", "list", "--json"))
    assert (one["field"], one["ours"], one["theirs"], one["state"]) == ("title", "Ours", "Theirs", "open")
    assert f"T-1001 title: {keep} stands" in torn.good("conflict", "resolve", one["id"], "--keep", keep)
    torn.work()
    assert page(torn)["title"] == stands
    assert server.desk.tickets["1001"].fields["title"] == stands
    assert "no open conflicts" in torn.good("conflict", "list")
    assert json.loads(torn.good("conflict", "list", "--all", "--json"))[0]["resolution"] == keep
    assert "closed" in torn.refused("conflict", "resolve", one["id"], "--keep", keep)


# --- drift ---


def test_no_drift_where_both_sides_agree(linked: Cli) -> None:
    told = json.loads(linked.good("drift", "acme", "--json"))
    assert (told["links"], told["differ"], told["found"]) == (1, 0, [])


def test_what_they_changed_unseen_is_found_and_taken_in(linked: Cli, server: DeskServer) -> None:
    server.desk.update("paula", "1001", {"title": "VPN still down", "status": "working"})
    result = linked.run("drift", "acme", "--json")
    assert result.exit_code == 1
    (one,) = json.loads(result.output)["found"]
    assert {(d["field"], d["why"], d["theirs"]) for d in one["differences"]} == {
        *{("title", "theirs", "VPN still down"), ("status", "theirs", "working")},
    }
    linked.good("drift", "acme", "--heal")
    linked.work()
    assert page(linked)["title"] == "VPN still down"
    assert page(linked)["status"] == "in_progress"
    linked.good("drift", "acme")


def test_what_is_ours_alone_is_written_again(linked: Cli, server: DeskServer) -> None:
    server.desk.update("paula", "1001", {"priority": "5"})
    said = linked.run("drift", "acme").output
    assert "priority" in said
    assert "drift" in said
    linked.good("drift", "acme", "--heal")
    linked.work()  # it finds that the record has moved on, and comes back after a look at it
    linked.write("update lane set due_at = 1 where due_at is not null")
    linked.work()
    assert server.desk.tickets["1001"].fields["priority"] == "2"
    linked.good("drift", "acme")


def test_a_record_that_is_gone_is_said(linked: Cli, server: DeskServer) -> None:
    server.desk.delete("paula", "1001")
    result = linked.run("drift", "acme", "--heal")
    assert result.exit_code == 1
    assert "gone" in result.output


def test_a_notice_is_listed_and_ticked_off(linked: Cli, server: DeskServer) -> None:
    server.desk.update("paula", "1001", {"priority": "5"})
    linked.good("connection", "poll", "acme")
    linked.work()
    (one,) = json.loads(linked.good("notice", "list", "--json"))
    assert (one["ticket"], one["connection"], one["kind"], one["field"]) == (1001, "acme", "drift", "priority")
    assert "kept by us" in linked.good("notice", "list")
    assert "1 closed" in linked.good("notice", "close", one["id"], "--reason", "theirs alone")
    assert "no open notices" in linked.good("notice", "list")
    assert "this notice is closed" in linked.refused("notice", "close", one["id"])
    assert json.loads(linked.good("notice", "list", "--all", "--json"))[0]["state"] == "closed"
    assert linked.rows("select count(*) from audit where payload like '%theirs alone%'") == [(1,)]


def test_a_held_lane_is_listed_and_released(linked: Cli, server: DeskServer) -> None:
    linked.write("update lane set held = 'this looks like a loop'")
    (one,) = json.loads(linked.good("lane", "list", "--json"))
    assert (one["ticket"], one["connection"], one["remote"]) == (1001, "acme", "D-1001")
    assert "this looks like a loop" in linked.good("lane", "list")
    assert "1 released" in linked.good("lane", "release", one["link_id"], "--reason", "their robot is off")
    assert "no lane is held" in linked.good("lane", "list")
    assert "not held" in linked.refused("lane", "release", one["link_id"])
    assert linked.rows("select held, due_at > 0, freed_at > 0 from lane") == [("", 1, 1)]


def test_escalating_to_a_paused_connection_says_who_paused_it_and_why(connected: Cli) -> None:
    connected.good("connection", "pause", "acme", "--reason", "their maintenance")
    connected.good("ticket", "create", "--title", "Printer")
    said = connected.refused("ticket", "escalate", "T-1001", "--to", "acme", "--reason", "x")
    assert re.search(r"acme is paused by cli since \d{4}-\d\d-\d\d \d\d:\d\d UTC: their maintenance", said)
    assert "resumed" in said
    assert "no such connection" in connected.refused("ticket", "escalate", "T-1001", "--to", "bolt", "--reason", "x")
