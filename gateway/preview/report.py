"""The report of a preview: one plain document that command line, API and console show (MAPPINGS.md 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import iso
from gateway.decide.merge import token
from gateway.preview.draft import Draft
from gateway.preview.effects import Effect, Said
from gateway.preview.replay import Item
from gateway.preview.surprises import Ranking, Row, Surprise, kind_of, ours, shown, theirs
from gateway.store.ids import Ids

COUNTED = (
    "creates", "imports", "updates", "resolves", "closes", "reopens", "clears", "comments", "files", "holds",
    "conflicts",
)  # fmt: skip
LISTED = 100
"""Items, reasons and unmapped values told one by one; the rest is counted."""


@dataclass
class Tally:
    """What is kept of the items that were looked at: numbers, and the few worth showing. ``listing``: every item is
    wanted, for it is about one ticket."""

    draft: Draft
    listing: bool = False
    items: int = 0
    exact: int = 0
    unequal: int = 0
    moved: int = 0
    same: int = 0
    changed: int = 0
    held: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    left: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Counter[str]] = field(default_factory=dict)
    after: dict[str, Counter[str]] = field(default_factory=dict)
    tickets: set[int] = field(default_factory=set)
    ranking: Ranking = field(default_factory=Ranking)
    listed: list[Surprise] = field(default_factory=list)
    rows: dict[str, dict[str, int]] = field(init=False)
    unmapped: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = self.draft.rows()

    def add(self, item: Item, ids: Ids) -> None:
        """Take one item in."""
        self.items += 1
        if item.reason:
            self.reasons[item.reason] += 1
            if len(self.left) < LISTED:
                self.left.append({"item": title(item, ids), "ticket": item.ticket, "reason": item.reason})
            return
        self.exact += item.exact is True
        self.unequal += item.exact is False
        self.moved += item.moved
        row = self._used(item)
        for side, counts in ((self.before, item.before.counts()), (self.after, item.after.counts())):
            for provider, counter in counts.items():
                side.setdefault(provider, Counter()).update(counter)
        if item.before.same(item.after):
            self.same += 1
            if self.listing and len(self.listed) < LISTED:
                self.listed.append(Surprise("same", item, None))
            return
        if item.after.held - item.before.held:
            self.held += 1
        else:
            self.changed += 1
        if item.ticket is not None:
            self.tickets.add(item.ticket)
        one = Surprise(kind_of(item.before, item.after), item, row)
        self.ranking.add(one)
        if self.listing and len(self.listed) < LISTED:
            self.listed.append(one)

    def foreign(self, items: int) -> None:
        """Items that another version of Tandem has written down."""
        self.items += items
        if items:
            self.reasons["another version of Tandem has written it down"] += items

    def _used(self, item: Item) -> Row | None:
        """Count the rows that what their desk showed has used; the one behind the first difference."""
        if item.record is None:
            return None
        differs = {name for name, _, _ in ours(item.before, item.after, item.now)}
        differs |= {name for _, name in item.after.held - item.before.held}
        found: Row | None = None
        for name, wire in self.draft.mapping.observe(item.record).items():
            rows = self.rows.get(name)
            if not rows:
                continue
            row = self.draft.row(name, item.record, wire, rows)
            if row:
                rows[row] += 1
                found = (name, row) if found is None and name in differs else found
            elif token(wire) is not None:
                told = "/".join(map(str, wire)) if isinstance(wire, list) else str(wire)
                unmapped = self.unmapped.setdefault(name, Counter())
                if told in unmapped or len(unmapped) < LISTED:
                    unmapped[told] += 1
        return found

    def document(self, ids: Ids, numbers: Mapping[int, int]) -> dict[str, Any]:
        """Everything that was counted, and the most surprising differences."""
        providers = sorted({*self.before, *self.after})
        return {
            "plans": {"same": self.same, "changed": self.changed, "held": self.held, "tickets": len(self.tickets)},
            "counts": {
                provider: {
                    what: {
                        "before": self.before.get(provider, Counter())[what],
                        "after": self.after.get(provider, Counter())[what],
                    }
                    for what in COUNTED
                }
                for provider in providers
            },
            "surprises": [self._surprise(one, ids, numbers) for one in self.ranking.first(self.rows)],
            "rows": self.rows,
            "unmapped": {name: dict(counter) for name, counter in self.unmapped.items()},
            "losses": self.draft.losses(),
            "listed": [self._surprise(one, ids, numbers, True) for one in self.listed],
            "not_replayable": [{**one, "ticket": _number(one["ticket"], numbers)} for one in self.left],
        }

    def mentioned(self) -> set[int]:
        """The tickets whose numbers are told."""
        kept = [*self.ranking.first(self.rows), *self.listed]
        return {id for one in kept if (id := one.item.ticket) is not None} | {
            one["ticket"] for one in self.left if one["ticket"] is not None
        }

    def _surprise(self, one: Surprise, ids: Ids, numbers: Mapping[int, int], every: bool = False) -> dict[str, Any]:
        """One difference; with ``every`` field that the item changes, alike or not."""
        item = one.item
        fields: list[dict[str, Any]] = []
        for name, was, now in ours(item.before, item.after, item.now, every):
            row = one.row[1] if one.row is not None and one.row[0] == name else ""
            fields.append(
                {"field": name, "side": "ours", "link": None, "before": shown(was), "after": shown(now),
                 "because": self.draft.place(name, "values", row)}
            )  # fmt: skip
        for old, new, name, was, now in theirs(item.before, item.after, every):
            write = new or old
            assert write is not None
            fields.append(
                {"field": name, "side": "theirs", "link": write.link, "before": shown(was), "after": shown(now),
                 "because": self._writer(name)}
            )  # fmt: skip
        return {
            "rank": one.rank if one.kind != "same" else 0,
            "kind": one.kind,
            "ticket": _number(item.ticket, numbers),
            "link": item.link,
            "item": title(item, ids),
            "at": iso(item.as_of),
            "fields": fields,
            "comments": _comments(item.before, item.after, ids),
            "holds": sorted(name for _, name in item.after.held - item.before.held),
            "refused": item.after.refused,
            "plan": {"before": item.before.hash, "after": item.after.hash},
        }

    def _writer(self, remote: str) -> str:
        """The rule that writes a field of theirs."""
        for name, rule in self.draft.mapping.fields.items():
            if remote in rule.remote and rule.direction != "in":
                return self.draft.place(name, "write")
        return self.draft.label


def _comments(before: Effect, after: Effect, ids: Ids) -> list[dict[str, Any]]:
    """The comments and files that somebody else would see, or by another channel."""

    def told(one: Said | None) -> dict[str, Any] | None:
        return None if one is None else {"channel": one.channel, "seen_by": list(one.seen_by)}

    was = {(one.kind, one.item, one.link): one for one in before.said}
    now = {(one.kind, one.item, one.link): one for one in after.said}
    found = []
    for key in dict.fromkeys((*was, *now)):
        kind, item, link = key
        if told(was.get(key)) == told(now.get(key)):
            continue
        name = ids.public(int(item)) if item.isdecimal() else item
        audience = list((now.get(key) or was[key]).audience)
        sides = {"before": told(was.get(key)), "after": told(now.get(key))}
        found.append({"item": f"{kind}:{name}", "link": link, "audience": audience, **sides})
    return found


def title(item: Item, ids: Ids) -> str:
    """An item as people name it: ``arrival:<id>``, ``edit``, ``update ok``."""
    return f"arrival:{ids.public(item.arrival)}" if item.arrival is not None else item.name


def _number(ticket: int | None, numbers: Mapping[int, int]) -> str | None:
    return f"T-{numbers[ticket]}" if ticket is not None and ticket in numbers else None
