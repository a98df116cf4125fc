"""One step of a lane carried out at the remote: the connector is called once, and what came of it is named.

Runs in a sender thread, outside every transaction; the attempt row was committed before. Nothing here touches the
database. Errors end in an outcome; an error nobody foresaw counts as ``unknown`` for a write, ``retry`` for a read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from connectors import errors
from connectors.base import Context, File, Item, Receipt, Record, Telling
from gateway.decide.facts import LIVING, Observed, Settled
from gateway.evidence import observed
from gateway.outbox.steps import ITEMS, Step
from gateway.providers.desks import Desk
from gateway.store.files import TooLarge
from gateway.tickets.normal import digest, file_digest
from mappings.text import parts, picture, wire

SKEW = 300_000_000  # microseconds by which a remote's clock may lag: what it made "before" our attempt may be ours
MOST_PEOPLE = 20  # looked up after one fetch
NOT_BEFORE = 60.0  # seconds after which an unanswered write that is not to be seen is repeated at the latest

LOG = logging.getLogger("tandem.outbox")
WRITES = ("create", "update", "comment", "attachment", "worklog")


@dataclass(frozen=True)
class Tools:
    """What a step may use. ``now``: the database's time in UTC microseconds. ``public``: an id as others know it.
    ``files`` keeps and gives bytes by key."""

    now: Callable[[], int]
    utc: Callable[[int], datetime]
    context: Callable[[Desk], Context]
    reference: Callable[[int], str]
    public: Callable[[int], str]
    open_file: Callable[[str], Any]
    keep_file: Callable[[Any], dict[str, Any]]
    log: Any


def perform(step: Step, desk: Desk, tools: Tools) -> Settled:
    """Carry out a step. Never raises."""
    began = tools.now()
    try:
        end = _STEPS[step.kind](step, desk, tools, began)
    except errors.Outcome as outcome:
        end = _failed(step, desk, tools, outcome, began)
    except Exception as error:
        tools.log.exception("step failed unexpectedly", extra={"step": step.kind, "link": step.link.id})
        kind = errors.Unknown if step.kind in WRITES else errors.Retry
        end = _failed(step, desk, tools, kind(f"{type(error).__name__}: {error}"), began)
    return end


def _end(step: Step, tools: Tools, began: int, outcome: str, **more: Any) -> Settled:
    return Settled(
        step.link.id, step.kind, outcome, step.attempt, tuple(d.id for d in step.deliveries), step.sent, began,
        tools.now(), tries=step.tries, **more,
    )  # fmt: skip


def _failed(step: Step, desk: Desk, tools: Tools, error: errors.Outcome, began: int) -> Settled:
    outcome = _NAMES[type(error)]
    if outcome == "gone" and step.kind == "download":  # one file says nothing about its record
        outcome = "refused"
    if outcome == "gone":
        outcome, error = _really_gone(desk, tools, error)
    if outcome == "unknown" and step.kind not in WRITES:
        outcome = "retry"
    data: dict[str, Any] = {}
    if outcome == "unsupported":
        instead = step.item.get("instead", "")
        instead += f": {error.said}" if instead and step.kind == "attachment" else ""
        data = {"instead": instead, "audience": step.item.get("audience", [])}
    if step.passed and outcome != "unknown":
        last = step.passed - 1
        data["reached"] = (step.passing[last], step.hops[last])
    return _end(step, tools, began, outcome, said=error.said, after=error.after, data=data)


def _really_gone(desk: Desk, tools: Tools, error: errors.Outcome) -> tuple[str, errors.Outcome]:
    """A 404 is believed only when our credentials still see the desk (ENGINE.md 3)."""
    try:
        desk.connector.check(tools.context(desk))
    except errors.Outcome as other:
        return _NAMES[type(other)] if not isinstance(other, errors.Gone) else "unauthorized", other
    return "gone", error


_NAMES: dict[type[errors.Outcome], str] = {
    errors.Retry: "retry",
    errors.Unknown: "unknown",
    errors.Refused: "refused",
    errors.Stale: "stale",
    errors.Unauthorized: "unauthorized",
    errors.Gone: "gone",
    errors.Unsupported: "unsupported",
}


# --- writes ---


def _create(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    ctx = tools.context(desk)
    fields = _people(step, desk, ctx)
    receipt = desk.connector.create(ctx, fields, tools.reference(step.link.id), str(step.deliveries[0].id))
    return _written(step, desk, tools, began, receipt, receipt.id or "")


def _update(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    if not step.fields:
        return _end(step, tools, began, "ok", data=_besides(step, desk, tools))
    ctx = tools.context(desk)
    fields = _people(step, desk, ctx)
    id, version = step.link.remote_id, step.link.version or None
    assert id is not None
    for hop in step.hops:
        known = {name: fields.get(name) if isinstance(value, dict) else value for name, value in hop.items()}
        version = _set(step, desk, ctx, id, known, version).version
        step.passed += 1
    return _written(step, desk, tools, began, _set(step, desk, ctx, id, fields, version), id)


def _set(step: Step, desk: Desk, ctx: Context, id: str, fields: dict[str, Any], version: str | None) -> Receipt:
    """One write. What it was based on may have moved before the first of them; later, the way is sought anew."""
    try:
        return desk.connector.update(ctx, id, fields, version)
    except errors.Stale:
        if step.passed:
            raise
        return desk.connector.update(ctx, id, fields, _moved_elsewhere(step, desk, ctx, id))


def _moved_elsewhere(step: Step, desk: Desk, ctx: Context, id: str) -> str:
    """The record's version now, if what we are about to write there still stands as we know it: a comment, ours or
    theirs, or another field moved the version. Raises ``Stale`` where it does not."""
    seen = _seen(desk, desk.connector.fetch(ctx, id, False), "reply", False, None)
    known = step.link.seen
    if not seen.version or seen.state != "live" or any(seen.fields.get(n) != known.get(n) for n in step.fields):
        raise errors.Stale("the remote moved on")
    return seen.version


def _written(step: Step, desk: Desk, tools: Tools, began: int, receipt: Receipt, id: str) -> Settled:
    """A yes, and what the remote made of it: from the reply itself, or fetched."""
    if receipt.later:
        for name, rule in step.leg.mapping.fields.items():
            if set(rule.remote) & set(receipt.later):
                step.sent.pop(name, None)  # a create could not carry it: it is still owed
    data = _besides(step, desk, tools)
    seen: Observed | None = None
    ctx = tools.context(desk)
    try:
        record = receipt.record
        if record is None and receipt.read_back == "fetch":
            record = desk.connector.fetch(ctx, id, False)
        if record is not None:
            data["people"] = _who(desk, ctx, record, began)
            seen = _seen(desk, record, "reply", False, None)
            if step.kind == "create" and not _kept(step, desk, tools, record):
                data["unkept"] = desk.unkept
    except errors.Outcome as error:
        data["unread"] = error.said
    version = receipt.version or (seen.version if seen is not None else None)
    return _end(
        step, tools, began, "ok", remote_id=id, version=version, seen=seen, read_back=receipt.read_back,
        said=" ".join(receipt.said)[:500], data=data,
    )  # fmt: skip


def _besides(step: Step, desk: Desk, tools: Tools) -> dict[str, Any]:
    """What a write leaves to be said: fields that are not conveyed, and all of what had to be cut, as comments or,
    where the desk takes one that the provider alone reads, as files (stored with us first)."""
    comments, files = list(step.comments), []
    for name, text in step.files:
        data = text.encode("utf-8", "replace")
        if _takes(step, desk, len(data)):
            files.append({"name": name, "mime": "text/plain", **tools.keep_file([data])})
        else:
            comments.append(f"{name}\n\n{text}")
    return {"unsaid": step.unsaid, "comments": comments, "files": files}


def _takes(step: Step, desk: Desk, size: int) -> bool:
    """Whether a text file for the provider alone gets there."""
    alone, share = frozenset({"provider"}), step.leg.share
    channel = step.leg.mapping.channel_out(alone)
    return (
        not _stays(step, desk, size, "text/plain", alone)
        and share is not None
        and share.allows_audience(alone)
        and channel is not None
        and "attach" in desk.connector.verbs
        and bool(desk.connector.channels[channel].attach)
    )


def _kept(step: Step, desk: Desk, tools: Tools, record: Record) -> bool:
    """Whether a new record carries our reference; where it does not, what had no answer is not looked for in vain."""
    field = desk.connector.reference
    kept = not field or record.fields.get(field) == tools.reference(step.link.id)
    desk.unkept = "" if kept else f"our reference was not kept in {field}"
    return kept


def _people(step: Step, desk: Desk, ctx: Context) -> dict[str, Any]:
    """The fields with people as the remote writes them: by e-mail, or by the id it has for that e-mail."""
    fields = dict(step.fields)
    declared = desk.connector.manifest.get("fields", {})
    for name, value in step.fields.items():
        if not isinstance(value, dict):
            continue
        if value.get("id"):
            fields[name] = value["id"]
        elif declared.get(name, {}).get("wire") == "email":
            fields[name] = value.get("email")
        else:
            found = desk.connector.person(ctx, email=value.get("email")) if value.get("email") else None
            if found is None:
                del fields[name]
                for canonical, rule in step.leg.mapping.fields.items():
                    if name in rule.remote and step.sent.pop(canonical, None) is not None:
                        step.unsaid[canonical] = f"{value.get('email') or value.get('name')} is not known there"
            else:
                fields[name] = found.id
    return fields


def _comment(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    channel, parties = _channel(step)
    if channel is None:
        return _end(step, tools, began, "withheld", said="")
    head = step.deliveries[0]
    if head.part >= len(step.item.get("parts") or "x"):
        return _end(step, tools, began, "withheld", said="")  # it was made shorter meanwhile
    text = part_of(step, desk.connector.text_format)
    assert step.link.remote_id is not None
    before = _around(step, desk, tools, channel)
    receipt = desk.connector.comment(
        tools.context(desk), step.link.remote_id, channel, text, _reaches(parties), step.item.get("replaces")
    )
    return _said(step, desk, tools, began, receipt, channel, before)


def _around(step: Step, desk: Desk, tools: Tools, channel: str) -> Observed | None:
    """The record just before a comment that may change it besides (a public one reopens what waits or is over)."""
    if step.link.remote_id is None or not step.leg.side_effects.get(channel) or step.link.leg_status in LIVING:
        return None
    ctx = tools.context(desk)
    record = desk.connector.fetch(ctx, step.link.remote_id, False)
    _who(desk, ctx, record, tools.now())
    return _seen(desk, record, "reply", False, None)


def words(item: dict[str, Any]) -> str:
    """A comment's text as a provider reads it: the integration user is its author there, so the text names ours."""
    return f"{item['author_name']} wrote:\n\n{item['text']}" if item["author_name"] else str(item["text"])


