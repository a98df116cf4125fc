"""Policies through the API: what each provider may see and who gets a new ticket."""

from __future__ import annotations

from gateway.providers import policies
from tests.api.support import Asking
from tests.commands.test_policy import NARROW, ROUTING


def test_a_policy_is_published_read_and_audited(api: Asking) -> None:
    made = api.post("admin", "policies", {"text": NARROW, "reason": "their contract"})
    assert (made["name"], made["version"], made["reason"], made["text"]) == ("share:acme", 2, "their contract", NARROW)
    assert [one["version"] for one in api.get("agent", "policies/share:acme")["items"]] == [2, 1]
    assert api.get("auditor", "policies/share:acme/2")["text"] == NARROW
    assert {one["name"]: one["version"] for one in api.get("agent", "policies")["items"]} == {
        "share:acme": 2, "share:bolt": 1,
    }  # fmt: skip
    (entry,) = api.get("auditor", "audit?subject=policy:share:acme")["items"]
    assert (entry["verb"], entry["reason"]) == ("published", "share:acme@2")
    assert (
        (entry["actor_name"], entry["payload"]["reason"])
        == (made["author"], "their contract")
        == (
            "the admin",
            "their contract",
        )
    )
    id = api.ticket(to="acme", description="private")
    assert api.get("provider", f"tickets/{id}")["description"] is None


def test_rules_are_in_force_at_once(api: Asking) -> None:
    api.post("admin", "policies", {"text": ROUTING, "reason": "they run it"})
    id = api.ticket(category="network")
    assert api.get("agent", f"tickets/{id}")["holder"] == "provider:acme"
    assert api.get("agent", f"tickets/{id}/decision")["items"][0]["rule"] == "network"


def test_a_policy_with_mistakes_is_refused_with_all_of_them(api: Asking) -> None:
    wrong = ROUTING.replace("category", "categry").replace("provider:acme", "provider:zed")
    answer = api("admin", "POST", "policies", {"text": wrong, "reason": "x"})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json["errors"]] == ["rules[0].when", "rules[0].to"]
    assert all(one["fix"] for one in answer.json["errors"]) and answer.json["errors"][1]["value"] == "provider:zed"
    assert api.get("agent", "policies/share:acme")["items"][0]["version"] == 1
    assert api("agent", "GET", "policies/routing").status_code == 404


def test_only_an_admin_publishes_and_never_without_a_reason(api: Asking) -> None:
    body = {"text": NARROW, "reason": "x"}
    for who in ("agent", "auditor", "provider", "requester"):
        assert api(who, "POST", "policies", body).status_code == 403
    assert api("admin", "POST", "policies", {"text": NARROW}).status_code == 422
    api.post("admin", "policies", body)
    assert api("admin", "POST", "policies", body).status_code == 409


def test_a_policy_is_proved_compared_and_rolled_back(api: Asking) -> None:
    told = api.post("admin", "policies/prove", {"text": NARROW}, 200)
    assert (told["ok"], told["name"]) == (True, "share:acme")
    assert "- description" in told["changes"] and "+fields: [title, status, impact]" in told["diff"]
    wrong = api.post("admin", "policies/prove", {"text": NARROW.replace("title", "titel")}, 200)
    assert (wrong["ok"], wrong["errors"][0]["title"][:4]) == (False, "M010")
    assert [one["version"] for one in api.get("agent", "policies/share:acme")["items"]] == [1]
    api.post("admin", "policies", {"text": NARROW, "reason": "x"})
    found = api.get("agent", "policies/share:acme/diff")
    assert (found["before"], found["after"]) == ("share:acme@1", "share:acme@2")
    assert "- description" in found["changes"]
    back = api.post("admin", "policies/share:acme/rollback", {"version": 1, "reason": "too narrow"})
    assert (back["version"], back["reason"]) == (3, "too narrow")
    assert "description" in back["text"]
    assert api("admin", "POST", "policies/share:acme/rollback", {"version": 9, "reason": "x"}).status_code == 404


def test_a_draft_is_tried_on_what_was_decided_and_nothing_is_written(api: Asking) -> None:
    api.post("admin", "policies", {"text": ROUTING, "reason": "they run it"})
    for category in ("network", "network", "software"):
        api.post("admin", "tickets", {"title": f"{category} trouble", "category": category})
    other = ROUTING.replace('== "network"', '== "software"')
    told = api.post("admin", "policies/preview", {"text": other, "agents": {"internal": 2}}, 200)
    assert (told["decisions"], told["exact"], told["other"], told["changes"]) == (3, 3, [], 3)
    assert told["hand_overs"] == {"before": 2.0, "after": 1.0}
    assert {(one["before"], one["after"]) for one in told["changed"]} == {
        ("provider:acme", "team:service-desk"), ("team:service-desk", "provider:acme"),
    }  # fmt: skip
    assert "how long work takes" in told["sides"][0]["not_known"][0] and told["sides"][0]["hours"] is None
    assert len(api.get("admin", "policies/routing")["items"]) == 1
    refused = api.post("admin", "policies/preview", {"text": "policy: 1\nname: nothing\n"}, 422)
    assert "name" in str(refused)
    api.post("agent", "policies/preview", {"text": other}, 403)


def test_a_decided_kind_needs_a_reason_from_whoever_makes_the_ticket(api: Asking) -> None:
    api.post("admin", "policies", {"text": policies.shipped()["triage"], "reason": "a beginning"})
    asked = {"title": "I forgot my password, please reset it", "kind": "incident"}
    assert api.post("agent", "tickets", asked)["kind"] == "request"
    assert api.post("agent", "tickets", {**asked, "reason": "the reset page is down"})["kind"] == "incident"
