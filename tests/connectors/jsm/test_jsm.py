"""What is a service desk's own: forms, customers, agents, automation, pages, and comments that portals show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, Connector, Context
from connectors.errors import Refused, Unauthorized
from connectors.simulators.desk import Clock
from connectors.simulators.jira_site import ALICE, OURS, PAULA
from connectors.simulators.jsm import Jsm, JsmOAuth
from tests.connectors.support import Kept, context

BOTH = ["staff", "requester"]


class Desk:
    """A service desk, and a connection to it as the gateway builds one."""

    def __init__(self, sim: Jsm, clock: Clock) -> None:
        self.sim, self.clock = sim, clock
        self.jsm = self.connect()
        self.lists = self.jsm.lists(self.ctx())
        self.jsm = self.connect(lists=self.lists)

    def connect(self, **changes: Any) -> Connector:
        settings = {**self.sim.settings, **changes.pop("settings", {})}
        return registry.build("jsm", settings=settings, secrets=self.sim.secrets, **changes)

    def ctx(self) -> Context:
        return replace(context(self.sim.port), now=self.clock())

    def new(self, ref: str = "TDM-1", **more: Any) -> str:
        return self.jsm.create(self.ctx(), {"summary": "VPN down", **more}, ref, "key").id or ""

    def asked(self, method: str, end: str) -> list[Any]:
        return [each for each in self.sim.asked if each.method == method and each.path.endswith(end)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = Clock()
    with Jsm(clock) as sim:
        yield Desk(sim, clock)


def test_a_request_is_raised_for_the_customer_with_the_fields_of_its_form(desk: Desk) -> None:
    made = desk.jsm.create(
        desk.ctx(),
        {"summary": "VPN down", "description": "a *bold* word", "priority": "1", "status": "3", "reporter": OURS},
        "TDM-1",
        "key",
    )
    (raised,) = desk.asked("POST", "/servicedeskapi/request")
    assert raised.json() == {
        "serviceDeskId": "10",
        "requestTypeId": "25",
        "raiseOnBehalfOf": ALICE,
        "requestFieldValues": {
            "summary": "VPN down",
            "description": "a *bold* word",
            "customfield_10050": "TDM-1",
        },
    }
    assert set(made.later) == {"priority", "status", "reporter"}
    record = desk.jsm.fetch(desk.ctx(), made.id or "")
    assert (record.fields["reporter"], record.fields["description"]) == (ALICE, "a *bold* word")
    assert record.number == "OPS-1" and record.fields["issuetype"] == "10011"


def test_without_a_customer_it_is_ours(desk: Desk) -> None:
    settings = {name: value for name, value in desk.sim.settings.items() if name != "customer"}
    ours = registry.build("jsm", settings=settings, secrets=desk.sim.secrets, lists=desk.lists)
    id = ours.create(desk.ctx(), {"summary": "VPN down"}, "TDM-1", "key").id or ""
    assert ours.fetch(desk.ctx(), id).fields["reporter"] == OURS


def test_what_follows_is_an_edit_of_the_issue(desk: Desk) -> None:
    id = desk.new()
    desk.jsm.update(desk.ctx(), id, {"priority": "1", "reporter": PAULA, "select:customfield_10004": "Moderate"}, None)
    (put,) = desk.asked("PUT", f"/issue/{id}")
    assert put.json() == {
        "fields": {
            "priority": {"id": "1"},
            "reporter": {"accountId": PAULA},
            "customfield_10004": {"value": "Moderate"},
        }
    }
    fields = desk.jsm.fetch(desk.ctx(), id).fields
    assert (fields["priority"], fields["reporter"], fields["select:customfield_10004"]) == ("1", PAULA, "Moderate")


def test_a_field_that_is_not_on_the_form_is_refused_in_words(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"^The field 'customfield_10051' is not on the form of this request type\.$"):
        desk.new(**{"cf:customfield_10051": "Zürich"})


def test_an_account_that_is_no_agent_fails_the_check(desk: Desk) -> None:
    """It would be shown public comments alone, and be told nothing of the others."""
    id = desk.new()
    desk.sim.say(id, "between us", False)
    desk.sim.agent = False
    record = desk.jsm.fetch(desk.ctx(), id)
    assert record.comments == () and record.complete
    with pytest.raises((Refused, Unauthorized), match="permission to view the agent view"):
        desk.jsm.check(desk.ctx())


def test_a_desk_that_is_not_there_fails_the_check(desk: Desk) -> None:
    with pytest.raises(Refused, match="does not exist"):
        desk.connect(settings={"service_desk": "99"}).check(desk.ctx())


def test_a_comment_says_whom_it_is_for(desk: Desk) -> None:
    id = desk.new()
    desk.jsm.comment(desk.ctx(), id, "public", "h1. hello", BOTH)
    desk.jsm.comment(desk.ctx(), id, "internal", "between us", ["staff"])
    assert [each.json() for each in desk.asked("POST", "/comment")] == [
        {"body": "h1. hello", "public": True},
        {"body": "between us", "public": False},
    ]
    said = {each.text: each.format for each in desk.jsm.fetch(desk.ctx(), id).comments}
    assert said == {"h1. hello": "wiki", "between us": "wiki"}


def test_an_edit_of_an_internal_comment_stays_internal(desk: Desk) -> None:
    id = desk.new()
    made = desk.jsm.comment(desk.ctx(), id, "internal", "between us", ["staff"])
    desk.jsm.comment(desk.ctx(), id, "internal", "between you and us", ["staff"], made.id)
    (said,) = desk.sim.said(id)
    assert (said.id, said.text, said.public) == (made.id, "between you and us", False)


def test_pages_are_shorter_than_asked_and_end_when_the_desk_says_so(desk: Desk) -> None:
    id = desk.new()
    for number in range(50):
        desk.sim.say(id, f"line {number}", False)
    assert len(desk.jsm.fetch(desk.ctx(), id).comments) == 50
    asked = desk.asked("GET", "/comment")
    assert len(asked) == 1 and asked[0].query["internal"] == asked[0].query["public"] == "true"


def test_a_public_answer_moves_the_request_and_the_manifest_says_so(desk: Desk) -> None:
    id = desk.new()
    assert desk.jsm.channels["public"].side_effects == ("status",)
    desk.jsm.comment(desk.ctx(), id, "internal", "not yet", ["staff"])
    assert desk.jsm.fetch(desk.ctx(), id).fields["status"] == "10101"
    desk.jsm.comment(desk.ctx(), id, "public", "which printer?", BOTH)
    assert desk.jsm.fetch(desk.ctx(), id).fields["status"] == "10102"
    desk.sim.ask(id, "the one upstairs")
    record = desk.jsm.fetch(desk.ctx(), id)
    assert record.fields["status"] == "10101"
    assert [(each.author, each.channel) for each in record.comments][-1] == (ALICE, "public")


def test_customers_are_found_by_an_experimental_method(desk: Desk) -> None:
    alice = desk.jsm.person(desk.ctx(), email="alice@customer.example")
    assert alice and alice.id == ALICE and desk.jsm.person(desk.ctx(), id=ALICE) == alice
    assert desk.asked("GET", "/customer")[0].headers["x-experimentalapi"] == "opt-in"


def test_files_are_for_the_desk_whoever_they_came_with(desk: Desk) -> None:
    id = desk.new()
    desk.sim.upload(id, "screen.png", b"x", True)
    assert [each.channel for each in desk.jsm.fetch(desk.ctx(), id).files] == ["internal"]
    assert desk.jsm.catalogue(desk.lists).doc["attachments"]["reaches"] == ["provider"]


def test_its_workflow_is_walked_as_jiras_and_a_screen_gets_its_resolution(desk: Desk) -> None:
    id = desk.new()
    edges = {"10101": ["10102", "3", "10103", "5"], "10103": ["10101", "3"], "3": ["10102", "10103", "5"], "5": ["6"]}
    known = desk.connect(lists=desk.lists, declared={"workflow": {"hops": 3, "edges": edges}})
    desk.sim.change(id, {"status": "10103"})
    known.update(desk.ctx(), id, {"status": "6", "resolution": "10000"}, None)
    posted = [each.json() for each in desk.asked("POST", "/transitions")]
    assert [each["transition"]["id"] for each in posted] == ["851", "761", "971"]
    assert [each.get("fields") for each in posted] == [None, {"resolution": {"id": "10000"}}, None]


def test_a_webhook_of_the_platform_names_the_request(desk: Desk) -> None:
    id = desk.new()
    desk.sim.say(id, "any news?", True)
    heard = [event for arrival in desk.sim.told for event in desk.jsm.parse(arrival)]
    assert {event.record_id for event in heard} == {id} and {event.kind for event in heard} == {"created", "changed"}
    for arrival in desk.sim.told:
        assert desk.jsm.verify(arrival, desk.clock()).delivery


def test_a_description_that_no_edit_touched_comes_back_as_it_went(desk: Desk) -> None:
    text = "h2. Steps\n\n* one\n* two\n\n{code}\nx < y\n{code}"
    id = desk.new(description=text)
    assert desk.jsm.fetch(desk.ctx(), id).fields["description"] == text
    desk.jsm.update(desk.ctx(), id, {"description": None}, None)
    assert desk.jsm.fetch(desk.ctx(), id).fields["description"] is None


def test_what_an_arrival_holds_is_only_a_hint(desk: Desk) -> None:
    body = json.dumps({"webhookEvent": "comment_created", "issue": {"id": "7"}, "comment": {"body": "x"}}).encode()
    (event,) = desk.jsm.parse(Arrival("POST", {}, {}, body))
    assert (event.kind, event.record_id, event.record, event.actor) == ("changed", "7", None, None)


# an app's sign-in


class Shared:
    """The renewal lock of one connection: one renewal at a time, and what was kept last."""

    def __init__(self) -> None:
        self.lock, self.kept = Lock(), Kept()

    @contextmanager
    def __call__(self) -> Iterator[Mapping[str, str]]:
        with self.lock:
            yield dict(self.kept)


class App:
    """Workers of one connection to a service desk by OAuth."""

    def __init__(self, sim: JsmOAuth, clock: Clock) -> None:
        self.sim, self.clock, self.shared = sim, clock, Shared()

    def worker(self, **changes: Any) -> Connector:
        given = {"settings": self.sim.settings, "secrets": self.sim.secrets, "auth": "oauth", "renewal": self.shared}
        return registry.build("jsm", **{**given, **changes})

    def ctx(self, kept: Any = None) -> Context:
        return replace(context(self.sim.port, kept=self.shared.kept if kept is None else kept), now=self.clock())

    def refreshed(self) -> list[Any]:
        """The refresh tokens that were used, in order."""
        return [each.json()["refresh_token"] for each in self.sim.asked if each.path == "/oauth/token"]


@pytest.fixture
def app() -> Iterator[App]:
    clock = Clock()
    with JsmOAuth(clock) as sim:
        yield App(sim, clock)


def test_an_app_is_spoken_to_at_its_cloud_address_on_both_apis(app: App) -> None:
    made = app.worker()
    assert made.check(app.ctx()).me == {OURS}
    id = made.create(app.ctx(), {"summary": "VPN down"}, "TDM-1", "key").id or ""
    made.comment(app.ctx(), id, "public", "we look", BOTH)
    assert made.fetch(app.ctx(), id).fields["summary"] == "VPN down"
    asked = [each for each in app.sim.asked if each.path != "/oauth/token"]
    assert all(each.path.startswith("/ex/jira/") for each in asked)
    assert {each.headers["authorization"] for each in asked} == {"Bearer access-1"}
    assert app.refreshed() == ["refresh-token-0000"]
    (sent,) = [each.json() for each in app.sim.asked if each.path == "/oauth/token"]
    assert sent == {
        "grant_type": "refresh_token",
        "client_id": "app-1",
        "client_secret": "client-secret-1",
        "refresh_token": "refresh-token-0000",
    }


def test_many_workers_of_one_connection_refresh_once(app: App) -> None:
    workers = [app.worker() for _ in range(3)]
    for renewals in (1, 2):
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda n: workers[n % 3].check(app.ctx()), range(24)))
        assert len(app.refreshed()) == renewals
        app.sim.expire()


def test_a_refresh_token_survives_a_kill_between_the_answer_and_its_use(app: App) -> None:
    """The process dies as soon as the new one is durable; the next one signs in with it, and not with the spent one."""

    class Killed(Exception):
        pass

    class Dying(Kept):
        def __setitem__(held, name: str, value: str) -> None:
            app.shared.kept[name] = value
            raise Killed

    with pytest.raises(Killed):
        app.worker().check(app.ctx(Dying()))
    assert dict(app.shared.kept) == {"secret.refresh_token": "refresh-token-0001"}
    assert app.worker().check(app.ctx()).me == {OURS}
    assert app.refreshed() == ["refresh-token-0000", "refresh-token-0001"]
    app.worker().check(app.ctx())
    assert len(app.refreshed()) == 2, "another process takes the access token that was kept"


def test_a_spent_refresh_token_ends_in_words_and_tells_no_secret(app: App) -> None:
    app.worker().check(app.ctx())
    with pytest.raises(Unauthorized) as no:
        app.worker(renewal=None).check(app.ctx())
    assert "invalid refresh token" in no.value.said and "refresh-token-0000" not in no.value.said
