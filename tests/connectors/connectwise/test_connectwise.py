"""ConnectWise's own ways: a code base that moves, statuses of a board, JSON Patch, flags of a note, its signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors import registry
from connectors.base import Arrival
from connectors.errors import Gone, Refused, Retry, Unauthorized, Unverified
from connectors.rest import Rest
from connectors.simulators.connectwise import THEM, US, ConnectWise
from connectors.simulators.desk import Clock
from connectors.simulators.loopback import Request, Response
from tests.connectors import rig as rigs
from tests.connectors.support import Scripted, context

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures/samples.json").read_text("utf-8"))
VECTOR = RECORDED["callback"]


class Rig(rigs.Rig):
    """The instance and our connector to it, as ``check`` and ``lists`` left it."""

    kind, simulator = "connectwise", ConnectWise
    fields: ClassVar[dict[str, str]] = {"board": "1", "summary": "VPN down"}

    def new(self, ref: str = "TDM-1", **fields: Any) -> str:
        made = super().new(ref, **fields)
        self.clock.forward(30)
        return made

    def patches(self) -> list[Any]:
        return [request.json() for request in self.sim.asked if request.method == "PATCH"]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


def test_every_call_carries_the_client_id_and_pins_the_version(rig: Rig) -> None:
    rig.new()
    for request in rig.sim.asked:
        assert request.headers["clientid"] == rig.sim.client
        assert request.headers["accept"] == "application/vnd.connectwise.com+json; version=2025.16"


def test_without_a_client_id_that_is_known_nothing_goes(rig: Rig) -> None:
    with pytest.raises(Unauthorized, match="clientId"):
        rig.connect(settings={"client_id": "another"}).check(rig.ctx())


def test_a_release_that_moves_the_code_base_is_found_again_and_kept(rig: Rig) -> None:
    id = rig.new()
    rig.sim.upgrade("v2026_1/")
    assert rig.fetch(id).fields["summary"] == "VPN down"
    assert rig.kept["found.codebase"] == "v2026_1/"
    rig.sim.upgrade("v2026_2/")
    assert rig.new("TDM-2", summary="made after the move")
    with pytest.raises(Gone):
        rig.fetch("99999")


def test_an_address_that_stays_not_found_is_no_ticket_that_is_gone(rig: Rig) -> None:
    id = rig.new()
    rig.sim.faults.plan("status", status=404, times=2, path="/service/tickets")
    with pytest.raises(Unauthorized):
        rig.new("TDM-2")
    rig.sim.remove(id)
    with pytest.raises(Gone):
        rig.desk.worklog(rig.ctx(), id, 15, "late", rig.clock())


def test_statuses_and_types_are_those_of_each_board(rig: Rig) -> None:
    fields = rig.desk.catalogue(rig.lists).doc["fields"]
    assert fields["status"]["per"] == fields["type"]["per"] == "board"
    assert fields["status"]["values"]["2"]["32"] == "Working" and "32" not in fields["status"]["values"]["1"]
    assert fields["type"]["values"] == {
        "1": {"8": "Incident", "9": "Request"},
        "2": {"21": "Incident", "22": "Request"},
    }


def test_a_status_of_another_board_is_refused_in_its_words(rig: Rig) -> None:
    id = rig.new()
    with pytest.raises(Refused, match="status 32 is not valid here"):
        rig.desk.update(rig.ctx(), id, {"status": "32"}, None)
    with pytest.raises(Refused, match="no value"):
        rig.desk.update(rig.ctx(), id, {"status": "99"}, None)


def test_the_board_is_never_changed_by_us(rig: Rig) -> None:
    id = rig.new()
    with pytest.raises(Refused, match="at creation only"):
        rig.desk.update(rig.ctx(), id, {"board": "2"}, None)
    rig.sim.change(id, {"board": "2"})
    assert (rig.fetch(id).fields["board"], rig.fetch(id).fields["status"]) == ("2", "31")


def test_an_update_is_a_patch_with_references_by_id_and_paths_without_a_slash(rig: Rig) -> None:
    id = rig.new()
    rig.desk.update(rig.ctx(), id, {"status": "12", "severity": "High", "requiredDate": "2026-12-01T08:00:00Z"}, None)
    assert rig.patches()[-1] == [
        {"op": "replace", "path": "status", "value": {"id": 12}},
        {"op": "replace", "path": "severity", "value": "High"},
        {"op": "replace", "path": "requiredDate", "value": "2026-12-01T08:00:00Z"},
    ]
    rig.desk.update(rig.ctx(), id, {"requiredDate": None}, None)
    assert rig.patches()[-1] == [{"op": "replace", "path": "requiredDate", "value": None}]
    assert rig.fetch(id).fields["requiredDate"] is None


def test_a_note_carries_exactly_one_flag(rig: Rig) -> None:
    id = rig.new()
    rig.desk.comment(rig.ctx(), id, "discussion", "for all", ["staff", "requester"])
    rig.desk.comment(rig.ctx(), id, "internal", "for you", ["staff"])
    flags = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
    sent = [r.json() for r in rig.sim.asked if r.method == "POST" and r.path.endswith("/notes")]
    assert [[body[flag] for flag in flags] for body in sent] == [[True, False, False], [False, True, False]]


@pytest.mark.parametrize(
    ("flags", "channel"),
    [
        ({"detailDescriptionFlag": True, "internalAnalysisFlag": True}, "internal"),
        ({"resolutionFlag": True, "internalAnalysisFlag": False}, "discussion"),
        ({"detailDescriptionFlag": True}, "internal"),
    ],
    ids=["two flags", "resolution", "a flag that is not shown"],
)
def test_a_note_of_theirs_reads_as_narrow_as_its_flags_allow(flags: dict[str, Any], channel: str) -> None:
    note = {**RECORDED["notes"][0], **flags}
    if "internalAnalysisFlag" not in flags:
        del note["internalAnalysisFlag"]
    with scripted(note) as (desk, port):
        (comment,) = desk.fetch(context(port), "69").comments
    assert (comment.channel, comment.author, comment.text) == (channel, "helpdesk2", "Some Text On This Note")


def test_the_description_is_the_note_of_its_own_moment_alone(rig: Rig) -> None:
    with_one, without = rig.new(initialDescription="since 08:00"), rig.new("TDM-2")
    for id in (with_one, without):
        rig.sim.say(id, "we look into it", True)
        assert [each.text for each in rig.fetch(id).comments] == ["we look into it"]


def test_a_document_goes_as_multipart_and_the_ticket_keeps_it_for_staff(rig: Rig) -> None:
    id = rig.new()
    rig.sim.upload(id, "theirs.bin", b"\x00\x01", False)
    (file,) = rig.fetch(id).files
    assert (file.channel, file.size, b"".join(rig.desk.file(rig.ctx(), file))) == ("internal", 2, b"\x00\x01")
    assert rig.desk.catalogue({}).doc["attachments"]["reaches"] == ["provider"]


def test_time_comes_back_in_minutes_with_its_author(rig: Rig) -> None:
    id = rig.new()
    rig.desk.worklog(rig.ctx(), id, 20, "looked", rig.clock())
    page = rig.desk.changed(rig.ctx(), "time", None)
    (change,) = page.changes
    assert change.record_id == id and change.item is not None
    assert (change.item.minutes, change.item.author, change.item.text) == (20, US, "looked")


def test_the_feed_asks_for_our_company_in_order_and_turns_by_the_link(rig: Rig) -> None:
    ids = {rig.sim.open_record(f"t{n}") for n in range(250)}
    elsewhere = rig.sim.open_record("not ours")
    rig.sim.move(elsewhere)
    told: set[str] = set()
    page = rig.desk.changed(rig.ctx(), "tickets", None)
    while True:
        told |= {change.record_id for change in page.changes}
        if page.done:
            break
        page = rig.desk.changed(rig.ctx(), "tickets", page.cursor)
    assert told == ids
    asked = next(r for r in rig.sim.asked if "lastUpdated>=" in r.query.get("conditions", ""))
    assert asked.query["conditions"] == 'company/identifier="YourCompany" and lastUpdated>=[1970-01-01T00:00:00Z]'
    assert asked.query["orderBy"] == "lastUpdated asc, id asc"


def test_a_record_in_use_may_be_tried_again(rig: Rig) -> None:
    id = rig.new()
    rig.sim.faults.plan("status", status=409)
    with pytest.raises(Retry):
        rig.desk.update(rig.ctx(), id, {"severity": "High"}, None)


def test_a_member_is_found_by_number_and_by_address(rig: Rig) -> None:
    by_id = rig.desk.person(rig.ctx(), id="176")
    assert by_id is not None and (by_id.login, by_id.email) == (THEM, "zadmin@acme.example")
    assert rig.desk.person(rig.ctx(), email="paula@acme.example") is not None
    assert rig.desk.person(rig.ctx(), email="nobody@acme.example") is None


# callbacks


def arrival(body: bytes, signature: str) -> Arrival:
    return Arrival("POST", {}, {"x-content-signature": signature}, body)


@pytest.fixture
def desk() -> Rest:
    settings = {"company_id": "acme", "public_key": "x", "member": US, "client_id": "c", "company": "c"}
    made = registry.build("connectwise", settings=settings, secrets={"private_key": "x", "webhook": VECTOR["secret"]})
    assert isinstance(made, Rest)
    return made


def test_the_vector_verifies_and_no_bit_of_it_may_be_another(desk: Rest) -> None:
    body, signature = VECTOR["body_utf8"].encode(), VECTOR["headers"]["x-content-signature"]
    now = Clock()()
    assert desk.verify(arrival(body, signature), now).secret == "webhook"
    wrong = [arrival(flipped(body, bit), signature) for bit in range(len(body) * 8)]
    wrong += [arrival(body, flipped(signature.encode(), bit).decode("latin-1")) for bit in range(len(signature) * 8)]
    for each in wrong:
        with pytest.raises(Unverified):
            desk.verify(each, now)
    key = VECTOR["secret"].encode()
    for bit in range(0, len(key) * 8, 8):
        other = flipped(key, bit).decode("latin-1")
        settings = {"company_id": "acme", "public_key": "x", "member": US, "client_id": "c", "company": "c"}
        with pytest.raises(Unverified):
            registry.build("connectwise", settings=settings, secrets={"private_key": "x", "webhook": other}).verify(
                arrival(body, signature), now
            )


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(b ^ (1 << (bit % 8)) if at == bit // 8 else b for at, b in enumerate(data))


def test_the_address_of_the_key_is_never_followed(rig: Rig) -> None:
    id = rig.new()
    rig.sim.change(id, {"summary": "theirs"})
    told = json.loads(rig.sim.told[-1].body)
    told["Metadata"]["key_url"] = f"{rig.sim.url}/evil"
    before = len(rig.sim.asked)
    with pytest.raises(Unverified):
        rig.desk.verify(Arrival("POST", {}, rig.sim.told[-1].headers, json.dumps(told).encode()), rig.clock())
    assert len(rig.sim.asked) == before


@pytest.mark.parametrize(
    ("action", "entity", "kind"),
    [
        ("added", VECTOR["body_utf8"], "created"),
        ("updated", '{"recordType": "ProjectTicket"}', "changed"),
        ("deleted", None, "gone"),
    ],
    ids=["added", "a project's ticket", "deleted"],
)
def test_a_callback_is_a_hint_whatever_its_summary_says(desk: Rest, action: str, entity: Any, kind: str) -> None:
    body = {**json.loads(VECTOR["body_utf8"]), "Action": action, "Entity": entity}
    (event,) = desk.parse(arrival(json.dumps(body).encode(), ""))
    assert (event.kind, event.record_id, event.actor, event.record) == (kind, "69", "zAdmin", None)


# recordings


class scripted:
    """A connector to a desk that answers with the recordings, and with one note."""

    def __init__(self, note: Any) -> None:
        record = json.loads((Path(__file__).parent / "fixtures/record.json").read_text("utf-8"))["body"]
        base = "/v2017_3/apis/3.0"
        replies = {
            "/login/companyinfo/acme": RECORDED["companyinfo"],
            f"{base}/system/members": [RECORDED["member"]],
            f"{base}/service/tickets/69": record,
            f"{base}/service/tickets/69/notes": [note],
            f"{base}/system/documents": [],
            f"{base}/time/entries": RECORDED["time"],
        }
        answer: Callable[[Request], Response] = lambda request: Response.of(replies[request.path])  # noqa: E731
        self._served = Scripted(answer)

    def __enter__(self) -> tuple[Rest, int]:
        served = self._served.__enter__()
        settings = {
            "company_id": "acme",
            "public_key": "x",
            "member": "User1",
            "client_id": "c",
            "company": "YourCompany",
        }
        settings |= {"url": served.url, "site": served.url}
        desk = registry.build("connectwise", settings=settings, secrets={"private_key": "x"})
        assert desk.check(context(served.port)).me == {"User1", "176"}
        return desk, served.port  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        self._served.__exit__()


def test_recorded_time_is_read() -> None:
    with scripted(RECORDED["notes"][0]) as (desk, port):
        (change,) = desk.changed(context(port), "time", None).changes
        record = desk.fetch(context(port), "69")
    assert change.item is not None and (change.record_id, change.item.minutes) == ("69", 120)
    assert (record.state, record.author, record.version) == ("live", "User1", "2016-03-08T21:59:20Z")
