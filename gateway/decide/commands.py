"""What a person may want of a ticket, as plans: create, edit, comment, attach, worklog, escalate, take_back, resolve,
heal, remap, chase, clock, stuck.

``data`` of each command is what the API's schemas let through; ids in it are inner ones. A refusal is an ``Objection``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.decide import following, intake, parting, routing
from gateway.decide.facts import REQUESTER, Command, Leg, Link
from gateway.decide.guests import guest_of, invite, stays
from gateway.decide.merge import Pair, our_change, token
from gateway.decide.objection import Objection as Objection
from gateway.decide.observe import absolute, begin, pass_on
from gateway.decide.pairing import shared
from gateway.decide.plan import Planner, link_name, name_of
from gateway.decide.remap import move, remap
from gateway.tickets.vocabulary import FINAL, REQUIRED

_OPEN = (None, "unknown")


def command(p: Planner, what: Command) -> None:
    """Plan a command; raises ``Objection``."""
    p.plan.verb, p.plan.actor, p.plan.reason = what.what, what.actor, what.reason
    p.by = what.party
    _COMMANDS[what.what](p, what)


def create(p: Planner, what: Command) -> None:
    """``{fields, channel, holder?, guest?}``: a new ticket is sorted, given to who should have it, and acknowledged.
    ``guest``: ``{connection, reference}`` of another Tandem that brings it."""
    given = {k: v for k, v in what.data["fields"].items() if v not in (None, "", [])}
    fields: dict[str, Any] = {"kind": "incident", "status": "new", "impact": "medium", "urgency": "medium", **given}
    if "title" not in fields:
        raise Objection("a ticket needs a title", "title", None, "say in one line what is wrong or wanted")
    channel = what.data.get("channel", "api")
    found = intake.sort(p, fields, channel, what)
    begin(p, fields, routing.DESK, channel, [])
    if "guest" in what.data:
        invite(p, **what.data["guest"])
    if found is not None:
        intake.sorted_out(p, found)
    if p.ticket.fields["status"] in FINAL:
        return
    routed = intake.place(p, what, found)
    to, stays = intake.outside(p, routed.to, chosen=bool(what.data.get("holder")))
    give(p, to, routed.because, routed.rule, routed.how if to == routed.to else routing.HOW[0])
    for provider in routed.share:
        give(p, provider, routed.because, routed.rule, "share")
    intake.welcome(p, routed.to, stays)


def give(p: Planner, to: str, because: str, rule: str, how: str) -> None:
    """Let somebody have a new ticket. ``how``: cold; warm, the desk holds it until they have answered; or share, they
    help whoever holds it."""
    if to.startswith("team:"):
        p.hold_by(to, because)
        return
    leg = p.facts.legs.named(to.removeprefix("provider:"))
    if leg is None:
        p.notice("rule", f"routing rule {rule} names {to}, which has no active connection")
        return
    hand_over(p, leg, because, [], [], "holder" if how == "cold" else "helper")
    if how == "warm":
        p.do("warm", {"to": to})


def edit(p: Planner, what: Command) -> None:
    """``{fields, based_on}``: only the fields given; a field that moved since ``based_on`` is a conflict."""
    based = what.data.get("based_on", {})
    for name, value in what.data["fields"].items():
        if (
            name in based
            and token(p.ticket.fields.get(name)) != token(based[name])
            and p.ticket.fields.get(name) != value
        ):
            raise Objection(
                f"{name} was changed meanwhile",
                name,
                p.ticket.fields.get(name),
                "look at the new value and decide again",
                True,
            )
        if name in REQUIRED and value in (None, ""):
            raise Objection(f"{name} cannot be empty", name, value, "give a value")
    intake.changed(p, what)
    for name, value in what.data["fields"].items():
        for link in p.ticket.links:
            rule = p.leg(link).mapping.fields.get(name) if link.live else None
            if rule is not None and rule.direction == "in" and name != "priority":
                raise Objection(
                    f"{name} is kept by {p.leg(link).name} while it has the ticket", name, value, "change it there"
                )
    for name, value in what.data["fields"].items():
        p.set(name, value if value not in ("", []) else None, "edited by a person")


def comment(p: Planner, what: Command) -> None:
    """``{text, format, audience}``: parties, or the words ``team``, ``partners``, ``everyone``."""
    parties = audience_of(p, what.data.get("audience", ["team"]))
    new = p.new_id()
    p.do(
        "comment",
        {"id": name_of(new), "author": what.actor, "audience": parties, "link": None},
        {
            "text": what.data["text"],
            "format": what.data.get("format", "plain"),
            "raw": "",
            "author_name": what.actor_name,
            "created": None,
        },
    )
    p.ticket.dirty = True
    p.plan.changes["comments"] = [None, 1]
    pass_on(p, None, new, parties)
    for file in what.data.get("files", ()):
        _file(p, what, file, parties, name_of(new))


def attach(p: Planner, what: Command) -> None:
    """``{files: [{name, mime, size, sha256, key}], audience}``: bytes already stored under ``key``."""
    parties = audience_of(p, what.data.get("audience", ["team"]))
    for file in what.data["files"]:
        _file(p, what, file, parties, None)
    p.ticket.dirty = True


def _file(p: Planner, what: Command, file: dict[str, Any], parties: list[str], comment: str | None) -> None:
    new = p.new_id()
    p.do(
        "file",
        {"id": name_of(new), "author": what.actor, "audience": parties, "link": None, "comment": comment},
        {**file, "author_name": what.actor_name, "created": None},
    )
    p.plan.changes.setdefault("files", [None, 0])[1] += 1
    pass_on(p, None, new, parties, "attachment")


def worklog(p: Planner, what: Command) -> None:
    """``{minutes, text, started}``: time spent; it goes to providers only where the mapping says so."""
    new, guest = p.new_id(), guest_of(p, what.party)
    p.do(
        "worklog",
        {"id": name_of(new), "author": what.actor, "audience": [], "link": link_name(guest) if guest else None},
        {**what.data, "author_name": what.actor_name, "created": None},
    )
    p.ticket.dirty = True
    p.plan.changes["worklogs"] = [None, 1]
    for link in p.ticket.links if guest is None else ():  # a provider's time is no other provider's business
        if link.live and p.leg(link).mapping.worklogs in ("out", "both"):
            p.deliver(link, "worklog", {"item": name_of(new)})


def escalate(p: Planner, what: Command) -> None:
    """``{connection, comments, files, role}``: hand the ticket to a provider (or let it help), with chosen notes."""
    leg = p.facts.legs.named(what.data["connection"])
    if leg is None:
        name = what.data["connection"]
        if why := p.facts.legs.stopped(name):
            raise Objection(f"{name} is {why}", "connection", name, "have it resumed, or choose another")
        raise Objection("no such connection", "connection", name, "name an active connection")
    if p.ticket.fields.get("status") in FINAL and p.ticket.fields.get("status") != "resolved":
        raise Objection("the ticket is closed", "status", p.ticket.fields.get("status"), "reopen it first")
    link = next((one for one in p.ticket.links if one.connection_id == leg.connection_id and one.live), None)
    role = what.data.get("role", "holder")
    if link is not None and link.role == role:
        raise Objection(f"{leg.name} has this ticket already", "connection", leg.name, "add a comment instead")
    if why := stays(p, leg) or intake.inside(p):
        raise Objection(why, "connection", leg.name, "say it in a comment instead")
    _decided(p, what, "escalation", f"provider:{leg.provider}")
    hand_over(p, leg, what.reason, what.data.get("comments", []), what.data.get("files", []), role)


def hand_over(p: Planner, leg: Leg, reason: str, comments: list[int], files: list[int], role: str = "holder") -> None:
    """Make, reopen or promote the link, owe what the provider may know, and let it hold the ticket."""
    if why := stays(p, leg) or intake.inside(p):
        p.notice("rule", f"not handed to {leg.name}: {why}")
        return
    links = [one for one in p.ticket.links if one.connection_id == leg.connection_id]
    link = next((one for one in links if one.live), None) or next((one for one in links if reopens(one)), None)
    if link is None:
        link = Link(p.new_id(), leg.connection_id, p.ticket.id, None, role=role, mapping_id=leg.mapping_id, new=True)
        p.ticket.links.append(link)
        p.do("new_link", {"link": link_name(link), "connection": leg.name, "role": role})
        p.deliver(link, "create", {})
        for name in shared(leg, link):
            link.pairs[name] = Pair(owed=int(p.ticket.fields.get(name) is not None))
    else:
        ended, link.role = link.role == "ended", role
        parting.begins(p, link)
        p.touch(link)
        if ended and link.mapping_id != leg.mapping_id:
            move(p, link, leg.mapping_id)
        p.do("role", {"link": link_name(link), "role": role})
        apart = differing(p, leg, link) if ended else frozenset()
        for name in shared(leg, link):
            pair = link.pairs.setdefault(name, Pair())
            if p.ours(link, name) != pair.ours or name in apart:
                our_change(pair)
                p.owe(link, name)
        p.fetch(link, "the link begins again")
        if ended and link.remote_id is None:  # whether it was made there is looked up first
            p.do("withdraw", {"link": link_name(link)})
            p.deliver(link, "create", {})
    if role == "holder":
        for other in p.ticket.links:
            if other is not link and other.role == "holder":
                other.role = "helper"
                p.touch(other)
                p.do("role", {"link": link_name(other), "role": "helper"})
        p.hold_by(f"provider:{leg.provider}", reason)
    for item in comments:
        p.do("widen", {"item": str(item), "audience": absolute(frozenset(), leg.provider)})
        p.deliver(link, "comment", {"item": str(item), "audience": absolute(frozenset(), leg.provider)})
    for item in files:
        p.do("widen_file", {"item": str(item), "audience": absolute(frozenset(), leg.provider)})
        p.deliver(link, "attachment", {"item": str(item), "audience": absolute(frozenset(), leg.provider)})


def differing(p: Planner, leg: Leg, link: Link) -> frozenset[str]:
    """The fields in which the desk made something else of ours: it hears them again, and says so again if it must."""
    ours = {name: p.ticket.fields.get(name) for name in shared(leg, link) if p.ticket.fields.get(name) is not None}
    told, there = leg.mapping.write(ours, link.seen, False, p.ticket.fields).wires, leg.mapping.observe(link.seen)
    return frozenset(
        name
        for name in ours
        if name in told
        and name in there
        and token(told[name]) != token(there[name])
        and token(leg.mapping.read(name, there[name], link.seen).value) != token(ours[name])
    )


def reopens(link: Link) -> bool:
    """An ended link whose record can be worked on again, or may yet turn out to have been made."""
    return link.role == "ended" and link.state == "live" and exists(link)


def exists(link: Link) -> bool:
    """Whether the record is there, or its create was sent and has no answer yet."""
    return link.remote_id is not None or any(a.kind == "create" and a.outcome in _OPEN for a in link.attempts)


def take_back(p: Planner, what: Command) -> None:
    """``{to?, connection?}``: the provider is told, its waiting work is withdrawn, a team of ours holds the ticket."""
    name = what.data.get("connection")
    links = [one for one in p.ticket.links if one.live and (name is None or p.leg(one).name == name)]
    if not links:
        raise Objection("no provider has this ticket", "connection", name, "there is nothing to take back")
    to = what.data.get("to", "team:service-desk")
    _decided(p, what, "take_back", to)
    for link in links:
        end(p, link, what)
    if p.ticket.holder.startswith("provider:"):
        p.hold_by(to, what.reason)


def end(p: Planner, link: Link, what: Command) -> None:
    """End a link: what waited is withdrawn, and the provider reads why, as the last thing it hears from us."""
    leg = p.leg(link)
    p.do("withdraw", {"link": link_name(link)})
    if exists(link) and link.state == "live":
        new, parties = p.new_id(), absolute(frozenset(), leg.provider)
        p.do(
            "comment",
            {"id": name_of(new), "author": what.actor, "audience": parties, "link": None},
            {
                "text": f"Taken back: {what.reason}",
                "format": "plain",
                "raw": "",
                "author_name": what.actor_name,
                "created": None,
            },
        )
        p.deliver(link, "comment", {"item": name_of(new), "audience": parties})
    parting.close(p, link)
    following.catch_up(p)


def resolve(p: Planner, what: Command) -> None:
    """``{link, field, keep}``: end an open conflict by keeping ``ours`` or ``theirs``."""
    link = p.ticket.link(what.data["link"])
    name, keep = what.data["field"], what.data["keep"]
    pair = link.pairs.get(name)
    if pair is None or pair.park != "ask":
        raise Objection("this conflict is not open (any more)", "field", name, "reload the ticket", True)
    pair.park = ""
    p.touch(link)
    if keep == "ours":
        pair.owed = 1
        p.owe(link, name)
    else:
        leg = p.leg(link)
        wire = leg.mapping.observe(link.seen).get(name)
        got = leg.mapping.read(name, wire, link.seen)
        if got.kind != "value":
            raise Objection(
                f"their value of {name} means nothing to us yet", "field", name, "keep ours, or map the value first"
            )
        pair.owed, pair.ours, pair.since = 0, token(got.value), p.ticket.version + 1
        p.plan.lost[name] = p.ticket.fields.get(name)
        p.set(name, got.value, f"conflict resolved for {leg.name}", link)
    p.close_conflict(link, name, keep)


def heal(p: Planner, what: Command) -> None:
    """``{link, fields}``: write ours again where theirs has drifted."""
    link = p.ticket.link(what.data["link"])
    for name in what.data["fields"]:
        our_change(link.pairs.setdefault(name, Pair()))
        p.owe(link, name)


def chase(p: Planner, what: Command) -> None:
    """``{text, from, rule}``: its requester has written again, in a contact of its own that is counted here."""
    standing = p.ticket.ledger.setdefault("triage", {})
    standing["contacts"] = standing.get("contacts", 0) + 1
    new, parties = p.new_id(), [REQUESTER]
    about = {"id": name_of(new), "author": f"requester:{what.data['from']}", "audience": parties, "link": None}
    said = {"text": what.data["text"], "format": "plain", "raw": "", "author_name": "", "created": None}
    p.do("comment", about, said)
    p.ticket.dirty = True
    p.plan.changes["comments"] = [None, 1]
    p.notice("chaser", f"{what.data['rule']}: {standing['contacts']} further contact(s) about this ticket")


def clock(p: Planner, what: Command) -> None:
    """``{}``: time has passed; what was due is found by who follows the plan."""


def stuck(p: Planner, what: Command) -> None:
    """``{}``: somebody says that it does not move any more; who hears of it is the escalation's business."""
    if p.ticket.fields.get("status") in FINAL:
        status = p.ticket.fields["status"]
        raise Objection("the ticket is not being worked on any more", "status", status, "reopen it first")
    p.do("stuck", {})
    p.notice("stuck", what.reason or "the requester says that this is stuck")


