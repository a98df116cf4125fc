"""Evidence has an age: what may be older than what is known is dropped or fetched again (ENGINE.md 2)."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from tests.road.conftest import Make
from tests.road.scene import Scene


def four_changes(s: Scene) -> list[tuple[str, str, bytes]]:
    s.hooks.clear()
    for title, urgency in (("one", "low"), ("two", "low"), ("two", "high"), ("four", "medium")):
        s.edit_there(title=title, urgency=urgency)
    return list(s.hooks)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
def test_webhooks_in_any_order_end_in_the_newest_state(scene: Make, order: tuple[int, ...]) -> None:
    s = scene()
    s.escalated()
    hooks = four_changes(s)
    for index in order:
        s.knock(*hooks[index])
        s.work()
    assert (s.fields()["title"], s.fields()["urgency"]) == ("four", "medium")


def test_all_orders_of_four_webhooks_in_one_batch(scene: Make) -> None:
    s = scene()
    s.escalated()
    for number, order in enumerate(permutations(range(4))):
        hooks = four_changes(s)
        for index in order:
            s.knock(hooks[index][0], f"{number}-{index}", hooks[index][2])
        s.work()
        assert (s.fields()["title"], s.fields()["urgency"]) == ("four", "medium")
        s.edit_there(title="between")
        s.sync()


def test_an_older_version_is_dropped(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.hooks.clear()
    s.edit_there(title="older")
    s.edit_there(title="newer")
    older = s.hooks[0]
    s.hook(1)
    s.work()
    fetched = s.calls().count("fetch")
    s.knock(*older)
    s.work()
    assert s.fields()["title"] == "newer"
    assert s.calls().count("fetch") == fetched


def test_the_same_version_with_other_values_is_looked_up(scene: Make) -> None:
    """A clock of one second: two changes, one version."""
    s = scene()
    s.escalated()
    s.hooks.clear()
    s.edit_there(title="seen")
    name, _, body = s.hooks[0]
    document = json.loads(body)
    s.knock(name, "first", body)
    s.work()
    document["ticket"]["title"] = "in the same second"
    fetched = s.calls().count("fetch")
    s.knock(name, "second", json.dumps(document).encode())
    s.work()
    assert s.calls().count("fetch") == fetched + 1
    assert s.fields()["title"] == "seen"


def test_a_webhook_without_the_record_is_a_hint(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.edit_there(title="VPN is down")
    body = json.dumps({"event": "comment.created", "ticket_id": s.record().id}).encode()
    s.knock("acme", "thin", body)
    s.work()
    assert s.calls()[-1] == "fetch"
    assert s.fields()["title"] == "VPN is down"


def test_many_hints_are_one_fetch(scene: Make) -> None:
    s = scene()
    s.escalated()
    body = json.dumps({"event": "comment.created", "ticket_id": s.record().id}).encode()
    fetched = s.calls().count("fetch")
    for number in range(5):
        s.knock("acme", str(number), body)
    s.work()
    assert s.calls().count("fetch") == fetched + 1


def test_a_fetch_that_shows_less_than_we_have_seen_stops_the_connection(scene: Make) -> None:
    """The remote was restored from a backup: nothing is taken from it and nothing sent to it until a person says so."""
    s = scene()
    ticket = s.escalated()
    s.edit_there(title="VPN is down")
    s.sync()
    s.record().revision, s.record().fields["title"] = 1, "VPN down"
    s.knock("acme", "thin", json.dumps({"event": "comment.created", "ticket_id": s.record().id}).encode())
    s.work()
    assert s.rows("select state from connection") == [("regressed",)]
    assert s.notices() == [("regressed", "")]
    s.edit(ticket, title="ours")
    s.calm()
    assert s.fields()["title"] == "ours"
    assert s.record().fields["title"] == "VPN down"
    assert s.value("select count(*) from delivery where state = 0") == 1


def test_a_page_read_before_our_write_ended_is_not_believed(scene: Make) -> None:
    s = scene(locking=False)
    ticket = s.escalated()
    s.edit_there(title="theirs")
    s.poll()
    s.edit(ticket, title="ours", urgency="low")
    s.world.run()
    assert s.record().fields["urgency"] == "low"
    s.calm()
    assert s.fields()["title"] == s.record().fields["title"]
