"""Connections, kinds, providers and mappings through the API."""

from __future__ import annotations

from connectors.memory.faults import Fault
from tests.api.support import Asking

DOCUMENT = {
    "name": "zed", "provider": {"slug": "zed", "name": "Zed Services"}, "kind": "memory",
    "settings": {"url": "http://127.0.0.1:9"}, "secrets": {"token": "canary-4711", "webhook": "canary-4712"},
}  # fmt: skip


def test_a_connection_is_added_from_a_document(api: Asking) -> None:
    made = api.post("admin", "connections?unchecked=true", DOCUMENT)
    assert (made["name"], made["state"], made["provider_name"]) == ("zed", "paused", "Zed Services")
    assert [c["name"] for c in api.get("agent", "connections")["items"]] == ["acme", "bolt", "zed"]
    assert api("admin", "POST", "connections?unchecked=true", DOCUMENT).status_code == 409
    assert api("agent", "POST", "connections", DOCUMENT).status_code == 403
    entries = api.get("auditor", "audit?subject=connection:zed")["items"]
    assert [e["verb"] for e in entries] == ["paused", "added"] and "canary" not in str(entries)
    assert "canary" not in str(api.world.rows("select secrets, settings, found from connection"))


def test_a_text_of_a_document_arrives_as_it_was_sent(api: Asking) -> None:
    odd = "ё\x85\u2028\ufeff\x7f😀\\u0041 'x': {y} # z"
    api.post("admin", "connections?unchecked=true", {**DOCUMENT, "provider": {"slug": "zed", "name": odd}})
    assert api.get("agent", "providers/zed")["name"] == odd


def test_every_mistake_of_a_document_is_named(api: Asking) -> None:
    wrong = {**DOCUMENT, "name": "zed2", "auth": "magic", "secrets": {}}
    answer = api("admin", "POST", "connections?unchecked=true", wrong)
    assert answer.status_code == 422 and [e["field"] for e in answer.json["errors"]] == ["auth"]
    answer = api("admin", "POST", "connections", {"name": "X Y", "provider": "p", "kind": "memory", "poll": 1})
    assert {e["field"] for e in answer.json["errors"]} == {"name", "poll"}
    there = {**DOCUMENT, "secrets": {"token": {"file": "secret.key"}}}
    assert api("admin", "POST", "connections?unchecked=true", there).status_code == 422


def test_a_desk_is_checked_paused_resumed_and_polled(api: Asking) -> None:
    assert api.post("agent", "connections/acme/check", None, 200)["me"] == ["gateway"]
    assert api("agent", "POST", "connections/acme/pause", {"reason": "x"}).status_code == 403
    assert api.post("admin", "connections/acme/pause", {"reason": "moving house"}, 200)["reason"] == "moving house"
    assert api("agent", "POST", "connections/acme/poll").status_code == 409
    api.world.desks["acme"].create("tess", {"title": "by phone"})
    assert api.post("admin", "connections/acme/resume", None, 200)["state"] == "active"
    assert api.post("agent", "connections/acme/poll", None, 200)["new"] == 1
    api.world.connectors["acme"].script = lambda verb: Fault("retry")
    polled = api.post("agent", "connections/acme/poll", None, 200)
    assert polled["ok"] is False and "busy" in polled["said"]
    assert api("agent", "POST", "connections/acme/check").status_code == 503


def test_kinds_say_what_they_cannot_do(api: Asking) -> None:
    found = {one["kind"]: one for one in api.get("agent", "connectors")["items"]}
    assert {"memory", "rt", "servicenow"} <= set(found)
    for one in found.values():
        assert one["verbs"] and all(sentence.strip() for sentence in one["cannot"].values())
        assert not set(one["verbs"]) & set(one["cannot"])
    names = {entry["name"]: entry["secret"] for entry in found["memory"]["settings"]}
    assert names["url"] is False and names["token"] is True
    assert api.get("agent", "connectors/memory") == found["memory"]


def test_providers_and_mappings(api: Asking) -> None:
    assert [p["slug"] for p in api.get("agent", "providers")["items"]] == ["acme", "bolt"]
    assert api.get("agent", "providers/acme")["name"] == "acme"
    assert "memory" in [m["name"] for m in api.get("agent", "mappings")["items"]]
    (version,) = api.get("agent", "mappings/memory")["items"]
    whole = api.get("agent", f"mappings/memory/{version['version']}")
    assert whole["text"].startswith("mapping: 1") and whole["author"] == "tandem" and "text" not in version


def test_a_paused_connection_takes_no_ticket_and_says_who_paused_it(api: Asking) -> None:
    api.post("admin", "connections/acme/pause", {"reason": "moving house"}, 200)
    id = api.ticket()
    answer = api("agent", "POST", f"tickets/{id}/escalate", {"connection": "acme", "reason": "theirs"})
    assert answer.status_code == 422
    (one,) = answer.json["errors"]
    assert one["field"] == "connection" and one["title"].startswith("acme is paused by the admin since 2")
    assert one["title"].endswith("UTC: moving house") and one["fix"] == "have it resumed, or choose another"
