"""What a remote shows, merged into the ticket: evidence with an age, fields by pairs, items by bindings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from gateway.decide import following, merge, parting
from gateway.decide.facts import Binding, Hint, ItemSeen, Link, Observed, Ticket
from gateway.decide.merge import Meaning, Pair, token
from gateway.decide.pairing import apart, unseen
from gateway.decide.plan import Planner, link_name, name_of
from gateway.tickets.priority import priority
from gateway.tickets.vocabulary import REQUIRED

Use = Literal["use", "old", "fetch", "regressed"]


def hint(p: Planner, link: Link, what: Hint) -> None:
    """Something happened there; the lane fetches, once, however many hints come meanwhile. What our own account did is
    most likely what we have just done: that look can wait until the lane has nothing else to do."""
    if link.role == "copy":
        p.plan.nothing = "the record is a copy of one of ours"
        return
    p.fetch(link, what.why, last=what.actor is not None and what.actor in p.leg(link).me)


def observed(p: Planner, link: Link, seen: Observed) -> None:
    """A record was seen: use it, drop it as old, or ask for a newer look."""
    if not seen.fields and seen.items is not None:  # a feed of items alone: they do not age
        items(p, link, seen)
        return
    verdict = evidence(link, p.leg(link).order, seen)
    if verdict == "old":
        p.plan.nothing = f"version {seen.version} is older than {link.version}"
    elif verdict == "fetch":
        p.fetch(link, "what was seen may be older than what is known")
    elif verdict == "regressed":
        text = f"the record shows version {seen.version}, we have seen {link.version}: the remote was set back"
        p.do("connection", {"id": str(link.connection_id), "state": "regressed", "reason": text})
        p.notice("regressed", text, link)
    else:
        take(p, link, seen)


def evidence(link: Link, order: str | None, seen: Observed) -> Use:
    """Whether what was seen can be older than what the link knows (ENGINE.md 2)."""
    if seen.source == "reply":
        return "use"
    if seen.source != "fetch" and any(a.kind == "create" and a.outcome == "unknown" for a in link.attempts):
        return "fetch"  # what it was made of is compared with the whole of it, once
    if seen.read_began is not None and (
        link.in_flight or (link.last_write_end is not None and seen.read_began < link.last_write_end)
    ):
        return "fetch"
    if order in ("integer", "time"):
        if not seen.version or not link.version:
            return "use" if seen.read_began is not None or not link.version else "fetch"
        one, other = (int(seen.version), int(link.version)) if order == "integer" else (seen.version, link.version)
        if one < other:  # type: ignore[operator]
            return "regressed" if seen.source == "fetch" else "old"
        if one == other and seen.source != "fetch" and _differs(link, seen):
            return "fetch"
        return "use"
    return "use" if seen.read_began is not None else "fetch"


def _differs(link: Link, seen: Observed) -> bool:
    return any(seen.fields[name] != value for name, value in link.seen.items() if name in seen.fields)


def take(p: Planner, link: Link, seen: Observed) -> None:
    """Merge every observed field and item, and what became of the record itself; then ghosts that can have landed
    only before this was read are laid to rest."""
    if link.role == "ended" and seen.source != "reply":
        afterwards(p, link, seen)
        return
    remember(link, seen)
    if seen.state != "live":
        vanish(p, link, seen.state, seen.into)
        return
    if link.state != "live":
        link.state = "live"
        p.touch(link)
        p.over(link, ("gone", "left", "merged"))
    leg = p.leg(link)
    for name, wire in leg.mapping.observe(seen.fields).items():
        field(p, link, name, wire, seen)
    if seen.source == "fetch":
        unseen(p, link)
    if seen.items is not None:
        items(p, link, seen)
    parting.judge(p, link, seen)
    if seen.read_began is not None:
        lay(p, link, seen.read_began - leg.horizon)


def afterwards(p: Planner, link: Link, seen: Observed) -> None:
    """What comes of a link that has ended is recorded and shown, and drives nothing (ENGINE.md 3)."""
    if seen.state != "live":
        p.plan.nothing = "the link has ended"
        return
    parting.late(p, link, seen)
    if seen.items is not None:
        items(p, link, seen)
    if seen.read_began is not None:
        lay(p, link, seen.read_began - p.leg(link).horizon)


def lay(p: Planner, link: Link, before: int) -> None:
    """Forget unanswered attempts begun earlier than ``before``: whatever they did has been seen by now."""
    for known in [a for a in link.attempts if a.outcome == "ghost" and a.started_at < before]:
        data = {"id": known.id, "said": "whatever it did has been seen", "ended": None}
        p.do("attempt", {"link": link_name(link), "outcome": "settled"}, data)
        link.attempts.remove(known)


def remember(link: Link, seen: Observed) -> None:
    """Keep the newest version, the record as last seen, and where a person finds it."""
    link.dirty = True
    if seen.version:
        link.version = seen.version
    if any(link.seen.get(name, link) != value for name, value in seen.fields.items()):
        link.seen.update(seen.fields)
        link.observed = True
    link.remote_number = seen.number or link.remote_number
    link.remote_page = seen.page or link.remote_page


def field(p: Planner, link: Link, name: str, raw: Any, seen: Observed) -> None:
    """Merge one field, observed as ``raw`` in theirs' normal form."""
    wire, pair = token(raw), link.pairs.get(name)
    if pair is None:
        pair = link.pairs[name] = Pair()
    if wire == pair.theirs and not pair.park:
        return  # nothing changed there, and nothing waits for it to
    leg = p.leg(link)
    rule = leg.mapping.fields[name]
    leg_only = name == "status" and link.role != "holder"
    now = token(link.leg_status) if leg_only else p.ours(link, name)

    def read() -> Meaning:
        return meaning(p, link, name, raw, seen)

    policy = rule.policy
    if pair.sent and seen.author is not None and seen.author in leg.me and rule.direction == "both":
        # the last to write there was us, and an answer to us was lost: what we sent may have become this
        pair.owed, policy = 1, "ask" if policy == "ask" else "ours"
    taken = merge.inbound(pair, now, wire, read, policy, "in" if leg_only else rule.direction)
    conclude(p, link, name, pair, taken)


