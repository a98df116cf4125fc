"""Users, tokens, contacts and the audit trail through the API."""

from __future__ import annotations

from gateway.journal import audit
from gateway.people import users
from gateway.store.db import Road
from tests.api.support import BOB, Asking


def test_who_you_are(api: Asking) -> None:
    told = api.get("provider", "users/self")
    assert (told["role"], told["scope"], told["connection"], told["provider"]) == (
        "provider",
        "connection",
        "acme",
        "acme",
    )
    assert api.get("requester", "users/self")["email"] == BOB


def test_a_user_is_added_changed_and_disabled(api: Asking) -> None:
    body = {
        "email": "Ana@Example.org",
        "name": "Ana",
        "role": "agent",
        "password": "correct horse",
        "team": "service-desk",
    }
    made = api.post("admin", "users", body)
    assert made["email"] == "ana@example.org" and made["team"] == "service-desk" and "password" not in made
    assert api("admin", "POST", "users", body).status_code == 409
    path = f"users/{made['id']}"
    assert api("admin", "PATCH", path, {"role": "provider", "connection": "acme"}).json["connection"] == "acme"
    assert api("admin", "PATCH", path, {"role": "provider"}).status_code == 422
    assert api("admin", "PATCH", path, {"state": "disabled"}).json["state"] == "disabled"
    assert api.get("auditor", path)["state"] == "disabled" and api("agent", "GET", path).status_code == 403
    verbs = [e["verb"] for e in api.get("auditor", f"audit?subject=user:{made['id']}")["items"]]
    assert verbs == ["disabled", "role changed", "added"]


def test_the_last_admin_stays(api: Asking) -> None:
    rt = api.world.rt
    with rt.store.write() as conn:
        id = users.add(conn, users.By("test", rt.key, rt.now()), "root@example.org", "Root", "admin")
    path = f"users/{rt.ids.public(id)}"
    for change in ({"state": "disabled"}, {"role": "agent"}):
        assert api("admin", "PATCH", path, change).status_code == 409
    assert api.get("admin", path)["state"] == "active"


def test_a_token_is_shown_once(api: Asking) -> None:
    key = {"Idempotency-Key": "t"}
    made = api.post("admin", "tokens", {"name": "ci", "role": "agent"}, headers=key)
    api.tokens["new"] = made["token"]
    assert api("new", "GET", "tickets").status_code == 200
    again = api.post("admin", "tokens", {"name": "ci", "role": "agent"}, headers=key)
    assert again["id"] == made["id"] and again["token"] is None
    assert "token" not in api.get("admin", f"tokens/{made['id']}")
    kept = api.world.rows("select response from idempotency")
    assert kept and made["token"] not in str(kept)
    assert api("admin", "DELETE", f"tokens/{made['id']}").status_code == 204
    assert api("new", "GET", "tickets").status_code == 401
    assert api.get("admin", f"tokens/{made['id']}")["state"] == "revoked"


def test_a_token_fits_its_role(api: Asking) -> None:
    bob = api.world.rt.ids.public(api.ids[BOB])
    for body in (
        {"role": "provider"}, {"role": "agent", "connection": "acme"}, {"role": "requester"}, {"role": "root"},
        {"role": "agent", "user": "01a20098-179d-757f-83dc-e4b61af78852"},
    ):  # fmt: skip
        assert api("admin", "POST", "tokens", {"name": "x", **body}).status_code == 422, body
    api.tokens["bobs"] = api.post("admin", "tokens", {"name": "x", "role": "requester", "user": bob})["token"]
    assert api.get("bobs", "users/self")["email"] == BOB
    api.tokens["too much"] = api.post("admin", "tokens", {"name": "x", "role": "admin", "user": bob})["token"]
    assert api("too much", "GET", "tickets").status_code == 401
    past = {"name": "x", "role": "agent", "expires_at": "2020-01-01T00:00:00Z"}
    api.tokens["old"] = api.post("admin", "tokens", past)["token"]
    assert api("old", "GET", "tickets").status_code == 401


