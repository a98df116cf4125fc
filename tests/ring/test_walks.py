"""A status that lies several steps away at a desk whose workflow has to be walked, screens and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.simulators.jira import Jira
from tests.databases import Maker
from tests.ring.ring import Ring


@pytest.fixture
def ring(maker: Maker, tmp_path: Path) -> Iterator[Ring]:
    made = Ring(maker, tmp_path, ("jira",))
    yield made
    made.close()


def moved(ring: Ring, ticket: int, status: str) -> list[dict[str, Any]]:
    """What Jira was asked to do when our ticket took a status."""
    before = len(ring.sims["jira"].asked)
    ring.world.wish("edit", ticket, fields={"status": status})
    ring.calm()
    asked = ring.sims["jira"].asked[before:]
    return [dict(each.json()) for each in asked if each.method == "POST" and each.path.endswith("/transitions")]


def test_a_ticket_goes_through_jiras_workflow_and_back(ring: Ring) -> None:
    ticket = ring.world.create("VPN down", description="Error *809*.", impact="high", urgency="medium")
    ring.world.wish("escalate", ticket, connection="jira", role="holder")
    ring.calm()
    id, sim = ring.remote("jira"), ring.sims["jira"]
    assert isinstance(sim, Jira)
    sim.change(id, {"status": "10010"})
    ring.calm()
    assert ring.world.value("select status from ticket") == "pending_provider"
    done = {"resolution": {"id": "10000"}}
    assert moved(ring, ticket, "resolved") == [
        {"transition": {"id": "721"}},
        {"transition": {"id": "5"}, "fields": done},
    ]
    assert moved(ring, ticket, "in_progress") == [{"transition": {"id": "3"}}, {"transition": {"id": "4"}}]
    assert sim.shows(id)["fields"]["resolution"] is None
    assert ring.world.value("select status from ticket") == "in_progress"
    assert ring.world.rows("select kind, said from delivery where state not in (1)") == []


def test_texts_that_are_trees_there_are_words_here(ring: Ring) -> None:
    ticket = ring.world.create("VPN down", description="Error 809.", impact="high", urgency="medium")
    ring.world.wish("escalate", ticket, connection="jira", role="holder")
    ring.calm()
    id, sim = ring.remote("jira"), ring.sims["jira"]
    assert sim.shows(id)["fields"]["description"]["type"] == "doc"
    ring.world.wish("comment", ticket, text="our words", audience=["provider:jira"])
    sim.say(id, "their words", True)
    ring.calm()
    assert [(one.text.rpartition("\n")[2], one.public) for one in sim.said(id)] == [
        ("their words", True),
        ("our words", False),
    ]
    assert ring.world.rows("select body from comment order by id") == [("our words",), ("their words",)]
    for _ in range(2):
        ring.calm()
    assert len(sim.said(id)) == 2
