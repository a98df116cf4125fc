"""What needs a person: dead deliveries and arrivals, conflicts; listed, replayed, decided."""

from __future__ import annotations

from connectors.base import Connector
from connectors.memory.faults import Fault
from gateway.store.db import Road
from tests.api.support import Asking


def dead_delivery(api: Asking) -> tuple[str, str]:
    """A ticket whose create the desk refuses: (ticket, delivery)."""
    api.world.connectors["acme"].script = lambda verb: (
        Fault("refuse", said="no such queue") if verb == "create" else Fault()
    )
    id = api.ticket(to="acme")
    api.world.connectors["acme"].script = lambda verb: Fault()
    (one,) = api.get("agent", "deliveries?dead=true")["items"]
    return id, one["id"]


def test_a_dead_delivery_is_seen_and_replayed(api: Asking) -> None:
    id, delivery = dead_delivery(api)
    told = api.get("auditor", f"deliveries/{delivery}")
    assert (told["ticket"], told["kind"], told["state"]) == (id, "create", "dead") and "no such queue" in told["said"]
    assert api.get("agent", "deliveries?connection=bolt&dead=true")["items"] == []
    assert api.get("agent", f"tickets/{id}/notices")["items"]
    again = api.post("agent", f"deliveries/{delivery}/replay", {"reason": "queue made"}, 200)
    assert again["state"] == "waiting"
    api.world.run()
    assert api.get("agent", f"deliveries/{delivery}")["state"] == "sent"
    assert api.get("agent", f"tickets/{id}/links")["items"][0]["number"] == "D-1001"
    entry = next(e for e in api.get("auditor", f"audit?subject=ticket:{id}")["items"] if e["verb"] == "replayed")
    assert entry["payload"]["reason"] == "queue made" and entry["actor_name"] == "the agent"


def test_what_is_through_is_not_replayed(api: Asking) -> None:
    _, delivery = dead_delivery(api)
    assert api("auditor", "POST", f"deliveries/{delivery}/replay").status_code == 403
    api.post("agent", f"deliveries/{delivery}/replay", None, 200)
    assert api("agent", "POST", f"deliveries/{delivery}/replay").status_code == 409


def test_a_dead_arrival_is_seen_and_replayed(api: Asking) -> None:
    desk: Connector = api.world.connectors["acme"]
    rt = api.world.rt
    api.world.desks["acme"].create("tess", {"title": "by phone"})
    api.world.poll()
    with rt.store.write() as conn:
        Road(conn, rt.store.dialect).run("update arrival set state = 2, said = 'ValueError: odd'")
    (one,) = api.get("agent", "arrivals?dead=true")["items"]
    assert (one["connection"], one["kind"], one["state"], one["said"]) == ("acme", "poll", "dead", "ValueError: odd")
    assert "body" not in api.get("agent", f"arrivals/{one['id']}")
    assert '"record_id"' in api.get("admin", f"arrivals/{one['id']}")["body"]
    assert api.post("agent", f"arrivals/{one['id']}/replay", {"reason": "fixed"}, 200)["state"] == "waiting"
    api.world.run()
    assert api.get("agent", "arrivals?dead=true")["items"] == [] and desk.kind == "memory"
    assert [t["title"] for t in api.get("agent", "tickets")["items"]] == ["by phone"]


def test_arrivals_come_in_pages(api: Asking) -> None:
    for n in range(5):
        api.world.desks["acme"].create("tess", {"title": str(n)})
    api.world.poll()
    first = api.get("agent", "arrivals?limit=3")
    rest = api.get("agent", f"arrivals?limit=3&after={first['next']}")
    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert len(set(ids)) == 5 and rest["next"] is None


def test_a_notice_is_listed_and_ticked_off_once(api: Asking) -> None:
    dead_delivery(api)
    (one,) = api.get("agent", "notices")["items"]
    assert (one["kind"], one["connection"], one["state"], one["closed_at"]) == ("refused", "acme", "open", None)
    assert api.get("auditor", f"notices/{one['id']}") == one
    for who in ("auditor", "provider", "requester"):
        assert api(who, "POST", f"notices/{one['id']}/close", {}).status_code == 403
    closed = api.post("agent", f"notices/{one['id']}/close", {"reason": "they were told"}, 200)
    assert closed["state"] == "closed" and closed["closed_at"]
    assert api("agent", "POST", f"notices/{one['id']}/close", {}).status_code == 409
    assert api.get("agent", "notices")["items"] == []
    assert [n["id"] for n in api.get("agent", "notices?state=all")["items"]] == [one["id"]]
    entry = api.get("auditor", f"audit?subject=ticket:{one['ticket']}")["items"][0]
    assert (entry["verb"], entry["actor_name"], entry["payload"]["reason"]) == (
        *("notice_closed", "the agent", "they were told"),
    )


def test_a_held_lane_is_listed_and_released_by_who_may(api: Asking) -> None:
    id = api.ticket(to="acme")
    assert api.get("agent", "lanes")["items"] == []
    with api.world.rt.store.write() as conn:
        Road(conn, api.world.rt.store.dialect).run("update lane set held = 'looks like a loop', due_at = null")
    (one,) = api.get("auditor", "lanes")["items"]
    assert (one["ticket"], one["connection"], one["record"], one["held"]) == (id, "acme", "D-1001", "looks like a loop")
    for who in ("auditor", "provider", "requester"):
        assert api(who, "POST", f"lanes/{one['id']}/release", {}).status_code == 403
    told = api.post("agent", f"lanes/{one['id']}/release", {"reason": "their robot is off"}, 200)
    assert told["held"] == ""
    assert api("agent", "POST", f"lanes/{one['id']}/release", {}).status_code == 409
    assert api.get("agent", "lanes")["items"] == []
    entry = api.get("auditor", f"audit?subject=ticket:{id}")["items"][0]
    assert (entry["verb"], entry["payload"]["reason"]) == ("released", "their robot is off")
    dead_delivery(api)
    (behind,) = api.get("agent", "lanes")["items"]
    answer = api("agent", "POST", f"lanes/{behind['id']}/release", {})
    assert answer.status_code == 409 and "Send that delivery again" in answer.json["fix"]
