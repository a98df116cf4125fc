"""Another Tandem brings tickets: under its own references, as a guest that reads what is for it and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.support import Asking, pause

REF = "TDM-OTHER-0001"


def bring(api: Asking, reference: str = REF, title: str = "VPN down", who: str = "provider", **fields: Any) -> Any:
    return api.post(who, "tickets", {"title": title, "reference": reference, **fields})


def test_a_reference_makes_one_ticket_however_often_it_is_sent(api: Asking) -> None:
    made = bring(api, impact="high")
    assert made["reference"] == REF and made["impact"] == "high"
    again = api.post("provider", "tickets", {"title": "another title", "reference": REF}, 200)
    assert again["id"] == made["id"] and again["title"] == "VPN down"
    other = bring(api, who="other")  # another guest's reference is another thing, though it is the same text
    assert other["id"] != made["id"]
    listed = api.get("provider", f"tickets?reference={REF}")["items"]
    assert [(one["id"], one["reference"]) for one in listed] == [(made["id"], REF)]
    assert api.get("provider", "tickets?reference=TDM-OTHER-0002")["items"] == []
    assert api.get("agent", f"tickets/{made['id']}")["reference"] == REF
    links = api.get("agent", f"tickets/{made['id']}/links")["items"]
    assert [(one["role"], one["connection"]) for one in links] == [("guest", "acme")]
    assert api.get("agent", f"tickets/{made['id']}")["channel"] == "connection:acme"


def test_one_that_is_brought_many_times_at_once_is_one(api: Asking) -> None:
    with ThreadPoolExecutor(6) as pool:
        body = {"title": "at once", "reference": REF}
        answers = list(pool.map(lambda _: api("provider", "POST", "tickets", body), range(6)))
    assert {one.status_code for one in answers} <= {200, 201} and len({one.json["id"] for one in answers}) == 1
    assert sum(one.status_code == 201 for one in answers) == 1
    assert len(api.get("agent", "tickets")["items"]) == 1


@pytest.mark.parametrize(
    ("who", "body", "field"),
    [
        ("provider", {"title": "x"}, "reference"),
        ("provider", {"title": "x", "reference": ""}, "reference"),
        ("provider", {"title": "x", "reference": "with space"}, "reference"),
        ("provider", {"title": "x", "reference": REF, "holder": "team:service-desk"}, "holder"),
        ("provider", {"title": "x", "reference": REF, "assignee": {"email": "a@b.example"}}, "assignee"),
    ],
)
def test_what_is_not_theirs_to_say(api: Asking, who: str, body: dict[str, Any], field: str) -> None:
    refused = api(who, "POST", "tickets", body)
    assert refused.status_code == 422 and refused.json["errors"][0]["field"] == field
    for who in ("agent", "admin", "requester"):
        assert api(who, "POST", "tickets", {"title": "x", "reference": REF}).status_code == 403
    assert api.get("agent", "tickets")["items"] == []


def test_a_connection_that_imports_nothing_takes_nothing(api: Asking) -> None:
    with api.world.rt.store.road(write=True) as road:
        road.run("update connection set intake = 'ignore', version = version + 1 where name = 'acme'")
    assert api("provider", "POST", "tickets", {"title": "x", "reference": REF}).status_code == 422
    pause(api, "bolt")
    assert api("other", "POST", "tickets", {"title": "x", "reference": REF}).status_code == 409
    assert api.get("agent", "tickets")["items"] == []


def test_a_guest_reads_what_is_for_it_and_hands_nothing_on(api: Asking) -> None:
    id = bring(api)["id"]
    api.post("agent", f"tickets/{id}/comments", {"text": "between us"})
    api.post("agent", f"tickets/{id}/comments", {"text": "for acme", "audience": ["provider:acme"]})
    api.post("agent", f"tickets/{id}/comments", {"text": "for all", "audience": ["partners"]})
    api.post("agent", f"tickets/{id}/escalate", {"connection": "bolt", "reason": "they know"}, 200)
    api.world.run()
    assert [one["text"] for one in api.get("provider", f"tickets/{id}/comments")["items"]] == ["for acme", "for all"]
    assert [one["text"] for one in api.get("other", f"tickets/{id}/comments")["items"]] == []
    assert "bolt" not in str(api.get("provider", f"tickets/{id}/timeline"))
    back = api("agent", "POST", f"tickets/{id}/escalate", {"connection": "acme", "reason": "no"})
    assert back.status_code == 422 and api.get("agent", f"tickets/{id}")["holder"] == "provider:bolt"
    assert api("provider", "POST", f"tickets/{id}/escalate", {"connection": "bolt", "reason": "x"}).status_code == 403
    assert len(api.world.desks["acme"].tickets) == 0  # nothing is owed to a guest


def test_a_guest_changes_what_it_brought_and_notes_its_time(api: Asking) -> None:
    id, theirs = bring(api)["id"], api.ticket(to="acme")
    told = api("provider", "PATCH", f"tickets/{id}", {"title": "VPN up", "requester": {"email": "x@y.example"}})
    assert told.status_code == 200 and told.json["requester"] == {"email": "x@y.example"}
    assert api("provider", "PATCH", f"tickets/{id}", {"assignee": {"email": "x@y.example"}}).status_code == 422
    noted = api.post("provider", f"tickets/{id}/worklogs", {"minutes": 15, "text": "by acme"})
    assert noted["author"] == "provider:acme" and noted["source"] == "acme"
    assert api("provider", "POST", f"tickets/{theirs}/worklogs", {"minutes": 15}).status_code == 409
    api.post("agent", f"tickets/{id}/worklogs", {"minutes": 30, "text": "ours"})
    assert [one["minutes"] for one in api.get("provider", f"tickets/{id}/worklogs")["items"]] == [15, 30]
    assert api.get("provider", f"tickets/{theirs}/worklogs")["items"] == []
    share = "share: 1\nprovider: acme\nfields: [title]\naudiences: [provider]\nworklogs: false\n"
    api.post("admin", "policies", {"text": share, "reason": "less"})
    assert [one["minutes"] for one in api.get("provider", f"tickets/{id}/worklogs")["items"]] == [15]


def test_what_changed_since_comes_in_pages_without_a_gap(api: Asking) -> None:
    ids = [bring(api, f"TDM-OTHER-{n:04}", str(n))["id"] for n in range(7)]
    api.ticket(to="acme")  # brought by nobody
    bring(api, who="other")
    with api.world.rt.store.road(write=True) as road:  # several of one moment, and one of before
        road.run("update ticket set updated_at = 1700000000000000 where id INTS(?)", [api.inner(id) for id in ids[1:]])
        road.run("update ticket set updated_at = 1600000000000000 where id INTS(?)", [api.inner(ids[0])])
    found, path = [], "tickets?brought=true&limit=2&changed_since=2023-11-14T22:13:20Z"
    while path:
        answer = api("provider", "GET", path)
        assert answer.status_code == 200
        found += [one["id"] for one in answer.json["items"]]
        path = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        assert (answer.json["next"] is None) == (not path)
    assert found == ids[1:]
    later = quote((datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert api.get("provider", f"tickets?brought=true&changed_since={later}")["items"] == []
    api("agent", "PATCH", f"tickets/{ids[0]}", {"title": "news"})
    listed = api.get("provider", "tickets?brought=true&changed_since=2023-11-14T22:13:20.000001Z")["items"]
    assert [(one["id"], one["title"]) for one in listed] == [(ids[0], "news")]
    everything = api.get("provider", "tickets?brought=true")["items"]
    assert [one["id"] for one in everything] == ids[::-1]
    assert len(api.get("provider", "tickets?brought=true&status=new&limit=200")["items"]) == 7
    assert api.get("provider", "tickets?brought=true&status=closed")["items"] == []
    assert {one["reference"] for one in api.get("agent", "tickets?brought=true")["items"]} >= {REF, "TDM-OTHER-0000"}
    assert api.get("requester", "tickets?brought=true")["items"] == []
