"""What is special about GLPI's high-level API: silent ignores, naive local time, the timeline, the challenge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.errors import Gone, Refused, Unauthorized, Unsupported
from connectors.rest import Rest
from connectors.simulators.desk import Clock
from connectors.simulators.glpi import GlpiApi
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

BOTH = ["staff", "requester"]


@pytest.fixture
def sim() -> Iterator[GlpiApi]:
    with GlpiApi(Clock()) as made:
        yield made


def desk(sim: GlpiApi, **more: Any) -> Rest:
    return built("glpi", sim, **more)


def client(sim: GlpiApi) -> Rest:
    settings = {name: value for name, value in sim.settings.items() if name != "login"}
    secrets = {name: value for name, value in sim.secrets.items() if name != "password"}
    return desk(sim, auth="client", settings=settings, secrets=secrets)


def test_a_client_that_acts_for_a_user_signs_in_and_one_that_acts_for_nobody_is_told(sim: GlpiApi) -> None:
    assert client(sim).check(ctx(sim)).me == {"7", "tandem"}
    sim.nobody = True
    with pytest.raises(Refused, match="Item not found"):
        client(sim).check(ctx(sim))


def test_a_wrong_password_ends_in_the_words_of_the_desk(sim: GlpiApi) -> None:
    with pytest.raises(Unauthorized, match="credentials were incorrect"):
        desk(sim, secrets={**sim.secrets, "password": "wrong"}).check(ctx(sim))


def test_one_sign_in_serves_until_it_ends(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    made.fetch(ctx(sim), id)
    assert sim.signed == 1
    clock(sim).forward(3600)
    made.fetch(ctx(sim), id)
    assert sim.signed == 2


def test_a_status_at_creation_is_left_for_an_update(sim: GlpiApi) -> None:
    made = desk(sim)
    receipt = made.create(ctx(sim), {"name": "VPN down", "status": "4"}, REF, "key")
    assert receipt.later == ("status",)
    assert made.fetch(ctx(sim), receipt.id or "").fields["status"] == "1"
    assert "status" not in next(each for each in sim.asked if each.method == "POST" and "Ticket" in each.path).json()
    made.update(ctx(sim), receipt.id or "", {"status": "4"}, None)
    assert made.fetch(ctx(sim), receipt.id or "").fields["status"] == "4"


def test_a_status_that_would_hide_the_ticket_is_never_sent(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    for value in ("99", "10", "0"):
        with pytest.raises(Refused) as caught:
            made.update(ctx(sim), id, {"status": value}, None)
        assert caught.value.field == "status"
    sim.tickets[int(id)]["status"] = 99
    assert made.find(ctx(sim), REF) == [] and made.fetch(ctx(sim), id).fields["status"] == "99"


def test_a_priority_beyond_the_schema_is_read_and_never_written(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.tickets[int(id)]["priority"] = 6
    assert made.fetch(ctx(sim), id).fields["priority"] == "6"
    with pytest.raises(Refused):
        made.update(ctx(sim), id, {"priority": "6"}, None)


def test_the_whole_table_instead_of_a_filter_is_not_taken_for_hits(
    sim: GlpiApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk(sim)
    mine = new(sim, made)
    sim.open_record("another")
    monkeypatch.setattr("connectors.simulators.glpi._fits", lambda row, term: True)
    assert [hit.id for hit in made.find(ctx(sim), REF)] == [mine]
    assert made.find(ctx(sim), "TDM-OTHER") == []


def test_times_are_those_of_the_server_in_winter_and_summer(sim: GlpiApi) -> None:
    made = desk(sim)
    for moment in (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), datetime(2026, 7, 15, 8, 0, tzinfo=UTC)):
        clock(sim).at = moment
        assert made.fetch(ctx(sim), sim.open_record("x")).created == moment
    clock(sim).forward(7200)
    page = made.changed(ctx(sim), "tickets", None)
    late = sim.open_record("late")
    asked = len(sim.asked)
    after = made.changed(ctx(sim), "tickets", page.cursor)
    assert late in {each.record_id for each in after.changes}
    assert sim.asked[asked].query["filter"] == 'date_mod=ge="2026-07-15 08:55:00"', "10:00 there, less 65 minutes"


def test_the_hour_that_comes_twice_hides_nothing(sim: GlpiApi) -> None:
    """At 03:00 the server's clock goes back to 02:00: what changes after looks older than what changed before."""
    made = desk(sim)
    clock(sim).at = datetime(2026, 10, 25, 0, 58, tzinfo=UTC)
    sim.open_record("02:58, the first time")
    page = made.changed(ctx(sim), "tickets", None)
    clock(sim).forward(600)
    late = sim.open_record("02:08, the second time")
    after = made.changed(ctx(sim), "tickets", page.cursor)
    assert late in {each.record_id for each in after.changes}