def meaning(p: Planner, link: Link, name: str, raw: Any, seen: Observed) -> Meaning:
    """What their value means to us; a required field is never emptied, a status is the leg's too."""
    leg = p.leg(link)
    got = leg.mapping.read(name, raw, seen.fields)
    if got.kind == "value" and name in REQUIRED and got.value in (None, ""):
        return Meaning("note", said=f"{leg.name} has emptied {name}; ours is kept")
    if got.kind == "value" and name == "status":
        link.leg_status = got.value
    return Meaning(got.kind, got.value, got.said)


def conclude(p: Planner, link: Link, name: str, pair: Pair, taken: merge.Taken) -> None:
    """Carry out what the merge of one field concluded."""
    leg = p.leg(link)
    if taken.verdict == "taken":
        if pair.since < p.ticket.version + 1:
            pair.since = p.ticket.version + 1
        if parting.withheld(p, link, name):
            return
        if name == "status" and not following.follows(p, link, taken.value):
            following.catch_up(p)
            return
        p.set(name, taken.value, f"{leg.name} says so", link)
    elif taken.verdict == "kept":
        p.plan.lost[name] = taken.value
        p.owe(link, name)
    elif taken.verdict == "ask":
        p.conflict(link, name, p.ticket.fields.get(name), taken.value)
    elif taken.verdict == "held":
        p.notice("held", taken.said or f"{leg.name}: this value of {name} means nothing yet", link, name)
    elif taken.verdict == "noted" and taken.said:
        p.notice("note", taken.said, link, name)
    elif taken.verdict == "drift":
        p.notice("drift", f"{name} was changed at {leg.name}; it is kept by us and not taken over", link, name)
    elif taken.verdict == "apart":
        apart(p, link, name, pair)
    elif taken.verdict == "echo" and pair.speaks:
        p.owe(link, name)
    if not pair.park:
        p.close_conflict(link, name, "corresponds")
        if taken.verdict in ("same", "echo", "taken") and not pair.owed and leg.mapping.fields[name].direction != "out":
            p.agrees(link, name)


def vanish(p: Planner, link: Link, state: str, into: str | None) -> None:
    """The record is gone, merged into another, or has left our scope: said, and a person decides."""
    if link.state == state:
        return
    leg = p.leg(link)
    link.state = state
    p.touch(link)
    text = {
        "gone": f"the record at {leg.name} is gone",
        "left": f"the record at {leg.name} was moved out of what we see there",
        "merged": f"the record at {leg.name} was merged into {into}",
    }[state]
    p.do("link_state", {"link": link_name(link), "state": state})
    p.notice(state, text, link)