def test_contacts(api: Asking) -> None:
    made = api.post("agent", "contacts", {"email": "Zoe@Example.org", "name": "Zoë", "clientele": "customer"})
    assert (made["email"], made["clientele"], made["site"]) == ("zoe@example.org", "customer", "")
    assert api("agent", "POST", "contacts", {"email": "zoe@example.org", "name": "Z"}).status_code == 409
    assert api("agent", "PATCH", f"contacts/{made['id']}", {"site": "Madrid"}).json["site"] == "Madrid"
    assert [c["id"] for c in api.get("auditor", "contacts?q=ZOE+example")["items"]] == [made["id"]]
    assert api.get("agent", "contacts?q=%25")["items"] == []
    (change, added) = api.get("auditor", f"audit?subject=contact:{made['id']}")["items"]
    assert change["payload"] == {"site": ["", "Madrid"]} and added["verb"] == "added"


def test_the_trail_is_read_by_subject_and_verified(api: Asking) -> None:
    id = api.ticket()
    entries = api.get("auditor", f"audit?subject=ticket:{id}")["items"]
    assert [(e["subject"], e["seq"], e["verb"]) for e in entries] == [(f"ticket:{id}", 1, "create")]
    first = api.get("auditor", "audit?limit=2")
    assert len(first["items"]) == 2 and first["next"]
    assert api("agent", "GET", "audit").status_code == 403
    assert api("auditor", "GET", "audit?subject=ticket:1").status_code == 422
    assert api.get("auditor", "audit/verify")["ok"] is True
    rt = api.world.rt
    with rt.store.write() as conn:
        audit.blank(Road(conn, rt.store.dialect), f"ticket:{api.inner(id)}")
    report = api.get("auditor", "audit/verify")
    assert report["ok"] is False and "payload was blanked" in report["problems"][0]


def test_a_team_is_added_renamed_and_joined(api: Asking) -> None:
    made = api.post("admin", "teams", {"slug": "network", "name": "Network"})
    assert (made["slug"], made["name"], made["members"], made["tickets"]) == ("network", "Network", [], 0)
    ana = api.post("admin", "users", {"email": "ana@example.org", "name": "Ana", "role": "agent", "team": "network"})
    assert api("admin", "PATCH", "teams/network", {"name": "Nets"}).json["members"][0]["email"] == "ana@example.org"
    id = api.post("agent", "tickets", {"title": "x", "holder": "team:network"})["id"]
    assert {one["slug"]: one["tickets"] for one in api.get("agent", "teams")["items"]} == {
        "network": 1, "service-desk": 0,
    }  # fmt: skip
    assert api("admin", "PATCH", f"users/{ana['id']}", {"team": "service-desk"}).json["team"] == "service-desk"
    assert api("admin", "PATCH", f"users/{ana['id']}", {"team": None}).json["team"] == ""
    assert api.get("auditor", "teams/network")["members"] == []
    assert [e["verb"] for e in api.get("auditor", "audit?subject=team:network")["items"]] == ["renamed", "added"]
    assert api.get("agent", f"tickets/{id}")["holder"] == "team:network"


def test_a_team_that_cannot_be_is_refused(api: Asking) -> None:
    assert api("admin", "POST", "teams", {"slug": "service-desk", "name": "x"}).status_code == 409
    assert api("admin", "POST", "teams", {"slug": "N W", "name": "x"}).status_code == 422
    assert api("agent", "POST", "teams", {"slug": "network", "name": "x"}).status_code == 403
    bob = api.get("admin", "users")["items"][0]
    answer = api("admin", "PATCH", f"users/{bob['id']}", {"team": "service-desk"})
    assert answer.status_code == 422 and answer.json["field"] == "team"
    assert api("admin", "PATCH", f"users/{bob['id']}", {"team": "nobody"}).status_code == 422
