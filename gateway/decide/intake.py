"""What becomes of a new ticket before anybody works on it: sorted, given to somebody, its requester answered.

Each step is a policy of its own and leaves a decision behind. A policy that was never published decides nothing, and
the ticket goes the plain way: an incident for the service desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from gateway.decide import hours, routing
from gateway.decide.acknowledge import acknowledge, tell
from gateway.decide.capacity import loads
from gateway.decide.conditions import inputs
from gateway.decide.decision import Decision
from gateway.decide.facts import Command
from gateway.decide.honesty import promised
from gateway.decide.hours.zone import moment
from gateway.decide.objection import Objection
from gateway.decide.plan import Planner
from gateway.decide.triage import (
    BY_HAND,
    OUT_OF_SCOPE,
    Triaged,
    deviate,
    distinct,
    ending,
    enforced,
    intake,
    triage,
)
from gateway.tickets.vocabulary import FINAL

MONTH = 30 * 86_400_000_000
"""Microseconds in which tickets of the same requester and category are counted as repeats."""


def given(p: Planner, fields: Mapping[str, Any], channel: str) -> dict[str, Any]:
    """Everything conditions see of a ticket with these fields, now."""
    around, calendars, at = p.facts.around, p.facts.policies.calendars, p.facts.as_of
    requester = around.requester(fields)
    everybody = ("desk", *around.holders)
    local = moment(at).astimezone(ZoneInfo(calendars.of("desk").zone if calendars is not None else "UTC"))
    standing = p.ticket.ledger.get("routing", {}) if p.facts.ticket is not None else {}
    same = [one for one in around.others if one.category == fields.get("category") and one.created_at > at - MONTH]
    return inputs(
        fields,
        channel=channel,
        requester=requester,
        open={who: calendars is None or calendars.of(who).is_open(at) for who in everybody},
        hour=local.hour,
        weekday=local.isoweekday(),
        load=loads(around.load, around.holders, calendars, at),
        repeats=sum(one.requester == requester["email"] for one in same),
        had=standing.get("had", ()),
        bounced=standing.get("bounced", ()),
    )


def asked(p: Planner, fields: Mapping[str, Any], channel: str, what: Command) -> dict[str, Any]:
    """Everything that triage sees of it. ``held`` comes from the ticket's ledger."""
    around = p.facts.around
    email = around.requester(fields)["email"]
    speaker = what.party.partition(":")[0] or ("tandem" if what.actor == "tandem" else "agent")
    return intake(
        given(p, fields, channel),
        as_of=p.facts.as_of,
        kind=str(what.data.get("fields", {}).get("kind") or ""),
        by=speaker,
        reason=what.reason,
        known=not email or email in around.contacts or speaker == "agent",
        others=[one for one in around.others if one.open and one.requester == email],
        held=p.ticket.ledger.get("triage", {}) if p.facts.ticket is not None else {},
        providers=[who for who in around.holders if who.startswith("provider:")],
    )


def sort(p: Planner, fields: dict[str, Any], channel: str, what: Command) -> Triaged | None:
    """What a ticket about to be made is; ``fields`` get the kind and the service that were found. What belongs to an
    open ticket, or is not ours to do, is ended as soon as it is written down."""
    if p.facts.policies.triage is None:
        return None
    found = triage(p.facts.policies.triage, asked(p, fields, channel, what))
    fields["kind"] = found.kind
    if found.service:
        fields.setdefault("service", found.service)
    if found.duplicate_of is not None:
        ends = f"It belongs to T-{found.duplicate_of.number}."
        fields |= {"status": "closed", "resolution_code": "duplicate", "resolution_text": ends}
    elif found.decision.outcome == OUT_OF_SCOPE:
        fields |= {"status": "resolved", "resolution_code": "declined", "resolution_text": _answer(found)}
    return found


def _answer(found: Triaged) -> str:
    return "\n".join(one.text for one in found.answers if one.text) or found.decision.because


def sorted_out(p: Planner, found: Triaged) -> None:
    """Write down what triage found of the ticket, which is there now; the requester reads what concerns them."""
    if found.held:
        p.ticket.ledger["triage"] = dict(found.held)
    decided(p, found.decision)
    for text in found.notices:
        p.notice("rule", text)
    if found.duplicate_of is not None:
        fields = p.ticket.fields
        text = f"{fields['title']}\n{fields.get('description', '')}".strip()
        data = {"ticket": str(found.duplicate_of.id), "rule": found.duplicate_of.rule}
        p.do("belongs", data, {"text": text, "from": p.facts.around.requester(fields)["email"]})
        p.ticket.ledger.setdefault("triage", {})["belongs"] = found.duplicate_of.number
    if p.facts.around.requester(p.ticket.fields)["email"]:
        for one in found.answers:
            tell(p, one.text)


def place(p: Planner, what: Command, found: Triaged | None) -> routing.Routed:
    """Who should have the new ticket, by the rules; and outside of their hours, who instead."""
    around = given(p, p.ticket.fields, p.ticket.channel)
    if found is not None:
        around |= {"queue": found.queue, "contract": list(found.contract), "barred": dict(found.barred)}
    if what.data.get("holder"):
        around["override"] = {"to": str(what.data["holder"]), "by": what.actor, "because": what.reason}
    routed = _reached(p, around)
    decided(p, routed.decision)
    for text in routed.notices:
        p.notice("rule", text)
    return routed