def begin(p: Planner, fields: dict[str, Any], holder: str, channel: str, links: list[Link]) -> None:
    """A new ticket, from here on the one this plan is about."""
    fields["priority"] = priority(fields["impact"], fields["urgency"])
    ticket = Ticket(
        p.new_id(), 0, 0, fields, holder, links, channel, new=True, dirty=True, described="description" in fields
    )
    p.facts = replace(p.facts, ticket=ticket)
    p.plan.changes.update({name: [None, value] for name, value in fields.items()})
    p.do(
        "new_ticket", {"id": name_of(ticket.id), "fields": {k: token(v) for k, v in fields.items()}, "channel": channel}
    )
    p.do("hold", {"holder": holder, "reason": ""})


# --- comments, files, worklogs ---


def items(p: Planner, link: Link, seen: Observed) -> None:
    """Match what is shown with what is bound; what is new comes in with its channel's audience."""
    if link.in_flight and any(
        a.outcome is None and a.kind in ("comment", "attachment", "worklog") for a in link.attempts
    ):
        p.fetch(link, "an item of ours is under way there")
        return
    bound = {(b.kind, b.remote_id): b for b in link.bindings or () if b.remote_id is not None}
    for item in seen.items or ():
        binding = bound.get((item.kind, item.id)) or adopt(p, link, item)
        if binding is None:
            come_in(p, link, item)
        elif binding.hash_theirs and item.hash != binding.hash_theirs and item.kind == "comment":
            revise(p, link, item, binding)
        elif not binding.hash_theirs:
            if item.kind == "file" and item.size is not None and item.hash != binding.hash_ours:
                p.notice("altered", f"{p.leg(link).name} keeps our file as {item.name}, {item.size} bytes", link)
            binding.hash_theirs = item.hash
            bind(p, link, binding)


def adopt(p: Planner, link: Link, item: ItemSeen) -> Binding | None:
    """Ours, sent without learning its id: same author, same content, one for one (a multiset)."""
    leg = p.leg(link)
    if item.author is not None and leg.me and item.author not in leg.me:
        return None
    for binding in link.bindings or ():
        if binding.kind == item.kind and binding.remote_id is None and binding.hash_ours == item.hash:
            binding.remote_id, binding.hash_theirs = item.id, item.hash
            bind(p, link, binding)
            return binding
    return None


def bind(p: Planner, link: Link, binding: Binding) -> None:
    p.touch(link)
    p.do(
        "bind",
        {"link": link_name(link), "kind": binding.kind, "item": name_of(binding.item_id), "part": binding.part},
        {"remote_id": binding.remote_id, "hash_ours": binding.hash_ours, "hash_theirs": binding.hash_theirs},
    )


def absolute(audience: frozenset[str], provider: str) -> list[str]:
    """An audience relative to a link (``provider``, ``requester``) as the parties it means."""
    return sorted(
        {f"provider:{provider}" if party == "provider" else party for party in audience} | {f"provider:{provider}"}
    )