def test_the_timeline_in_its_kinds(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.say(id, "between us", False)
    sim.enter(8, "Solution", int(id), {"content": "<p>restarted</p>"})
    sim.enter(8, "Task", int(id), {"content": "on site", "actiontime": 1800})
    sim.enter(8, "Task", int(id), {"content": "no time", "actiontime": 0})
    sim.upload(id, "log ü.txt", b"log", True)
    record = made.fetch(ctx(sim), id)
    said = [(each.id, each.channel, each.text) for each in record.comments]
    assert said == [("1", "private", "between us"), ("solution-1", "public", "<p>restarted</p>")]
    assert [(each.minutes, each.text, each.author) for each in record.worklogs] == [(30, "on site", "8")]
    (file,) = record.files
    assert (file.name, b"".join(made.file(ctx(sim), file))) == ("log ü.txt", b"log")


def test_our_own_time_is_read_as_time(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    made.worklog(ctx(sim), id, 20, "looked", sim.clock())
    record = made.fetch(ctx(sim), id)
    assert [(each.minutes, each.author) for each in record.worklogs] == [(20, "7")] and record.comments == ()


def test_a_later_wording_replaces_the_followup(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    first = made.comment(ctx(sim), id, "private", "frist", ["staff"])
    made.comment(ctx(sim), id, "private", "first", ["staff"], replaces=first.id)
    assert [each.text for each in sim.said(id)] == ["first"]
    with pytest.raises(Refused, match="Item not found"):
        made.comment(ctx(sim), id, "private", "of one deleted", ["staff"], replaces="99")


def test_persons_and_groups_of_the_team_are_told_apart(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.tickets[int(id)]["team"] = [[8, "Group", "assigned"], [9, "User", "requester"], [7, "User", "assigned"]]
    fields = made.fetch(ctx(sim), id).fields
    assert (fields["assignee"], fields["group"], fields["requester"]) == ("7", "group 8", "9")
    person = made.person(ctx(sim), id="8")
    assert person is not None and (person.login, person.email) == ("paula", "paula@desk.example")


def test_the_bin_and_beyond(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.remove(id)
    assert made.fetch(ctx(sim), id).state == "gone"
    sim.purge(id)
    with pytest.raises(Gone):
        made.fetch(ctx(sim), id)
    with pytest.raises(Unsupported, match="glpi_legacy"):
        made.attach(ctx(sim), id, "public", None, BOTH)  # type: ignore[arg-type]


def test_the_entity_is_named_where_the_connection_names_one(sim: GlpiApi) -> None:
    desk(sim, settings={**sim.settings, "entity": 3}).check(ctx(sim))
    assert sim.asked[-1].headers["glpi-entity"] == "3" and "glpi-profile" not in sim.asked[-1].headers


def test_the_vector_verifies_and_no_single_bit_may_be_another() -> None:
    settings = {"url": "http://127.0.0.1:9", "client_id": "x", "login": "x"}
    secrets = {"client_secret": "x", "password": "x"}

    def made(secret: str) -> Rest:
        found = registry.build("glpi", settings=settings, secrets={**secrets, "webhook": secret})
        assert isinstance(found, Rest)
        return found

    good = made(SIGNED["secret"])
    assert proved(good, vector())
    assert not any(proved(good, other) for other in wrong(vector()))
    keys = {key.decode("latin-1") for key in flipped(SIGNED["secret"].encode())}
    assert not any(proved(made(key), vector()) for key in keys)
    assert proved(good, vector(), QUEUED + timedelta(hours=23)), "stamped when queued, sent when the cron comes"
    assert not proved(good, vector(), QUEUED + timedelta(hours=25))


def test_the_challenge_is_answered_with_our_proof_and_to_nothing_else() -> None:
    settings = {"url": "http://127.0.0.1:9", "client_id": "x", "login": "x"}
    secrets = {"client_secret": "x", "password": "x", "webhook": CHALLENGE["secret"]}
    made = registry.build("glpi", settings=settings, secrets=secrets)
    reply = made.challenge(Arrival("GET", CHALLENGE["query"], {}, b""))
    assert reply is not None and (reply.status, reply.body.decode()) == (200, CHALLENGE["expected_response_body"])
    assert made.challenge(Arrival("POST", CHALLENGE["query"], {}, b"")) is None
    assert made.challenge(Arrival("GET", {}, {}, b"")) is None


def test_payloads_are_hints_about_the_ticket_they_belong_to(sim: GlpiApi) -> None:
    made = desk(sim)
    (ticket,), (followup,) = made.parse(hook(WEBHOOKS["ticket"])), made.parse(hook(WEBHOOKS["followup"]))
    assert (ticket.kind, ticket.record_id, ticket.record) == ("changed", "1", None)
    assert (followup.kind, followup.record_id, followup.record) == ("changed", "1", None)
    task = {"item": {"id": 5, "tickets_id": 12, "content": "x"}, "event": "new"}
    document = {"item": {"id": 5, "itemtype": "Ticket", "items_id": 12, "documents_id": 3}, "event": "new"}
    elsewhere = {"item": {"id": 5, "itemtype": "ITILFollowup", "items_id": 99, "documents_id": 3}, "event": "new"}
    assert [each.record_id for each in made.parse(hook(task)) + made.parse(hook(document))] == ["12", "12"]
    assert made.parse(hook(elsewhere))[0].kind == "ignored"


def test_a_followup_that_was_deleted_does_not_say_that_the_ticket_is(sim: GlpiApi) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.edit(id, sim.say(id, "a slip", True), None)
    (event,) = made.parse(sim.told[-1])
    assert (event.kind, event.record_id) == ("changed", id)
