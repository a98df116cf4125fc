"""The closed schema of a manifest, as data: every key there is, and what may stand there (CONNECTORS.md, "Vocabulary").

A check takes a node and its way and yields complaints, (way, sentence). Whatever is not named here is an unknown key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors import paths, templates
from connectors.yamltext import Way

Complaint = tuple[Way, str]
Check = Callable[[Any, Way], Iterator[Complaint]]

DURATION = re.compile(r"([0-9]+)(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SLUG = re.compile(r"[a-z][a-z0-9_]*")
SEND = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/.*|https://.*|\{[a-z_.]+\}.*)")


def seconds(text: str) -> float:
    """``5m`` as 300.0. Raises ValueError."""
    found = DURATION.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 5m, 2h or 14d")
    return int(found[1]) * UNITS[found[2]]


def rate(text: str) -> tuple[int, float]:
    """``90/1m`` as (90, 60.0). Raises ValueError."""
    count, slash, period = str(text).partition("/")
    if not slash or not count.isdigit():
        raise ValueError(f"{text!r} is no rate: write 90/1m")
    return int(count), seconds(period)


def _parsed(parse: Callable[[str], Any]) -> Check:
    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if not isinstance(node, str | int) or isinstance(node, bool):
            yield way, "text is expected"
            return
        try:
            parse(str(node))
        except (ValueError, re.error, KeyError, OSError) as error:
            yield way, str(error)

    return check


def _send(text: str) -> None:
    if not SEND.fullmatch(text):
        raise ValueError(f"{text!r}: write METHOD /path")
    templates.parse(text)


def _slug(text: str) -> None:
    if not SLUG.fullmatch(text):
        raise ValueError(f"{text!r}: small letters, digits and _")


def _zone(text: str) -> None:
    if not templates.parse(text).names:
        ZoneInfo(text)


TEXT = _parsed(str)
TEMPLATE = _parsed(templates.parse)
PATH = _parsed(paths.parse)
SOURCE = _parsed(paths.check_source)
PERIOD = _parsed(seconds)
RATE = _parsed(rate)
PATTERN = _parsed(re.compile)
VERB_PATH = _parsed(_send)
ZONE = _parsed(_zone)


def anything(node: Any, way: Way) -> Iterator[Complaint]:
    """No complaint."""
    yield from ()


def of(kind: type, what: str) -> Check:
    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if not isinstance(node, kind) or (kind is int and isinstance(node, bool)):
            yield way, f"{what} is expected"

    return check


FLAG = of(bool, "true or false")
NUMBER = of(int, "a number")


def word(*words: str | int) -> Check:
    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if node not in words:
            yield way, f"{node!r} is none of: {', '.join(map(str, words))}{nearest(str(node), words)}"

    return check


def nearest(text: str, words: Any) -> str:
    """`` (did you mean ...?)`` where something is near."""
    found = difflib.get_close_matches(text, [str(word) for word in words], 1)
    return f" (did you mean {found[0]}?)" if found else ""


def listing(each: Check) -> Check:
    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if not isinstance(node, list):
            yield way, "a list is expected"
            return
        for at, child in enumerate(node):
            yield from each(child, (*way, at))

    return check


def table(each: Check, key: re.Pattern[str] | None = None) -> Check:
    """Any keys (matching ``key``), each value checked by ``each``."""

    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if not isinstance(node, dict):
            yield way, "a mapping is expected"
            return
        for name, child in node.items():
            if key and not key.fullmatch(name):
                yield (*way, name), f"{name!r} is no name here"
            yield from each(child, (*way, name))

    return check


def record(keys: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """Exactly these keys."""

    def check(node: Any, way: Way) -> Iterator[Complaint]:
        if not isinstance(node, dict):
            yield way, "a mapping is expected"
            return
        for name, child in node.items():
            if name not in keys:
                yield (*way, name), f"unknown key {name!r}{nearest(name, keys)}"
            else:
                yield from keys[name](child, (*way, name))
        for name in required:
            if name not in node:
                yield way, f"the key {name!r} is missing"

    return check


def either(*checks: Check) -> Check:
    """One of several; the complaints are the last one's."""

    def check(node: Any, way: Way) -> Iterator[Complaint]:
        complaints: list[Complaint] = []
        for each in checks:
            complaints = list(each(node, way))
            if not complaints:
                return
        yield from complaints

    return check


