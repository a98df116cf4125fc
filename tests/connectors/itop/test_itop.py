"""iTop's own ways: codes at 200, objects by class and id, stimuli, logs that are appended to, the server's own time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest

from connectors.errors import Gone, Outcome, Refused, Retry, Unauthorized
from connectors.itop.hooks import STIMULI as KNOWN
from connectors.itop.hooks import Hooks
from connectors.simulators.itop import INTERNAL, STIMULI, ITop
from connectors.simulators.loopback import Response
from tests.connectors import rig as rigs

BEGAN = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
"""Three hours before the clocks of Madrid go back."""


class Rig(rigs.Rig):
    """The installation and our connector to it."""

    kind, simulator, began = "itop", ITop, BEGAN
    fields: ClassVar[dict[str, str]] = {"title": "VPN down", "description": "<p>x</p>"}

    def update(self, id: str, **fields: Any) -> None:
        self.desk.update(self.ctx(), id, fields, None)

    def sent(self) -> list[Any]:
        return [json.loads(parse_qs(request.body.decode())["json_data"][0]) for request in self.sim.asked]

    def stimuli(self) -> list[Any]:
        return [
            (each["stimulus"], each["fields"]) for each in self.sent() if each["operation"] == "core/apply_stimulus"
        ]

    def poll(self, cursor: str | None) -> tuple[set[str], str]:
        page = self.desk.changed(self.ctx(), "tickets", cursor)
        assert page.done
        return {change.record_id for change in page.changes}, page.cursor


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


# codes


@pytest.mark.parametrize(
    ("code", "message", "outcome"),
    [
        (1, "Error: Invalid login", Unauthorized),
        (5, "Error: Missing parameter 'auth_user'", Unauthorized),
        (10, "Error: version not supported", Refused),
        (100, "Error: impact: Unexpected value '9'", Refused),
        (100, "Error: Invalid key: No item found with id: 9", Gone),
        (100, "Error: Deadlock found when trying to get lock", Retry),
    ],
)
def test_a_failure_at_200_is_what_its_code_says(rig: Rig, code: int, message: str, outcome: type[Outcome]) -> None:
    id = rig.new()
    rig.sim.answer = lambda request: Response.of({"code": code, "message": message})  # type: ignore[method-assign]
    with pytest.raises(Outcome, match=message[:20]) as raised:
        rig.update(id, title="other")
    assert type(raised.value) is outcome


def test_no_object_is_gone(rig: Rig) -> None:
    for id in ("77", "no-number"):
        with pytest.raises((Gone, Refused)):
            rig.fetch(id)
    with pytest.raises(Gone):
        rig.update("77", title="other")
    with pytest.raises(Gone):
        rig.update("77", status="assigned")


def test_objects_are_a_list_whatever_they_were() -> None:
    hooks = Hooks(None)  # type: ignore[arg-type]
    assert hooks.unwrap({"code": 0, "objects": None})["objects"] == []
    assert (
        hooks.unwrap({"code": 0, "objects": {"UserRequest::1": {"key": "1", "fields": {}}}})["objects"][0]["key"] == "1"
    )
    assert hooks.unwrap({"code": 1, "message": "x"}) == {"code": 1, "message": "x"}
    assert hooks.unwrap([1]) == [1]


def test_either_way_of_signing_in(rig: Rig) -> None:
    assert rig.sim.asked[0].headers["authorization"].startswith("Basic ")
    with pytest.raises(Unauthorized):
        rig.connect(auth="token", secrets={"token": "t0ken-0f-itop"}).check(rig.ctx())
    assert rig.sim.asked[-1].headers["auth-token"] == "t0ken-0f-itop"


# the status


def test_a_status_is_reached_by_stimuli_with_what_each_asks_for(rig: Rig) -> None:
    id = rig.new()
    rig.update(id, status="resolved", resolution_code="bug fixed", solution="<p>restarted {it}</p>")
    assert rig.stimuli() == [
        ("ev_assign", {"team_id": 51, "agent_id": 52}),
        ("ev_resolve", {"resolution_code": "bug fixed", "solution": "<p>restarted {it}</p>"}),
    ]
    record = rig.fetch(id)
    assert (record.fields["status"], record.fields["solution"]) == ("resolved", "<p>restarted {it}</p>")
    rig.update(id, status="closed")
    assert rig.fetch(id).fields["status"] == "closed"


def test_what_a_stimulus_asks_for_and_we_do_not_have_is_refused_in_its_words(rig: Rig) -> None:
    id = rig.new()
    with pytest.raises(Refused, match="Missing mandatory attribute: pending_reason") as raised:
        rig.update(id, status="pending")
    assert raised.value.field == "pending_reason"
    assert rig.fetch(id).fields["status"] == "assigned", "the first step was done, and is not undone"
    rig.update(id, status="pending", pending_reason="<p>their turn</p>")
    assert rig.fetch(id).fields["pending_reason"] == "<p>their turn</p>"


def test_a_way_goes_on_from_where_the_clock_has_put_the_ticket(rig: Rig) -> None:
    id = rig.new()
    rig.sim.change(id, {"status": "escalated_tto"})
    rig.update(id, status="resolved", resolution_code="other", solution="<p>done</p>")
    assert [name for name, _ in rig.stimuli()] == ["ev_assign", "ev_resolve"]


def test_no_way_is_refused_and_nothing_is_tried(rig: Rig) -> None:
    id = rig.new()
    rig.sim.change(id, {"status": "closed"})
    with pytest.raises(Refused, match="from closed no stimulus leads to assigned"):
        rig.update(id, status="assigned")
    assert rig.stimuli() == []


def resolved(rig: Rig) -> str:
    """A ticket that we resolved; what was asked for that is forgotten."""
    id = rig.new()
    rig.update(id, status="resolved", resolution_code="other", solution="<p>done</p>")
    rig.sim.asked.clear()
    return id


def test_fields_go_before_a_status_in_which_they_may_not_be_changed(rig: Rig) -> None:
    id = resolved(rig)
    rig.update(id, status="closed", title="VPN was down", impact="2", solution="<p>a new switch</p>")
    fields = rig.fetch(id).fields
    assert (fields["status"], fields["title"], fields["impact"]) == ("closed", "VPN was down", "2")
    assert fields["solution"] == "<p>a new switch</p>", "no stimulus to closed carries it"
    writes = [each for each in rig.sent() if each["operation"] != "core/get"]
    assert [(each["operation"], each.get("stimulus"), set(each["fields"])) for each in writes] == [
        ("core/update", None, {"title", "impact"}),
        ("core/update", None, {"solution"}),
        ("core/apply_stimulus", "ev_close", set()),
    ]


def test_fields_go_after_a_status_in_which_they_may_not_be_changed(rig: Rig) -> None:
    id = resolved(rig)
    rig.sim.sealed.add("resolved")
    rig.update(id, status="assigned", title="VPN is down again", agent_id="52")
    fields = rig.fetch(id).fields
    assert (fields["status"], fields["title"], fields["agent_id"]) == ("assigned", "VPN is down again", "52")
    assert [name for name, _ in rig.stimuli()] == ["ev_reopen"]


def test_a_field_that_is_wrong_is_refused_in_its_own_words(rig: Rig) -> None:
    id = resolved(rig)
    with pytest.raises(Refused, match="impact: Unexpected value 'nobody'"):
        rig.sim.coming = lambda each: replace(
            each, body=each.body.replace(b"%22impact%22%3A+%222", b"%22impact%22%3A+%22nobody")
        )
        rig.update(id, status="assigned", impact="2")
    assert rig.fetch(id).fields["impact"] == "1"


@pytest.mark.parametrize("status", ["escalated_ttr", "approved", "rejected"])
def test_a_status_that_only_they_enter_is_not_sent(rig: Rig, status: str) -> None:
    id = rig.new()
    with pytest.raises(Refused, match="may not be set"):
        rig.update(id, status=status)
    assert rig.stimuli() == []


def test_a_field_of_a_stimulus_goes_by_itself_where_the_status_stays(rig: Rig) -> None:
    id = rig.new()
    rig.update(id, solution="<p>a draft</p>")
    assert rig.sent()[-1]["fields"] == {"solution": "<p>a draft</p>"} and rig.stimuli() == []


def test_the_stimuli_we_know_are_the_documented_ones_that_people_may_use() -> None:
    documented = {
        (here, there, name) for here, each in STIMULI.items() for name, there in each.items() if name not in INTERNAL
    }
    assert {(here, there, name) for here, each in KNOWN.items() for there, name in each.items()} <= documented


def test_the_priority_is_theirs_to_compute(rig: Rig) -> None:
    id = rig.new(impact="1", urgency="2")
    assert rig.fetch(id).fields["priority"] == "1"
    with pytest.raises(Refused, match="cannot be written"):
        rig.update(id, priority="2")


# logs and files


def test_an_entry_is_appended_and_the_whole_log_never_replaced(rig: Rig) -> None:
    id = rig.new()
    rig.sim.say(id, "theirs", True)
    first = rig.desk.comment(rig.ctx(), id, "public_log", "ours", ["staff", "requester"])
    second = rig.desk.comment(rig.ctx(), id, "private_log", "for you", ["staff"])
    assert (first.id, second.id) == ("public_log:2", "private_log:1")
    read = {each.id: (each.text, each.channel) for each in rig.fetch(id).comments}
    assert read == {
        "public_log:1": ("theirs", "public_log"),
        "public_log:2": ("ours", "public_log"),
        "private_log:1": ("for you", "private_log"),
    }
    assert not any("items" in json.dumps(each) for each in rig.sent())


def test_an_entry_keeps_its_id_while_others_are_added(rig: Rig) -> None:
    id = rig.new()
    rig.sim.say(id, "first", True)
    (before,) = rig.fetch(id).comments
    for number in range(5):
        rig.sim.say(id, f"later {number}", True)
    assert next(each for each in rig.fetch(id).comments if each.text == "first").id == before.id


def test_a_file_lies_in_json_with_its_size(rig: Rig) -> None:
    id = rig.new()
    rig.sim.upload(id, "a.bin", b"\x00" * 30, True)
    (file,) = rig.fetch(id).files
    assert (file.name, file.mime, file.size) == ("a.bin", "application/octet-stream", 30)
    rig.sim.files.clear()
    with pytest.raises(Gone):
        b"".join(rig.desk.file(rig.ctx(), file))


# people, the feed, the clock


def test_the_caller_is_our_own_desk_until_somebody_is_known(rig: Rig) -> None:
    assert rig.fetch(rig.new()).fields["caller_id"] == "40"
    person = rig.desk.person(rig.ctx(), email="alice@customer.example")
    assert person is not None and rig.fetch(rig.new("TDM-2", caller_id=person.id)).fields["caller_id"] == person.id
    assert rig.desk.person(rig.ctx(), email="nobody@customer.example") is None
    by_id = rig.desk.person(rig.ctx(), id="52")
    assert by_id is not None and by_id.name == "Paula"


def test_a_reference_is_a_value_and_never_a_part_of_a_query(rig: Rig) -> None:
    rig.new()
    assert rig.desk.find(rig.ctx(), "' OR 1=1 OR ref = '") == []
    assert rig.sent()[-1]["key"] == {"tandem_ref": "' OR 1=1 OR ref = '", "org_id": 3}


def test_times_are_the_servers_own_and_the_hour_that_comes_twice_loses_nothing(rig: Rig) -> None:
    id = rig.new()
    assert rig.sim.tickets[id]["start_date"] == "2026-10-25 00:00:00"
    assert rig.fetch(id).created == BEGAN
    rig.clock.forward(2 * 3600 + 59 * 60)  # 02:59 in summer time
    first = rig.sim.open_record("before the clocks go back")
    told, cursor = rig.poll(None)
    assert told == {id, first}
    rig.clock.forward(11 * 60)  # 02:10 once more, in winter time
    second = rig.sim.open_record("after")
    assert rig.sim.tickets[second]["last_update"] < rig.sim.tickets[first]["last_update"]
    told, cursor = rig.poll(cursor)
    assert second in told


def test_the_feed_asks_for_our_organization_in_the_servers_time(rig: Rig) -> None:
    rig.new()
    _, cursor = rig.poll(None)
    rig.poll(cursor)
    keys = [each["key"] for each in rig.sent() if "last_update >=" in str(each.get("key"))]
    assert keys[-1] == "SELECT UserRequest WHERE org_id = 3 AND last_update >= '2026-10-24 22:55:00'"
