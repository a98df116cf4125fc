"""What is special about Zammad: the lagging index, silent changes, mails, merged tickets, Rails' own JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, Context
from connectors.errors import Refused, Unauthorized, Unverified
from connectors.rest import Rest
from connectors.simulators.desk import Clock
from connectors.simulators.zammad import CLIENT, LOGIN, PASSWORD, Zammad
from tests.connectors.support import NOW, Kept, context

VECTOR = json.loads((Path(__file__).parent / "fixtures" / "webhook.json").read_text("utf-8"))
REF = "TDM-AAAA-BBBB"


@pytest.fixture
def sim() -> Iterator[Zammad]:
    with Zammad(Clock()) as made:
        made.store.index.lag = 0
        yield made


def desk(sim: Zammad, **more: Any) -> Rest:
    given = {"settings": sim.settings, "secrets": sim.secrets, **more}
    made = registry.build("zammad", **given)
    assert isinstance(made, Rest)
    return made


def ctx(sim: Zammad, **more: Any) -> Context:
    return context(sim.port, now=sim.clock(), **more)


def new(sim: Zammad, made: Rest, **more: Any) -> str:
    return made.create(ctx(sim), {"title": "VPN down", **more}, REF, "key").id or ""


def test_a_password_signs_in_as_well(sim: Zammad) -> None:
    settings, secrets = {**sim.settings, "login": LOGIN}, {"password": PASSWORD, "webhook": "x"}
    assert desk(sim, auth="basic", settings=settings, secrets=secrets).check(ctx(sim)).me == {"3", LOGIN}
    with pytest.raises(Unauthorized, match="Authentication required"):
        desk(sim, auth="basic", settings=settings, secrets={**secrets, "password": "wrong"}).check(ctx(sim))


def test_an_application_renews_its_sign_in_and_keeps_the_new_refresh_token(sim: Zammad) -> None:
    settings = {**sim.settings, "client_id": "tandem"}
    secrets = {"client_secret": CLIENT, "refresh_token": "zammad-refresh-0", "webhook": "x"}
    made, kept = desk(sim, auth="oauth", settings=settings, secrets=secrets), Kept()
    assert "3" in made.check(ctx(sim, kept=kept)).me
    assert kept["secret.refresh_token"] == "zammad-refresh-1"
    made.check(ctx(sim))
    assert sim.refreshed == 1, "the token is used until it ends"
    stale = desk(sim, auth="oauth", settings=settings, secrets=secrets)
    with pytest.raises(Unauthorized, match="The grant is invalid"):
        stale.check(ctx(sim))


def test_an_index_that_lags_loses_nothing(sim: Zammad) -> None:
    """A change that the index takes in late is told by the overlap, though a later one was told before it."""
    made, clock = desk(sim), sim.clock
    assert isinstance(clock, Clock)
    early = sim.open_record("early")
    clock.forward(600)
    sim.open_record("between")
    first = made.changed(ctx(sim), "tickets", None)
    clock.forward(60)
    sim.store.index.lag = 90
    sim.change(early, {"title": "changed, and found late"})
    sim.store.index.lag = 0
    clock.forward(30)
    late = sim.open_record("late")
    page = made.changed(ctx(sim), "tickets", first.cursor)
    assert early not in {each.record_id for each in page.changes} and late in {each.record_id for each in page.changes}
    clock.forward(90)
    after = made.changed(ctx(sim), "tickets", page.cursor)
    assert early in {each.record_id for each in after.changes}


def test_what_was_just_made_is_found_once_the_index_knows_it(sim: Zammad) -> None:
    made = desk(sim)
    sim.store.index.lag = 45
    id = new(sim, made)
    assert made.find(ctx(sim), REF) == []
    assert isinstance(sim.clock, Clock)
    sim.clock.forward(made.visible_after)
    assert [hit.id for hit in made.find(ctx(sim), REF)] == [id]


def test_a_search_by_words_that_finds_more_than_the_reference(sim: Zammad) -> None:
    """To the analyser the longer reference holds the words of the shorter one."""
    made = desk(sim)
    id = new(sim, made)
    made.create(ctx(sim), {"title": "another"}, f"{REF}-CCCC", "key")
    assert len(sim.store.index.search(sim.clock(), f'tandem_reference:"{REF}"')) == 2
    assert [hit.id for hit in made.find(ctx(sim), REF)] == [id]


def test_a_pending_state_wants_its_time_and_another_forgets_it(sim: Zammad) -> None:
    made = desk(sim)
    id = new(sim, made)
    with pytest.raises(Refused) as caught:
        made.update(ctx(sim), id, {"state": "pending reminder"}, None)
    assert caught.value.field == "pending_time"
    waiting = {"state": "pending reminder", "pending_time": "2026-11-24T09:00:00Z"}
    receipt = made.update(ctx(sim), id, waiting, None)
    assert receipt.record is not None and receipt.record.fields["pending_time"] == "2026-11-24T09:00:00Z"
    receipt = made.update(ctx(sim), id, {"state": "open"}, None)
    assert receipt.record is not None and receipt.record.fields["pending_time"] is None


def test_an_owner_who_may_not_own_is_seen_to_be_nobody(sim: Zammad) -> None:
    made = desk(sim)
    receipt = made.update(ctx(sim), new(sim, made), {"owner": "5"}, None)
    assert receipt.record is not None and receipt.record.fields["owner"] is None


def test_the_customer_is_the_one_told_or_the_one_of_the_settings(sim: Zammad) -> None:
    made = desk(sim)
    told = sim.shows(new(sim, made, customer="New.Person@customer.example"))
    assert told["customer"] == "new.person@customer.example"
    assert sim.shows(new(sim, made))["customer"] == sim.settings["customer"]


def test_nothing_of_ours_is_ever_mailed(sim: Zammad) -> None:
    """An e-mail leaves however internal it is said to be: only notes are written."""
    made = desk(sim)
    id = new(sim, made, description="<p>what happened</p>")
    made.comment(ctx(sim), id, "public", "for all", ["staff", "requester"])
    made.comment(ctx(sim), id, "internal", "for you", ["staff"])
    assert sim.store.mails == []
    sim.store.article(4, {"ticket_id": int(id), "type": "email", "internal": True, "body": "sent all the same"})
    assert sim.store.mails == ["sent all the same"]


def test_time_and_files_of_ours_are_no_comments(sim: Zammad) -> None:
    made = desk(sim)
    id = new(sim, made)
    made.worklog(ctx(sim), id, 20, "looked", NOW)
    sim.say(id, "any news?", True)
    assert [each.text for each in made.fetch(ctx(sim), id).comments] == ["any news?"]


def test_what_the_system_wrote_is_no_comment(sim: Zammad) -> None:
    made = desk(sim)
    id = new(sim, made)
    sim.store.article(4, {"ticket_id": int(id), "sender": "System", "body": "escalation"})
    sim.store.article(5, {"ticket_id": int(id), "sender": "Customer", "type": "email", "body": "thanks"})
    comments = made.fetch(ctx(sim), id).comments
    assert [(each.text, each.author, each.channel) for each in comments] == [("thanks", "5", "public")]


def test_merged_removed_and_hidden_tickets(sim: Zammad) -> None:
    made = desk(sim)
    merged, removed, hidden = new(sim, made), new(sim, made), new(sim, made)
    sim.change(merged, {"state": "merged"})
    sim.change(removed, {"state": "removed"})
    assert (made.fetch(ctx(sim), merged).state, made.fetch(ctx(sim), removed).state) == ("merged", "gone")
    sim.hidden.add(int(hidden))
    with pytest.raises(Refused, match="Not authorized"):
        made.fetch(ctx(sim), hidden)
    with pytest.raises(Refused):
        made.update(ctx(sim), merged, {"state": "merged"}, None)


def test_a_desk_that_hides_its_attributes_still_shows_our_reference(sim: Zammad) -> None:
    sim.faults.plan("status", status=403)
    lists = desk(sim).lists(ctx(sim))
    assert "states" not in lists and {row["id"] for row in lists["attributes"]} == {"tandem_reference", "impact"}
    made = desk(sim, lists={})
    assert made.fetch(ctx(sim), new(sim, made)).fields["attribute:tandem_reference"] == REF


def test_people_are_found_by_the_whole_address_alone(sim: Zammad) -> None:
    made = desk(sim)
    found = made.person(ctx(sim), email="paula@desk.example")
    assert found is not None and (found.id, found.email) == ("4", "paula@desk.example")
    assert made.person(ctx(sim), email="desk.example") is None
    assert made.person(ctx(sim), id="4") == found


def vector(**changes: Any) -> Arrival:
    headers = {name.lower(): value for name, value in VECTOR["headers"].items()}
    return replace(Arrival("POST", {}, headers, VECTOR["body_utf8"].encode()), **changes)


def proved(arrival: Arrival, secret: str = VECTOR["secret"]) -> bool:
    settings = {"url": "http://127.0.0.1:9", "group": "Users", "customer": "a@b.example"}
    made = registry.build("zammad", settings=settings, secrets={"token": "x", "webhook": secret})
    try:
        return made.verify(arrival, NOW).delivery == VECTOR["headers"]["X-Zammad-Delivery"]
    except Unverified:
        return False


def test_the_vector_verifies_and_no_single_bit_may_be_another() -> None:
    good = vector()
    assert proved(good)
    for at in range(len(good.body) * 8):
        body = bytearray(good.body)
        body[at // 8] ^= 1 << at % 8
        assert not proved(replace(good, body=bytes(body))), at
    given = good.headers["x-hub-signature"]
    for at in range(len(given) * 8):
        text = bytearray(given.encode())
        text[at // 8] ^= 1 << at % 8
        assert not proved(replace(good, headers={**good.headers, "x-hub-signature": text.decode("latin-1")})), at
    key = VECTOR["secret"].encode()
    for at in range(len(key) * 8 - 1):
        other = bytearray(key)
        other[at // 8] ^= 1 << at % 8
        assert not proved(good, other.decode("latin-1")), at


def test_the_recorded_payload_is_a_hint_about_its_ticket(sim: Zammad) -> None:
    (event,) = desk(sim).parse(vector())
    assert (event.kind, event.record_id, event.record) == ("changed", "81", None)


def test_a_trigger_without_an_article_and_markup_in_the_payload(sim: Zammad) -> None:
    id = sim.open_record("<b>a & b</b>")
    arrival = sim.told[-1]
    assert b"\\u003cb\\u003ea \\u0026 b" in arrival.body and json.loads(arrival.body)["article"] is None
    made = desk(sim)
    assert made.verify(arrival, sim.clock()).delivery == "d-1"
    (event,) = made.parse(arrival)
    assert (event.record_id, event.actor) == (id, "4")


def test_a_shared_secret_instead_of_a_signature(sim: Zammad) -> None:
    made = desk(sim, verify="bearer")
    arrival = Arrival("POST", {}, {"authorization": f"Bearer {sim.secrets['webhook']}"}, b'{"ticket": {"id": 7}}')
    assert made.verify(arrival, sim.clock())
    with pytest.raises(Unverified):
        made.verify(replace(arrival, headers={"authorization": "Bearer wrong"}), sim.clock())
