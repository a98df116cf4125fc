"""The merge of one field of one link: each side is compared only with its own half of the agreed pair (ENGINE.md 1).

``ours`` and ``theirs`` are what both sides held when they last corresponded; ``owed`` says that we have something to
say; ``sent`` holds what attempts not yet confirmed carried. Long text is compared by hash: see ``token``. All functions
change the pair in place and return what was concluded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

LONG = 512  # characters from which text is held as a hash
_MARK = "\x1f#"
PASSING = "\x1f>"
"""Our side of a status that is only passed through: whatever shows it, what we mean is still owed."""

UNSEEN = "unseen"
"""How a field is parked that has never been seen there: it makes its pair at the first look, and nothing is written."""

Verdict = Literal["same", "echo", "taken", "kept", "ask", "held", "noted", "drift", "apart"]
Policy = Literal["ours", "theirs", "newest", "ask"]


def token(value: Any) -> Any:
    """The value as a pair holds it: itself, or a hash where it is long or a structure. Empty and absent are one."""
    if value in ("", [], ()):
        return None
    if isinstance(value, str):
        if len(value) <= LONG:
            return value
        return _MARK + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    if isinstance(value, dict):  # a person
        return token(" ".join(f"{name}={value[name]}" for name in sorted(value) if value[name] is not None))
    if isinstance(value, list | tuple):
        items = [token(v) for v in value]
        return token(json.dumps(items, ensure_ascii=False)) if sum(len(str(v)) for v in items) > 2 * LONG else items
    return value


def ours(fields: Mapping[str, Any], name: str, uses: Sequence[str] = ()) -> Any:
    """Our side of a field as a pair holds it; of one that an expression makes, everything that the expression reads."""
    if uses:
        return token([str(token(fields.get(one))) for one in uses])
    return token(fields.get(name))


@dataclass(slots=True)
class Pair:
    """The agreed pair of one field on one link. ``owed``: 1 while we have something to say. ``park``: "" | "ask" |
    "held" | "ignored" | "unseen". ``since``: the ticket version at which theirs was last taken, so that older waiting
    deliveries no longer speak for this field."""

    ours: Any = None
    theirs: Any = None
    owed: int = 0
    park: str = ""
    since: int = 0
    sent: list[tuple[int, Any, Any]] = field(default_factory=list)  # (attempt, ours, wire), read from the attempts

    def stored(self) -> list[Any]:
        return [self.ours, self.theirs, self.owed, self.park, self.since]

    @property
    def speaks(self) -> bool:
        """Whether the field is to be written: something is owed and nothing parks it."""
        return bool(self.owed) and not self.park


@dataclass(frozen=True, slots=True)
class Taken:
    """What ``inbound`` concluded: the verdict, and our value afterwards where it changed (``taken``)."""

    verdict: Verdict
    value: Any = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a remote value means to us: a value, nothing known (``held``), or nothing to take (``note``)."""

    kind: Literal["value", "held", "note"]
    value: Any = None
    said: str = ""


Read = Callable[[], Meaning]


def our_change(pair: Pair) -> None:
    """Our side changed: something is owed; a parked field moves again."""
    pair.owed = 1
    if pair.park not in ("ask", UNSEEN):
        pair.park = ""


def inbound(pair: Pair, now: Any, wire: Any, read: Read, policy: Policy, direction: str = "both") -> Taken:
    """Theirs was observed as ``wire``, by evidence that is not older than what the link knows; ``now`` is our value."""
    if pair.park == UNSEEN:
        return _first(pair, now, wire, read)
    if wire == pair.theirs and not (pair.park == "held" and direction != "out"):
        return Taken("same")
    hits = [ours for _, ours, sent in pair.sent if sent == wire]
    before, pair.theirs = pair.theirs, wire
    if hits:  # the echo of an attempt in flight, confirmed late, or a ghost
        pair.owed = int(now not in hits)
        if not pair.owed:
            pair.ours = now
        return Taken("echo")
    if direction == "out":
        return Taken("drift") if before is not None else Taken("same")
    meaning = read()
    if meaning.kind == "held":
        if pair.park != "ask":
            pair.park = "held"
        return Taken("held", said=meaning.said)
    if pair.park in ("held", "ignored"):
        pair.park = ""
    if meaning.kind == "note":
        pair.ours = now
        return Taken("noted", said=meaning.said)
    value = token(meaning.value)
    if value == now:  # both sides came to the same: nothing is owed, an open conflict ends
        pair.ours, pair.owed, pair.park = now, 0, ""
        return Taken("same")
    if direction == "in" or not pair.owed or policy == "theirs":
        pair.ours, pair.owed = value, 0
        return Taken("taken", meaning.value)
    if policy == "ask":
        pair.park = "ask"
        return Taken("ask", meaning.value)
    return Taken("kept", meaning.value)


def _first(pair: Pair, now: Any, wire: Any, read: Read) -> Taken:
    """The first look at a field without a history: neither side's value is a change of it."""
    pair.theirs, pair.park = wire, ""
    meaning = read()
    if meaning.kind == "held":
        pair.park = "held"
        return Taken("held", said=meaning.said)
    if meaning.kind == "note" or token(meaning.value) == now:
        pair.ours, pair.owed = now, pair.owed if meaning.kind == "note" else 0
        return Taken("noted" if meaning.kind == "note" else "same", said=meaning.said)
    pair.ours = token(meaning.value)
    return Taken("kept" if pair.owed else "apart", meaning.value)


def receipt(pair: Pair, attempt: int, now: Any, sent: Any, holds: Any) -> None:
    """The answer to this attempt: the remote now ``holds`` this. Only the attempt's own entry leaves ``sent``."""
    pair.theirs, pair.ours, pair.owed = holds, sent, int(now != sent)
    pair.sent = [entry for entry in pair.sent if entry[0] != attempt]


def unknown(
    pair: Pair, now: Any, sent: Any, wire: Any, fetched: Any, read: Read, policy: Policy, direction: str
) -> Taken:
    """An attempt had no answer and the record was fetched. The attempt stays in ``sent`` as a ghost in every case:
    a fetch does not say which write it saw, and the request may still land."""
    if fetched == wire:
        pair.theirs, pair.ours, pair.owed = fetched, sent, int(now != sent)
        return Taken("echo")
    pair.owed = 1
    return inbound(pair, now, fetched, read, policy, direction)