def come_in(p: Planner, link: Link, item: ItemSeen) -> None:
    """A comment, file or worklog of theirs becomes one of the ticket's, and goes on to whom its audience says."""
    leg = p.leg(link)
    if item.kind == "worklog":
        if item.author in leg.me:
            return
        if leg.mapping.worklogs not in ("in", "both"):
            return
        parties: list[str] = []
    else:
        audience = leg.mapping.audience_in(item.channel)
        if audience is None:
            return
        parties = absolute(audience, leg.provider)
    if item.kind == "file" and leg.mapping.attachments.direction not in ("in", "both"):
        return
    if link.role == "ended":  # heard, and passed on to nobody
        parties = absolute(frozenset(), leg.provider) if parties else []
    else:
        parting.worked(p, link)
    new = p.new_id()
    author = f"provider:{leg.provider}"
    p.touch(link)
    common = {"id": name_of(new), "author": author, "audience": parties, "link": link_name(link)}
    if item.kind == "comment":
        p.do(
            "comment",
            common,
            {
                "text": item.text,
                "format": item.format,
                "raw": item.raw,
                "author_name": item.author_name or item.author or "",
                "created": item.created,
            },
        )
    elif item.kind == "file":
        why = leg.mapping.attachments.refuses(item.size or 0, item.mime)
        remote = {
            "id": item.id,
            "channel": item.channel,
            "url": item.url,
            "name": item.name,
            "mime": item.mime,
            "size": item.size,
        }
        p.do(
            "file",
            common,
            {
                "name": item.name,
                "mime": item.mime,
                "size": item.size or 0,
                "author_name": item.author_name or item.author or "",
                "remote": remote,
                "created": item.created,
                **({"state": "refused"} if why else {}),
            },
        )
        if why:
            p.notice("unsupported", f"{leg.name}: {item.name} ({item.size} bytes) does not come in: {why}", link)
        else:
            p.deliver(link, "download", {"item": name_of(new)})
    else:
        p.do(
            "worklog",
            common,
            {
                "minutes": item.minutes or 0,
                "text": item.text,
                "author_name": item.author_name or item.author or "",
                "created": item.created,
            },
        )
    binding = Binding(item.kind, new, 0, item.id, item.hash, item.hash)
    if link.bindings is not None:
        link.bindings.append(binding)
    bind(p, link, binding)
    p.plan.changes.setdefault(f"{item.kind}s", [None, 0])[1] += 1
    if item.kind == "comment":
        pass_on(p, link, new, parties)


def pass_on(p: Planner, origin: Link | None, item: int, parties: list[str], kind: str = "comment") -> None:
    """Owe a comment or file to every other live link whose provider may read it; guests among them are told of it."""
    for link in p.ticket.links:
        if link is origin or not link.takes_part or f"provider:{p.leg(link).provider}" not in parties:
            continue
        if link.live and link.state == "live":
            p.deliver(link, kind, {"item": name_of(item), "audience": parties})
        p.tell(link)


def revise(p: Planner, link: Link, item: ItemSeen, binding: Binding) -> None:
    """They changed the wording of a comment. Ours, when they changed one of ours, is left as it is: text is never
    written back (ENGINE.md 4), but it is said."""
    leg = p.leg(link)
    binding.hash_theirs = item.hash
    bind(p, link, binding)
    if binding.hash_ours == item.hash:
        return
    if item.author is not None and item.author in leg.me:
        return  # our own text in the remote's normal form
    for other in p.ticket.links:
        p.tell(other)
    p.do(
        "revise",
        {"item": name_of(binding.item_id), "link": link_name(link)},
        {"text": item.text, "format": item.format, "raw": item.raw},
    )
    p.plan.changes.setdefault("comments", [None, 0])[1] += 1


# --- a record nobody knows here ---


def unknown_record(p: Planner, link: Link, seen: Observed) -> None:
    """A record without a ticket: import it as one, or leave it alone, as the connection says."""
    leg = p.leg(link)
    remember(link, seen)
    if link.role == "copy":
        p.plan.nothing = "the record is a copy of one of ours"
        if not link.pairs:  # said once
            link.pairs["title"] = Pair()
            p.notice("doubled", f"record {link.remote_id} at {leg.name} carries the reference of another: a copy", link)
        return
    if leg.intake != "import" or seen.state != "live":
        p.plan.nothing = f"{leg.name} does not import records that began there"
        return
    fields: dict[str, Any] = {
        "title": "(no title)",
        "kind": "incident",
        "status": "new",
        "impact": "medium",
        "urgency": "medium",
    }
    held: list[tuple[str, str]] = []
    for name, wire in leg.mapping.observe(seen.fields).items():
        rule = leg.mapping.fields[name]
        pair = link.pairs[name] = Pair(theirs=token(wire))
        if rule.direction == "out":
            continue
        got = meaning(p, link, name, wire, seen)
        if got.kind == "held":
            pair.park = "held"
            held.append((name, got.said))
        elif got.kind == "value" and got.value not in (None, "", []):
            fields[name] = got.value
        pair.ours = token(fields.get(name))
    begin(p, fields, f"provider:{leg.provider}", f"connection:{leg.name}", [link])
    link.role, link.ticket_id = "holder", p.ticket.id
    p.do("adopt", {"link": link_name(link), "ticket": name_of(p.ticket.id)})
    for name, said in held:
        p.notice("held", said or f"{leg.name}: this value of {name} means nothing yet", link, name)
    if seen.items is not None:
        items(p, link, seen)
