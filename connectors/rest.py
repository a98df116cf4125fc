"""The engine: one configured desk, run by its manifest. Every verb of ``base.Connector`` is here, in the order of use.

A connector holds no state but what the desk gave it (found values, a token, the pace) and does no network until a verb
is called; one object serves many threads. A hook replaces one step; outcomes, limits and the audience check stay here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, cast

from connectors import items, outcomes, pages, paths, signing, webhooks
from connectors.base import (
    Arrival,
    Catalogue,
    Change,
    Context,
    Event,
    File,
    Found,
    Hit,
    Item,
    Json,
    Page,
    Person,
    Receipt,
    Record,
    Value,
    Verified,
)
from connectors.base import Reply as Answer
from connectors.calls import Ask, Desk, Reply, call
from connectors.catalogue import build_catalogue
from connectors.errors import Gone, Refused, Retry, Unauthorized, Unknown, Unsupported
from connectors.feeds import Feed
from connectors.items import Items
from connectors.manifest import Manifest
from connectors.pace import Pace
from connectors.pages import Position
from connectors.paths import ABSENT, plain
from connectors.prepare import Places, base_of
from connectors.records import Records
from connectors.session import Broken, TooLarge
from connectors.signin import Renewal, SignIn
from connectors.templates import Missing, Names, leaves, parse
from connectors.traits import Traits

MAX_FILE = 25 * 1024 * 1024


class Rest(Traits):
    """A desk spoken to by ``manifest``. ``settings``, ``secrets`` and ``found`` are values by plain name."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        found: Mapping[str, str],
        auth: Mapping[str, Any],
        verify: Mapping[str, Any],
        renewal: Renewal | None = None,
        lists: Mapping[str, Json] | None = None,
    ) -> None:
        plain_names = {f"settings.{name}": value for name, value in settings.items()}
        super().__init__(manifest, plain_names)
        self._hooks: Any = manifest.hooks(self) if manifest.hooks else None
        self._verify = verify
        self._webhook_secrets = dict(secrets)
        self._secrets = {f"secret.{name}": value for name, value in secrets.items()}
        self._found = {f"found.{name}": value for name, value in found.items()}
        self._where: tuple[Any, Places] = (None, Places(""))
        self._records = Records(manifest, plain_names, lists)
        self._pace = Pace(manifest.part("limits"))
        self._desk = Desk(
            places=self._places,
            names=self._names,
            headers=manifest.part("headers"),
            signin=SignIn(auth, self._secrets, renewal),
            errors=manifest.part("errors"),
            pace=self._pace,
            unwrap=getattr(self._hooks, "unwrap", None),
        )
        self._items = Items(
            manifest.part("items"),
            {name: channel.reaches for name, channel in self.channels.items()},
            self._records.times,
            self.text_format,
        )

    # -- what every verb uses

    def ask(self, ctx: Context, spec: Mapping[str, Any], names: Names) -> Reply:
        """One read as the engine makes it: for hooks. ``spec`` is a call as in a manifest. Raises an ``Outcome``."""
        return self._call(ctx, Ask(spec, "fetch", names))

    def _names(self) -> dict[str, Any]:
        return {**self._settings, **self._found, **self._secrets}

    def _places(self) -> Places:
        found, places = self._where
        if found is not self._found:
            found = self._found
            places = _places(self._manifest, self._names())
            self._where = (found, places)
        return places

    def _call(self, ctx: Context, ask: Ask) -> Reply:
        """One call; where the desk's address itself was found, a refusal may mean that it moved: look again, once."""
        try:
            return call(self._desk, ctx, ask)
        except (Gone, Unauthorized):
            if "{found." not in self._manifest.doc["base"] or ask.verb == "check":
                raise
            before = dict(self._found)
            self.check(ctx)
            if self._found == before:
                raise
        return call(self._desk, ctx, ask)

    def _spec(self, verb: str) -> Mapping[str, Any]:
        spec = self._manifest.part("calls", verb)
        if not spec:
            raise Unsupported(self.cannot.get(verb, f"{self.kind} has no {verb}"))
        return cast(Mapping[str, Any], spec)

    def slow_until(self) -> float:
        return self._pace.until()

    # -- the connection itself

    def check(self, ctx: Context) -> Found:
        reply = self._call(ctx, Ask(self._spec("check"), "check", {}))
        told = {
            name: text
            for name, value in {**(reply.first or {}), **(reply.taken or {})}.items()
            if (text := plain(value))
        }
        me = frozenset(text for name, text in told.items() if name == "me" or name.startswith("me_"))
        if not me:
            raise Refused("the desk does not show our own account: check login and rights")
        for name, text in told.items():
            if self._found.get(f"found.{name}") != text:
                ctx.keep(f"found.{name}", text)
        self._found = {**self._found, **{f"found.{name}": text for name, text in told.items()}}
        return Found(me, told, told.get("remote", ""))

    def lists(self, ctx: Context) -> Mapping[str, Json]:
        """Per list its rows ``{id, label, type, values}``; a list the desk does not let us read is absent."""
        found: dict[str, Json] = {}
        for name, spec in self._manifest.part("lists").items():
            try:
                found[name] = [
                    _listed(spec, row) for row in self._rows(ctx, spec, "describe") if items.wanted(spec, row)
                ]
            except (Refused, Gone, Unsupported, OverflowError) as error:
                ctx.log.warning("the list %s of %s cannot be read: %s", name, self.kind, error)
        return found

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        return build_catalogue(self._manifest, self._settings, lists or {}, declared or {})

    def describe(self, ctx: Context) -> Catalogue:
        return self.catalogue(self.lists(ctx))

    # -- what comes in

    def verify(self, arrival: Arrival, now: datetime) -> Verified:
        if hasattr(self._hooks, "verify"):
            return cast(Verified, self._hooks.verify(arrival, now))
        delivery = self._manifest.part("webhook").get("delivery")
        return signing.verify(self._verify, arrival, now, self._webhook_secrets, delivery)

    def challenge(self, arrival: Arrival) -> Answer | None:
        return self._hooks.challenge(arrival) if hasattr(self._hooks, "challenge") else None

    def parse(self, arrival: Arrival) -> list[Event]:
        if hasattr(self._hooks, "parse"):
            return cast(list[Event], self._hooks.parse(arrival))
        names = self._names()
        return webhooks.parse(self._manifest.part("webhook"), arrival, lambda doc: self._records.decode(doc, names))

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        reply = self._call(ctx, Ask(self._spec("fetch"), "fetch", {"id": id}))
        record = self._record(self._spec("fetch"), reply)
        if record is None:
            raise Gone("the reply holds no record")
        if record.id != id:
            record = replace(record, id=id, state="merged", into=record.id)
        return self._with_items(ctx, record, reply) if items and record.state == "live" else record

    def _record(self, spec: Mapping[str, Any], reply: Reply) -> Record | None:
        """The record in a reply at the call's ``record`` path, if it is there."""
        doc = paths.parse(spec["record"]).read(reply.doc) if "record" in spec else ABSENT
        if not isinstance(doc, Mapping):
            return None
        try:
            return self._records.decode(doc, self._names(), reply.headers)
        except ValueError:
            return None

    def _with_items(self, ctx: Context, record: Record, fetched: Reply) -> Record:
        if hasattr(self._hooks, "items"):
            comments, files, worklogs = self._hooks.items(ctx, record.id)
            return replace(record, comments=comments, files=files, worklogs=worklogs, complete=True)
        asked: dict[str, Reply] = {}

        def ask(spec: Mapping[str, Any], at: Position) -> Reply:
            key = json.dumps([spec["send"], spec.get("query"), at.state()])
            if key not in asked:
                asked[key] = self._page(ctx, spec, "fetch", {"id": record.id}, at)
            return asked[key]

        whole = True
        lists: dict[str, tuple[Item, ...]] = {"comments": (), "files": ()}
        for kind, verb in (("comments", "comment"), ("files", "attach")):
            if kind in self._items.specs:
                lists[kind], read = self._items.read(kind, record.id, fetched, ask)
                whole = whole and read
            else:
                whole = whole and verb not in self.verbs
        return replace(record, comments=lists["comments"], files=lists["files"], complete=whole)

    def _page(self, ctx: Context, spec: Mapping[str, Any], verb: str, names: Names, at: Position) -> Reply:
        """One page of a list or feed."""
        names = {**names, **at.names(pages.size(spec.get("page", {})))}
        if at.url is None:
            return self._call(ctx, Ask(spec, verb, names))
        places = self._places()
        return self._call(ctx, Ask(spec, verb, names, url=places.follow(places.base + "/", at.url)))

    def _rows(self, ctx: Context, spec: Mapping[str, Any], verb: str) -> list[Any]:
        every = pages.every(spec.get("page", {}), lambda at: self._page(ctx, spec, verb, {}, at), spec["items"])
        return [row for _, rows in every for _, row in rows]

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        if hasattr(self._hooks, "changed"):
            return cast(Page, self._hooks.changed(ctx, feed, cursor))
        spec = self._manifest.part("changed").get(feed)
        if spec is None:
            raise Unsupported(self.cannot.get("changed", f"{self.kind} has no feed {feed!r}"))
        return Feed(
            spec,
            self._records.times,
            lambda names, at: self._page(ctx, spec, "changed", names, at),
            lambda row, stamp: self._change(spec, row, stamp),
        ).read(ctx, cursor)

    def _change(self, spec: Mapping[str, Any], row: Any, stamp: str) -> Change | None:
        reply = paths.Reply(row)
        id = plain(paths.source(spec["record_id"], reply)) if "record_id" in spec else self._records.id_of(row)
        if id is None:
            return None
        author = plain(paths.source(spec["author"], reply)) if "author" in spec else None
        if spec["gives"] == "worklogs":
            item = items.worklog(spec["item"], self._records.times, id, row)
            return Change(id, None, item, stamp, author or item.author)
        if spec["gives"] == "records":
            record = self._records.decode(row, self._names())
            return Change(id, record, None, stamp, author or record.author)
        return Change(id, None, None, stamp, author)

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        """The records that carry exactly ``ref``: what the desk's filter let through besides is dropped and said."""
        spec = self._spec("find")
        reply = self._call(ctx, Ask(spec, "find", {"ref": ref}))
        field = self._records.field(self.reference)
        hits: list[Hit] = []
        for _, row in pages.rows(reply, spec["items"]):
            if field.read is None or field.decode(field.read.read(row, {"key": field.key})) != ref:
                ctx.log.warning("filter ignored: find gave a record without our reference")
                continue
            record = self._records.decode(row, self._names())
            hits.append(Hit(record.id, record.created))
        return hits

    def person(self, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None:
        spec = self._manifest.part("people")
        way = "by_id" if id is not None else "by_email"
        if way not in spec:
            raise Unsupported(self.cannot.get("person", f"{self.kind} cannot look up a person {way.replace('_', ' ')}"))
        try:
            reply = self._call(ctx, Ask(spec[way], "person", {"person": id, "email": email}))
        except Gone:
            return None
        found = [_person(spec, row) for row in _people(spec[way], reply)]
        wanted = [each for each in found if each and (email is None or (each.email or "").lower() == email.lower())]
        return wanted[0] if len(wanted) == 1 else None

    # -- what goes out

    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt:
        spec = self._spec("create")
        fields = {**fields, self.reference: ref} if self.reference else fields
        writes, later = self._encoded(fields, "create")
        reply = self._write(ctx, Ask(spec, "create", {"ref": ref, "key": key}, writes), fields)
        receipt = replace(self._receipt("create", spec, reply), later=tuple(later))
        if receipt.id is None:
            raise Unknown("the desk said yes without an id")
        return receipt

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        spec = self._spec("update")
        writes, _ = self._encoded(fields, "update")
        if version is None and any("{version}" in text for text in leaves(dict(spec))):
            version = self.fetch(ctx, id, items=False).version
        names = {"id": id, "version": version}
        receipt = Receipt(id, read_back=self.read_back("update"))
        for step in self._transitions(ctx, id, fields):
            receipt = self._receipt("update", spec, self._write(ctx, Ask(step, "update", names), fields))
        if writes:
            receipt = self._receipt("update", spec, self._write(ctx, Ask(spec, "update", names, writes), fields))
        return replace(receipt, id=receipt.id or id)

    def _encoded(self, fields: Mapping[str, Value], on: Any) -> tuple[Any, list[str]]:
        writes, later = self._records.encode(fields, on)
        if hasattr(self._hooks, "encode"):
            writes = [(paths.parse(""), self._hooks.encode(fields), {})]
        spec = self._spec(on)
        before = paths.parse(spec.get("fields", "")).steps
        return [(paths.Path(before + path.steps), value, names) for path, value, names in writes], later

    def _transitions(self, ctx: Context, id: str, fields: Mapping[str, Value]) -> Iterator[Mapping[str, Any]]:
        """The calls that move the fields which the desk changes by transitions alone."""
        for name, value in fields.items():
            if self._records.field(name).transition and value is not None:
                yield from self._hooks.transition(ctx, id, name, value, None)

    def _write(self, ctx: Context, ask: Ask, fields: Mapping[str, Value]) -> Reply:
        try:
            return self._call(ctx, ask)
        except Refused as no:
            raise Refused(no.said, no.after, no.field or self._records.owing(fields)) from no

    def _receipt(self, verb: str, spec: Mapping[str, Any], reply: Reply) -> Receipt:
        record = self._record(spec, reply)
        return Receipt(
            id=reply.get("id") or (record.id if record else None),
            version=reply.get("version") or (record.version if record else None),
            record=record,
            said=reply.said,
            read_back=self.read_back(verb) if verb in ("create", "update") else spec.get("read_back", "reply"),
        )

    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt:
        spec = self._channel(channel, "edit" if replaces else "comment", reaches)
        if self.text_max is not None and len(text) > self.text_max:
            raise Refused(f"a comment takes {self.text_max} characters, not {len(text)}")
        body: Any = json.loads(text) if self.text_format == "adf" else text
        names = {"id": id, "text": body, "parent.id": replaces}
        return self._receipt("comment", spec, self._call(ctx, Ask(spec, "comment", names)))

    def attach(self, ctx: Context, id: str, channel: str, file: File, reaches: Sequence[str]) -> Receipt:
        spec = self._channel(channel, "attach", reaches)
        most = min(self._manifest.part("attachments").get("max", MAX_FILE), MAX_FILE)
        if file.size > most:
            raise Refused(f"a file may have {most} bytes, not {file.size}")
        file = replace(file, mime=self._sent_as(file.mime))
        return self._receipt("attach", spec, self._call(ctx, Ask(spec, "attach", {"id": id}, file=file)))

    def _sent_as(self, mime: str) -> str:
        """The type a file goes under: another one where the desk would rewrite what comes under its own."""
        plain_type = mime.partition(";")[0].strip().lower()
        for pattern, instead in self._manifest.part("attachments").get("sent_as", {}).items():
            if fnmatchcase(plain_type, pattern):
                return str(instead)
        return mime

    def _channel(self, name: str, verb: str, reaches: Sequence[str]) -> Mapping[str, Any]:
        """The call of a channel, if it reaches nobody outside ``reaches``: the last check before anything is sent."""
        channel = self.channels.get(name)
        if channel is None:
            raise Refused(f"there is no channel {name!r}")
        beyond = sorted(channel.reaches - set(reaches))
        if beyond:
            raise Refused(f"{name} also reaches {', '.join(beyond)}: not sent")
        spec = self._manifest.part("channels", name).get(verb)
        if spec is None:
            reasons = {"edit": ("edit_comment",), "attach": ("attach", "private_files")}.get(verb, (verb,))
            said = next((self.cannot[each] for each in reasons if each in self.cannot), f"{name} takes no {verb}")
            raise Unsupported(said)
        return cast(Mapping[str, Any], spec)

    def worklog(self, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt:
        started = started.astimezone(UTC)
        names = {
            "id": id,
            "text": text,
            "minutes": minutes,
            "hours": round(minutes / 60, 4),
            "seconds": minutes * 60,
            "date": started.date().isoformat(),
            "started": self._records.times.write(started),
        }
        spec = self._spec("worklog")
        return self._receipt("worklog", spec, self._call(ctx, Ask(spec, "worklog", names)))

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        if hasattr(self._hooks, "file"):
            return cast(Iterator[bytes], self._hooks.file(ctx, item))
        kind, _, parent = (item.url or "").partition(":")
        names = {"id": item.record_id, "file": item.id, "parent.id": parent if kind == "parent" else None}
        reply = self._call(
            ctx, Ask(self._spec("file"), "file", {**names, "file.url": item.url, "file.name": item.name}, stream=True)
        )
        shown = (reply.headers or {}).get("Content-Type", "")
        if shown.startswith("text/html") and item.mime and item.mime != "text/html":
            raise outcomes.broken("file", "a web page came instead of the file")
        return _streamed(reply)


def _places(manifest: Manifest, names: Names) -> Places:
    """Where this desk is, as far as it is known: a base that ``check`` must find first is empty until then."""
    specs: dict[str, Any] = dict(manifest.part("settings"))
    for choice in manifest.part("auth").values():
        specs |= choice.get("settings", {})
    of = {
        kind: frozenset(f"settings.{name}" for name, s in specs.items() if s["type"] == kind) for kind in ("url", "raw")
    }
    hosts = tuple(parse(host).text(names) for host in manifest.part("hosts") or ())
    try:
        text = base_of(manifest.doc["base"], names, of["url"], hosts)
    except Missing:
        text = ""
    return Places(text, hosts, of["url"], of["raw"])


def _streamed(reply: Reply) -> Iterator[bytes]:
    try:
        yield from reply.chunks
    except Broken as error:
        raise Retry(str(error)) from error
    except TooLarge as error:
        raise Refused(str(error)) from error


def _listed(spec: Mapping[str, Any], row: Any) -> dict[str, Any]:
    """A row of a list, flat."""
    reply = paths.Reply(row)
    told = {key: paths.source(spec[key], reply) for key in ("id", "label", "type", "values") if key in spec}
    values = told.get("values")
    return {
        "id": plain(told["id"]) or "",
        "label": plain(told.get("label", ABSENT)) or plain(told["id"]) or "",
        "type": plain(told.get("type", ABSENT)) or "",
        "values": [text for each in values if (text := plain(each))] if isinstance(values, list) else [],
    }


def _people(spec: Mapping[str, Any], reply: Reply) -> list[Any]:
    if "items" in spec:
        return [row for _, row in pages.rows(reply, spec["items"])]
    found = paths.parse(spec.get("record", "")).read(reply.doc)
    return [found] if isinstance(found, Mapping) else []


def _person(spec: Mapping[str, Any], row: Any) -> Person | None:
    told = {k: plain(paths.source(spec[k], paths.Reply(row))) for k in ("id", "email", "login", "name") if k in spec}
    id = told.get("id")
    return Person(id, told.get("email"), told.get("login"), told.get("name")) if id else None
