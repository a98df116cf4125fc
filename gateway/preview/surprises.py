"""The most surprising differences first: what an admin has to have seen before publishing (MAPPINGS.md 4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.decide.merge import token
from gateway.preview.effects import EMPTY, Effect, Said, Write
from gateway.preview.replay import Item

KINDS = (
    "seen_by_more", "creates", "closes", "reopens", "clears", "holds", "more_writes", "ours", "theirs", "text",
)  # fmt: skip
"""Why a difference surprises, the worst first: more people see something, records or tickets are made, resolved, closed
or cancelled, reopened, fields are emptied, held; more is written; ours differs, theirs differs; nothing but words."""

MOST = 10
SHOWN = 240
"""Characters of a value that are shown."""

Row = tuple[str, str]
"""A row of the draft's tables: the field, and theirs."""


def kind_of(before: Effect, after: Effect) -> str:
    """The worst kind of a difference."""
    was, now = _total(before.counts()), _total(after.counts())
    if any(set(one.seen_by) - seen for one, seen in _pairs(before.said, after.said)):
        return "seen_by_more"
    if any(now[what] > was[what] for what in ("creates", "imports")):
        return "creates"
    for what in ("closes", "resolves", "reopens", "clears"):
        if now[what] > was[what]:
            return "closes" if what == "resolves" else what
    if after.held - before.held:
        return "holds"
    if len(after.writes) > len(before.writes):
        return "more_writes"
    if after.refused != before.refused or any(True for _ in ours(before, after, {})):
        return "ours"
    return "theirs" if any(True for _ in theirs(before, after)) or before.said != after.said else "text"


def _total(counts: Mapping[str, Counter[str]]) -> Counter[str]:
    return sum(counts.values(), Counter())


def _pairs(before: list[Said], after: list[Said]) -> Iterator[tuple[Said, set[str]]]:
    """What is said after, with who saw the same before. New things are told apart by their order."""
    was: dict[tuple[str, str, bool, int], Said] = {}
    for place, one in _placed(before):
        was[place] = one
    for place, one in _placed(after):
        old = was.get(place)
        yield one, set(old.seen_by) if old is not None else set()


def _placed(said: list[Said]) -> Iterator[tuple[tuple[str, str, bool, int], Said]]:
    seen: Counter[tuple[str, str, bool]] = Counter()
    for one in said:
        key = (one.kind, one.link, one.inward)
        yield (*key, seen[key]), one
        seen[key] += 1


def ours(before: Effect, after: Effect, now: Mapping[str, Any], every: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """The fields of ours that end otherwise: (name, under the published mapping, under the draft). ``every``: those
    that change alike, too."""
    for name in dict.fromkeys((*before.fields, *after.fields)):
        was = before.fields[name][1] if name in before.fields else _untouched(name, after, now)
        then = after.fields[name][1] if name in after.fields else _untouched(name, before, now)
        if every or token(was) != token(then):
            yield name, was, then


def _untouched(name: str, other: Effect, now: Mapping[str, Any]) -> Any:
    return now.get(name, other.fields[name][0])


def theirs(
    before: Effect, after: Effect, every: bool = False
) -> Iterator[tuple[Write | None, Write | None, str, Any, Any]]:
    """Their fields that are written otherwise; None for a write that is not made. ``every``: those alike, too."""
    was, now = _written(before.writes), _written(after.writes)
    for place in dict.fromkeys((*was, *now)):
        old, new = was.get(place), now.get(place)
        names = dict.fromkeys((*(old.values if old else ()), *(new.values if new else ())))
        for name in names:
            one, two = old.values.get(name) if old else None, new.values.get(name) if new else None
            if every or one != two or (name in (old.values if old else ())) != (name in (new.values if new else ())):
                yield old, new, name, one, two


def _written(writes: list[Write]) -> dict[tuple[str, str, int], Write]:
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for one in writes:
        found[one.link, one.kind, seen[one.link, one.kind]] = one
        seen[one.link, one.kind] += 1
    return found


@dataclass(slots=True)
class Surprise:
    """One difference worth showing. ``row``: the row of the draft that speaks for it, where one does."""

    kind: str
    item: Item
    row: Row | None

    @property
    def rank(self) -> int:
        return KINDS.index(self.kind) + 1


@dataclass
class Ranking:
    """Keeps at most ``MOST`` of each kind and row, so that it stays small whatever comes."""

    _kept: dict[tuple[str, Row | None], list[Surprise]] = field(default_factory=dict)

    def add(self, one: Surprise) -> None:
        kept = self._kept.setdefault((one.kind, one.row), [])
        if len(kept) < MOST:
            kept.append(one)

    def first(self, rows: Mapping[str, Mapping[str, int]], most: int = MOST) -> list[Surprise]:
        """The worst first, within a kind by how seldom real traffic used their row, then the newest."""

        def order(one: Surprise) -> tuple[int, int, int]:
            name, theirs = one.row or ("", "")
            return one.rank, rows.get(name, {}).get(theirs, 1 << 30), -one.item.as_of

        return sorted((one for kept in self._kept.values() for one in kept), key=order)[:most]


def shown(value: Any) -> Any:
    """A value short enough for a report."""
    if isinstance(value, str) and len(value) > SHOWN:
        return value[: SHOWN - 1] + "…"
    return None if value in EMPTY else value
