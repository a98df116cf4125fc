"""Halo's own ways: token sign-in, arrays, a list from the newest down, rules of a workflow, unsigned webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from connectors.base import Arrival
from connectors.errors import Refused, Retry, Unverified
from connectors.simulators.halo import LIFE, Halo
from connectors.simulators.loopback import Request, Response
from tests.connectors import rig as rigs


class Rig(rigs.Rig):
    """The tenant and our connector to it, as ``check`` and ``lists`` left it."""

    kind, simulator = "halo", Halo
    fields: ClassVar[dict[str, str]] = {"summary": "VPN down", "tickettype_id": "1"}

    def poll(self, cursor: str | None) -> tuple[list[str], str]:
        told: list[str] = []
        while True:
            page = self.desk.changed(self.ctx(), "tickets", cursor)
            told += [change.record_id for change in page.changes]
            cursor = page.cursor
            if page.done:
                return told, cursor

    def posts(self, path: str) -> list[Any]:
        return [request.json() for request in self.sim.asked if request.method == "POST" and request.path == path]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


# sign-in


def test_one_sign_in_serves_until_it_ends_and_is_renewed_before(rig: Rig) -> None:
    before = rig.sim.signed_in
    rig.new()
    rig.fetch(rig.new("TDM-2"))
    assert rig.sim.signed_in == before + 1
    rig.clock.forward(LIFE - 30)
    rig.new("TDM-3")
    assert rig.sim.signed_in == before + 2
    assert rig.kept["token.access"] and rig.kept["token.until"]


def test_a_token_that_ended_early_is_renewed_once_and_nothing_is_done_twice(rig: Rig) -> None:
    rig.new()
    rig.sim.expire()
    rig.new("TDM-2")
    assert len(rig.sim.ids()) == 2


def test_a_hosted_tenant_is_named_at_the_sign_in(rig: Rig) -> None:
    desk = rig.connect(auth="hosted", settings={"tenant": "acme"})
    assert desk.check(rig.ctx()).me == {"21", "Tandem", "tandem@acme.example"}
    asked = [request for request in rig.sim.asked if request.path == "/auth/token"][-1]
    assert asked.query == {"tenant": "acme"} and b"client_secret=halo-client-s3cret" in asked.body


# writing


def test_every_write_is_an_array_of_one_and_the_id_says_which(rig: Rig) -> None:
    id = rig.new()
    rig.desk.update(rig.ctx(), id, {"status_id": "2", "impact": "1"}, None)
    made, changed = rig.posts("/api/Tickets")
    assert made == [
        {
            "client_id": 12,
            "summary": "VPN down",
            "tickettype_id": 1,
            "customfields": [{"name": "CFTandemReference", "value": "TDM-1"}],
        }
    ]
    assert changed == [{"id": int(id), "status_id": 2, "impact": 1}]


def test_an_action_hides_itself_from_the_user_or_not(rig: Rig) -> None:
    id = rig.new()
    rig.desk.comment(rig.ctx(), id, "public", "for all", ["staff", "requester"])
    rig.desk.comment(rig.ctx(), id, "internal", "for you", ["staff"])
    sent = [body[0] for body in rig.posts("/api/Actions")]
    assert [(each["hiddenfromuser"], each["sendemail"]) for each in sent] == [(False, False), (True, False)]
    with pytest.raises(Refused):
        rig.desk.comment(rig.ctx(), id, "public", "for you", ["staff"])


def test_only_public_notes_are_ever_mailed(rig: Rig) -> None:
    id = rig.new()
    desk = rig.connect(settings={"mail": True}, found=rig.found.values)
    desk.comment(rig.ctx(), id, "public", "for all", ["staff", "requester"])
    desk.comment(rig.ctx(), id, "internal", "for you", ["staff"])
    assert [body[0]["sendemail"] for body in rig.posts("/api/Actions")] == [True, False]


def test_a_rule_of_theirs_changes_the_status_and_the_channels_say_so(rig: Rig) -> None:
    id = rig.new()
    rig.sim.rules = 4
    rig.desk.comment(rig.ctx(), id, "public", "please try", ["staff", "requester"])
    assert rig.fetch(id).fields["status_id"] == "4"
    assert all(channel.side_effects == ("status_id",) for channel in rig.desk.channels.values())


def test_an_action_without_a_flag_is_read_as_hidden(rig: Rig) -> None:
    id = rig.new()
    rig.sim.say(id, "who sees this?", True)
    del rig.sim.actions[int(id)][-1]["hiddenfromuser"]
    assert [each.channel for each in rig.fetch(id).comments] == ["internal"]


def test_what_the_system_writes_is_no_comment_and_lists_are_asked_for_by_page(rig: Rig) -> None:
    id = rig.new()
    for number in range(130):
        rig.sim.say(id, f"line {number}", True)
    assert len(rig.fetch(id).comments) == 130
    lists = [
        r for r in rig.sim.asked if r.method == "GET" and r.path in ("/api/Tickets", "/api/Actions", "/api/Attachment")
    ]
    assert all(request.query["pageinate"] == "true" for request in lists)


def test_the_reference_is_looked_for_at_the_record_since_lists_do_not_show_it(rig: Rig) -> None:
    id = rig.new("TDM-FIND1")
    rig.new("TDM-OTHER", summary="about TDM-FIND1")
    assert [hit.id for hit in rig.desk.find(rig.ctx(), "TDM-FIND1")] == [id]


def test_a_file_comes_out_of_json_and_keeps_its_audience(rig: Rig) -> None:
    id = rig.new()
    rig.sim.upload(id, "a.log", b"\x00public", True)
    rig.sim.upload(id, "b.log", b"\x00hidden", False)
    files = rig.fetch(id).files
    assert [(file.channel, b"".join(rig.desk.file(rig.ctx(), file))) for file in files] == [
        ("public", b"\x00public"),
        ("internal", b"\x00hidden"),
    ]
    rig.sim._data[int(files[0].id)] = b""
    assert b"".join(rig.desk.file(rig.ctx(), files[0])) == b""


def test_a_ticket_that_was_merged_says_into_which(rig: Rig) -> None:
    one, other = rig.new(), rig.new("TDM-2")
    rig.sim.merge(one, other)
    record = rig.fetch(one)
    assert (record.state, record.into) == ("merged", other)


# the feed


def test_the_list_is_read_from_the_newest_down_to_the_last_poll_and_no_further(rig: Rig) -> None:
    ids = []
    for _ in range(350):
        ids.append(rig.sim.open_record("t"))
        rig.clock.forward(60)
    told, cursor = rig.poll(None)
    assert sorted(told) == sorted(ids)
    rig.clock.forward(3600)
    rig.sim.say(ids[3], "any news?", True)
    before = len(rig.sim.asked)
    told, cursor = rig.poll(cursor)
    assert told == [ids[3]]
    assert len(rig.sim.asked) - before <= 2, "one page, and a sign-in at most"
    assert rig.poll(cursor)[0] == []


def test_a_row_that_goes_to_the_top_between_pages_is_told_with_the_next_poll(rig: Rig) -> None:
    ids = []
    for _ in range(250):
        ids.append(rig.sim.open_record("t"))
        rig.clock.forward(1)
    page = rig.desk.changed(rig.ctx(), "tickets", None)
    rig.sim.change(ids[0], {"summary": "edited between pages"})
    rest, cursor = rig.poll(page.cursor)
    told = {change.record_id for change in page.changes} | set(rest)
    rig.clock.forward(1)
    again, _ = rig.poll(cursor)
    assert told | set(again) == set(ids) and ids[0] in again


def test_a_list_that_is_not_in_order_is_read_to_its_end(rig: Rig) -> None:
    ids = []
    for _ in range(150):
        ids.append(rig.sim.open_record("t"))
        rig.clock.forward(60)
    _, cursor = rig.poll(None)
    honest = rig.sim.answer

    def unordered(request: Request) -> Response:
        query = {name: value for name, value in request.query.items() if not name.startswith("order")}
        return honest(replace(request, query=query))

    rig.sim.answer = unordered  # type: ignore[method-assign]
    rig.sim.change(ids[140], {"summary": "edited"})
    rig.sim.change(ids[5], {"summary": "edited"})
    told, _ = rig.poll(cursor)
    assert {ids[140], ids[5]} <= set(told)


def test_a_row_that_is_written_late_is_told_though_it_is_older_than_the_last_one_seen(rig: Rig) -> None:
    rig.new()
    rig.clock.forward(60)
    rig.new("TDM-2")
    _, cursor = rig.poll(None)
    rig.clock.forward(-30)
    late = rig.new("TDM-3")
    assert rig.poll(cursor)[0] == [late]


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"head": "x", "seen": {}}'])
def test_a_cursor_that_is_none_begins_anew(rig: Rig, cursor: str) -> None:
    id = rig.new()
    assert rig.poll(cursor)[0] == [id]


def test_the_rolling_limit_is_told_and_heeded(rig: Rig) -> None:
    assert (rig.desk.limits.in_flight, rig.desk.limits.rate) == (3, (300, 300.0))
    id = rig.new()
    rig.sim.limited = True
    rig.sim._calls.extend([rig.clock().timestamp()] * 300)
    with pytest.raises(Retry, match="Rate Limit Reached"):
        rig.fetch(id)
    rig.clock.forward(301)
    assert rig.fetch(id).id == id


# webhooks


def test_the_word_agreed_on_is_all_there_is_and_has_to_be_the_whole(rig: Rig) -> None:
    rig.sim.change(rig.new(), {"summary": "theirs"})
    arrival = rig.sim.told[-1]
    word = arrival.headers["authorization"]
    assert rig.desk.verify(arrival, rig.clock()).secret == "webhook"
    for at in range(len(word) * 8):
        wrong = bytes(b ^ (1 << (at % 8)) if n == at // 8 else b for n, b in enumerate(word.encode())).decode("latin-1")
        with pytest.raises(Unverified):
            rig.desk.verify(replace(arrival, headers={"authorization": wrong}), rig.clock())
    for wrong in ("", word[:-1], f"{word}x", word.removeprefix("Bearer ")):
        with pytest.raises(Unverified):
            rig.desk.verify(replace(arrival, headers={"authorization": wrong}), rig.clock())


def test_several_webhooks_in_one_body_are_several_hints(rig: Rig) -> None:
    rig.sim.batch = 3
    ids = [rig.sim.open_record(f"t{n}") for n in range(3)]
    events = rig.desk.parse(rig.sim.told[-1])
    assert [(event.kind, event.record_id) for event in events] == [("created", id) for id in ids]


def test_an_action_of_ours_names_us_and_nothing_in_a_webhook_is_believed(rig: Rig) -> None:
    id = rig.new()
    rig.desk.comment(rig.ctx(), id, "internal", "for you", ["staff"])
    (event,) = rig.desk.parse(rig.sim.told[-1])
    assert event.actor in rig.found.me
    assert (event.kind, event.record_id, event.record) == ("changed", id, None)


@pytest.mark.parametrize(
    ("body", "id"),
    [
        ({"object_id": "7", "event": "x"}, "7"),
        ({"action": {"ticket_id": 8}}, "8"),
        ({"ticket_id": 9}, "9"),
        ({"event": "x"}, None),
    ],
)
def test_a_webhook_names_its_ticket_in_one_of_several_places(rig: Rig, body: Any, id: str | None) -> None:
    (event,) = rig.desk.parse(Arrival("POST", {}, {}, json.dumps(body).encode()))
    assert (event.record_id, event.kind) == (id, "changed" if id else "ignored")
