"""What becomes of a lane's step: receipts merged, doubts looked up, refusals said (ENGINE.md 1, 4, 5).

``settled`` plans one ended step. The lane's own row (when it is due again) follows from what is left; see ``outbox``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.decide import merge, parting
from gateway.decide.facts import LIVING, Attempt, Binding, Link, Observed, Settled
from gateway.decide.merge import Pair, token
from gateway.decide.observe import (
    absolute,
    bind,
    conclude,
    evidence,
    field,
    items,
    meaning,
    observed,
    remember,
    take,
    unknown_record,
    vanish,
)
from gateway.decide.plan import Planner, link_name, name_of


def settled(p: Planner, link: Link, end: Settled) -> None:
    """Plan the end of one step."""
    if (
        end.attempt is not None
        and end.step in ("create", "update", "comment", "attachment", "worklog")
        and end.outcome != "unauthorized"
    ):
        link.last_write_end = end.ended
        p.touch(link)
    handler = _OUTCOMES.get((end.step, end.outcome)) or _OUTCOMES.get(("*", end.outcome))
    if handler is None:
        raise ValueError(f"a step {end.step} cannot end in {end.outcome}")
    if "reached" in end.data:
        on_the_way(p, link, end)
    handler(p, link, end)


def on_the_way(p: Planner, link: Link, end: Settled) -> None:
    """Some steps of a way were made before it ended: theirs is where they led, and the way goes on from there."""
    wire, fields = end.data["reached"]
    pair = link.pairs.setdefault("status", Pair())
    pair.theirs, pair.owed = token(wire), 1
    link.seen.update(fields)
    link.observed = True
    p.touch(link)
    means = p.leg(link).mapping.read("status", wire, link.seen)
    link.leg_status = means.value if means.kind == "value" and means.value else link.leg_status


def deliveries(p: Planner, link: Link, end: Settled, state: str) -> None:
    """What becomes of the deliveries of this step: done | next (part) | again | dead | held | withdrawn."""
    if end.deliveries:
        p.do(
            "deliveries",
            {"link": link_name(link), "state": state, "step": end.step},
            {"ids": list(end.deliveries), "said": end.said},
        )
    if state == "done":
        went_through(p, link)


def went_through(p: Planner, link: Link) -> None:
    """The lane works, and nothing in it waits for a person any more: what was said of that is over."""
    if link.open_notices and not link.stuck:
        p.over(link, ("refused", "dead"))
        p.over(link, ("held",), "")
    p.over(link, ("unauthorized",))


def attempt(p: Planner, link: Link, end: Settled, outcome: str, id: int | None = None) -> None:
    """Close (or reclassify) an attempt; only its own entry leaves ``sent``."""
    which = id if id is not None else end.attempt
    if which is None:
        return
    p.do("attempt", {"link": link_name(link), "outcome": outcome}, {"id": which, "said": end.said, "ended": end.ended})
    for known in link.attempts:
        if known.id == which:
            known.outcome = outcome
    if outcome not in ("unknown", "ghost"):
        link.attempts = [a for a in link.attempts if a.id != which]
        for pair in link.pairs.values():
            if pair.sent:
                pair.sent = [s for s in pair.sent if s[0] != which]


# --- yes ---


def created(p: Planner, link: Link, end: Settled) -> None:
    """The record exists: pair what it holds with what we sent."""
    link.remote_id = end.remote_id
    p.do("linked", {"link": link_name(link)}, {"remote_id": end.remote_id})
    if p.plan.verb == "":
        p.plan.verb = "linked"
    if end.data.get("unkept"):
        leg, then = p.leg(link), "if an answer is lost, a person has to look whether a record was made"
        p.notice("ignored", f"{leg.name} made the record, but {end.data['unkept']}: {then}", link)
    receipts(p, link, end, first=True)
    attempt(p, link, end, "ok")
    deliveries(p, link, end, "done")


def updated(p: Planner, link: Link, end: Settled) -> None:
    """The remote said yes; what it made of each field is read back."""
    receipts(p, link, end, first=False)
    attempt(p, link, end, "ok")
    deliveries(p, link, end, "done")


def receipts(p: Planner, link: Link, end: Settled, first: bool) -> None:
    """Per field: as expected, ignored, altered, or their own change (ENGINE.md 1, read-back)."""
    leg = p.leg(link)
    seen = end.seen
    raw = leg.mapping.observe(seen.fields) if seen else {}
    holds = {name: token(wire) for name, wire in raw.items()}
    if seen is not None:
        remember(link, seen)
    if end.version:
        link.version = end.version
    for name, (ours, wire, *passed) in end.sent.items():
        pair = link.pairs.setdefault(name, Pair())
        now = p.ours(link, name)
        if holds.get(name, wire) in passed and holds[name] != pair.theirs:  # not there yet: the rest of the way is owed
            pair.theirs, pair.owed = holds[name], 1
            pair.sent = [s for s in pair.sent if s[0] != end.attempt]
        elif name not in holds or holds[name] == wire:
            merge.receipt(pair, end.attempt or 0, now, ours, holds.get(name, wire))
            pair.park = "" if pair.park == "ignored" else pair.park
            if not pair.owed:
                p.agrees(link, name)
            if name == "status" and pair.ours is not None:
                link.leg_status = pair.ours
        elif holds[name] == pair.theirs or (first and holds[name] is None):
            before = pair.theirs
            merge.receipt(pair, end.attempt or 0, now, ours, before)
            pair.park = "ignored" if now == ours else ""
            pair.owed = 1
            p.notice("ignored", in_words(f"{leg.name} said yes and left {name} as it was", end), link, name)
        elif seen is not None and end.read_back == "reply":
            merge.receipt(pair, end.attempt or 0, now, ours, holds[name])
            p.agrees(link, name, but="altered")
            p.notice("altered", in_words(f"{leg.name} made something else of {name}", end), link, name)
        else:
            pair.sent = [s for s in pair.sent if s[0] != end.attempt]
            _other(p, link, name, raw[name], seen)
        if pair.speaks:
            p.owe(link, name)
    for name, why in end.data.get("unsaid", {}).items():
        pair = link.pairs.setdefault(name, Pair())
        pair.ours, pair.owed = p.ours(link, name), 0
        if why:
            p.notice("unsaid", f"{name} does not go to {leg.name}: {why}", link, name)
    for text in end.data.get("comments", ()):
        speak(p, link, text)
    for file in end.data.get("files", ()):
        hand(p, link, file)
    if end.data.get("unread"):
        p.fetch(link, "what the write did could not be read back")
    if seen is None:
        return
    for name, value in raw.items():
        known = link.pairs.get(name)
        if name not in end.sent and (known is None or known.park or known.owed or holds[name] != known.theirs):
            _other(p, link, name, value, seen, first)
    if seen.state != "live":
        vanish(p, link, seen.state, seen.into)
    elif seen.items is not None:
        items(p, link, seen)
    parting.judge(p, link, seen)


def in_words(told: str, end: Settled) -> str:
    """What happened, with what the desk said about it."""
    return f"{told}: {end.said}" if end.said else told


def _other(p: Planner, link: Link, name: str, raw: Any, seen: Observed | None, first: bool = False) -> None:
    """A field the attempt did not speak for, as the answer shows it: an ordinary inbound value. On a create a field
    still owed (one that creation cannot set) keeps our value: theirs is only a default of the new record."""
    pair = link.pairs.setdefault(name, Pair())
    if first and pair.owed and p.leg(link).mapping.fields[name].direction != "in":
        assert seen is not None
        ours, pair.theirs = p.ours(link, name), token(raw)
        begins = meaning(p, link, name, raw, seen)
        if begins.kind == "value" and token(begins.value) == ours:
            pair.ours, pair.owed = ours, 0  # it began with what we would have written
    elif seen is not None:
        field(p, link, name, raw, seen)


def said(p: Planner, link: Link, end: Settled) -> None:
    """A comment, file or worklog arrived there: bind it, and owe again what its channel does besides."""
    assert end.item is not None
    kind, item, part, digest = end.item
    binding = Binding(kind, item, part, end.remote_id, digest, "")
    if link.bindings is not None:
        link.bindings.append(binding)
    bind(p, link, binding)
    if end.version:
        link.version = end.version
    if end.data.get("unread"):
        p.fetch(link, "what the comment did besides could not be read")
    before: Observed | None = end.data.get("before")
    if before is not None:
        take(p, link, before)
    if end.seen is not None:
        side_effects(p, link, end.seen, end.channel, before)
    attempt(p, link, end, "ok")
    deliveries(p, link, end, "next" if end.data.get("more") else "done")


def side_effects(p: Planner, link: Link, after: Observed, channel: str, before: Observed | None) -> None:
    """What our own comment did to fields (a public one reopens a ticket) is not their change: it is owed again. Seen
    by comparing the record just before with just after, or, after a lost answer, by who touched it last. Where neither
    tells, and we have said something newer meanwhile, ours stands."""
    leg = p.leg(link)
    was = leg.mapping.observe(before.fields) if before is not None else {}
    wires = leg.mapping.observe(after.fields)
    ours = before is not None or (link.leg_status not in LIVING and after.author in leg.me)
    for name in leg.side_effects.get(channel, ()):
        pair, wire = link.pairs.get(name), token(wires.get(name))
        known = token(was[name]) if name in was else (pair.theirs if pair is not None else None)
        if pair is None or name not in wires or wire == known or not (ours or pair.owed):
            continue
        if not ours:
            p.plan.lost[name] = wires[name]
        if name == "status" and link.role != "holder":  # theirs to say, and so it stays as our comment left it
            field(p, link, name, wires[name], after)
            continue
        pair.theirs, pair.owed = wire, 1
        p.owe(link, name)
    remember(link, after)


def downloaded(p: Planner, link: Link, end: Settled) -> None:
    """A file of theirs is in our store: from now on it can go on to others."""
    assert end.item is not None
    p.do("stored", {"item": name_of(end.item[1])}, dict(end.data))
    deliveries(p, link, end, "done")
    parties = list(end.data.get("audience", ()))
    for other in p.ticket.links:
        if other is not link and other.takes_part and f"provider:{p.leg(other).provider}" in parties:
            if other.live:
                p.deliver(other, "attachment", {"item": name_of(end.item[1]), "audience": parties})
            p.tell(other)


def told(p: Planner, link: Link, end: Settled) -> None:
    """A guest was told. What changed on the ticket since then may be news again: it is told once more."""
    went_through(p, link)
    if p.ticket.version == end.data["version"]:
        link.verify = 0
        p.do("told", {"link": link_name(link)})


def fetched(p: Planner, link: Link, end: Settled) -> None:
    """The lane fetched: whatever is unknown is compared with it, the rest is ordinary evidence."""
    assert end.seen is not None
    verdict = evidence(link, p.leg(link).order, end.seen)
    if verdict == "regressed":
        link.verify = 0
        observed(p, link, end.seen)
        return
    if verdict == "fetch":  # a write ended while we looked
        p.fetch(link, "a write ended meanwhile")
        return
    link.verify = 0
    p.touch(link)
    went_through(p, link)
    if p.facts.ticket is None:
        unknown_record(p, link, end.seen)
        return
    if link.role == "ended":
        for known in [a for a in link.attempts if a.outcome == "unknown" and a.kind in ("update", "create")]:
            looked_up(p, link, known, end)
    elif end.seen.state == "live":
        for open_attempt in [a for a in link.attempts if a.outcome == "unknown" and a.kind in ("update", "create")]:
            doubt(p, link, open_attempt, end)
    take(p, link, end.seen)


def doubt(p: Planner, link: Link, known: Attempt, end: Settled) -> None:
    """An update (or an adopted create) that had no answer, against the record as it is now."""
    assert end.seen is not None
    leg = p.leg(link)
    holds = leg.mapping.observe(end.seen.fields)
    for name, (ours, wire, *_) in known.vals.items():
        if name not in holds:
            continue
        pair = link.pairs.setdefault(name, Pair())
        rule = leg.mapping.fields[name]
        now = p.ours(link, name)
        seen, raw = end.seen, holds[name]
        held = token(raw)

        def read(name: str = name, raw: Any = raw, seen: Observed = seen) -> merge.Meaning:
            return meaning(p, link, name, raw, seen)

        if held not in (wire, pair.theirs) and seen.author is not None and seen.author in leg.me:
            # the last to touch the record was us: done by half, or altered, which the answer to the next try will tell
            pair.ours, pair.theirs, pair.owed = ours, held, 1
            taken = merge.Taken("same")
        elif known.kind == "create" and held in (None, "", []) and pair.theirs is None:
            # never seen there: more likely left out when it was made than emptied since
            pair.ours, pair.theirs, pair.owed, pair.park = ours, held, 1, "ignored" if now == ours else ""
            p.notice("ignored", f"{leg.name} made the record and left {name} out", link, name)
            taken = merge.Taken("same")
        elif known.kind == "create" and now != ours and pair.theirs is None:
            pair.ours, pair.theirs, pair.owed = ours, held, 1  # only our change is sure
            taken = merge.Taken("same")
        elif known.kind == "create":  # it exists, so it was made of what we sent: what differs was changed since
            pair.ours, pair.theirs, pair.owed = ours, wire, int(now != ours)
            taken = merge.inbound(pair, now, held, read, rule.policy, rule.direction)
        else:
            taken = merge.unknown(pair, now, ours, wire, held, read, rule.policy, rule.direction)
        if name == "status":
            read()  # what it means is the leg's status, whatever becomes of ours
        if taken.verdict == "echo":
            pair.park = "" if pair.park == "ignored" else pair.park
        conclude(p, link, name, pair, taken)
        if pair.speaks:
            p.owe(link, name)
    looked_up(p, link, known, end)


def looked_up(p: Planner, link: Link, known: Attempt, end: Settled) -> None:
    """The record shows what became of an attempt without an answer: a record is made once, a write may still land."""
    attempt(p, link, end, "ok" if known.kind == "create" else "ghost", known.id)
    p.do(
        "deliveries",
        {"link": link_name(link), "state": "done", "step": known.kind},
        {"ids": known.delivery_ids, "said": "looked up"},
    )


def found(p: Planner, link: Link, end: Settled) -> None:
    """A create without an answer has landed: adopt the record, then fetch it."""
    assert end.remote_id is not None
    link.remote_id = end.remote_id
    p.do("linked", {"link": link_name(link)}, {"remote_id": end.remote_id})
    p.fetch(link, "adopted after a lost answer")


def absent(p: Planner, link: Link, end: Settled) -> None:
    """What was looked for is not there: the attempt stays a ghost, the delivery is tried again. A create that lands
    after all makes a record of its own, so it says nothing about the one made next. A link that has ended meanwhile
    ends without a record."""
    if link.role == "ended" and link.remote_id is None:
        p.do("withdraw", {"link": link_name(link)})
    for known in [a for a in link.attempts if a.outcome == "unknown"]:
        attempt(p, link, end, "retry" if known.kind == "create" else "ghost", known.id)
        p.do(
            "deliveries",
            {"link": link_name(link), "state": "again", "step": known.kind},
            {"ids": known.delivery_ids, "said": end.said},
        )


def several(p: Planner, link: Link, end: Settled) -> None:
    """Two records carry our reference: a person says which is ours."""
    p.touch(link)
    p.notice("doubled", end.said, link)
    p.do("hold_lane", {"link": link_name(link), "why": end.said})


def adopted(p: Planner, link: Link, end: Settled) -> None:
    """An item without an answer was found at the remote: bind it, and go on as if it had been answered."""
    for known in [a for a in link.attempts if a.outcome == "unknown"]:
        said(p, link, replace(end, attempt=known.id, deliveries=tuple(known.delivery_ids)))


# --- no, later, and I do not know ---


def unsure(p: Planner, link: Link, end: Settled) -> None:
    """Sent, no answer: look before anything is repeated."""
    attempt(p, link, end, "unknown")
    if end.step == "worklog":
        held(p, link, end)
    elif link.remote_id is not None:
        p.fetch(link, "an answer was lost")


def held(p: Planner, link: Link, end: Settled) -> None:
    """A worklog without an answer: it is never repeated, and a person says whether it is there."""
    for known in [a for a in link.attempts if a.outcome == "unknown" and a.kind == "worklog"]:
        attempt(p, link, end, "ghost", known.id)
        p.do(
            "deliveries",
            {"link": link_name(link), "state": "held", "step": "worklog"},
            {"ids": known.delivery_ids, "said": end.said},
        )
    p.notice("held", f"{p.leg(link).name} did not answer whether it took the worklog: {end.said}", link)


def again(p: Planner, link: Link, end: Settled) -> None:
    attempt(p, link, end, "retry")
    deliveries(p, link, end, "again")


def exhausted(p: Planner, link: Link, end: Settled) -> None:
    """The retry schedule is over: a dead letter. Its fields park until either side changes or it is replayed."""
    attempt(p, link, end, "retry")
    park(link, end)
    dead(p, link, end)
    p.notice("dead", f"{p.leg(link).name} could not be reached for {end.step}: {end.said}", link)


def park(link: Link, end: Settled) -> None:
    for name in end.sent:
        pair = link.pairs.get(name)
        if pair is not None:
            pair.park = "ignored"


def refused(p: Planner, link: Link, end: Settled) -> None:
    """A business no, in the vendor's own words. The fields park until either side changes; the lane goes on, except
    behind a create, and where nobody may look whether a write has landed."""
    attempt(p, link, end, "refused")
    park(link, end)
    if end.step in ("fetch", "look_up", "tell"):
        link.verify = 0
        p.touch(link)
    dead(p, link, end)
    if end.step in ("fetch", "look_up") and any(a.outcome == "unknown" for a in link.attempts):
        p.do("hold_lane", {"link": link_name(link), "why": end.said})
    field = next(iter(end.sent)) if len(end.sent) == 1 else ""
    p.notice("refused", f"{p.leg(link).name} refused the {end.step}: {end.said}", link, field)


def dead(p: Planner, link: Link, end: Settled) -> None:
    deliveries(p, link, end, "dead")
    p.touch(link)
    if end.step == "create":
        p.do("hold_lane", {"link": link_name(link), "why": end.said})


def stale(p: Planner, link: Link, end: Settled) -> None:
    """The remote moved on: fetch, merge, recompute."""
    attempt(p, link, end, "stale")
    deliveries(p, link, end, "again")
    p.fetch(link, "the remote moved on")


def unauthorized(p: Planner, link: Link, end: Settled) -> None:
    """Nothing is burnt: the whole connection waits for credentials."""
    attempt(p, link, end, "unauthorized")
    leg = p.leg(link)
    p.do("connection", {"id": str(link.connection_id), "state": "unauthorized", "reason": end.said})
    p.notice("unauthorized", f"{leg.name} does not accept our credentials: {end.said}", link)


def gone(p: Planner, link: Link, end: Settled) -> None:
    """Not there, and others still are: everything owed becomes a dead letter that says so."""
    attempt(p, link, end, "gone")
    link.verify = 0
    if p.facts.ticket is not None:
        vanish(p, link, "gone", None)
    else:
        link.state = "gone"
        p.touch(link)
    deliveries(p, link, end, "dead")
    p.do("bury", {"link": link_name(link)}, {"said": end.said})


def unsupported(p: Planner, link: Link, end: Settled) -> None:
    """The desk cannot do this: what its manifest promises instead, a note with the essentials."""
    attempt(p, link, end, "unsupported")
    if end.step in ("attachment", "worklog") and end.data.get("instead"):
        speak(p, link, end.data["instead"], list(end.data.get("audience", ())))
        deliveries(p, link, end, "done")
    else:
        deliveries(p, link, end, "dead")
    p.notice("unsupported", end.said, link)


def speak(p: Planner, link: Link, text: str, parties: list[str] | None = None) -> None:
    """Tandem itself says something to a provider, as a comment of its own."""
    new, parties = p.new_id(), parties or absolute(frozenset(), p.leg(link).provider)
    p.do(
        "comment",
        {"id": name_of(new), "author": "tandem", "audience": parties, "link": None},
        {"text": text, "format": "plain", "raw": "", "author_name": "Tandem", "created": None},
    )
    p.deliver(link, "comment", {"item": name_of(new), "audience": parties})


def hand(p: Planner, link: Link, file: dict[str, Any]) -> None:
    """Tandem itself gives a provider a file: the whole of a text that had to be cut."""
    new, parties = p.new_id(), absolute(frozenset(), p.leg(link).provider)
    about = {"id": name_of(new), "author": "tandem", "audience": parties, "link": None, "comment": None}
    p.do("file", about, {**file, "author_name": "Tandem", "created": None})
    p.deliver(link, "attachment", {"item": name_of(new), "audience": parties})


def withheld(p: Planner, link: Link, end: Settled) -> None:
    """Nothing was sent and nothing will be: policy, mapping or audience does not let it through."""
    attempt(p, link, end, "withheld")
    deliveries(p, link, end, "withdrawn")
    if end.said:
        p.notice("withheld", end.said, link)


_OUTCOMES: dict[tuple[str, str], Callable[[Planner, Link, Settled], None]] = {
    ("create", "ok"): created,
    ("update", "ok"): updated,
    ("comment", "ok"): said,
    ("attachment", "ok"): said,
    ("worklog", "ok"): said,
    ("download", "ok"): downloaded,
    ("fetch", "ok"): fetched,
    ("look_up", "found"): found,
    ("look_up", "absent"): absent,
    ("look_up", "several"): several,
    ("look_up", "adopted"): adopted,
    ("look_up", "held"): held,
    ("look_up", "ok"): fetched,
    ("tell", "ok"): told,
    ("*", "unknown"): unsure,
    ("*", "retry"): again,
    ("*", "exhausted"): exhausted,
    ("*", "refused"): refused,
    ("*", "stale"): stale,
    ("*", "unauthorized"): unauthorized,
    ("*", "gone"): gone,
    ("*", "unsupported"): unsupported,
    ("*", "withheld"): withheld,
}
