"""Every route, for every role, with what is not theirs: 401, 403 or 404 as due, and no word of anybody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy import insert

from gateway.people.principal import MAY
from gateway.store import tables
from gateway.store.ids import mint
from tests.api.support import EVE, ROLES, Asking

BODIES: dict[str, Any] = {
    "resolve_conflict": {"keep": "ours"},
    "change_contact": {"name": "x"},
    "rename_team": {"name": "x"},
    "change_user": {"state": "active"},
    "save_draft": {"text": "x"},
    "publish_mapping": {"reason": "x"},
    "widen_canary": {"percent": 1},
    "roll_mapping_back": {"version": 1, "reason": "x"},
    "roll_policy_back": {"version": 1, "reason": "x"},
}
"""What a request needs to get as far as looking for the thing."""

WORDS = {"connection": "nobody", "kind": "nothing", "slug": "nobody", "name": "nothing", "version": "99"}


def routes(app: Flask) -> Iterator[tuple[str, str, str, str | None]]:
    """(rule, method, name of the view, action it needs)"""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("/openapi.json"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                view = app.view_functions[rule.endpoint]
                yield rule.rule, method, rule.endpoint.rpartition(".")[2], getattr(view, "needs", None)


def test_every_route_says_what_it_needs(api: Asking) -> None:
    found = list(routes(api.app))
    assert len(found) > 45
    assert [rule for rule, _, _, action in found if action is None] == []


def test_no_route_gives_anybody_what_is_not_theirs(api: Asking) -> None:
    theirs = {"provider": api.ticket("bolt's", to="bolt"), "requester": api.ticket("Eve's", requester={"email": EVE})}
    nothing = api.world.rt.ids.public(mint())
    wrong = []
    for rule, method, view, action in routes(api.app):
        assert action is not None
        for who in ("", *ROLES):
            ticket = theirs.get(who, nothing)
            path = re.sub(r"<(?:int:)?ticket>", ticket, rule)
            path = re.sub(r"<(?:int:)?(\w+)_id>", nothing, path)
            path = re.sub(r"<(?:int:)?(\w+)>", lambda m: WORDS[m[1]], path)
            if who and path == rule and action in MAY[who]:
                continue  # nothing in it is anybody's; what it gives is looked at below
            answer = api(who, method, path, BODIES.get(view, {}) if method != "GET" else None)
            due = 401 if not who else 403 if action not in MAY[who] else 404
            if answer.status_code != due or answer.content_type != "application/problem+json":
                wrong.append(f"{who or 'nobody'} {method} {path}: {answer.status_code}, due {due}")
    assert wrong == []


def test_parts_of_a_ticket_are_looked_for_in_that_ticket_alone(api: Asking) -> None:
    """The ticket in the URL is one's own, the attachment another's."""
    mine, other = api.ticket(to="acme"), api.ticket(to="bolt")
    with api.world.rt.store.write() as conn:
        id = mint()
        conn.execute(
            insert(tables.attachment).values(
                id=id, ticket_id=api.inner(other), author="user:1", name="x", mime="text/plain", size=1, created_at=1,
                audience='["provider:acme", "provider:bolt"]',
            )
        )  # fmt: skip
    for who in ("provider", "agent"):
        assert api(who, "GET", f"tickets/{mine}/attachments/{api.world.rt.ids.public(id)}").status_code == 404


def test_lists_hold_only_ones_own(api: Asking) -> None:
    acme, bolt, bob = api.ticket("A", to="acme"), api.ticket("B", to="bolt"), api.ticket("C")
    eve = api.ticket("D", requester={"email": EVE.upper()})
    api.ticket("E", requester=None)

    def ids(who: str, query: str = "") -> set[str]:
        return {t["id"] for t in api.get(who, f"tickets{query}")["items"]}

    assert ids("provider") == {acme} and ids("other") == {bolt}
    assert ids("requester") == {acme, bolt, bob} and ids("stranger") == {eve}
    assert ids("provider", "?holder=provider:bolt") == ids("provider", "?provider=bolt") == set()
    assert ids("requester", "?holder=provider:acme") == ids("requester", "?provider=acme") == set()
    assert ids("provider", "?q=T-1002") == set()
    api.post("agent", f"tickets/{acme}/take-back", {"reason": "done"}, 200)
    assert ids("provider") == set() and api("provider", "GET", f"tickets/{acme}").status_code == 404


SHARE = """share: 1
provider: acme
fields: [title, status, impact, requester.name]
audiences: [provider]
attachments: {max: 1 MB, types: ["image/*"]}
worklogs: false
"""


def secret_ticket(api: Asking) -> str:
    """A ticket at both providers with something in every place that acme must not see."""
    rt = api.world.rt
    with rt.store.write() as conn:
        row = {"kind": "share", "name": "acme", "version": 2, "text": SHARE, "created_at": rt.now()}
        conn.execute(insert(tables.document).values(id=mint(), **row))
    rt.desks.load()
    id = api.ticket(
        "VPN down", to="acme", description="CANARY description", category="network", service="CANARY-service"
    )
    api.post(
        "agent", f"tickets/{id}/escalate", {"connection": "bolt", "reason": "CANARY reason", "role": "helper"}, 200
    )
    api.post("agent", f"tickets/{id}/comments", {"text": "CANARY team note"})
    api.post("agent", f"tickets/{id}/comments", {"text": "CANARY to bolt", "audience": ["provider:bolt"]})
    api.post("agent", f"tickets/{id}/comments", {"text": "CANARY to all", "audience": ["everyone"]})
    api.post("agent", f"tickets/{id}/worklogs", {"minutes": 5, "text": "CANARY work"})
    api.post("agent", f"tickets/{id}/comments", {"text": "for acme", "audience": ["provider:acme"]})
    api("agent", "PATCH", f"tickets/{id}", {"service": "CANARY-other", "description": "CANARY again"})
    api.world.run()
    desk = api.world.desks["bolt"]
    record = next(one for one in api.get("agent", f"tickets/{id}/links")["items"] if one["connection"] == "bolt")
    desk.comment("kim", record["remote_id"], "CANARY for all", True)
    api.world.poll()
    api.world.run()
    return id


def test_a_provider_is_told_what_its_policy_shares_and_nothing_of_another(api: Asking) -> None:
    id = secret_ticket(api)
    told = api.get("provider", f"tickets/{id}")
    assert (told["title"], told["impact"], told["requester"]) == ("VPN down", "medium", {"name": "Bob"})
    assert told["description"] is told["service"] is told["category"] is None
    everything = ""
    for rule, method, _, action in routes(api.app):
        if method == "GET" and "<" not in rule.replace("<ticket>", "") and action in MAY["provider"]:
            answer = api("provider", "GET", rule.replace("<ticket>", id))
            assert answer.status_code == 200, rule
            everything += answer.get_data(as_text=True)
    assert "for acme" in everything
    for word in ("CANARY", "bolt", "kim", "bob@", "network"):
        assert word not in everything
    for query in ("q=CANARY", "q=again", "requester=bob@example.org", "priority=P3"):
        assert api.get("provider", f"tickets?{query}")["items"] == [], query


def test_a_requester_is_told_of_their_ticket_and_of_no_provider(api: Asking) -> None:
    id = secret_ticket(api)
    everything = ""
    for rule, method, _, action in routes(api.app):
        if method == "GET" and "<" not in rule.replace("<ticket>", "") and action in MAY["requester"]:
            everything += api("requester", "GET", rule.replace("<ticket>", id)).get_data(as_text=True)
    assert "CANARY to all" in everything and "CANARY description" not in everything
    for word in ("acme", "bolt", "kim", "team note", "CANARY to bolt", "CANARY reason", "CANARY work", "provider:"):
        assert word not in everything, word


def test_a_provider_changes_what_is_shared_and_carried_both_ways(api: Asking) -> None:
    id = secret_ticket(api)
    assert api("provider", "PATCH", f"tickets/{id}", {"impact": "high"}).json["impact"] == "high"
    for field, value in (("description", "x"), ("service", "x"), ("requester", {"email": "x@example.org"})):
        refused = api("provider", "PATCH", f"tickets/{id}", {field: value})
        assert refused.status_code == 422 and refused.json["errors"][0]["field"] == field
    late = api("provider", "PATCH", f"tickets/{id}", {"impact": "low", "based_on": {"impact": "medium"}})
    assert late.status_code == 412 and late.json["current"] == {"impact": "high"}


def test_a_requester_makes_tickets_for_themselves(api: Asking) -> None:
    made = api.post("requester", "tickets", {"title": "printer", "impact": "low"})
    assert made["requester"]["email"] == "bob@example.org" and made["holder"] is None
    assert api.get("agent", f"tickets/{made['id']}")["holder"] == "team:service-desk"
    for field, value in (("requester", {"email": EVE}), ("holder", "provider:acme"), ("status", "closed")):
        assert api("requester", "POST", "tickets", {"title": "x", field: value}).status_code == 422


def test_only_those_who_may_change_things_do(api: Asking) -> None:
    """Nothing of the database moves, whatever these roles send to what they may not."""
    api.ticket()
    rt = api.world.rt
    before = api.world.rows("select count(*), max(seq) from audit")
    for who in ("auditor", "provider", "requester"):
        for rule, method, _, action in routes(api.app):
            if method != "GET" and action not in MAY[who]:
                path = re.sub(r"<(?:int:)?\w+>", "acme", rule)
                assert api(who, method, path, {"name": "x", "title": "x"}).status_code == 403
    assert api.world.rows("select count(*), max(seq) from audit") == before
    assert rt.desks.row(rt.desks.id_of("acme") or 0).state == "active"