def _reached(p: Planner, around: dict[str, Any]) -> routing.Routed:
    """Who should have it of those whose desks can be reached; a person's choice stands as it is."""
    while True:
        routed = routing.choose(p.facts.policies.routing, around)
        kind, _, slug = routed.to.partition(":")
        if kind == "team" or "override" in around or p.facts.legs.named(slug) is not None:
            return routed
        around["barred"] = {**around["barred"], routed.to: "has no active connection"}


def inside(p: Planner) -> str:
    """Why no provider may have the ticket, "" where they may: the catalogue keeps its service for our own people."""
    policy, given = p.facts.policies.triage, str(p.ticket.fields.get("service") or "")
    service = policy.catalogue.named(given) if policy is not None and given else None
    stays = service is not None and service.providers == ()
    return f"{given} stays inside: by the catalogue no provider has it" if stays else ""


def outside(p: Planner, to: str, chosen: bool = False) -> tuple[str, bool]:
    """Who has a ticket for ``to`` at this hour, by the rules for outside of hours; and who is called. ``chosen``: a
    person gave it to them, and so they have it. Also whether they have it whatever the rules say: chosen, or because
    whoever should have it now cannot be reached."""
    calendars = p.facts.policies.calendars
    if calendars is None:
        return to, chosen
    looked = {"holder": to, "priority": p.ticket.fields["priority"], "at": p.facts.as_of, "stays": chosen}
    ruling, decision = hours.choose(calendars, looked)
    if ruling.does == "open":
        return to, chosen
    if ruling.to.startswith("provider:") and p.facts.legs.named(ruling.to.removeprefix("provider:")) is None:
        p.notice("rule", f"rule {ruling.rule} for outside of hours names {ruling.to}, which has no active connection")
        return outside(p, to, chosen=True)
    decided(p, decision)
    if ruling.person is not None:
        who = ruling.person
        reached = ", ".join(one for one in (who.phone, who.email) if one)
        p.notice("on_call", f"Call {who.name} ({reached}), on call in {ruling.rotation}: {ruling.because}")
    return ruling.to or to, chosen


def changed(p: Planner, what: Command) -> None:
    """A person changes a ticket: the kind that was decided stands unless there is a reason, and what is missing has to
    be there before it ends. Raises Objection."""
    policy, fields = p.facts.policies.triage, what.data["fields"]
    theirs = what.party.startswith("provider:")
    if not theirs:
        promised(p, what)
    if policy is None:
        return
    seen = asked(p, {**p.ticket.fields, **fields}, p.ticket.channel, what)
    if theirs:
        kind, rule = enforced(policy, seen)
        if kind and fields.get("kind", kind) != kind:
            raise Objection(f"it was decided so: {rule}", "kind", fields["kind"], f"leave it a {kind}")
        return  # what they report of their work is written down even if a person of ours might not do it here
    if "kind" in fields and fields["kind"] != p.ticket.fields.get("kind"):
        before = p.ticket.ledger.get("triage", {})
        held = deviate(policy, seen, str(fields["kind"]), what.actor, what.reason)
        if held != before:
            p.ticket.ledger["triage"], p.ticket.dirty = held, True
            because = what.reason or "as it was decided"
            decided(p, Decision("override", str(fields["kind"]), BY_HAND, policy.label, seen, [], because))
    if fields.get("status", p.ticket.fields["status"]) != p.ticket.fields["status"]:
        ending(policy, seen, str(fields["status"]))
        _apart(p, what, seen, policy.label)


def _apart(p: Planner, what: Command, seen: Mapping[str, Any], label: str) -> None:
    """Whoever opens a contact again that was found to belong to another ticket says that it is a matter of its own."""
    standing, status = p.ticket.ledger.get("triage", {}), str(what.data["fields"]["status"])
    number = standing.get("belongs")
    if number is None or status in FINAL:
        return
    held = distinct({name: one for name, one in standing.items() if name != "belongs"}, what.actor, what.reason)
    p.ticket.ledger["triage"], p.ticket.dirty = held, True
    otherwise = f"it would belong to T-{number}"
    decided(p, Decision("override", held["distinct"]["to"], BY_HAND, label, seen, [], what.reason, otherwise))
    for name in ("resolution_code", "resolution_text"):
        p.set(name, None, "it is a matter of its own")


def taken(p: Planner) -> None:
    """What a provider's desk says a ticket is does not undo what was decided of such tickets here."""
    policy = p.facts.policies.triage
    if policy is None:
        return
    told = Command("imported", "tandem", {}, party=p.ticket.holder if p.ticket.holder.startswith("provider:") else "")
    kind, rule = enforced(policy, asked(p, p.ticket.fields, p.ticket.channel, told))
    if kind and kind != p.ticket.fields.get("kind"):
        p.set("kind", kind, f"it was decided so: {rule}")


def welcome(p: Planner, to: str, chosen: bool = False) -> None:
    """Answer whoever asked, once somebody has the ticket. ``to``: who should have it within hours; ``chosen``: by a
    person's word."""
    if p.ticket.fields["status"] not in FINAL:
        acknowledge(p, to, chosen)


def decided(p: Planner, one: Decision) -> None:
    """Write a decision down."""
    p.do("decision", one.data(), one.payload())
    p.ticket.dirty = True
