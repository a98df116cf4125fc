"""What is Jira's own: transitions and screens, a search that is behind, text as trees, limits per issue, webhooks."""

from __future__ import annotations

import base64
import hmac
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.base import Arrival, Change, Connector, Context
from connectors.errors import Gone, Outcome, Refused, Retry, Unauthorized, Unverified
from connectors.simulators.desk import Clock
from connectors.simulators.jira import Jira
from connectors.simulators.jira_rules import stamp, written
from connectors.simulators.jira_site import OURS, PAULA
from tests.connectors.recordings import WHOLE
from tests.connectors.support import context

FIXTURES = Path(__file__).parent / "fixtures"
EDGES = {
    "1": ["3", "5", "6"],
    "3": ["1", "10010", "5", "6"],
    "10010": ["3"],
    "5": ["6", "4"],
    "6": ["4"],
    "4": ["3", "5"],
}
BOTH = ["staff", "requester"]


class Desk:
    """A site, and a connection to it as the gateway builds one."""

    def __init__(self, sim: Jira, clock: Clock) -> None:
        self.sim, self.clock = sim, clock
        self.jira = self.connect()
        self.lists = self.jira.lists(self.ctx())
        self.jira = self.connect(lists=self.lists)

    def connect(self, **changes: Any) -> Connector:
        settings = {**self.sim.settings, **changes.pop("settings", {})}
        secrets = {**self.sim.secrets, **changes.pop("secrets", {})}
        return registry.build("jira", settings=settings, secrets=secrets, **changes)

    def ctx(self) -> Context:
        return replace(context(self.sim.port), now=self.clock())

    def new(self, ref: str = "TDM-1", **more: Any) -> str:
        fields = {"summary": "VPN down", "issuetype": "10011", **more}
        return self.jira.create(self.ctx(), fields, ref, "key").id or ""

    def asked(self, method: str, end: str) -> list[Any]:
        return [each for each in self.sim.asked if each.method == method and each.path.endswith(end)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = Clock()
    with Jira(clock) as sim:
        yield Desk(sim, clock)


# status ---------------------------------------------------------------------------------------------------------------


def test_a_status_is_entered_by_the_transition_that_leads_there(desk: Desk) -> None:
    id = desk.new()
    desk.jira.update(desk.ctx(), id, {"status": "3", "summary": "VPN is down"}, None)
    (posted,) = desk.asked("POST", "/transitions")
    assert posted.json() == {"transition": {"id": "4"}}
    (put,) = desk.asked("PUT", f"/issue/{id}")
    assert put.json() == {"fields": {"summary": "VPN is down"}} and "notifyUsers" not in put.query
    assert desk.jira.fetch(desk.ctx(), id).fields["status"] == "3"


def test_an_edit_would_have_been_refused_or_ignored(desk: Desk) -> None:
    """Why there is a hook: the API takes a status in no other way."""
    id = desk.new()
    ask = desk.jira.ask  # type: ignore[attr-defined]
    ask(desk.ctx(), {"send": "PUT /issue/{id}", "body": {"transition": {"id": "4"}, "fields": {}}}, {"id": id})
    assert desk.jira.fetch(desk.ctx(), id).fields["status"] == "1"
    with pytest.raises(Refused, match="appropriate screen"):
        ask(desk.ctx(), {"send": "PUT /issue/{id}", "body": {"fields": {"status": {"id": "3"}}}}, {"id": id})


def test_a_screen_gets_the_resolution_it_asks_for(desk: Desk) -> None:
    id = desk.new()
    desk.jira.update(desk.ctx(), id, {"status": "5", "resolution": "10002"}, None)
    (posted,) = desk.asked("POST", "/transitions")
    assert posted.json() == {"transition": {"id": "5"}, "fields": {"resolution": {"id": "10002"}}}
    fields = desk.jira.fetch(desk.ctx(), id).fields
    assert (fields["status"], fields["resolution"]) == ("5", "10002")


def test_a_resolution_that_is_missing_is_named_and_nothing_is_sent(desk: Desk) -> None:
    id = desk.new()
    with pytest.raises(Refused, match="asks for Resolution") as no:
        desk.jira.update(desk.ctx(), id, {"status": "5"}, None)
    assert no.value.field == "resolution" and desk.asked("POST", "/transitions") == []


def test_a_screen_that_takes_no_resolution_gets_none(desk: Desk) -> None:
    id = desk.new()
    desk.jira.update(desk.ctx(), id, {"status": "5", "resolution": "10000"}, None)
    desk.jira.update(desk.ctx(), id, {"status": "6", "resolution": "10001"}, None)
    assert desk.asked("POST", "/transitions")[-1].json() == {"transition": {"id": "701"}}
    assert desk.jira.fetch(desk.ctx(), id).fields["resolution"] == "10000"


def test_a_resolution_alone_changes_nothing_and_reading_back_shows_it(desk: Desk) -> None:
    id = desk.new()
    receipt = desk.jira.update(desk.ctx(), id, {"resolution": "10001"}, None)
    assert receipt.read_back == "fetch" and desk.jira.fetch(desk.ctx(), id).fields["resolution"] is None


def test_several_steps_are_walked_where_the_workflow_is_declared(desk: Desk) -> None:
    id = desk.new()
    desk.sim.change(id, {"status": "6"})
    known = desk.connect(lists=desk.lists, declared={"workflow": {"edges": EDGES}})
    known.update(desk.ctx(), id, {"status": "10010"}, None)
    assert [each.json()["transition"]["id"] for each in desk.asked("POST", "/transitions")] == ["3", "4", "711"]
    assert known.fetch(desk.ctx(), id).fields["status"] == "10010"


def test_more_steps_than_declared_are_none(desk: Desk) -> None:
    id = desk.new()
    desk.sim.change(id, {"status": "6"})
    known = desk.connect(lists=desk.lists, declared={"workflow": {"hops": "2", "edges": EDGES}})
    with pytest.raises(Refused, match="from Closed there is no way to the status 10010"):
        known.update(desk.ctx(), id, {"status": "10010"}, None)
    assert desk.asked("POST", "/transitions") == []


def test_what_is_not_known_to_lead_there_is_not_tried(desk: Desk) -> None:
    id = desk.new()
    with pytest.raises(Refused, match="from Open there is no way") as no:
        desk.jira.update(desk.ctx(), id, {"status": "10010"}, None)
    assert no.value.field == "status" and desk.asked("POST", "/transitions") == []


def test_where_it_stands_already_nothing_is_done(desk: Desk) -> None:
    id = desk.new()
    desk.jira.update(desk.ctx(), id, {"status": "1"}, None)
    assert desk.asked("POST", "/transitions") == [] and desk.asked("PUT", f"/issue/{id}") == []


def test_a_status_cannot_be_given_at_creation_and_follows(desk: Desk) -> None:
    made = desk.jira.create(
        desk.ctx(), {"summary": "x", "issuetype": "10011", "status": "3", "resolution": "10000"}, "TDM-2", "k"
    )
    assert set(made.later) == {"status", "resolution"}


# reading --------------------------------------------------------------------------------------------------------------


def test_search_is_asked_by_the_millisecond_and_turned_by_token(desk: Desk) -> None:
    for number in range(230):
        desk.sim.open_record(f"issue {number}")
    desk.clock.forward(60)
    page = desk.jira.changed(desk.ctx(), "issues", None)
    told = {each.record_id for each in page.changes}
    while not page.done:
        page = desk.jira.changed(desk.ctx(), "issues", page.cursor)
        told |= {each.record_id for each in page.changes}
    queries = [each.query for each in desk.asked("GET", "/search/jql")]
    tokens = len([query for query in queries if "nextPageToken" in query])
    assert len(told) == 230 and tokens == 2
    assert queries[0]["jql"] == 'project = "OPS" AND updated >= 0 ORDER BY updated ASC, key ASC'
    desk.clock.forward(600)
    desk.jira.changed(desk.ctx(), "issues", page.cursor)
    since = int((Clock().at - timedelta(minutes=5)).timestamp() * 1000)
    assert f"updated >= {since} " in desk.asked("GET", "/search/jql")[-1].query["jql"]


def test_search_is_behind_and_a_create_is_found_once_it_is_not(desk: Desk) -> None:
    id = desk.new("TDM-LATE")
    assert desk.jira.find(desk.ctx(), "TDM-LATE") == []
    desk.clock.forward(desk.jira.visible_after)
    assert [hit.id for hit in desk.jira.find(desk.ctx(), "TDM-LATE")] == [id]


def test_text_search_finds_by_words_and_only_the_exact_reference_counts(desk: Desk) -> None:
    near = desk.new("TDM-1-2")
    exact = desk.new("TDM-1")
    desk.clock.forward(60)
    assert [hit.id for hit in desk.jira.find(desk.ctx(), "TDM-1")] == [exact] != [near]


def test_an_issue_that_is_hidden_or_gone_is_gone_in_jiras_words(desk: Desk) -> None:
    with pytest.raises(Gone, match="do not have permission"):
        desk.jira.fetch(desk.ctx(), "99999")


def test_a_project_that_is_not_there_fails_the_check(desk: Desk) -> None:
    with pytest.raises(Refused, match="No project could be found with key 'NONE'"):
        desk.connect(settings={"project": "NONE"}).check(desk.ctx())


def test_people_whose_email_is_hidden_are_nobody(desk: Desk) -> None:
    assert desk.jira.person(desk.ctx(), email="harry@acme.example") is None
    paula = desk.jira.person(desk.ctx(), email="Paula@acme.example")
    assert paula and paula.name == "Paula" and desk.jira.person(desk.ctx(), id=paula.id) == paula


def test_the_catalogue_lists_what_the_project_has(desk: Desk) -> None:
    fields = desk.jira.catalogue(desk.lists).doc["fields"]
    assert fields["status"]["values"]["10010"] == "Waiting" and fields["description"]["format"] == "adf"
    assert fields["select:customfield_10004"]["label"] == "Impact" and "cf:customfield_10004" not in fields
    assert fields["number:customfield_10060"]["type"] == "number"
    assert fields["rich:customfield_10052"]["format"] == "adf" and "cf:customfield_10052" not in fields


def test_custom_fields_go_and_come_by_their_sorts(desk: Desk) -> None:
    id = desk.new()
    values = {
        "cf:customfield_10051": "Zürich",
        "rich:customfield_10052": json.dumps(TREE),
        "date:customfield_10053": "2026-11-23",
        "datetime:customfield_10054": "2026-11-23T17:00:00Z",
        "number:customfield_10060": 7,
        "select:customfield_10005": "High",
    }
    desk.jira.update(desk.ctx(), id, values, None)
    sent = desk.asked("PUT", f"/issue/{id}")[0].json()["fields"]
    assert sent["customfield_10052"] == TREE and sent["customfield_10054"] == "2026-11-23T17:00:00.000+0000"
    read = desk.jira.fetch(desk.ctx(), id).fields
    assert json.loads(str(read.pop("rich:customfield_10052"))) == TREE
    del values["rich:customfield_10052"]
    assert {name: read[name] for name in values} == values


# comments, files, time ------------------------------------------------------------------------------------------------

TREE = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "reboot", "marks": [{"type": "strong"}]}]}],
}


