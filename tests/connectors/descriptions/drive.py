"""Everything a connector can ask, asked once of its simulator."""

from __future__ import annotations

from typing import Any

from connectors.contract import Contract
from connectors.contract.rehearsal import file_of
from connectors.errors import Unsupported
from connectors.simulators.loopback import Request, Response
from tests.connectors.freshdesk.test_contract import TestFreshdesk as Freshdesk
from tests.connectors.freshservice.test_contract import TestFreshservice as Freshservice
from tests.connectors.jira.test_contract import TestJira as Jira
from tests.connectors.jsm.test_contract import TestJsm as Jsm
from tests.connectors.servicenow.test_contract import TestServiceNow as ServiceNow
from tests.connectors.zendesk.test_contract import TestZendesk as Zendesk

CONTRACTS: dict[str, type[Contract]] = {
    "servicenow": ServiceNow,
    "zendesk": Zendesk,
    "freshdesk": Freshdesk,
    "freshservice": Freshservice,
    "jira": Jira,
    "jsm": Jsm,
}


def asked(kind: str) -> list[Request]:
    """The simulator's log of a rehearsal in which every verb of ``kind`` was used."""
    return _rehearsed(kind)[0]


def answered(kind: str) -> list[tuple[Request, Response]]:
    """What the simulator answered in it, once it was known which lists there are."""
    return _rehearsed(kind)[1]


def _rehearsed(kind: str) -> tuple[list[Request], list[tuple[Request, Response]]]:
    made = CONTRACTS[kind]()
    made.setup_method()
    answer, noted = made.sim.answer, []

    def note(request: Request) -> Response:
        response = answer(request)
        noted.append((request, response))
        return response

    made.sim.answer = note  # type: ignore[method-assign]
    try:
        _records(made)
        _items(made)
        _reads(made)
        return list(made.sim.asked), noted
    finally:
        made.teardown_method()


def _records(made: Contract) -> None:
    id = made.new(ref="TDM-DRIVEN1")
    for name, value in made.samples().items():
        made.desk.update(made.ctx(), id, {name: value}, made.record(id).version)
    made.desk.update(made.ctx(), id, {made.title: "another title"}, None)
    field, _, reachable = made.status
    made.desk.update(made.ctx(), id, {field: reachable, **made.with_status()}, made.record(id).version)


def _items(made: Contract) -> None:
    id = made.new(ref="TDM-DRIVEN2")
    for name, channel in made.desk.channels.items():
        reaches = sorted(channel.reaches)
        said = made.desk.comment(made.ctx(), id, name, f"by {name}", reaches)
        if channel.edit:
            made.desk.comment(made.ctx(), id, name, f"again by {name}", reaches, replaces=said.id)
        if channel.attach:
            made.desk.attach(made.ctx(), id, name, file_of("log.txt", b"a log"), reaches)
    if "worklog" in made.desk.verbs:
        made.desk.worklog(made.ctx(), id, 15, "looked at the switch", made.clock())
    record = made.record(id)
    assert record.comments and record.complete
    for file in record.files:
        assert b"".join(made.desk.file(made.ctx(), file))


def _reads(made: Contract) -> None:
    cursors: dict[str, str] = {}
    assert made.polled(cursors)
    made.polled(cursors)
    for feed in made.desk.feeds:
        made.poll(feed, cursors.get(feed))
    made.desk.find(made.ctx(), "TDM-DRIVEN1")
    ways: list[dict[str, Any]] = [{"id": made.desk.check(made.ctx()).values["me"]}, {"email": "somebody@example.com"}]
    for way in ways:
        try:
            made.desk.person(made.ctx(), **way)
        except Unsupported:
            continue