def parts_of(item: dict[str, Any], form: str, most: int) -> list[str]:
    """A comment that is longer than the desk takes, in parts that are not; none where it fits."""
    if len(wire(words(item), item["format"], form)) <= most:
        return []
    head = f"{item['author_name']} wrote ({{}} of {{}}):" if item["author_name"] else ""
    return parts(item["text"], item["format"], form, most, head)


def part_of(step: Step, form: str) -> str:
    """What this step says, in the desk's format: the whole comment, or its turn of the parts."""
    if step.item.get("parts"):
        return str(step.item["parts"][step.deliveries[0].part])
    return wire(words(step.item), step.item["format"], form)


def more(step: Step) -> bool:
    """Whether parts of this comment are left when this one is there."""
    return step.deliveries[0].part + 1 < len(step.item.get("parts") or ())


def sent_digest(step: Step, form: str) -> str:
    """The hash by which what this step sends is recognised at the remote, whose texts are in ``form``."""
    if step.kind == "attachment":
        return file_digest(step.item["name"], step.item["size"])
    if step.kind == "worklog":
        return digest(step.item["text"])
    if step.item.get("parts"):
        part = step.item["parts"][min(step.deliveries[0].part, len(step.item["parts"]) - 1)]
        return digest(wire(json.loads(part) if form == "adf" else part, form, "plain"))
    return digest(wire(words(step.item), step.item["format"], "plain"))