def test_a_tree_goes_and_comes_as_it_is(desk: Desk) -> None:
    id = desk.new(description=json.dumps(TREE))
    desk.jira.comment(desk.ctx(), id, "comment", json.dumps(TREE), BOTH)
    record = desk.jira.fetch(desk.ctx(), id)
    assert json.loads(record.comments[0].text) == json.loads(str(record.fields["description"])) == TREE
    assert record.comments[0].format == "adf" and record.comments[0].author == OURS


def test_a_comment_hides_by_its_property_and_an_edit_keeps_it(desk: Desk) -> None:
    id = desk.new()
    made = desk.jira.comment(desk.ctx(), id, "internal", "between us", ["staff"])
    assert desk.asked("POST", "/comment")[0].json()["properties"] == [
        {"key": "sd.public.comment", "value": {"internal": True}}
    ]
    desk.jira.comment(desk.ctx(), id, "internal", "between you and us", ["staff"], made.id)
    (said,) = desk.sim.said(id)
    assert (said.id, said.text, said.public) == (made.id, "between you and us", False)


def test_a_comment_whose_reach_is_not_told_is_internal(desk: Desk) -> None:
    id = desk.new()
    desk.sim.say(id, "who reads this?", True)
    del desk.sim.site.find(id).comments[0]["jsdPublic"]
    assert [each.channel for each in desk.jira.fetch(desk.ctx(), id).comments] == ["internal"]


