"""Once a day: what changed at a desk since its mapping was proved is told once, and ends by itself (M111)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.simulators.servicenow import ServiceNow
from gateway.clock import now_us, utc
from gateway.config import Config
from gateway.journal.checkpoints import Keys
from gateway.people.users import By
from gateway.providers import admission, documents, nightly, versions
from gateway.providers.documents import Outside
from gateway.providers.versions import New
from gateway.providers.watch import DAY
from gateway.runtime import Runtime
from gateway.store.db import Road, Store
from gateway.workers.wake import Bell
from gateway.workers.wiring import TICKS, Wiring

CONNECTION = """name: northwind
provider: {{slug: northwind, name: Northwind}}
kind: servicenow
auth: basic
settings: {{instance: acme, url: '{url}', login: tandem.integration}}
secrets: {{password: let-me-in}}
"""


@pytest.fixture
def desk() -> Iterator[ServiceNow]:
    with ServiceNow(lambda: utc(now_us())) as made:
        yield made


@pytest.fixture
def rt(store: Store, config: Config, desk: ServiceNow) -> Iterator[Runtime]:
    made = Runtime.open(config.allowing(desk.url.removeprefix("http://")))
    draft = documents.read(CONNECTION.format(url=desk.url), "northwind.yaml", Outside(lambda name: None, open_nothing))
    admission.add(made, By("user:1", made.key, made.now()), draft)
    yield made
    made.close()


def open_nothing(path: Path) -> str:
    raise AssertionError(path)


def choice(desk: ServiceNow, element: str, value: str, label: str) -> None:
    """An admin over there adds a choice."""
    row = {"name": "incident", "element": element, "value": value, "label": label, "inactive": "false"}
    desk._put("sys_choice", row, "system")


def remove(desk: ServiceNow, element: str, value: str) -> Callable[[], None]:
    """One takes a choice away; gives what puts it back."""
    choices = desk.tables["sys_choice"]
    id = next(id for id, row in choices.items() if (row["element"], row["value"]) == (element, value))
    row = choices.pop(id)
    return lambda: choices.__setitem__(id, row)


def rows(rt: Runtime, sql: str) -> list[tuple[object, ...]]:
    with rt.store.read() as conn:
        return Road(conn, rt.store.dialect).rows(sql)


def notices(rt: Runtime, state: str = "open") -> list[str]:
    sql = f"select text from notice where kind = 'catalogue' and state = '{state}' order by id"
    return [str(text) for (text,) in rows(rt, sql)]


def connection_id(rt: Runtime) -> int:
    id = rt.desks.id_of("northwind")
    assert id is not None
    return id


def tomorrow(rt: Runtime) -> None:
    now = rt.now() + DAY + 1
    rt.now = lambda: now


def test_nothing_changed_is_nothing_told(rt: Runtime) -> None:
    found = nightly.ask(rt, connection_id(rt))
    assert found.told == () and found.said == ""
    assert notices(rt) == []


def test_a_value_that_appeared_is_told_once_with_the_row_to_add(rt: Runtime, desk: ServiceNow) -> None:
    choice(desk, "state", "9", "Waiting-Vendor-2")
    for _ in range(3):
        found = nightly.ask(rt, connection_id(rt))
    assert [severity for severity, _ in found.told] == ["W"]
    (text,) = notices(rt)
    assert "Waiting-Vendor-2 appeared in state at northwind; add the row `Waiting-Vendor-2: ...`" in text
    assert "(servicenow:" in text
    assert rows(rt, "select state, state_reason from connection") == [("active", "")]
    remove(desk, "state", "9")
    nightly.ask(rt, connection_id(rt))
    assert notices(rt) == []
    assert len(notices(rt, "closed")) == 1


def test_a_value_that_went_shows_at_the_connection_until_it_is_back(rt: Runtime, desk: ServiceNow) -> None:
    back = remove(desk, "state", "8")
    found = nightly.ask(rt, connection_id(rt))
    assert [severity for severity, _ in found.told] == ["E"]
    assert "Canceled of state is gone there at northwind" in notices(rt)[0]
    ((state, reason),) = rows(rt, "select state, state_reason from connection")
    assert state == "active"
    assert reason == "their lists have changed: 1 that the mapping uses is gone"
    row = rt.desks.row(connection_id(rt))
    assert rt.desks.of(row.id, row.mapping_id).mapping.inward({"state": "2"})[0] == {"status": "in_progress"}
    back()
    assert nightly.ask(rt, connection_id(rt)).told == ()
    assert notices(rt) == []
    assert rows(rt, "select state_reason from connection") == [("",)]


def test_what_a_person_ticked_off_is_not_told_again(rt: Runtime, desk: ServiceNow) -> None:
    choice(desk, "state", "9", "Waiting-Vendor-2")
    nightly.ask(rt, connection_id(rt))
    with rt.store.write() as conn:
        Road(conn, rt.store.dialect).run("update notice set state = 'closed', closed_at = 1")
    nightly.ask(rt, connection_id(rt))
    assert notices(rt) == []


def test_a_desk_that_does_not_answer_changes_nothing(rt: Runtime, desk: ServiceNow) -> None:
    choice(desk, "state", "9", "Waiting-Vendor-2")
    before = nightly.ask(rt, connection_id(rt))
    found_before = rows(rt, "select found from connection")
    desk.revoke()
    failed = nightly.ask(rt, connection_id(rt))
    assert failed.said and failed.told == before.told
    assert rows(rt, "select found from connection") == found_before
    assert len(notices(rt)) == 1
    assert "its lists cannot be read" in str(rows(rt, "select last_error from health")[0][0])


def test_another_version_at_work_ends_what_was_told(rt: Runtime, desk: ServiceNow) -> None:
    """It was proved against what is there now."""
    choice(desk, "state", "9", "Waiting-Vendor-2")
    nightly.ask(rt, connection_id(rt))
    (text,) = rows(rt, "select text from document where kind = 'mapping' and name = 'servicenow'")[0]
    wider = str(text).replace("      New: new", "      New: new\n      Waiting-Vendor-2: pending_provider")
    with rt.store.write() as conn:
        made = versions.publish(conn, By("user:1", rt.key, rt.now()), New("mapping", "northwind", wider, "wider"))
        Road(conn, rt.store.dialect).run("update connection set mapping_id = ?, version = version + 1", made.id)
    rt.desks.load()
    assert nightly.ask(rt, connection_id(rt)).told == ()
    assert notices(rt) == []


def test_each_active_desk_is_asked_once_a_day(rt: Runtime, desk: ServiceNow) -> None:
    looks = Wiring(rt, Keys.of(rt.config), Bell("")).looks()
    assert TICKS["nightly"] < 3600
    assert not looks["nightly"]()
    choice(desk, "state", "9", "Waiting-Vendor-2")
    tomorrow(rt)
    assert looks["nightly"]()
    assert len(notices(rt)) == 1
    assert not looks["nightly"]()
    tomorrow(rt)
    with rt.store.write() as conn:
        Road(conn, rt.store.dialect).run("update connection set state = 'paused', version = version + 1")
    assert not looks["nightly"]()


def test_a_failed_look_is_tried_again_within_the_day(rt: Runtime, desk: ServiceNow) -> None:
    tomorrow(rt)
    desk.revoke()
    assert nightly.look(rt)
    assert not nightly.look(rt)
    (due, said) = rows(rt, "select due_at, said from watch")[0]
    assert said and int(str(due)) == rt.now() + nightly.AGAIN


def test_the_lists_of_the_proof_are_kept_apart_from_todays(rt: Runtime, desk: ServiceNow) -> None:
    choice(desk, "category", "space", "Space travel")
    nightly.ask(rt, connection_id(rt))
    ((then, today),) = rows(rt, "select w.lists, c.found from watch w join connection c on c.id = w.connection_id")
    assert "Space travel" not in str(then)
    assert "Space travel" in json.dumps(json.loads(str(today))["lists"])