def _attachment(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    channel, parties = _channel(step)
    if channel is None:
        return _end(step, tools, began, "withheld", said="")
    item = step.item
    item["instead"] = f"A file stays with us: {item['name']} ({item['size']} bytes)"
    why = _stays(step, desk, item["size"], item["mime"], parties)
    if why:
        raise errors.Unsupported(why)
    if "attach" not in desk.connector.verbs or not desk.connector.channels[channel].attach:
        raise errors.Unsupported(desk.connector.cannot.get("attach", f"{step.leg.name} takes no files"))
    key = item["key"]
    file = File(item["name"], item["mime"], item["size"], item["sha256"], lambda: tools.open_file(key))
    assert step.link.remote_id is not None
    before = _around(step, desk, tools, channel)
    receipt = desk.connector.attach(tools.context(desk), step.link.remote_id, channel, file, _reaches(parties))
    return _said(step, desk, tools, began, receipt, channel, before)


def _stays(step: Step, desk: Desk, size: int, mime: str, parties: frozenset[str]) -> str:
    """Why a file does not go there, "" if it does: the least of mapping, share policy and desk; a file on a record goes
    where all who read the record may read it."""
    rules, share, name = step.leg.mapping.attachments, step.leg.share, step.leg.name
    if rules.direction not in ("out", "both"):
        return f"no files go to {name}"
    if why := rules.refuses(size, mime, desk.connector.manifest.get("attachments", {}).get("max")):
        return f"{why} at {name}"
    if why := share.refuses_file(size, mime) if share is not None else "no files are shared":
        return f"{why} with {step.leg.provider}"
    if rules.reaches is not None and not rules.reaches <= parties:
        return f"there it would be seen by the {' and the '.join(sorted(rules.reaches - parties))} too"
    return ""


def _worklog(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    item = step.item
    item["instead"] = f"{item['author_name']}: {item['minutes']} min. {item['text']}"
    if step.leg.share is None or not step.leg.share.worklogs:
        return _end(step, tools, began, "withheld", said="")
    if "worklog" not in desk.connector.verbs:
        raise errors.Unsupported(desk.connector.cannot.get("worklog", f"{step.leg.name} keeps no worklogs"))
    assert step.link.remote_id is not None
    started = tools.utc(item["started_at"])
    receipt = desk.connector.worklog(tools.context(desk), step.link.remote_id, item["minutes"], item["text"], started)
    return _said(step, desk, tools, began, receipt, "", None)


def _said(
    step: Step, desk: Desk, tools: Tools, began: int, receipt: Receipt, channel: str, before: Observed | None
) -> Settled:
    head = step.deliveries[0]
    bound = (ITEMS[step.kind], head.item_id or 0, head.part, sent_digest(step, desk.connector.text_format))
    data: dict[str, Any] = {"more": more(step)}
    after: Observed | None = None
    if before is not None:
        data["before"] = before
        try:
            after = _around(step, desk, tools, channel)
        except errors.Outcome as error:
            data["unread"] = error.said
    return _end(
        step, tools, began, "ok", remote_id=receipt.id, version=receipt.version, item=bound, channel=channel,
        seen=after, said=" ".join(receipt.said)[:500], data=data,
    )  # fmt: skip


def _channel(step: Step) -> tuple[str | None, frozenset[str]]:
    """The channel for exactly this link's part of the audience; none when its provider is not in it."""
    parties = frozenset(step.item["audience"])
    mine = f"provider:{step.leg.provider}"
    if mine not in parties:
        return None, frozenset()
    relative = frozenset({"provider"} | ({"requester"} & parties))
    if step.leg.share is None or not step.leg.share.allows_audience(relative):
        return None, frozenset()
    return step.leg.mapping.channel_out(relative), relative


def _reaches(relative: frozenset[str]) -> list[str]:
    return sorted("staff" if party == "provider" else party for party in relative)


# --- reads ---


def _fetch(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    assert step.link.remote_id is not None
    ctx = tools.context(desk)
    record = desk.connector.fetch(ctx, step.link.remote_id, True)
    people = _who(desk, ctx, record, began)
    seen = _seen(desk, record, "fetch", True, began)
    return _end(
        step, tools, began, "ok", remote_id=record.id, version=record.version, seen=seen, data={"people": people}
    )


def _who(desk: Desk, ctx: Context, record: Record, now: int) -> dict[str, dict[str, str]]:
    """People the record names and nobody here has heard of (today), looked up."""
    if "id" not in desk.connector.people:
        return {}
    named = [record.fields.get(name) for name in desk.person_fields]
    named += [item.author for item in (*record.comments, *record.files, *record.worklogs)]
    learned: dict[str, dict[str, str]] = {}
    for id in dict.fromkeys(n for n in named if isinstance(n, str) and n and desk.person(n, now) is None):
        if len(learned) == MOST_PEOPLE:
            break
        try:
            found = desk.connector.person(ctx, id=id)
        except (errors.Refused, errors.Unsupported) as error:  # we may not know: the record is no worse for it
            ctx.log.warning("%s does not tell who %s is: %s", desk.row.name, id, error.said)
            found = None
        told = {} if found is None else {"email": found.email, "login": found.login, "name": found.name}
        learned[id] = {"id": id, **{k: v for k, v in told.items() if v}}
        desk.people[id] = (learned[id], now)
    return learned


def _seen(desk: Desk, record: Record, source: str, items: bool, began: int | None) -> Observed:
    return observed(desk.row.id, record, source, desk.people, desk.person_fields, items=items, read_began=began)


def _look_up(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    """Did what had no answer land? Absence counts only when it would surely be seen by now."""
    doubt = step.doubt
    assert doubt is not None
    if doubt.kind == "worklog":  # time is money: a person says whether it is there
        return _end(step, tools, began, "held", said="no answer came to it")
    return _find(step, desk, tools, began) if doubt.kind == "create" else _search(step, desk, tools, began)


def _not_before(step: Step, desk: Desk) -> int:
    assert step.doubt is not None
    seconds = desk.connector.visible_after + min(desk.connector.apply_horizon, NOT_BEFORE)
    return step.doubt.started_at + int(seconds * 1_000_000)


def _find(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    assert step.doubt is not None
    if "find" not in desk.connector.verbs:
        return _end(
            step,
            tools,
            began,
            "several",
            said=desk.connector.cannot.get("find", "this desk cannot be searched for our reference"),
        )
    hits = desk.connector.find(tools.context(desk), tools.reference(step.link.id))
    earliest = tools.utc(step.doubt.started_at - SKEW)
    ours = [hit for hit in hits if hit.created is None or hit.created >= earliest]
    if len(ours) == 1:
        return _end(step, tools, began, "found", remote_id=ours[0].id)
    if ours:
        ids = ", ".join(hit.id for hit in ours)
        return _end(step, tools, began, "several", said=f"records {ids} carry the reference of this link")
    if desk.unkept:
        return _end(step, tools, began, "several", said=f"a record may have been made: {desk.unkept}; look there")
    return _missing(step, desk, tools, began, True)


def _search(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    """An item is searched among the record's: ours by author, same by hash, and not bound to another."""
    doubt = step.doubt
    assert doubt is not None and step.link.remote_id is not None
    hashed, kind, item, part, channel, *left = doubt.vals["#"]
    record = desk.connector.fetch(tools.context(desk), step.link.remote_id, True)
    seen = _seen(desk, record, "fetch", True, began)
    bound = {b.remote_id for b in step.link.bindings or () if b.kind == kind}
    for shown in seen.items or ():
        mine = shown.author is None or not step.leg.me or shown.author in step.leg.me
        late = shown.created is None or shown.created >= doubt.started_at - SKEW
        if shown.kind == kind and shown.hash == hashed and shown.id not in bound and mine and late:
            return _end(
                step,
                tools,
                began,
                "adopted",
                remote_id=shown.id,
                version=record.version,
                item=(kind, item, part, hashed),
                channel=channel,
                seen=seen,
                data={"more": bool(left)},
            )
    return _missing(step, desk, tools, began, record.complete)


def _missing(step: Step, desk: Desk, tools: Tools, began: int, sure: bool) -> Settled:
    assert step.doubt is not None
    wait = (_not_before(step, desk) - began) / 1_000_000
    if began - step.doubt.started_at < desk.connector.repeatable(step.doubt.kind) * 1_000_000:
        wait = 0.0  # the same key makes a repetition harmless
    if not sure:
        raise errors.Retry("the desk did not show everything")
    if wait > 0:
        return _end(step, tools, began, "wait", after=wait)
    return _end(step, tools, began, "absent", said="it is not there")


def _download(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    remote = step.item["remote"]
    item = Item(
        remote["id"], step.link.remote_id or "", None, None, remote["channel"], name=remote["name"],
        mime=remote["mime"], size=remote["size"], url=remote["url"],
    )  # fmt: skip
    inside = picture(remote["url"] or "")  # it stood in a text, and is here already
    try:
        kept = tools.keep_file([inside.data] if inside is not None else desk.connector.file(tools.context(desk), item))
    except TooLarge as error:
        raise errors.Refused(str(error)) from error
    head = step.deliveries[0]
    data = {**kept, "audience": step.item["audience"]}
    return _end(step, tools, began, "ok", item=("file", head.item_id or 0, 0, ""), data=data)


def _tell(step: Step, desk: Desk, tools: Tools, began: int) -> Settled:
    """A guest hears which ticket has news. The same news again has the same key, and stops at its door."""
    assert step.link.ticket_id is not None
    ticket, version = tools.public(step.link.ticket_id), step.item["version"]
    cast(Telling, desk.connector).tell(tools.context(desk), ticket, f"{ticket}.{version}")
    return _end(step, tools, began, "ok", data={"version": version})


_STEPS: dict[str, Callable[[Step, Desk, Tools, int], Settled]] = {
    "create": _create,
    "update": _update,
    "comment": _comment,
    "attachment": _attachment,
    "worklog": _worklog,
    "fetch": _fetch,
    "look_up": _look_up,
    "download": _download,
    "tell": _tell,
}