def test_time_is_written_in_the_form_jira_reads(desk: Desk) -> None:
    id = desk.new()
    desk.jira.worklog(desk.ctx(), id, 15, "looked", desk.clock())
    body = desk.asked("POST", "/worklog")[0].json()
    assert (body["timeSpentSeconds"], body["started"]) == (900, "2026-11-21T09:00:00.000+0000")
    assert body["comment"]["type"] == "doc"


# limits ---------------------------------------------------------------------------------------------------------------


def test_one_issue_that_takes_no_more_writes_holds_up_no_other(desk: Desk) -> None:
    id, other = desk.new(), desk.new("TDM-2")
    for number in range(20):
        desk.jira.update(desk.ctx(), id, {"summary": f"at {number}"}, None)
    with pytest.raises(Retry) as later:
        desk.jira.update(desk.ctx(), id, {"summary": "one too many"}, None)
    assert later.value.after == 2 and desk.jira.slow_until() == 0.0
    desk.jira.update(desk.ctx(), other, {"summary": "goes on"}, None)
    desk.clock.forward(2)
    desk.jira.update(desk.ctx(), id, {"summary": "goes on"}, None)


def test_points_that_are_spent_are_waited_for_until_they_are_given_again(desk: Desk) -> None:
    id = desk.new()
    desk.sim.spent_until = desk.clock() + timedelta(minutes=40)
    with pytest.raises(Retry, match="Rate limit exceeded") as later:
        desk.jira.fetch(desk.ctx(), id)
    assert later.value.after == 2400
    desk.clock.forward(later.value.after)
    assert desk.jira.fetch(desk.ctx(), id).id == id


