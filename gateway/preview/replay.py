"""Stored batches planned again: as they were, to see that nothing is missing, then with the draft for the mapping.

Every item is planned from its own facts: what was decided before it in its batch is put in place first, as it was
decided then. What the draft would have changed does not feed the next item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gateway import apply, gather, planning
from gateway.decide.deciding import decide
from gateway.decide.facts import Command, Facts, Leg, Link, Observed, Settled
from gateway.decide.objection import Objection
from gateway.decide.plan import Planner
from gateway.gather import State
from gateway.planning import Work
from gateway.preview.effects import Effect, effect
from gateway.preview.stored import Batch
from gateway.preview.worlds import Ground, Then, Today
from gateway.providers.desks import Desks


@dataclass(slots=True)
class Item:
    """One stored item. ``exact``: whether the plan made again is the stored one, None where that cannot be: other
    versions were in force (``moved``); ``link``: the connection it is about; ``reason``: why it could not be planned
    again, else empty."""

    as_of: int
    name: str
    arrival: int | None
    ticket: int | None = None
    link: str | None = None
    reason: str = ""
    exact: bool | None = None
    moved: bool = False
    before: Effect = field(default_factory=Effect)
    after: Effect = field(default_factory=Effect)
    record: Mapping[str, Any] | None = None  # what the connection's desk showed
    now: Mapping[str, Any] = field(default_factory=dict)  # our fields before the item


class _Busy(Exception):
    """A link could not be moved to another version at that moment."""


class Replay:
    """Plans what is stored about one connection under two legs: ``published`` and ``draft``."""

    def __init__(self, desks: Desks, published: Leg, draft: Leg) -> None:
        self.desks, self.published, self.draft = desks, published, draft
        self.connection = published.connection_id
        self._today = desks.versions()
        self._catalogues: dict[int, str] = {}

    def items(self, batch: Batch) -> Iterator[Item]:
        """The items of a batch that have to do with the connection, in their order."""
        state = gather.state(batch.rows)
        then = Then(self.desks, batch.versions)
        pins = {int(id): told[0] for id, told in batch.versions["desks"].items()}
        policies = self.desks.policies_of(batch.versions["policies"])
        ground = Ground(batch.as_of, then, policies, pins, gather.around(batch.rows))
        comparable, today = self._versions(batch.versions)
        minted, lost = iter(batch.ids), _Lost()
        for number, work in enumerate(batch.works):
            if batch.plans[number] is None:
                continue  # put off, and stored again when it was looked at again; or parked, and a person knows
            ids = next(minted)
            about = work or _bare(batch.about[number])
            tickets, loose = _around(state, about)
            if not self._concerned(state, about, tickets):
                continue
            item = Item(batch.as_of, _name(batch.about[number], work), about.arrival, min(tickets, default=None))
            item.reason = batch.gone.get(number) or lost.why(about, tickets)
            if item.reason or work is None:
                lost.add(about, tickets)
                yield item
                continue
            frozen = _Frozen(state, tickets, loose)
            try:
                made = planning.plan(ground, state, work)
            except Exception as error:  # noqa: BLE001 - said of this item; the others go on
                made, item.reason = None, f"it cannot be planned again: {type(error).__name__}: {error}"
            if made is None:
                item.reason = item.reason or "it would be put off now"
                lost.add(about, tickets)
                yield item
                continue
            planner, link = made
            item.moved = not comparable
            item.exact = (planner.plan.hash() == batch.plans[number]) if comparable else None
            pinned = today and self._pinned(frozen)
            try:
                item.before = (
                    effect(planner, link) if pinned else self._effect(frozen, ground, then, work, self.published)
                )
                item.after = self._effect(frozen, ground, then, work, self.draft)
            except _Busy as busy:
                item.reason = f"its link would move a moment later: {busy}"
            item.now = frozen.fields
            self._note(item, work, planner, link)
            named = apply.name(planner, link, isinstance(work.what, Settled), _again(ids))
            planning.fold(state, named)
            item.ticket = named.ticket.id if named.ticket is not None else item.ticket
            if self._touches(named.ticket, link):
                yield item

    def _effect(self, frozen: _Frozen, ground: Ground, then: Then, work: Work, target: Leg) -> Effect:
        """What an item comes to where links of the connection have the version of ``target``."""
        legs = Today(self.desks, then, target)
        pins = {**ground.pins, self.connection: target.mapping_id}
        at = Ground(ground.as_of, legs, self.desks.policies, pins, ground.around)
        try:
            state = self._moved(frozen, at, target)
            made = planning.plan(at, state, work)
        except Objection as no:
            return Effect(refused=no.text)
        except _Busy:
            raise
        except Exception as error:  # noqa: BLE001 - live, this item would be parked alone
            return Effect(refused=f"{type(error).__name__}: {error}")
        return effect(*made) if made is not None else Effect(refused="it would be put off")

    def _moved(self, frozen: _Frozen, ground: Ground, target: Leg) -> State:
        """Publishing moves the live links, each by a plan of its own, before the item comes. Raises ``_Busy`` where one
        could not be moved at that moment."""
        state = frozen.thawed()
        for link in list(state.links.values()):
            if link.connection_id != self.connection or link.mapping_id == target.mapping_id:
                continue
            if link.ticket_id is None:
                link.mapping_id = target.mapping_id
            elif link.live:
                wish = Command("remap", "tandem", {"link": link.id, "to": target.mapping_id})
                ticket = state.tickets[link.ticket_id]
                facts = Facts(ground.as_of, ticket, ground.legs, ground.policies, ground.around)
                try:
                    planner = decide(facts, wish)
                except Objection as no:
                    raise _Busy(no.text) from None
                planning.fold(state, apply.name(planner, None, mint=_again([])))
        return state

    def _pinned(self, frozen: _Frozen) -> bool:
        return all(
            link.mapping_id == self.published.mapping_id
            for link in frozen.state.links.values()
            if link.connection_id == self.connection and (link.live or link.ticket_id is None)
        )

    def _versions(self, told: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether what was in force then can be had again, and whether it is in force today."""
        now = self._today
        desks = {id: now["desks"].get(id) for id in told["desks"]}
        comparable = (told["code"], told["vocabulary"]) == (now["code"], now["vocabulary"]) and all(
            desk is not None and (not told["desks"][id][1] or told["desks"][id][1] == self._catalogue(int(id)))
            for id, desk in desks.items()
        )
        today = comparable and all(desk[2:5] == told["desks"][id][2:5] for id, desk in desks.items())
        mine = told["desks"].get(str(self.connection))
        pinned = mine is None or mine[0] == self.published.mapping_id
        return comparable, today and pinned and told["policies"] == now["policies"]

    def _catalogue(self, id: int) -> str:
        """The hash of a connection's catalogue, "" while its connector cannot be built."""
        if id not in self._catalogues:
            try:
                self._catalogues[id] = self.desks.desk(id).catalogue
            except Exception:  # noqa: BLE001 - another connection's settings are no reason not to preview this one's
                self._catalogues[id] = ""
        return self._catalogues[id]

    def _concerned(self, state: State, work: Work, tickets: set[int]) -> bool:
        if work.connection == self.connection or any(
            link.connection_id == self.connection for ticket in tickets for link in state.tickets[ticket].links
        ):
            return True
        link = state.links.get(work.link) if work.link is not None else None
        if link is not None and link.connection_id == self.connection:
            return True
        return isinstance(work.what, Command) and work.what.what in ("create", "escalate")

    def _touches(self, ticket: Any, link: Link | None) -> bool:
        links = [*(ticket.links if ticket is not None else ()), *((link,) if link is not None else ())]
        return any(one.connection_id == self.connection for one in links)

    def _note(self, item: Item, work: Work, planner: Planner, link: Link | None) -> None:
        """What the connection's desk showed, where the item is about it."""
        what = work.what
        seen = what.seen if isinstance(what, Settled) else what
        if isinstance(seen, Observed) and seen.connection_id == self.connection and seen.state == "live":
            item.record = seen.fields
        if link is not None:
            item.link = self.desks.row(link.connection_id).name


