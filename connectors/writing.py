"""What a desk is told: create, update, comment, file and worklog; the last place that can refuse to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, cast

from connectors import adf, paths
from connectors.base import Context, File, Receipt, Value
from connectors.calls import Ask, Reply
from connectors.errors import Refused, Unknown, Unsupported
from connectors.reading import Reading
from connectors.templates import leaves
from connectors.values import Field

MAX_FILE = 25 * 1024 * 1024


class Writing(Reading):
    """The verbs that change something there. What fails before a byte left is ``Refused``; unclear ends ``Unknown``."""

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
        written = Ask(spec, "update", names, writes) if writes else None
        if written and self._moved(fields):  # the status comes last: where it leads to, a desk may take nothing more
            with suppress(Refused):  # nor may it where the record is now: then the rest follows the status
                receipt = self._receipt("update", spec, self._write(ctx, written, fields))
                written = None
        for step in self._transitions(ctx, id, fields):  # each is done before the next one is sought
            receipt = self._receipt("update", spec, self._write(ctx, Ask(step, "update", names), fields))
        if written:
            receipt = self._receipt("update", spec, self._write(ctx, written, fields))
        return replace(receipt, id=receipt.id or id)

    def _moved(self, fields: Mapping[str, Value]) -> list[Field]:
        """Those of ``fields`` that the desk changes by transitions alone."""
        return [each for each in map(self._records.field, fields) if each.transition]

    def _encoded(self, fields: Mapping[str, Value], on: Any) -> tuple[Any, list[str]]:
        writes, later = self._records.encode(fields, on)
        if on == "update" and hasattr(self._hooks, "encode"):
            document: Any = {}
            for path, value, names in writes:
                document = path.write(document, value, names)
            writes = [(paths.parse(""), self._hooks.encode(document), {})] if writes else []
        spec = self._spec(on)
        before = paths.parse(spec.get("fields", "")).steps
        return [(paths.Path(before + path.steps), value, names) for path, value, names in writes], later

    def _transitions(self, ctx: Context, id: str, fields: Mapping[str, Value]) -> Iterator[Mapping[str, Any]]:
        """The calls that move the fields which the desk changes by transitions alone; the hook gets all of them as they
        go on the wire, since one transition may carry others."""
        have = {each.name: each.encode(fields[each.name]) for each in self._moved(fields)}
        for name, value in have.items():
            if value is not None:
                yield from self._hooks.transition(ctx, id, name, value, have)

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
        names = {"id": id, "text": self._worded(text), "parent.id": replaces}
        return self._receipt("comment", spec, self._call(ctx, Ask(spec, "comment", names)))

    def _worded(self, text: str) -> Any:
        """A text as the desk takes it."""
        return adf.tree(text) if self.text_format == "adf" else text

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
        """The call of a channel, if it reaches nobody outside ``reaches``."""
        self.check_reach(name, reaches)
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
            "text": self._worded(text),
            "minutes": minutes,
            "hours": round(minutes / 60, 4),
            "seconds": minutes * 60,
            "clock": f"{minutes // 60:02}:{minutes % 60:02}",
            "date": started.date().isoformat(),
            "started": self._records.times.write(started),
        }
        spec = self._spec("worklog")
        return self._receipt("worklog", spec, self._call(ctx, Ask(spec, "worklog", names)))