# time -----------------------------------------------------------------------------------------------------------------


def booked(desk: Desk, cursor: str | None) -> tuple[list[Change], str]:
    """What the feed of time tells, once the search has seen it."""
    desk.clock.forward(60)
    found: list[Change] = []
    while True:
        page = desk.jira.changed(desk.ctx(), "time", cursor)
        found, cursor = [*found, *page.changes], page.cursor
        if page.done:
            return found, cursor


def test_time_of_theirs_comes_in_and_ours_is_known_by_its_author(desk: Desk) -> None:
    id = desk.new()
    desk.sim.work(id, 30, "looked at\nthe switch")
    desk.jira.worklog(desk.ctx(), id, 15, "called them", desk.clock())
    found, _ = booked(desk, None)
    items = [change.item for change in found if change.item]
    assert [(change.record_id, change.record) for change in found] == [(id, None)] * 2
    assert [(item.minutes, item.text) for item in items] == [(30, "looked at\nthe switch"), (15, "called them")]
    me = desk.jira.check(desk.ctx()).me
    assert [item.author in me for item in items] == [False, True] == [change.author in me for change in found]


def test_time_is_told_once_and_again_when_it_was_corrected(desk: Desk) -> None:
    id, quiet = desk.new(), desk.new("TDM-2")
    entry = desk.sim.work(id, 30, "first")
    found, cursor = booked(desk, None)
    assert len(found) == 1
    for _ in range(2):  # the second look is the last within the tick of what was seen
        _, cursor = booked(desk, cursor)
    desk.clock.forward(3600)
    desk.sim.say(id, "an issue that changes for another reason", True)
    desk.sim.change(quiet, {"summary": "no time on it"})
    found, cursor = booked(desk, cursor)
    assert found == []
    assert not any(each.path.endswith(f"/{quiet}/worklog") for each in desk.sim.asked)
    desk.sim.site.rebook(desk.sim.site.find(id), entry, 2700)
    found, cursor = booked(desk, cursor)
    assert [(change.item.id, change.item.minutes) for change in found if change.item] == [(entry, 45)]
    desk.clock.forward(3600)
    desk.new("TDM-3")
    _, cursor = booked(desk, cursor)
    since = int(desk.asked("GET", "/search/jql")[-1].query["jql"].split("updated >= ")[1].split()[0])
    booked(desk, cursor)
    later = int(desk.asked("GET", "/search/jql")[-1].query["jql"].split("updated >= ")[1].split()[0])
    assert later > since, "the cursor goes on with the issues, though no time is booked on them"


