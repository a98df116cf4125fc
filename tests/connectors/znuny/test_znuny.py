"""What is special about Znuny: errors inside a 200, ids alone, lists that fail whole, credentials in bodies alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.base import Context
from connectors.errors import Gone, Refused, Unauthorized, Unsupported
from connectors.rest import Rest
from connectors.simulators import znuny as simulated
from connectors.simulators.desk import Clock
from connectors.simulators.znuny import Znuny
from connectors.znuny import hooks
from tests.connectors.support import NOW, context

REF = "TDM-AAAA-BBBB"
STATES = Path(__file__).parents[3] / "mappings" / "znuny.yaml"


@pytest.fixture
def sim() -> Iterator[Znuny]:
    with Znuny(Clock()) as made:
        yield made


def desk(sim: Znuny, **more: Any) -> Rest:
    made = registry.build("znuny", **{"settings": sim.settings, "secrets": sim.secrets, **more})
    assert isinstance(made, Rest)
    return made


def ctx(sim: Znuny) -> Context:
    return context(sim.port, now=sim.clock())


def new(sim: Znuny, made: Rest, **more: Any) -> str:
    return made.create(ctx(sim), {"Title": "VPN down", **more}, REF, "key").id or ""


def clock(sim: Znuny) -> Clock:
    assert isinstance(sim.clock, Clock)
    return sim.clock


def polled(sim: Znuny, made: Rest, cursor: str | None) -> tuple[set[str], str]:
    found: set[str] = set()
    for _ in range(20):
        page = made.changed(ctx(sim), "tickets", cursor)
        found |= {each.record_id for each in page.changes}
        cursor = page.cursor
        if page.done:
            return found, cursor
    raise AssertionError("the feed does not end")


def test_no_address_ever_holds_a_credential(sim: Znuny) -> None:
    made = desk(sim)
    made.check(ctx(sim))
    id = new(sim, made)
    made.update(ctx(sim), id, {"Title": "x"}, None)
    made.find(ctx(sim), REF)
    polled(sim, made, None)
    assert all(request.method == "POST" and not request.query for request in sim.asked)
    secret = sim.secrets["password"]
    assert all(secret not in request.path and secret not in str(request.headers) for request in sim.asked)


def test_errors_inside_a_200_end_as_what_they_are(sim: Znuny) -> None:
    made = desk(sim)
    id = new(sim, made)
    with pytest.raises(Refused, match="Ticket->Queue parameter is invalid"):
        desk(sim, settings={**sim.settings, "queue": "Nowhere"}).create(ctx(sim), {"Title": "x"}, REF, "key")
    with pytest.raises(Refused, match="does not have access"):
        made.fetch(ctx(sim), "404")
    with pytest.raises(Refused, match=r"DynamicField->Name"):
        made.update(ctx(sim), id, {"dynamic:Unknown": "x"}, None)
    sim.revoke()
    with pytest.raises(Unauthorized, match="Authorization failing"):
        made.update(ctx(sim), id, {"Title": "x"}, None)


def test_nothing_found_is_an_empty_object(sim: Znuny) -> None:
    made = desk(sim)
    assert made.find(ctx(sim), REF) == [] and polled(sim, made, None)[0] == set()
    first, second = new(sim, made), new(sim, made)
    assert {hit.id for hit in made.find(ctx(sim), REF)} == {first, second}, "two of one reference are both told"


def test_one_ticket_that_may_not_be_read_does_not_hide_the_others(sim: Znuny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search may still name a ticket that the list refuses: it was moved between the two calls."""
    made = desk(sim)
    ids = [sim.open_record(f"record {number}") for number in range(7)]
    read = sim._readable

    def readable(id: int) -> Any:
        if id == int(ids[3]):
            raise simulated.Refused("AccessDenied", "User does not have access to the ticket!")
        return read(id)

    monkeypatch.setattr(sim, "_readable", readable)
    found, cursor = polled(sim, made, None)
    assert found == set(ids) - {ids[3]}
    clock(sim).forward(60)
    late = sim.open_record("late")
    assert late in polled(sim, made, cursor)[0]


