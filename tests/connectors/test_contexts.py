"""What some desks alone need: values that differ by another field, a body written by a hook, numbers without quotes, an
address that is found first, feeds without an order."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.errors import Refused
from connectors.prepare import base_of
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from connectors.templates import Missing, tree
from tests.connectors.support import DESKLY, Scripted, context, deskly, ticket

PER = DESKLY.replace(
    "  partner_ref: {max: 80}\n",
    "  partner_ref: {max: 80}\n"
    "  queue: {type: choice, live: queues}\n"
    "  step:  {type: choice, per: queue, live: steps, values: {a: {1: One}, b: {2: Two}}}\n",
).replace(
    "limits: {in_flight: 2}\n",
    'limits: {in_flight: 2}\nlists:\n  queues: {send: GET /queues, items: "", id: id}\n'
    '  steps: {send: "GET /queues/{parent.id}/steps", items: "", id: id, label: name}\n',
)
STEPS = {"/api/queues/a/steps": [{"id": "1", "name": "One"}], "/api/queues/b/steps": [{"id": "2", "name": "Two"}]}


def steps(request: Request) -> Response:
    return Response.of(STEPS.get(request.path, [{"id": "a"}, {"id": "b"}]))


def test_a_list_that_differs_by_another_field_is_read_for_each_of_its_values() -> None:
    with Scripted(steps) as desk:
        made = deskly(desk.url, PER)
        lists = made.lists(context(desk.port))
    assert [(row["per"], row["id"]) for row in lists["steps"]] == [("a", "1"), ("b", "2")]
    assert made.catalogue(lists).doc["fields"]["step"]["values"] == {"a": {"1": "One"}, "b": {"2": "Two"}}
    assert made.catalogue({}).doc["fields"]["step"]["values"] == {"a": {"1": "One"}, "b": {"2": "Two"}}


def test_a_value_of_any_table_may_be_written_and_no_other() -> None:
    with Scripted(steps) as desk:
        lists = deskly(desk.url, PER).lists(context(desk.port))
        made = deskly(desk.url, PER, lists=lists)
        made.update(context(desk.port), "7", {"step": "2"}, "3")
        assert desk.asked[-1].json()["step"] == "2"
        with pytest.raises(Refused, match="no value"):
            made.update(context(desk.port), "7", {"step": "3"}, "3")


@pytest.mark.parametrize(
    "line", ["step: {type: choice, values: {a: {1: One}}}", "step: {per: status, values: {1: One}}"]
)
def test_tables_of_values_go_with_per_and_with_nothing_else(line: str) -> None:
    with pytest.raises(registry.BadManifest, match="one table for each value"):
        registry.load(DESKLY.replace("  partner_ref: {max: 80}\n", f"  partner_ref: {{max: 80}}\n  {line}\n"))


class Listing:
    """A hook that sends an update as a list of pairs."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def encode(self, document: Any) -> Any:
        return sorted(document.items())


def test_a_hook_writes_the_body_of_an_update_from_the_encoded_fields_and_leaves_a_create_alone() -> None:
    manifest = registry.load(DESKLY + "hooks: [encode]\n", hooks=Listing)
    with Scripted(lambda request: Response.of(ticket(partner_ref="TDM-1"))) as desk:
        settings, secrets = {"url": desk.url, "team": "network"}, {"token": "t"}
        made = registry.build(manifest, settings=settings, secrets=secrets)
        made.update(context(desk.port), "7", {"title": "x", "priority": "1"}, "3")
        assert desk.asked[-1].json() == [["priority", 1], ["title", "x"]]
        made.create(context(desk.port), {"title": "x"}, "TDM-1", "k")
        assert desk.asked[-1].json() == {"team": "network", "title": "x", "partner_ref": "TDM-1"}


@pytest.mark.parametrize(("said", "left"), [("20:00:01", []), ("20:00:30", ["what we found"])])
def test_a_first_comment_is_the_description_only_if_it_was_made_with_the_record(said: str, left: list[str]) -> None:
    text = DESKLY.replace("    text: text\n", "    text: text\n    first_is_description: true\n")
    message = {"id": 1, "text": "what we found", "internal": False, "created_at": f"2026-11-21T{said}Z"}

    def answer(request: Request) -> Response:
        return Response.of({"data": [message]} if "messages" in request.path else ticket())

    with Scripted(answer) as desk:
        record = deskly(desk.url, text).fetch(context(desk.port), "7")
    assert [each.text for each in record.comments] == left


