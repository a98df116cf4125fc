"""What a plan comes to: our fields, what would be written at each desk and who would see what. Pure.

A plan names the fields that are owed; what is written is made when a lane is claimed. Here it is made by the very same
function (``outbox.steps.choose``), from the ticket as the plan leaves it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.decide.facts import Leg, Link
from gateway.decide.plan import Action, Planner, link_name
from gateway.outbox import steps
from gateway.outbox.lanes import Waiting
from gateway.tickets.vocabulary import FINAL

OVER = ("closed", "cancelled")
EMPTY: tuple[Any, ...] = (None, "", [])


@dataclass(frozen=True, slots=True)
class Write:
    """One delivery as it would go out. ``values``: their field -> value; ``status``: what their status was to us and
    would be then, where it is written."""

    link: str
    provider: str
    kind: str
    values: Mapping[str, Any]
    status: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A comment, file or worklog on its way, in or out. ``link``: the connection it goes to, or came from."""

    item: str
    kind: str
    link: str
    provider: str
    inward: bool
    audience: tuple[str, ...]
    channel: str
    seen_by: tuple[str, ...]


@dataclass(slots=True)
class Effect:
    """``hash``: the plan's; ``fields``: ours, before and after; ``ours``: their final values; ``refused``: why there is
    no plan at all. ``provider``: whose item it was, "" for a person's."""

    hash: str = ""
    provider: str = ""
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    held: set[tuple[str, str]] = field(default_factory=set)  # (provider, field)
    conflicts: set[tuple[str, str]] = field(default_factory=set)
    imports: int = 0
    refused: str = ""

    def same(self, other: Effect) -> bool:
        """Whether both come to the same: the same plan, and the same words on the wire."""
        return (self.hash, self.refused, self.writes, self.said) == (
            other.hash, other.refused, other.writes, other.said,
        )  # fmt: skip

    def counts(self) -> dict[str, Counter[str]]:
        """What happens, by provider: creates, imports, updates, resolves, closes (and cancels), reopens, clears,
        comments, files, holds, conflicts."""
        found: dict[str, Counter[str]] = {}

        def count(provider: str, what: str, times: int = 1) -> None:
            found.setdefault(provider, Counter())[what] += times

        if self.provider:
            count(self.provider, "imports", self.imports)
            count(self.provider, _turn(*self.fields.get("status", (None, None))))
            for was, now in self.fields.values():
                count(self.provider, "clears", int(now in EMPTY and was not in EMPTY))
        for one in self.writes:
            count(one.provider, {"create": "creates", "update": "updates"}.get(one.kind, ""))
            if one.kind == "update":
                count(one.provider, "clears", sum(value in EMPTY for value in one.values.values()))
            if one.status is not None:
                count(one.provider, _turn(*one.status))
        for item in self.said:
            count(item.provider, {"comment": "comments", "file": "files", "attachment": "files"}.get(item.kind, ""))
        for provider, _ in self.held:
            count(provider, "holds")
        for provider, _ in self.conflicts:
            count(provider, "conflicts")
        return {provider: +counter for provider, counter in found.items() if provider}


def _turn(was: Any, now: Any) -> str:
    """What a change of a status is."""
    if now in OVER and was not in OVER:
        return "closes"
    if now in FINAL and was not in FINAL:
        return "resolves"
    return "reopens" if was in FINAL and now is not None and now not in FINAL else ""


def effect(p: Planner, link: Link | None) -> Effect:
    """What a plan that was not carried out comes to; ``link``: the one its input was about."""
    leg = p.leg(link) if link is not None else None
    found = Effect(p.plan.hash(), leg.provider if leg is not None else "")
    ticket = p.facts.ticket
    found.fields = {
        name: (was, now)
        for name, (was, now) in p.plan.changes.items()
        if not (name in ("comments", "files", "worklogs") or was == now)
    }
    for action in p.plan.actions:
        if action.verb == "new_ticket" and leg is not None:
            found.imports = 1
        about = _about(p, link, action.data.get("link"))
        if about is None:
            continue
        at = p.leg(about)
        if action.verb == "notice" and action.data["kind"] == "held":
            found.held.add((at.provider, action.data["field"]))
        elif action.verb == "open_conflict":
            found.conflicts.add((at.provider, action.data["field"]))
        elif action.verb in ("comment", "file", "worklog"):
            audience = tuple(action.data["audience"])
            readers = tuple(party.removeprefix("provider:") for party in audience)
            found.said.append(Said(action.data["id"], action.verb, at.name, at.provider, True, audience, "", readers))
        elif action.verb == "deliver" and ticket is not None:
            found.writes += _writes(p, about, at, action)
            found.said += _spoken(at, action)
    return found


def _about(p: Planner, link: Link | None, name: str | None) -> Link | None:
    if name is None:
        return None
    links = [*(p.facts.ticket.links if p.facts.ticket is not None else ()), *((link,) if link is not None else ())]
    return next((one for one in links if link_name(one) == name), None)


def _writes(p: Planner, link: Link, leg: Leg, action: Action) -> Iterator[Write]:
    """A create or update as the claim would make it, with nothing else in the lane."""
    kind = action.data["kind"]
    if kind not in ("create", "update"):
        return
    body = {**action.data, **action.payload, "v": p.ticket.version + 1}
    calm = replace(link, verify=0, attempts=[])
    step = steps.choose(p.ticket, calm, leg, 0, [Waiting(0, link.id, kind, None, 0, body, 0)])
    if step is None or (kind == "update" and not step.fields):
        return
    status: tuple[str, str] | None = None
    if "status" in step.sent:
        became = leg.mapping.read("status", _wire(leg, step, "status"), {**link.seen, **step.fields})
        status = link.leg_status, str(became.value if became.kind == "value" else "")
    yield Write(leg.name, leg.provider, kind, dict(step.fields), status)


def _wire(leg: Leg, step: steps.Step, name: str) -> Any:
    return leg.mapping.observe({**step.link.seen, **step.fields}).get(name)


def _spoken(leg: Leg, action: Action) -> Iterator[Said]:
    """A comment or file on its way out: by which channel, and who reads that."""
    kind = action.data["kind"]
    if kind not in ("comment", "attachment"):
        return
    parties = tuple(action.data.get("audience", ()))
    relative = frozenset({"provider"} | ({"requester"} & set(parties)))
    goes = f"provider:{leg.provider}" in parties and leg.share is not None and leg.share.allows_audience(relative)
    channel = leg.mapping.channel_out(relative) if goes else None
    readers = tuple(sorted(leg.provider if one == "provider" else one for one in _reach(leg, channel)))
    yield Said(action.data["item"], kind, leg.name, leg.provider, False, parties, channel or "", readers)


def _reach(leg: Leg, channel: str | None) -> frozenset[str]:
    """Who reads a channel, as its mapping says."""
    if channel is None:
        return frozenset()
    told = leg.mapping.document.get("comments", {}).get("reaches", {}).get(channel, "provider")
    return frozenset(str(told).split("+"))