def test_more_changes_in_one_second_than_one_list_holds(sim: Znuny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SIZE", 10)
    made = desk(sim)
    ids = {sim.open_record(f"record {number}") for number in range(35)}
    clock(sim).forward(1)
    ids |= {sim.open_record(f"later {number}") for number in range(10)}
    found, _ = polled(sim, made, None)
    assert found == ids


def test_times_are_those_of_the_server(sim: Znuny) -> None:
    made = desk(sim)
    for moment in (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), datetime(2026, 7, 15, 8, 0, tzinfo=UTC)):
        clock(sim).at = moment
        assert made.fetch(ctx(sim), sim.open_record("x")).created == moment
    clock(sim).forward(7200)
    _, cursor = polled(sim, made, None)
    late = sim.open_record("late")
    asked = len(sim.asked)
    assert late in polled(sim, made, cursor)[0]
    assert sim.asked[asked].json()["TicketLastChangeTimeNewerDate"] == "2026-07-15 08:55:00"


def test_the_hour_that_comes_twice_hides_nothing(sim: Znuny) -> None:
    made = desk(sim)
    clock(sim).at = datetime(2026, 10, 25, 0, 58, tzinfo=UTC)
    sim.open_record("02:58, the first time")
    _, cursor = polled(sim, made, None)
    clock(sim).forward(600)
    assert sim.open_record("02:08, the second time") in polled(sim, made, cursor)[0]


def test_files_of_the_same_number_in_two_articles_are_two(sim: Znuny) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.upload(id, "one.bin", b"\x00one", True)
    sim.upload(id, "two.bin", b"\xfftwo", False)
    files = made.fetch(ctx(sim), id).files
    assert len({each.id for each in files}) == 2
    assert [(each.name, each.channel, each.size) for each in files] == [
        ("one.bin", "public", 4),
        ("two.bin", "internal", 4),
    ]
    assert [b"".join(made.file(ctx(sim), each)) for each in files] == [b"\x00one", b"\xfftwo"]
    assert all(not each["Content"] for each in _attachments(made.fetch(ctx(sim), id).raw)), "a fetch brings no contents"
    sim.tickets[int(id)]["articles"].pop()
    with pytest.raises(Gone):
        list(made.file(ctx(sim), files[1]))


def _attachments(raw: Any) -> list[Any]:
    return [each for article in raw["Article"] for each in article.get("Attachment", ())]


def test_time_and_files_of_ours_are_no_comments(sim: Znuny) -> None:
    made = desk(sim)
    id = new(sim, made, Body="what happened")
    made.worklog(ctx(sim), id, 20, "looked", NOW)
    sim.say(id, "any news?", False)
    record = made.fetch(ctx(sim), id)
    assert [(each.text, each.channel, each.author) for each in record.comments] == [("any news?", "internal", "8")]
    assert sim.spent(id) == [20]


def test_a_pending_state_wants_its_time(sim: Znuny) -> None:
    made = desk(sim)
    id = new(sim, made)
    with pytest.raises(Refused) as caught:
        made.update(ctx(sim), id, {"State": "pending reminder"}, None)
    assert caught.value.field == "PendingMinutes"
    made.update(ctx(sim), id, {"State": "pending reminder", "PendingMinutes": 60}, None)
    assert made.fetch(ctx(sim), id).fields["State"] == "pending reminder"
    assert sim.asked[-2].json()["Ticket"]["PendingTime"] == {"Diff": 60}


def test_states_that_end_a_ticket(sim: Znuny) -> None:
    made = desk(sim)
    merged, removed = new(sim, made), new(sim, made)
    sim.change(merged, {"State": "merged"})
    sim.remove(removed)
    assert (made.fetch(ctx(sim), merged).state, made.fetch(ctx(sim), removed).state) == ("merged", "gone")
    with pytest.raises(Refused):
        made.update(ctx(sim), merged, {"State": "removed"}, None)


def test_every_state_of_a_fresh_znuny_is_known(sim: Znuny) -> None:
    assert set(simulated.STATES.values()) == desk(sim).catalogue().doc["fields"]["State"]["values"].keys()
    assert all(f"      {state}: " in STATES.read_text("utf-8") for state in simulated.STATES.values())


def test_the_customer_is_the_one_told_or_the_one_of_the_settings(sim: Znuny) -> None:
    made = desk(sim)
    assert sim.shows(new(sim, made, CustomerUser="new@customer.example"))["CustomerUserID"] == "new@customer.example"
    assert sim.shows(new(sim, made))["CustomerUserID"] == sim.settings["customer"]


def test_what_it_cannot_is_said(sim: Znuny) -> None:
    made = desk(sim)
    with pytest.raises(Unsupported, match="no persons"):
        made.person(ctx(sim), id="8")
    assert "polled" in made.cannot["webhook"]
    assert json.loads(made.changed(ctx(sim), "tickets", None).cursor)["kind"] == "time"