def _decided(p: Planner, what: Command, kind: str, outcome: str) -> None:
    p.do(
        "decision",
        {"kind": kind, "outcome": outcome, "rule": "by hand", "policy": ""},
        {"inputs": {}, "lost": [], "because": what.reason},
    )


def audience_of(p: Planner, words: list[str]) -> list[str]:
    """The parties that an audience names: ``team`` is nobody else, ``partners`` the providers linked now."""
    linked = {f"provider:{p.leg(link).provider}" for link in p.ticket.links if link.takes_part}
    parties: set[str] = set()
    for word in words:
        if word == "partners":
            parties |= linked
        elif word == "everyone":
            parties |= linked | {"requester"}
        elif word == "requester" or word in linked:
            parties.add(word)
        elif word != "team":
            raise Objection(
                "not a party of this ticket",
                "audience",
                word,
                f"one of {', '.join(sorted(linked | {'team', 'partners', 'everyone', 'requester'}))}",
            )
    return sorted(parties)


_COMMANDS: dict[str, Callable[[Planner, Command], None]] = {
    "create": create,
    "edit": edit,
    "comment": comment,
    "attach": attach,
    "worklog": worklog,
    "escalate": escalate,
    "take_back": take_back,
    "resolve": resolve,
    "heal": heal,
    "remap": remap,
    "chase": chase,
    "clock": clock,
    "stuck": stuck,
}
