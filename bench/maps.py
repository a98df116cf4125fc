"""One map of fifteen fields, in five languages: what ``bench.mapping`` lets run side by side.

Every contender turns the same record into the same values and back: seven tables, line ends made LF and the ends of
texts cut, assets in one text there and a sorted list here, tags sorted, the rest as it is. ``hand`` is the same in
plain Python, as a yardstick.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from gateway.tickets.vocabulary import document
from mappings.engine import compile_mapping

Doc = dict[str, Any]

LEVELS = {"1": "high", "2": "medium", "3": "low"}
TABLES: dict[str, dict[str, str]] = {
    "kind": {"INC": "incident", "REQ": "request", "PRB": "problem"},
    "status": {
        "1": "new", "2": "in_progress", "3": "pending_requester", "4": "pending_provider", "5": "pending_problem",
        "6": "resolved", "7": "closed", "8": "cancelled",
    },
    "resolution_code": {
        "fix": "solved", "wa": "workaround", "ke": "known_error", "dup": "duplicate", "usr": "by_requester",
        "err": "user_error", "no": "declined",
    },
    "impact": LEVELS,
    "urgency": LEVELS,
    "category": {"q": "inquiry", "sw": "software", "hw": "hardware", "net": "network"},
}  # fmt: skip
FIELDS = {
    "title": "short_description", "description": "description", "kind": "u_kind", "status": "state",
    "resolution_code": "close_code", "resolution_text": "close_notes", "impact": "impact", "urgency": "urgency",
    "category": "category", "subcategory": "subcategory", "service": "business_service", "assets": "u_assets",
    "group": "assignment_group", "due": "due_date", "tags": "u_tags",
}  # fmt: skip
"""Ours to theirs."""

LONG, LIST, JOINED = ("description", "resolution_text"), "tags", "assets"
ENGLISH = re.findall(
    r"\S+", "VPN printer mail laptop since 08:00 error 809 cannot connect floor three dock (again) at 5%"
)
OTHERS = re.findall(r"\S+", "VPN impresora está lenta desde 08:00 Büro принтер не печатает на этаже 3 ☂ mañana")


def records(count: int, seed: int = 15) -> list[Doc]:
    """Records of a desk, all fields filled, every third in other languages; the same ones for the same seed."""
    rnd = random.Random(seed)
    words = ENGLISH

    def text(many: int) -> str:
        return " ".join(rnd.choice(words) for _ in range(many))

    made = []
    for number in range(count):
        words = ENGLISH if number % 3 else OTHERS
        record: Doc = {remote: text(3) for remote in FIELDS.values()}
        record |= {FIELDS[ours]: rnd.choice(list(table)) for ours, table in TABLES.items()}
        record |= {FIELDS[ours]: "\r\n".join(text(9) for _ in range(4)) + " \r\n" * (number % 4 == 0) for ours in LONG}
        record["u_assets"] = ", ".join(rnd.sample(["LT-004", "PR-017", "SW-002", "AP-101"], 2))
        record["u_tags"] = rnd.sample(["vip", "remote", "floor-3", "finance"], 2)
        record["due_date"] = f"2026-11-{number % 28 + 1:02}T17:00:00Z"
        made.append(record)
    return made


def typed(values: Doc) -> Doc:
    """The same values as somebody types them in a form: line ends as browsers send them, lists as they came."""
    lines = {ours: values[ours].replace("\n", "\r\n") for ours in LONG}
    return {**values, **lines, "assets": values["assets"][::-1], "tags": values["tags"][::-1]}


@dataclass(frozen=True)
class Contender:
    """One way to run the map: theirs to ours, and ours to theirs."""

    name: str
    inward: Callable[[Doc], Doc]
    outward: Callable[[Doc], Doc]


def tandem() -> Contender:
    """The map as a mapping of ours."""
    entries: Doc = {remote: {"type": "text"} for remote in FIELDS.values()}
    entries |= {FIELDS[ours]: {"type": "choice", "values": {id: id for id in table}} for ours, table in TABLES.items()}
    entries |= {"due_date": {"type": "datetime"}, "u_tags": {"type": "set", "of": "text"}}
    entries["correlation_id"] = {"type": "text", "max": 80}
    catalogue = {
        "connector": "servicenow", "fields": entries, "status": "state", "workflow": {"start": "1", "edges": "any"},
        "reference_searchable": ["correlation_id"], "channels": {"note": {"reaches": ["provider"]}},
    }  # fmt: skip
    lines = ["mapping: 1", "name: bench", "connector: servicenow", "reference: correlation_id", "fields:"]
    for ours, remote in FIELDS.items():
        rows = ", ".join(f'"{id}": {word}' for id, word in TABLES.get(ours, {}).items())
        extra = f", values: {{{rows}}}" if rows else ', transform: {join: ", "}' if ours == JOINED else ""
        lines.append(f"  {ours}: {{field: {remote}{extra}}}")
    missing = [name for name in document() if name not in FIELDS]
    lines += ["unsupported:", *(f"  {name}: not in this map" for name in missing)]
    lines += ["comments:", "  reaches: {note: provider}", "  outward: {provider: note, provider+requester: ignore}"]
    lines += ["  inward: {note: provider}"]
    mapping = compile_mapping("\n".join(lines), catalogue, document())
    return Contender(
        "tandem", lambda record: mapping.inward(record)[0], lambda values: mapping.write(values, {}, False).fields
    )


def tidy(text: str) -> str:
    """LF, and no white space at the end of a line or of the text."""
    return "\n".join([line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]).rstrip()


def back(table: dict[str, str]) -> dict[str, str]:
    return {ours: theirs for theirs, ours in table.items()}


def split(text: str) -> list[str]:
    return sorted(text.split(", "))


def join(parts: list[str]) -> str:
    return ", ".join(sorted(parts))


def by_hand() -> Contender:
    """What somebody would write who needs this one map and no other."""
    tables = [(ours, FIELDS[ours], table, back(table)) for ours, table in TABLES.items()]
    same = [(ours, theirs) for ours, theirs in FIELDS.items() if ours not in {*TABLES, *LONG, LIST, JOINED}]

    def inward(record: Doc) -> Doc:
        values = {ours: record[theirs] for ours, theirs in same}
        for ours, theirs, table, _ in tables:
            values[ours] = table[record[theirs]]
        for ours in LONG:
            values[ours] = tidy(record[ours if ours == "description" else "close_notes"])
        values["assets"], values["tags"] = split(record["u_assets"]), sorted(record["u_tags"])
        return values

    def outward(values: Doc) -> Doc:
        record = {theirs: values[ours] for ours, theirs in same}
        for ours, theirs, _, table in tables:
            record[theirs] = table[values[ours]]
        record["description"], record["close_notes"] = tidy(values["description"]), tidy(values["resolution_text"])
        record["u_assets"], record["u_tags"] = join(values["assets"]), sorted(values["tags"])
        return record

    return Contender("hand", inward, outward)


def in_marshmallow() -> Contender:
    import marshmallow
    from marshmallow import fields

    class Table(fields.Field[str]):
        def __init__(self, table: dict[str, str], **more: Any) -> None:
            super().__init__(**more)
            self.table, self.back = table, back(table)

        def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
            return self.back[value]

        def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
            return self.table[value]

    class Tidy(fields.String):
        def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
            return tidy(super()._deserialize(value, attr, data, **more))

        def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
            return tidy(super()._serialize(value, attr, obj, **more) or "")

    class Sorted(fields.List[str]):
        def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[str]:
            return sorted(super()._deserialize(value, attr, data, **more))

        def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
            return sorted(super()._serialize(value, attr, obj, **more) or ())

    class Joined(fields.Field[list[str]]):
        def _serialize(self, value: Any, attr: str | None, obj: Any, **more: Any) -> Any:
            return join(value)

        def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
            return split(value)

    made: dict[str, Any] = {}
    for ours, theirs in FIELDS.items():
        if ours in TABLES:
            made[ours] = Table(TABLES[ours], data_key=theirs)
        elif ours == LIST:
            made[ours] = Sorted(fields.String(), data_key=theirs)
        else:
            made[ours] = (Tidy if ours in LONG else Joined if ours == JOINED else fields.String)(data_key=theirs)
    schema = marshmallow.Schema.from_dict(made)()
    return Contender("marshmallow", schema.load, schema.dump)  # type: ignore[arg-type]


def in_jmespath() -> Contender:
    import jmespath
    from jmespath import functions

    class More(functions.Functions):  # type: ignore[misc]  # untyped
        """What JMESPath itself cannot say: a look-up by a value, and white space."""

        @functions.signature({"types": ["object"]}, {"types": ["string"]})
        def _func_row(self, table: Doc, key: str) -> Any:
            return table[key]

        @functions.signature({"types": ["string"]})
        def _func_tidy(self, text: str) -> str:
            return tidy(text)

        @functions.signature({"types": ["string"]})
        def _func_split(self, text: str) -> list[str]:
            return split(text)

    options = jmespath.Options(custom_functions=More())

    def literal(table: dict[str, str]) -> str:
        rows = ", ".join(f'"{key}": "{value}"' for key, value in table.items())
        return f"`{{{rows}}}`"

    def made(special: Callable[[str, str], str | None], inward: bool) -> Callable[[Doc], Doc]:
        rows = []
        for ours, theirs in FIELDS.items():
            name, source = (ours, theirs) if inward else (theirs, ours)
            rows.append(f'"{name}": {special(ours, source) or source}')
        whole = jmespath.compile("{" + ", ".join(rows) + "}")
        return lambda doc: whole.search(doc, options=options)  # type: ignore[no-any-return]

    def there(ours: str, source: str) -> str | None:
        if ours in TABLES:
            return f"row({literal(TABLES[ours])}, {source})"
        special = {LIST: "sort({})", JOINED: "split({})", **dict.fromkeys(LONG, "tidy({})")}
        return special[ours].format(source) if ours in special else None

    def here(ours: str, source: str) -> str | None:
        if ours in TABLES:
            return f"row({literal(back(TABLES[ours]))}, {source})"
        special = {LIST: "sort({})", JOINED: "join(', ', sort({}))", **dict.fromkeys(LONG, "tidy({})")}
        return special[ours].format(source) if ours in special else None

    return Contender("jmespath", made(there, True), made(here, False))


def in_glom() -> Contender:
    from glom import Spec, T

    def there(ours: str, theirs: str) -> Any:
        if ours in TABLES:
            return T[theirs], TABLES[ours].__getitem__
        special: dict[str, Any] = {LIST: sorted, JOINED: split, **dict.fromkeys(LONG, tidy)}
        return (T[theirs], special[ours]) if ours in special else T[theirs]

    def here(ours: str) -> Any:
        if ours in TABLES:
            return T[ours], back(TABLES[ours]).__getitem__
        special: dict[str, Any] = {LIST: sorted, JOINED: join, **dict.fromkeys(LONG, tidy)}
        return (T[ours], special[ours]) if ours in special else T[ours]

    inward = Spec({ours: there(ours, theirs) for ours, theirs in FIELDS.items()})
    outward = Spec({theirs: here(ours) for ours, theirs in FIELDS.items()})
    return Contender("glom", inward.glom, outward.glom)


def in_jsonata() -> Contender:
    import json

    import jsonata

    lines = '$replace($replace({}, /[ \\t\\r]+\\n/, "\\n"), /[ \\t\\r\\n]+$/, "")'

    def table(rows: dict[str, str], source: str) -> str:
        return f"$lookup({json.dumps(rows)}, {source})"

    def there(ours: str, source: str) -> str:
        if ours in TABLES:
            return table(TABLES[ours], source)
        if ours in LONG:
            return lines.format(source)
        special = {LIST: "$sort({})", JOINED: '$sort($split({}, ", "))'}
        return special[ours].format(source) if ours in special else source

    def here(ours: str) -> str:
        if ours in TABLES:
            return table(back(TABLES[ours]), ours)
        if ours in LONG:
            return lines.format(ours)
        return f'$join($sort({ours}), ", ")' if ours == JOINED else f"$sort({ours})" if ours == LIST else ours

    def made(rows: list[str]) -> Callable[[Doc], Doc]:
        return jsonata.Jsonata("{" + ", ".join(rows) + "}").evaluate  # type: ignore[no-any-return]

    inward = [f'"{ours}": {there(ours, theirs)}' for ours, theirs in FIELDS.items()]
    outward = [f'"{theirs}": {here(ours)}' for ours, theirs in FIELDS.items()]
    return Contender("jsonata-python", made(inward), made(outward))


PEERS: dict[str, Callable[[], Contender]] = {
    "marshmallow": in_marshmallow,
    "jmespath": in_jmespath,
    "glom": in_glom,
    "jsonata-python": in_jsonata,
}


def versions() -> dict[str, str]:
    """The releases of the libraries that are installed here."""
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # importlib.metadata's PackageNotFoundError is one
            found[name] = ""
    return found