def tree(node: Any, way: Way) -> Iterator[Complaint]:
    """A body: any JSON whose texts are templates."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from TEMPLATE(key, (*way, key))
            yield from tree(child, (*way, key))
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from tree(child, (*way, at))
    elif isinstance(node, str):
        yield from TEMPLATE(node, way)


def match(node: Any, way: Way) -> Iterator[Complaint]:
    """``{path: [values]}`` or ``{path: any}``; one value may stand for its list."""
    yield from table(either(word("any"), listing(anything), TEMPLATE))(node, way)
    for path in node if isinstance(node, dict) else ():
        yield from SOURCE(path, (*way, path))


FORMATS = word("iso", "iso_ms", "sql", "unix", "unix_ms")
REACHES = listing(word("staff", "requester"))
TYPES = ("text", "rich", "choice", "integer", "number", "boolean", "date", "datetime", "person", "ref", "set")

SETTING = record(
    {
        "type": word("text", "url", "host_label", "email", "integer", "boolean", "choice", "zone", "raw"),
        "label": TEXT,
        "help": TEXT,
        "pattern": PATTERN,
        "of": listing(TEXT),
        "default": either(FLAG, TEMPLATE),
        "optional": FLAG,
    },
    ("type", "label"),
)
SETTINGS = table(SETTING, NAME)

_HMAC: dict[str, Check] = {
    "header": TEXT,
    "prefix": TEXT,
    "hash": word("sha1", "sha256", "sha512"),
    "encoding": word("hex", "base64"),
    "key": word("text", "sha256", "base64"),
    "message": listing(TEXT),
}
_HMAC_NEEDS = ("header", "hash", "encoding", "message")
HMAC = record(_HMAC, _HMAC_NEEDS)

CALL: dict[str, Check] = {
    "send": VERB_PATH,
    "body": tree,
    "form": table(tree),
    "multipart": table(tree),
    "bytes": TEMPLATE,
    "query": table(either(FLAG, TEMPLATE)),
    "headers": table(TEMPLATE),
    "record": PATH,
    "items": PATH,
    "take": table(SOURCE, NAME),
    "said": PATH,
    "reply": word("bytes"),
    "follow": FLAG,
    "fields": PATH,
    "read_back": word("reply", "fetch", "next_poll"),
    "repeatable": PERIOD,
    "visible_after": PERIOD,
}
FIRST = record(CALL, ("send",))
CALLS = {**CALL, "first": FIRST}
A_CALL = record(CALLS, ("send",))
TELL = record({**CALL, "sign": record({**_HMAC, "secret": TEMPLATE}, (*_HMAC_NEEDS, "secret"))}, ("send",))
"""A webhook of ours, signed over its body."""


PAGE = record(
    {"kind": word("none", "link", "next_url", "token", "offset", "page"), "size": NUMBER, "at": SOURCE, "end": match},
    ("kind",),
)
CURSOR = record(
    {
        "kind": word("time", "id", "opaque", "scan"),
        "at": SOURCE,
        "overlap": either(NUMBER, PERIOD),
        "format": FORMATS,
        "window": PERIOD,
        "every": PERIOD,
        "sorted": FLAG,
    },
    ("kind",),
)

FIELD: dict[str, Check] = {
    "at": PATH,
    "read": PATH,
    "write": PATH,
    "type": word(*TYPES),
    "wire": word("string", "integer", "comma", "email"),
    "format": TEXT,
    "max": NUMBER,
    "required": FLAG,
    "only_on": word("create", "update"),
    "values": either(table(table(TEXT)), table(TEXT)),
    "live": TEXT,
    "empty": listing(anything),
    "required_when": match,
    "read_only": listing(TEXT),
    "per": TEXT,
    "accepts": TEXT,
    "derived": FLAG,
    "dated": FLAG,
    "resolution": PERIOD,
    "optional": FLAG,
}
CHANNEL_OF = either(TEXT, record({"at": SOURCE, "values": table(TEXT)}, ("at", "values")))
ITEMS = record(
    {
        **CALLS,
        "call": word("fetch"),
        "page": PAGE,
        "at": PATH,
        **dict.fromkeys(("id", "author", "created", "text", "name", "size", "mime", "url"), SOURCE),
        "format": CHANNEL_OF,
        "skip": match,
        "only": match,
        "channel": CHANNEL_OF,
        "first_is_description": FLAG,
    },
    ("at", "id", "channel"),
)
FEED = record(
    {
        **CALLS,
        "skip": match,
        "only": match,
        "cursor": CURSOR,
        "page": PAGE,
        "gives": word("hints", "records", "worklogs"),
        "record_id": SOURCE,
        "author": SOURCE,
        "item": record(dict.fromkeys(("id", "author", "hours", "minutes", "seconds", "text", "created"), SOURCE)),
    },
    ("send", "items", "cursor", "gives"),
)
VERIFY = record(
    {
        "hmac": HMAC,
        "shared": record({"header": TEXT, "value": TEMPLATE}, ("header", "value")),
        "stamp": record({"at": SOURCE, "format": FORMATS, "window": PERIOD}, ("at", "format", "window")),
    }
)
RULE = record(
    {
        "status": either(NUMBER, listing(NUMBER)),
        "verbs": listing(TEXT),
        "where": match,
        "says": listing(TEXT),
        "is": word("ok", "retry", "unknown", "refused", "stale", "unauthorized", "gone", "unsupported"),
    },
    ("is",),
)
TOKEN = record(
    {
        **{key: CALL[key] for key in ("send", "form", "body", "headers")},
        "basic": listing(TEMPLATE),
        "access": PATH,
        "lasts": either(PERIOD, PATH),
        "rotate": table(PATH, NAME),
    },
    ("send", "access"),
)
WORKFLOW = record({"start": TEXT, "hops": NUMBER, "edges": either(word("any"), table(listing(TEXT)))})
HOOKS = (
    "encode",
    "transition",
    "changed",
    "items",
    "file",
    "verify",
    "challenge",
    "parse",
    "unwrap",
)

MANIFEST = record(
    {
        "manifest": word(1),
        "kind": _parsed(_slug),
        "name": TEXT,
        "tested": listing(TEXT),
        "settings": SETTINGS,
        "base": TEMPLATE,
        "hosts": listing(TEMPLATE),
        "auth": table(
            record({"basic": listing(TEMPLATE), "headers": table(TEMPLATE), "token": TOKEN, "settings": SETTINGS}), NAME
        ),
        "headers": table(TEMPLATE),
        "times": record({"format": FORMATS, "zone": ZONE, "unset": listing(anything)}),
        "text": record({"format": TEMPLATE, "max": NUMBER}, ("format",)),
        "record": record(
            {
                **dict.fromkeys(("id", "number", "created", "author", "merged_into"), SOURCE),
                "page": TEMPLATE,
                "version": record(
                    {"at": SOURCE, "order": word("time", "integer", "opaque"), "tick": PERIOD}, ("at", "order")
                ),
                **dict.fromkeys(("gone_when", "merged_when", "scope"), match),
            },
            ("id",),
        ),
        "fields": table(record(FIELD)),
        "families": table(record({**FIELD, "key": word("integer", "name", "column")}), NAME),
        "status": TEXT,
        "workflow": WORKFLOW,
        "attachments": record(
            {"max": NUMBER, "shown_with": word("channel", "record"), "reaches": REACHES, "sent_as": table(TEXT)}
        ),
        "apply_horizon": PERIOD,
        "reference": TEMPLATE,
        "calls": record(
            {**dict.fromkeys(("check", "fetch", "create", "update", "find", "worklog", "file"), A_CALL), "tell": TELL},
            ("check", "fetch"),
        ),
        "channels": table(
            record(
                {
                    "reaches": REACHES,
                    **dict.fromkeys(("comment", "attach", "edit"), A_CALL),
                    "side_effects": listing(TEXT),
                },
                ("reaches",),
            ),
            NAME,
        ),
        "items": record(dict.fromkeys(("comments", "files"), either(listing(ITEMS), ITEMS))),
        "changed": table(FEED, NAME),
        "people": record(
            {
                **dict.fromkeys(("by_id", "by_email"), A_CALL),
                **dict.fromkeys(("id", "login", "email", "name"), either(listing(SOURCE), SOURCE)),
            },
            ("id",),
        ),
        "lists": table(
            record(
                {**CALLS, **dict.fromkeys(("id", "label", "type", "values"), SOURCE), "only": match, "page": PAGE},
                ("send", "items", "id"),
            ),
            NAME,
        ),
        "webhook": record(
            {
                "verify": table(VERIFY, NAME),
                "delivery": SOURCE,
                "record_id": either(listing(SOURCE), SOURCE),
                "event": record(
                    {
                        "at": either(listing(SOURCE), SOURCE),
                        "values": table(word("created", "changed", "gone", "ignored")),
                    },
                    ("at", "values"),
                ),
                "actor": either(listing(SOURCE), SOURCE),
                "many": PATH,
                "record": PATH,
                "skip": match,
            },
            ("verify", "record_id"),
        ),
        "errors": record({"says": listing(PATH), "rules": listing(RULE)}),
        "limits": record(
            {
                "in_flight": NUMBER,
                "rate": RATE,
                "remaining": TEXT,
                "reset": record({"header": TEXT, "format": FORMATS}, ("header",)),
            }
        ),
        "cannot": table(TEXT),
        "hooks": listing(word(*HOOKS)),
    },
    ("manifest", "kind", "name", "base", "auth", "text", "record", "fields", "calls", "channels"),
)

OWN_VERBS = ("create", "update", "find", "worklog", "file", "comment", "attach", "person", "changed")
OWN = record(
    {
        "manifest": word(1),
        "kind": _parsed(_slug),
        "name": TEXT,
        "tested": listing(TEXT),
        "python": listing(word(*OWN_VERBS)),
        "settings": SETTINGS,
        "auth": table(
            record({"basic": listing(TEMPLATE), "headers": table(TEMPLATE), "token": TOKEN, "settings": SETTINGS}), NAME
        ),
        "text": record({"format": TEXT, "max": NUMBER}, ("format",)),
        "fields": table(record(FIELD)),
        "status": TEXT,
        "workflow": WORKFLOW,
        "attachments": record({"max": NUMBER, "shown_with": word("channel", "record"), "reaches": REACHES}),
        "apply_horizon": PERIOD,
        "reference": TEXT,
        "channels": table(
            record({"reaches": REACHES, "comment": word(True), "attach": word(True)}, ("reaches",)), NAME
        ),
        "changed": table(record({"gives": word("hints", "records", "worklogs")}, ("gives",)), NAME),
        "webhook": record({"verify": table(VERIFY, NAME), "message": listing(TEXT)}, ("verify",)),
        "limits": record({"in_flight": NUMBER, "rate": RATE}),
        "cannot": table(TEXT),
    },
    ("manifest", "kind", "name", "python", "auth", "text", "fields", "channels"),
)
"""What a desk that no HTTP call reaches says of itself; ``python`` lists the verbs its own connector has."""