class _Frozen:
    """The tickets and loose links an item can reach, as they are before it."""

    def __init__(self, state: State, tickets: set[int], loose: set[int]) -> None:
        links = {id: link for id, link in state.links.items() if id in loose or link.ticket_id in tickets}
        for link in links.values():
            link.leg = None
        places = {place: link for place, link in state.by_remote.items() if link.id in links}
        self.state: State = deepcopy(State({id: state.tickets[id] for id in tickets}, links, places))

    @property
    def fields(self) -> Mapping[str, Any]:
        return next(iter(self.state.tickets.values())).fields if self.state.tickets else {}

    def thawed(self) -> State:
        return deepcopy(self.state)


@dataclass(slots=True)
class _Lost:
    """What an item that could not be planned again was about: what follows it in its batch rests on it."""

    tickets: set[int] = field(default_factory=set)
    places: set[tuple[int | None, str | None, int | None]] = field(default_factory=set)

    def add(self, work: Work, tickets: set[int]) -> None:
        self.tickets |= tickets
        self.places.add((work.connection, work.remote, work.link))

    def why(self, work: Work, tickets: set[int]) -> str:
        lost = not self.tickets.isdisjoint(tickets) or (work.connection, work.remote, work.link) in self.places
        return "it follows one that cannot be planned again" if lost else ""


def _around(state: State, work: Work) -> tuple[set[int], set[int]]:
    """The tickets an input can reach, and the links without one."""
    named = [state.links.get(id) for id in (work.link, work.refers) if id is not None]
    if work.connection is not None and work.remote is not None:
        named.append(state.by_remote.get((work.connection, work.remote)))
    links = [link for link in named if link is not None]
    tickets = {link.ticket_id for link in links if link.ticket_id is not None}
    if work.ticket is not None and work.ticket in state.tickets:
        tickets.add(work.ticket)
    return {id for id in tickets if id in state.tickets}, {link.id for link in links if link.ticket_id is None}


def _bare(about: Mapping[str, Any]) -> Work:
    """A work of which only the outside is known."""
    nothing: Any = None
    places = {name: about[name] for name in ("connection", "remote", "ticket", "link", "arrival", "refers")}
    return Work(nothing, **places)


def _name(about: Mapping[str, Any], work: Work | None) -> str:
    """What people call an item."""
    what = work.what if work is not None else None
    if isinstance(what, Command):
        return what.what
    if isinstance(what, Settled):
        return f"{what.step} {what.outcome}"
    return "arrival"


def _again(ids: list[int]) -> Callable[[], int]:
    """The ids that new things were given then; further ones for what is new now."""
    known, further = iter(ids), count(1)  # no real id is that small
    return lambda: next(known, 0) or next(further)