def test_a_name_that_holds_digits_goes_as_a_number_where_the_body_wants_one() -> None:
    assert tree({"id": "{id.number}", "as": "{id}"}, {"id": "42"}) == {"id": 42, "as": "42"}
    assert tree({"id": "{id.number}"}, {"id": "INC42"}) == {}
    with pytest.raises(Missing):
        tree("{id.number}", {"id": "4e2"})
    with pytest.raises(registry.BadManifest, match="is no name here"):
        registry.load(DESKLY.replace('body: {text: "{text}", internal: false}', 'body: {text: "{idd.number}"}'))


def test_an_address_that_was_found_may_be_at_a_host_that_an_admin_gave_and_at_no_other() -> None:
    found = {"found.zone": "https://zone7.desk.example/api/"}
    given = ("https://zone7.desk.example",)
    assert base_of("{found.zone}v1", found, frozenset(), (), given) == "https://zone7.desk.example/api/v1"
    for other in ("https://zone8.desk.example", "http://zone7.desk.example", "https://zone7.desk.example:8443"):
        with pytest.raises(Refused, match="another host"):
            base_of("{found.zone}v1", found, frozenset(), (), (other,))


def test_a_feed_without_order_is_read_page_by_page_where_the_desk_keeps_the_place() -> None:
    """The first page happens to be in order; to ask again from its last stamp would lose the rows after it."""
    stamps = ["20:00:00", "20:30:00", "20:10:00", "20:20:00"]
    rows = [{**ticket(n), "updated_at": f"2026-11-21T{stamp}Z"} for n, stamp in enumerate(stamps)]

    def answer(request: Request) -> Response:
        at, since = int(request.query.get("at", 0)), request.query.get("updated_after", "")
        found = [row for row in rows if row["updated_at"] >= since]
        more = f"{desk.url}/api/tickets?at={at + 2}" if at + 2 < len(found) else None
        return Response.of({"data": found[at : at + 2], "next": more})

    text = DESKLY.replace("page: {kind: page, size: 50}", "page: {kind: next_url, at: next}")
    ids: list[str] = []
    with Scripted(answer) as desk:
        made, cursor, done = deskly(desk.url, text.replace(', page: "{page}"', "")), None, False
        while not done:
            page = made.changed(context(desk.port), "tickets", cursor)
            ids += [change.record_id for change in page.changes]
            cursor, done = page.cursor, page.done
    assert sorted(ids) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("ref", "hits"), [("TDM-1", 1), ("TDM-2", 0)])
def test_where_a_list_does_not_show_the_reference_the_record_is_looked_at(ref: str, hits: int) -> None:
    row = {name: value for name, value in ticket().items() if name != "partner_ref"}

    def answer(request: Request) -> Response:
        return Response.of({"data": [row]} if request.path.endswith("/tickets") else ticket(partner_ref="TDM-1"))

    with Scripted(answer) as desk:
        assert len(deskly(desk.url).find(context(desk.port), ref)) == hits


def test_one_event_may_stand_where_several_may() -> None:
    made = deskly("http://127.0.0.1:9", DESKLY.replace("record_id: ticket.id", 'record_id: ticket.id\n  many: ""'))
    for body, ids in (
        (b'{"ticket": {"id": 1}}', ["1"]),
        (b'[{"ticket": {"id": 1}}, {"ticket": {"id": 2}}]', ["1", "2"]),
    ):
        assert [event.record_id for event in made.parse(Arrival("POST", {}, {}, body))] == ids


def test_a_person_may_have_an_address_under_one_name_or_another() -> None:
    people = 'people:\n  by_email: {send: GET /people, items: ""}\n  id: id\n  email: [email, emailAddress]\nwebhook:\n'
    text = DESKLY.replace("webhook:\n", people, 1).replace('  person: "Persons are not read: names stay text."\n', "")
    with Scripted(lambda request: Response.of([{"id": 4, "email": None, "emailAddress": "a@b.example"}])) as desk:
        person = deskly(desk.url, text).person(context(desk.port), email="A@b.example")
    assert person is not None and (person.id, person.email) == ("4", "a@b.example")