def test_time_is_read_page_by_page_on_issue_after_issue(desk: Desk) -> None:
    ids = [desk.sim.open_record(f"issue {number}") for number in range(120)]
    for id in ids[:3]:
        for number in range(1002):
            desk.sim.site.spend(PAULA, desk.sim.site.find(id), 60, stamp(desk.clock()), written(str(number)))
    for id in ids[3:]:
        desk.sim.work(id, 5, "one")
    found, _ = booked(desk, None)
    assert len({change.item.id for change in found if change.item}) == 3 * 1002 + 117
    starts = [each.query["startAt"] for each in desk.asked("GET", f"/issue/{ids[0]}/worklog")]
    assert starts == ["0", "1000"]


def test_an_issue_that_is_gone_meanwhile_has_no_time(desk: Desk) -> None:
    gone, there = desk.new(), desk.new("TDM-2")
    desk.sim.work(gone, 30, "x")
    desk.sim.work(there, 20, "y")
    desk.sim.faults.plan("status", status=404, path=f"/issue/{gone}/worklog")
    found, _ = booked(desk, None)
    assert [change.record_id for change in found] == [there]


# webhooks -------------------------------------------------------------------------------------------------------------

RECORDED = sorted((FIXTURES / "webhooks").glob("*.json"))
EVENTS = {"jira:issue_created": "created", "jira:issue_updated": "changed", "jira:issue_deleted": "gone"}


def arrival(body: bytes, **headers: str) -> Arrival:
    return Arrival("POST", {}, headers, body)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem.removeprefix("webhook-"))
def test_recorded_webhooks_say_what_happened(path: Path, desk: Desk) -> None:
    body = path.read_bytes()
    doc = json.loads(body)
    (event,) = desk.jira.parse(arrival(body))
    assert event.kind == EVENTS.get(doc["webhookEvent"], "changed")
    assert event.record_id == doc["issue"]["id"] and event.record is None
    assert event.actor == (doc.get("user") or {}).get("accountId")


def test_all_recorded_webhooks_are_there_and_each_is_what_it_says(desk: Desk) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for path in RECORDED:
        body = path.read_bytes()
        (event,) = desk.jira.parse(arrival(body))
        counted[json.loads(body)["webhookEvent"], event.kind] += 1
    assert counted == {
        ("jira:issue_created", "created"): 6,
        ("jira:issue_updated", "changed"): 24,
        ("jira:issue_deleted", "gone"): 1,
        ("comment_created", "changed"): 2,
        ("comment_updated", "changed"): 1,
        ("comment_deleted", "changed"): 1,
    }


def test_no_recorded_webhook_is_missing_here() -> None:
    whole = WHOLE / "jira" / "webhooks"
    if not whole.is_dir():
        pytest.skip("the recordings of jira are not beside the project")
    there = {path.name: json.loads(path.read_bytes()) for path in whole.glob("*.json")}
    assert there == {path.name: json.loads(path.read_bytes()) for path in RECORDED}


VECTORS = json.loads((FIXTURES / "signatures.json").read_text("utf-8"))


def body_of(vector: Mapping[str, str]) -> bytes:
    if "body" in vector:
        return vector["body"].encode()
    return (FIXTURES / "webhooks" / Path(vector["body_file"]).name).read_bytes()


