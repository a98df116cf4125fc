"""What a desk tells: a record with its items, what changed, who carries our reference, who somebody is, a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from connectors import items, outcomes, pages, paths
from connectors.base import Change, Context, Hit, Item, Page, Person, Record
from connectors.calls import Ask, Reply
from connectors.engine import Engine
from connectors.errors import Gone, Refused, Retry, Unsupported
from connectors.feeds import AskRows, Feed
from connectors.pages import Position
from connectors.paths import ABSENT, plain
from connectors.session import Broken, TooLarge

NAMED = 12
"""As many names of a reply are told where a record was looked for in vain."""


class Reading(Engine):
    """The verbs that may be repeated at will."""

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        reply = self._call(ctx, Ask(self._spec("fetch"), "fetch", {"id": id}))
        record = self._record(self._spec("fetch"), reply)
        if record is None:
            raise Gone(f"the reply holds no record: {self._lacking(str(self._spec('fetch')['record']), reply.doc)}")
        if record.id != id:
            record = replace(record, id=id, state="merged", into=record.id)
        return self._with_items(ctx, record, reply) if items and record.state == "live" else record

    def _record(self, spec: Mapping[str, Any], reply: Reply) -> Record | None:
        """The record in a reply at the call's ``record`` path, if it is there."""
        doc = paths.parse(spec["record"]).read(reply.doc) if "record" in spec else ABSENT
        if not isinstance(doc, Mapping):
            return None
        try:
            return self.decode(doc, reply.headers)
        except ValueError:
            return None

    def _lacking(self, where: str, doc: Any) -> str:
        """What a reply without a record has instead: names alone, no values."""
        found = paths.parse(where).read(doc)
        if isinstance(found, Mapping):
            return f"no id ({self._manifest.part('record')['id']}) among {_named(found)}"
        return f"nothing at {where!r}, there is {_named(doc)}"

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
                lists[kind], read = self._items.read(kind, record.id, fetched, ask, record.created)
                whole = whole and read
            else:
                whole = whole and verb not in self.verbs
        return replace(record, comments=lists["comments"], files=lists["files"], complete=whole)

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        if hasattr(self._hooks, "changed"):
            return cast(Page, self._hooks.changed(ctx, feed, cursor))
        spec = self._manifest.part("changed").get(feed, {})
        return self.feed(feed, lambda names, at: self._page(ctx, spec, "changed", names, at)).read(ctx, cursor)

    def feed(self, name: str, ask: AskRows) -> Feed:
        """The feed of that name; ``ask`` gets its pages, so that a hook may get them another way."""
        spec = self._manifest.part("changed").get(name)
        if spec is None:
            raise Unsupported(self.cannot.get("changed", f"{self.kind} has no feed {name!r}"))
        return Feed(spec, self._records.times, ask, lambda row, stamp: self._change(spec, row, stamp))

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
            record = self.decode(row)
            return Change(id, record, None, stamp, author or record.author)
        return Change(id, None, None, stamp, author)

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        """The records that carry exactly ``ref``: what the desk's filter let through besides is dropped and said. Where
        a list does not show the reference at all, the record itself is looked at."""
        spec = self._spec("find")
        reply = self._call(ctx, Ask(spec, "find", {"ref": ref}))
        field = self._records.field(self.reference)
        hits: list[Hit] = []
        for _, row in pages.rows(reply, spec["items"]):
            shown = field.read.read(row, {"key": field.key}) if field.read else ABSENT
            if shown is ABSENT and (id := self._records.id_of(row)):
                shown = self._reference_of(ctx, id)
            if field.decode(shown) != ref:
                ctx.log.warning("filter ignored: find gave a record without our reference")
                continue
            record = self.decode(row)
            hits.append(Hit(record.id, record.created))
        return hits

    def _reference_of(self, ctx: Context, id: str) -> Any:
        try:
            return self.fetch(ctx, id, items=False).fields.get(self.reference)
        except Gone:
            return None

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


def _streamed(reply: Reply) -> Iterator[bytes]:
    try:
        yield from reply.chunks
    except Broken as error:
        raise Retry(str(error)) from error
    except TooLarge as error:
        raise Refused(str(error)) from error


def _people(spec: Mapping[str, Any], reply: Reply) -> list[Any]:
    if "items" in spec:
        return [row for _, row in pages.rows(reply, spec["items"])]
    found = paths.parse(spec.get("record", "")).read(reply.doc)
    return [found] if isinstance(found, Mapping) else []


def _person(spec: Mapping[str, Any], row: Any) -> Person | None:
    told = {k: paths.first(spec[k], paths.Reply(row)) for k in ("id", "email", "login", "name") if k in spec}
    id = told.get("id")
    return Person(id, told.get("email"), told.get("login"), told.get("name")) if id else None


def _named(doc: Any) -> str:
    """The names in a document, for people."""
    if not isinstance(doc, Mapping):
        return f"no object but {type(doc).__name__}"
    return ", ".join([*map(str, list(doc)[:NAMED]), *(["..."] if len(doc) > NAMED else [])]) or "an empty object"
