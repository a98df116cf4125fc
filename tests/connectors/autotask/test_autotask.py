"""Autotask's own ways: a zone to be found, refusals at 500, numbers, notes for all or for few, its signature."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.errors import Gone, Outcome, Refused, Retry, Unauthorized, Unknown, Unverified
from connectors.rest import Rest
from connectors.simulators.autotask import THEM, US, Autotask
from connectors.simulators.desk import Clock
from connectors.simulators.loopback import Request, Response
from tests.connectors import rig as rigs
from tests.connectors.support import Scripted, context

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures/samples.json").read_text("utf-8"))
SECRETS = {"secret": "x", "integration_code": "y"}
SETTINGS = {"login": "tandem@acme.example", "company": 174}


class Rig(rigs.Rig):
    """The tenant and our connector to it, as ``check`` and ``lists`` left it."""

    kind, simulator = "autotask", Autotask
    fields: ClassVar[dict[str, str]] = {"title": "VPN down", "status": "1", "priority": "2"}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


def says(sentence: str) -> Response:
    return Response.of({"errors": [sentence]}, 500)


# the zone


def test_check_asks_for_the_zone_first_and_gives_our_names(rig: Rig) -> None:
    assert rig.found.values["zone"] == f"{rig.sim.url}/zone1/atservicesrest/"
    assert rig.found.me == {str(US), "tandem@acme.example"}
    page = rig.fetch(rig.new()).page
    assert page is not None and page.startswith("https://ww1.autotask.net/Mvc/")


def test_a_zone_that_moved_is_found_again_and_the_call_repeated(rig: Rig) -> None:
    id = rig.new()
    rig.sim.zone = "zone12"
    assert rig.fetch(id).fields["title"] == "VPN down"
    assert rig.kept["found.zone"] == f"{rig.sim.url}/zone12/atservicesrest/"


def test_a_user_whom_no_zone_knows_is_unauthorized_though_it_is_a_500(rig: Rig) -> None:
    with pytest.raises(Unauthorized, match="zone information"):
        rig.connect(settings={"login": "nobody@acme.example"}).check(rig.ctx())


def test_a_zone_elsewhere_is_not_gone_to() -> None:
    zone = {"url": "https://evil.example/atservicesrest/", "webUrl": "https://evil.example/"}
    with Scripted(lambda request: Response.of(zone)) as served:
        settings = {**SETTINGS, "discovery": f"{served.url}/atservicesrest"}
        desk = registry.build("autotask", settings=settings, secrets=SECRETS)
        with pytest.raises(Refused, match="another host"):
            desk.check(context(served.port))
        assert len(served.asked) == 1


# refusals


@pytest.mark.parametrize(
    ("sentence", "outcome"),
    [
        ("You do not have permission to update Tickets.", Refused),
        ("Missing Required Field: dueDateTime.", Refused),
        ("Value 99 does not exist for picklist field status.", Refused),
        ("No matching records found.", Gone),
        ("The thread limit of 3 threads has been exceeded.", Retry),
        ("Object reference not set to an instance of an object.", Unknown),
    ],
)
def test_a_500_is_read_before_it_is_repeated(rig: Rig, sentence: str, outcome: type[Outcome]) -> None:
    id, honest = rig.new(), rig.sim.answer

    def answer(request: Request) -> Response:
        return says(sentence) if request.method == "PATCH" else honest(request)

    rig.sim.answer = answer  # type: ignore[method-assign]
    with pytest.raises(Outcome, match=sentence[:20]) as raised:
        rig.desk.update(rig.ctx(), id, {"title": "other"}, None)
    assert type(raised.value) is outcome


def test_what_is_absent_at_200_is_gone(rig: Rig) -> None:
    with pytest.raises(Gone):
        rig.fetch("424242")


def test_what_a_ticket_category_requires_is_said_in_its_words(rig: Rig) -> None:
    rig.sim.categories = ("dueDateTime",)
    with pytest.raises(Refused, match="Missing Required Field: dueDateTime"):
        rig.new()
    assert rig.new(dueDateTime="2026-12-01T08:00:00Z")


# writing


def test_numbers_go_as_numbers_and_the_id_stands_in_the_body(rig: Rig) -> None:
    id = rig.new()
    rig.desk.update(rig.ctx(), id, {"status": "8", "dueDateTime": "2026-12-01T08:00:00Z"}, None)
    (patch,) = [request for request in rig.sim.asked if request.method == "PATCH"]
    assert patch.path.endswith("/v1.0/Tickets")
    assert patch.json() == {"id": int(id), "status": 8, "dueDateTime": "2026-12-01T08:00:00Z"}


def test_a_description_that_was_read_is_never_written_back(rig: Rig) -> None:
    id = rig.new(description="since 08:00")
    with pytest.raises(Refused, match="at creation only"):
        rig.desk.update(rig.ctx(), id, {"description": "since 08:00"}, None)
    assert rig.fetch(id).fields["description"] == "since 08:00"


def test_only_active_values_of_a_picklist_are_offered(rig: Rig) -> None:
    values = rig.desk.catalogue(rig.lists).doc["fields"]["status"]["values"]
    assert values["8"] == "In Progress" and "13" not in values
    with pytest.raises(Refused, match="no value"):
        rig.desk.update(rig.ctx(), rig.new(), {"status": "13"}, None)


def test_a_field_of_the_tenants_own_goes_both_ways(rig: Rig) -> None:
    id = rig.new()
    rig.desk.update(rig.ctx(), id, {"udf:Site": "Madrid"}, None)
    assert rig.sim.shows(id)["userDefinedFields"] == [{"name": "Site", "value": "Madrid"}]
    assert rig.fetch(id).fields["udf:Site"] == "Madrid"


def test_a_note_is_published_to_all_or_to_the_desk_alone(rig: Rig) -> None:
    id = rig.new()
    rig.desk.comment(rig.ctx(), id, "all", "for all", ["staff", "requester"])
    rig.desk.comment(rig.ctx(), id, "internal", "for you", ["staff"])
    sent = [request.json() for request in rig.sim.asked if request.path.endswith("/Notes")]
    assert [(body["description"], body["publish"]) for body in sent] == [("for all", 1), ("for you", 2)]


def test_a_workflow_note_is_no_comment_and_an_unknown_publish_is_narrow(rig: Rig) -> None:
    id = rig.new()
    for kind, publish in ((13, 1), (3, 4)):
        note = {"title": "t", "description": f"{kind} {publish}", "noteType": kind, "publish": publish}
        rig.sim.tables["TicketNotes"][500 + kind] = {**note, "id": 500 + kind, "ticketID": int(id)}
    (comment,) = rig.fetch(id).comments
    assert (comment.text, comment.channel) == ("3 4", "internal")


def test_a_file_over_the_limit_is_not_sent(rig: Rig) -> None:
    id = rig.new()
    rig.sim.upload(id, "t.log", b"bytes", False)
    (file,) = rig.fetch(id).files
    assert file.channel == "internal" and b"".join(rig.desk.file(rig.ctx(), file)) == b"bytes"
    with pytest.raises(Gone):
        b"".join(rig.desk.file(rig.ctx(), replace(file, id="999")))


def test_time_is_booked_by_number_and_comes_back(rig: Rig) -> None:
    id = rig.new()
    rig.desk.worklog(rig.ctx(), id, 45, "looked", rig.clock())
    (sent,) = [request.json() for request in rig.sim.asked if request.path.endswith("/TimeEntries")]
    assert (sent["ticketID"], sent["resourceID"], sent["hoursWorked"]) == (int(id), US, 0.75)
    (change,) = rig.desk.changed(rig.ctx(), "time", None).changes
    assert change.item is not None and (change.record_id, change.item.minutes) == (id, 45)


# reading


def test_the_feed_reads_pages_by_number_whatever_the_order_of_the_dates(rig: Rig) -> None:
    """The first page is in order of its dates by chance, and ends with a later one than the second page has."""
    ids = []
    for _ in range(520):
        ids.append(rig.sim.open_record("t"))
        rig.clock.forward(1)
    rig.clock.forward(3600)
    rig.sim.change(ids[499], {"title": "touched"})
    told, cursor, done = set(), None, False
    while not done:
        page = rig.desk.changed(rig.ctx(), "tickets", cursor)
        told |= {change.record_id for change in page.changes}
        cursor, done = page.cursor, page.done
    assert told == set(ids)
    assert sum(r.path.endswith("/Tickets/query/next") for r in rig.sim.asked) == 1


def test_people_are_resources_by_number_and_contacts_of_the_company_by_address(rig: Rig) -> None:
    by_id = rig.desk.person(rig.ctx(), id=str(THEM))
    assert by_id is not None and by_id.email == "administrator@acme.example"
    contact = rig.desk.person(rig.ctx(), email="alice@customer.example")
    assert contact is not None and contact.id == "29683586"
    assert rig.desk.person(rig.ctx(), email="administrator@acme.example") is None


def test_no_more_than_three_at_once(rig: Rig) -> None:
    assert (rig.desk.limits.in_flight, rig.desk.limits.rate) == (3, (10000, 3600.0))


# webhooks


@pytest.mark.parametrize("vector", SAMPLES["vectors"], ids=lambda v: json.loads(v["body_utf8"])["Action"])
def test_the_vectors_verify_and_no_bit_of_them_may_be_another(vector: Any) -> None:
    desk = registry.build("autotask", settings=SETTINGS, secrets={**SECRETS, "webhook": vector["secret"]})
    body, signature, now = vector["body_utf8"].encode(), vector["headers"]["X-Hook-Signature"], Clock()()

    def arrival(body: bytes, signature: str) -> Arrival:
        return Arrival("POST", {}, {"x-hook-signature": signature}, body)

    assert desk.verify(arrival(body, signature), now).secret == "webhook"
    wrong = [arrival(flipped(body, bit), signature) for bit in range(len(body) * 8)]
    wrong += [arrival(body, flipped(signature.encode(), bit).decode("latin-1")) for bit in range(len(signature) * 8)]
    for each in wrong:
        with pytest.raises(Unverified):
            desk.verify(each, now)
    other = registry.build("autotask", settings=SETTINGS, secrets={**SECRETS, "webhook": vector["secret"][:-1] + "u"})
    with pytest.raises(Unverified):
        other.verify(arrival(body, signature), now)
    (event,) = desk.parse(arrival(body, signature))
    told = json.loads(body)
    kind = {"Create": "created", "Update": "changed"}[told["Action"]]
    assert (event.kind, event.record_id, event.actor) == (kind, str(told["Id"]), str(told["PersonId"]))


def test_a_signature_in_hex_is_not_taken(rig: Rig) -> None:
    rig.sim.change(rig.new(), {"title": "theirs"})
    arrival = rig.sim.told[-1]
    given = arrival.headers["x-hook-signature"]
    assert rig.desk.verify(arrival, rig.clock()).delivery is None
    with pytest.raises(Unverified):
        rig.desk.verify(replace(arrival, headers={"x-hook-signature": given.removeprefix("sha1=")}), rig.clock())


def test_webhooks_of_other_entities_are_ignored_and_a_deletion_is_told(rig: Rig) -> None:
    body = json.loads(SAMPLES["vectors"][0]["body_utf8"])
    for change, kind in (({"EntityType": "TicketNote"}, "ignored"), ({"Action": "Delete"}, "gone")):
        (event,) = rig.desk.parse(Arrival("POST", {}, {}, json.dumps({**body, **change}).encode()))
        assert event.kind == kind


# recordings


@contextmanager
def recorded() -> Iterator[tuple[Rest, int]]:
    """A connector to a desk that answers with the recordings."""

    def answer(request: Request) -> Response:
        replies = {
            "/atservicesrest/v1.0/zoneInformation": {"url": f"{served.url}/z/", "webUrl": "https://ww1.autotask.net/"},
            "/z/v1.0/Resources/query": {"items": [SAMPLES["resource"]["item"]]},
            "/z/v1.0/Resources/10": SAMPLES["resource"],
            "/z/v1.0/Tickets/100": SAMPLES["ticket"],
            "/z/v1.0/TicketNotes/query": SAMPLES["notes"],
            "/z/v1.0/TicketAttachments/query": {"items": [], "pageDetails": {"nextPageUrl": None}},
            "/z/v1.0/TimeEntries/query": SAMPLES["time"],
            "/z/v1.0/Tickets/entityInformation/fields": SAMPLES["fields"],
            "/z/v1.0/Tickets/entityInformation/userDefinedFields": SAMPLES["udf"],
        }
        return Response.of(replies[request.path])

    with Scripted(answer) as served:
        settings = {**SETTINGS, "discovery": f"{served.url}/atservicesrest"}
        desk = registry.build("autotask", settings=settings, secrets=SECRETS)
        assert isinstance(desk, Rest)
        assert desk.check(context(served.port)).me == {"10", "administrator"}
        yield desk, served.port


def test_recorded_bodies_are_read() -> None:
    with recorded() as (desk, port):
        record = desk.fetch(context(port), "100")
        (change,) = desk.changed(context(port), "time", None).changes
        lists = desk.lists(context(port))
    assert (record.number, record.author, record.state) == ("T20120604.0002.005", "4", "live")
    (comment,) = record.comments
    assert (comment.text, comment.channel, comment.author) == ("Note description", "all", "10")
    assert change.item is not None and (change.item.minutes, change.item.text) == (60, "Initial triage of issue")
    assert {row["id"]: row["label"] for row in lists["statuses"]}["12"] == "Waiting Vendor"
    assert desk.catalogue(lists).doc["fields"]["udf:Test UDF"]["values"] == {"1": "1"}


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(b ^ (1 << (bit % 8)) if at == bit // 8 else b for at, b in enumerate(data))
