"""What is special about GLPI's older API: sessions, refusals inside a 200, ranges, naive times, uploads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.errors import Gone, Refused, Unauthorized
from connectors.rest import Rest
from connectors.simulators.desk import Clock
from connectors.simulators.glpi_legacy import GlpiLegacy
from tests.connectors.glpi.support import (
    CHALLENGE,
    QUEUED,
    REF,
    SIGNED,
    WEBHOOKS,
    built,
    clock,
    ctx,
    flipped,
    hook,
    new,
    proved,
    vector,
    wrong,
)


@pytest.fixture
def sim() -> Iterator[GlpiLegacy]:
    with GlpiLegacy(Clock()) as made:
        yield made


def desk(sim: GlpiLegacy, **more: Any) -> Rest:
    return built("glpi_legacy", sim, **more)


def signing(secret: str) -> Rest:
    made = registry.build(
        "glpi_legacy", settings={"url": "http://127.0.0.1:9"}, secrets={"user_token": "x", "webhook": secret}
    )
    assert isinstance(made, Rest)
    return made


@pytest.mark.parametrize("app", [False, True])
@pytest.mark.parametrize("way", ["user_token", "password"])
def test_every_way_to_sign_in(sim: GlpiLegacy, way: str, app: bool) -> None:
    sim.app_token = "app-1" if app else ""
    settings = {**sim.settings, **({"login": "tandem"} if way == "password" else {})}
    secrets = {"webhook": "x", **({"app_token": "app-1"} if app else {})}
    secrets[way] = sim.password if way == "password" else sim.secrets["user_token"]
    made = desk(sim, auth=f"app_{way}" if app else way, settings=settings, secrets=secrets)
    assert made.check(ctx(sim)).me == {"7", "tandem"}
    assert {each.method for each in sim.asked} == {"GET"} and all(not each.body for each in sim.asked)


def test_a_server_that_wants_an_application_token_says_so(sim: GlpiLegacy) -> None:
    sim.app_token = "app-1"
    with pytest.raises(Unauthorized, match="ERROR_APP_TOKEN_PARAMETERS_MISSING"):
        desk(sim).check(ctx(sim))


def test_one_session_serves_all_calls(sim: GlpiLegacy) -> None:
    made = desk(sim)
    made.fetch(ctx(sim), new(sim, made))
    assert sim.signed == 1


def test_a_refusal_inside_a_200_is_one_with_its_words(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.denied.add(int(id))
    with pytest.raises(Refused, match="don't have permission"):
        made.update(ctx(sim), id, {"name": "no"}, None)
    assert sim.shows(id)["name"] == "VPN down"


def test_a_status_at_creation_is_left_for_an_update_and_only_those_known_are_sent(sim: GlpiLegacy) -> None:
    made = desk(sim)
    receipt = made.create(ctx(sim), {"name": "VPN down", "status": "4"}, REF, "key")
    assert receipt.later == ("status",)
    made.update(ctx(sim), receipt.id or "", {"status": "4"}, None)
    assert made.fetch(ctx(sim), receipt.id or "").fields["status"] == "4"
    with pytest.raises(Refused):
        made.update(ctx(sim), receipt.id or "", {"status": "99"}, None)


def test_a_find_that_finds_more_than_the_reference(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = new(sim, made)
    made.create(ctx(sim), {"name": "another"}, f"{REF}-CCCC", "key")
    assert [hit.id for hit in made.find(ctx(sim), REF)] == [id]


@pytest.mark.parametrize("count", [100, 200, 201])
def test_a_list_that_ends_at_the_edge_of_a_page(sim: GlpiLegacy, count: int) -> None:
    """A range beyond the end is an error there, and the end of the list to us."""
    made = desk(sim)
    id = new(sim, made)
    for number in range(count):
        sim.say(id, f"line {number}", True)
    record = made.fetch(ctx(sim), id)
    assert len(record.comments) == count and record.complete


def test_the_moment_asked_from_is_taken_in(sim: GlpiLegacy) -> None:
    """More than is not equal to: what changed in the second of a page's last row has to be asked for otherwise."""
    made = desk(sim)
    ids = {sim.open_record(f"record {number}") for number in range(150)}
    found: set[str] = set()
    cursor = None
    for _ in range(9):
        page = made.changed(ctx(sim), "tickets", cursor)
        found |= {each.record_id for each in page.changes}
        cursor = page.cursor
        if page.done:
            break
    assert found == ids


