"""A ticket's page put in order: the story newest first, files and deliveries beside what they belong to, the clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

_QUIET = frozenset({"comment", "attachment", "worklog"})
"""Deliveries that are told beside their item."""

_PLAIN = frozenset({"linked", "delivered", "hinted"})
"""What a delivery's own line tells already, unless fields changed with it."""


def told(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The timeline, newest first: comments with their files, every item with its deliveries, the rest as lines."""
    sent = _by_item(page["deliveries"])
    files = _by_comment(page["files"], sent)
    names = {link["connection"]: link["provider_name"] for link in page["links"]}
    shown: list[dict[str, Any]] = []
    for one in page["timeline"]:
        match one["kind"]:
            case "comment":
                shown.append({**one, "files": files.get(one["id"], []), "deliveries": sent.get(one["id"], [])})
            case "file" if one["comment"] is None:
                shown.append({**one, "deliveries": sent.get(one["id"], [])})
            case "worklog":
                shown.append({**one, "deliveries": sent.get(one["id"], [])})
            case "change" if one["changes"] or one["verb"] not in _PLAIN:
                shown.append({**one, "actor": names.get(one["actor"], one["actor"]), "because": _worth(one)})
            case "delivery" if one["what"] not in _QUIET and (one["what"], one["state"]) != ("download", "sent"):
                shown.append(one)
    return shown[::-1]


def _worth(change: Mapping[str, Any]) -> dict[str, str]:
    """The reasons that say more than who did it."""
    if change["side"] == "ours":
        return {}
    plain = ("says so", "impact and urgency")
    return {field: why for field, why in change["because"].items() if not why.endswith(plain)}


def _by_item(deliveries: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in deliveries:
        if one["item"] and one["state"] != "withdrawn":
            found.setdefault(one["item"], []).append(one)
    return found


def _by_comment(
    files: Iterable[Mapping[str, Any]], sent: Mapping[str, list[Mapping[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in files:
        if one["comment"]:
            found.setdefault(one["comment"], []).append({**one, "deliveries": sent.get(one["id"], [])})
    return found


def clocks(holdings: Iterable[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    """Who held the ticket how long: ``{holder, seconds, since, x, share}``; ``seconds`` of the ended segments,
    ``since`` the start of the running one, ``share`` of the whole and where it begins in percent. They sum to the
    ticket's age."""
    found: dict[str, dict[str, Any]] = {}
    for one in holdings:
        clock = found.setdefault(one["holder"], {"holder": one["holder"], "seconds": 0.0, "since": None, "whole": 0.0})
        span = _seconds(one["started_at"], one["ended_at"] or now)
        clock["whole"] += span
        if one["ended_at"]:
            clock["seconds"] += span
        else:
            clock["since"] = one["started_at"]
    total = sum(clock["whole"] for clock in found.values()) or 1.0
    x = 0
    for clock in found.values():
        clock["x"], clock["share"] = x, round(100 * clock["whole"] / total)
        x += clock["share"]
    return [clock for clock in found.values() if clock["since"] or clock["whole"] >= 1]


def _seconds(start: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def parties(page: Mapping[str, Any]) -> list[dict[str, str]]:
    """Who besides our team may be written to: the providers that take part now, and the requester."""
    live = [link for link in page["links"] if link["role"] in ("holder", "helper", "guest")]
    found = {f"provider:{link['provider']}": link["provider_name"] for link in live}
    told = [{"party": party, "name": name} for party, name in found.items()]
    requester = page["fields"].get("requester") or {}
    if requester:
        told.append({"party": "requester", "name": requester.get("name") or requester.get("email") or ""})
    return told


def shareable(page: Mapping[str, Any], provider: str) -> dict[str, list[Mapping[str, Any]]]:
    """Earlier notes and files that this provider has not got; the newest first."""
    party = f"provider:{provider}"
    notes = [one for one in page["comments"] if party not in one["audience"] and not one["deleted"]]
    files = [one for one in page["files"] if party not in one["audience"] and one["state"] == "stored"]
    return {"notes": notes[::-1], "files": files[::-1]}