@pytest.mark.parametrize("vector", VECTORS, ids=["published", "recorded"])
def test_published_signatures_verify_and_no_bit_may_differ(vector: Mapping[str, str], desk: Desk) -> None:
    body, sent = body_of(vector), vector["value"]
    signed = desk.connect(secrets={"webhook": vector["secret"]}, verify="admin")
    assert good(signed, desk, body, {"x-hub-signature": sent})
    for at in range(0, len(body) * 8, max(1, len(body) // 16)):
        assert not good(signed, desk, flipped(body, at), {"x-hub-signature": sent}), at
    for at in range(len(sent) * 8):
        other = flipped(sent.encode(), at).decode("latin-1")
        assert not good(signed, desk, body, {"x-hub-signature": other}), at
    key = vector["secret"].encode()
    for at in range(len(key) * 8):
        changed = desk.connect(secrets={"webhook": flipped(key, at).decode("latin-1")}, verify="admin")
        assert not good(changed, desk, body, {"x-hub-signature": sent}), at


def good(made: Connector, desk: Desk, body: bytes, headers: dict[str, str]) -> bool:
    try:
        made.verify(Arrival("POST", {}, headers, body), desk.clock())
    except Unverified:
        return False
    return True


def flipped(data: bytes, at: int) -> bytes:
    return bytes(byte ^ (1 << at % 8) if number == at // 8 else byte for number, byte in enumerate(data))


def test_a_rule_sends_the_issue_itself_under_a_shared_secret(desk: Desk) -> None:
    rule = desk.connect(secrets={"webhook": "of the rule"}, verify="automation")
    body = json.dumps({"id": 10001, "key": "OPS-1", "fields": {"summary": "x"}}).encode()
    assert good(rule, desk, body, {"x-tandem-secret": "of the rule"})
    for wrong in ("of the rulf", "", "of the rule "):
        assert not good(rule, desk, body, {"x-tandem-secret": wrong}), wrong
    (event,) = rule.parse(arrival(body))
    assert (event.kind, event.record_id, event.record) == ("changed", "10001", None)


def part(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def token(desk: Desk, secret: str, alg: str = "HS256", began: float = 0, lasts: float = 300) -> str:
    given = int(desk.clock().timestamp() + began)
    signed = f"{part({'typ': 'JWT', 'alg': alg})}.{part({'iss': 'app-1', 'iat': given, 'exp': int(given + lasts)})}"
    made = hmac.new(secret.encode(), signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def test_an_apps_webhook_is_proved_by_its_token(desk: Desk) -> None:
    app = desk.connect(secrets={"webhook": "client-secret", "webhook.previous": "an-older-one"}, verify="app")
    headers = {"authorization": f"Bearer {token(desk, 'client-secret')}", "x-atlassian-webhook-identifier": "d-1"}
    proved = app.verify(arrival(b"{}", **headers), desk.clock())
    assert (proved.delivery, proved.stamp, proved.secret) == ("d-1", desk.clock(), "webhook")
    older = app.verify(arrival(b"{}", authorization=f"Bearer {token(desk, 'an-older-one')}"), desk.clock())
    assert older.secret == "webhook.previous"


@pytest.mark.parametrize(
    "wrong",
    [{"alg": "none"}, {"alg": "RS256"}, {"began": 3600}, {"began": -3600}, {"secret": "another"}, {"lasts": -1000}],
    ids=str,
)
def test_a_token_that_is_wrong_is_none(desk: Desk, wrong: dict[str, Any]) -> None:
    app = desk.connect(secrets={"webhook": "client-secret"}, verify="app")
    made = token(desk, **{"secret": "client-secret", **wrong})
    assert not good(app, desk, b"{}", {"authorization": f"Bearer {made}"})


def test_no_bit_of_a_token_may_differ_and_nothing_else_passes_for_one(desk: Desk) -> None:
    app = desk.connect(secrets={"webhook": "client-secret"}, verify="app")
    made = token(desk, "client-secret")
    assert good(app, desk, b"{}", {"authorization": f"Bearer {made}"})
    for at in range(len(made) * 8):
        other = flipped(made.encode(), at).decode("latin-1")
        assert not good(app, desk, b"{}", {"authorization": f"Bearer {other}"}), at
    unsigned = made.rpartition(".")[0]
    for shown in (
        "",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer ..",
        f"Bearer {unsigned}.",
        f"JWT {made}",
        f"Bearer {unsigned}",
    ):
        assert not good(app, desk, b"{}", {"authorization": shown}), shown


def test_a_token_does_not_stand_in_for_a_signature(desk: Desk) -> None:
    admin = desk.connect(secrets={"webhook": "client-secret"}, verify="admin")
    assert not good(admin, desk, b"{}", {"authorization": f"Bearer {token(desk, 'client-secret')}"})


# signing in -----------------------------------------------------------------------------------------------------------


def test_a_token_of_a_person_without_rights_ends_in_words(desk: Desk) -> None:
    with pytest.raises(Unauthorized, match="must be authenticated") as no:
        desk.connect(secrets={"token": "another-token"}).check(desk.ctx())
    assert isinstance(no.value, Outcome) and "another-token" not in no.value.said