def test_times_are_those_of_the_server(sim: GlpiLegacy) -> None:
    made = desk(sim)
    for moment in (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), datetime(2026, 7, 15, 8, 0, tzinfo=UTC)):
        clock(sim).at = moment
        record = made.fetch(ctx(sim), sim.open_record("x"))
        assert record.created == moment and record.version == f"{sim.now()}"
    clock(sim).forward(7200)
    page = made.changed(ctx(sim), "tickets", None)
    late = sim.open_record("late")
    asked = len(sim.asked)
    after = made.changed(ctx(sim), "tickets", page.cursor)
    assert late in {each.record_id for each in after.changes}
    assert sim.asked[asked].query["criteria[1][value]"] == "2026-07-15 08:55:00"


def test_the_hour_that_comes_twice_hides_nothing(sim: GlpiLegacy) -> None:
    made = desk(sim)
    clock(sim).at = datetime(2026, 10, 25, 0, 58, tzinfo=UTC)
    sim.open_record("02:58, the first time")
    page = made.changed(ctx(sim), "tickets", None)
    clock(sim).forward(600)
    late = sim.open_record("02:08, the second time")
    assert late in {each.record_id for each in made.changed(ctx(sim), "tickets", page.cursor).changes}


def test_a_file_goes_up_with_the_record_it_belongs_to(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.upload(id, "theirs.bin", b"\x00\xff\r\n--", True)
    (file,) = made.fetch(ctx(sim), id).files
    assert (file.name, file.author) == ("theirs.bin", "8")
    assert b"".join(made.file(ctx(sim), file)) == b"\x00\xff\r\n--"


def test_our_time_is_booked_and_a_later_wording_replaces(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = new(sim, made)
    made.worklog(ctx(sim), id, 20, "looked", sim.clock())
    first = made.comment(ctx(sim), id, "private", "frist", ["staff"])
    made.comment(ctx(sim), id, "private", "first", ["staff"], replaces=first.id)
    assert sim.spent(id) == [20] and [each.text for each in sim.said(id)] == ["first"]
    with pytest.raises(Refused, match="not found"):
        made.comment(ctx(sim), id, "private", "x", ["staff"], replaces="99")


def test_authors_are_told(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = sim.open_record("theirs")
    sim.say(id, "hello", True)
    record = made.fetch(ctx(sim), id)
    assert (record.author, record.comments[0].author) == ("8", "8")
    person = made.person(ctx(sim), id="8")
    assert person is not None and person.login == "paula"


def test_the_bin_and_beyond(sim: GlpiLegacy) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.remove(id)
    assert made.fetch(ctx(sim), id).state == "gone"
    sim.purge(id)
    with pytest.raises(Gone, match="Item not found"):
        made.fetch(ctx(sim), id)


def test_the_vector_verifies_and_no_single_bit_may_be_another() -> None:
    good = signing(SIGNED["secret"])
    assert proved(good, vector())
    assert not any(proved(good, other) for other in wrong(vector()))
    assert not any(proved(signing(key.decode("latin-1")), vector()) for key in flipped(SIGNED["secret"].encode()))
    assert not proved(good, vector(), QUEUED + timedelta(hours=25))


def test_the_challenge_is_answered_with_our_proof() -> None:
    reply = signing(CHALLENGE["secret"]).challenge(Arrival("GET", CHALLENGE["query"], {}, b""))
    assert reply is not None and reply.body.decode() == CHALLENGE["expected_response_body"]


def test_payloads_are_hints_about_the_ticket_they_belong_to() -> None:
    (ticket,) = signing("x").parse(hook(WEBHOOKS["ticket"]))
    (followup,) = signing("x").parse(hook(WEBHOOKS["followup"]))
    assert [(each.kind, each.record_id, each.record) for each in (ticket, followup)] == [("changed", "1", None)] * 2
