"""One input planned on the state as those before it have left it: the step that the road and a preview share.

What is asked of the world besides the state is ``Ground``: on the road the database answers, in a preview the stored
facts do (ENGINE.md 10).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from gateway.apply import Named
from gateway.decide.commands import Objection
from gateway.decide.deciding import decide
from gateway.decide.facts import Facts, Hint, Input, Legs, Link, Observed, Settled
from gateway.decide.inforce import Around, InForce
from gateway.decide.plan import Planner, link_name
from gateway.evidence import People, observed
from gateway.gather import State
from gateway.journal import arrivals
from gateway.journal.arrivals import Stored
from gateway.providers.desks import Desk

FORMAT = 2
"""How stored facts are written; those of another format cannot be planned again."""


@dataclass(slots=True)
class Work:
    """One input and where it belongs: a ticket, a link, a record at a connection. ``arrival``: where it came from;
    ``refers``: the link whose reference the observed record carries."""

    what: Input
    connection: int | None = None
    remote: str | None = None
    ticket: int | None = None
    link: int | None = None
    arrival: int | None = None
    refers: int | None = None


def meant(one: Stored, desk: Desk, people: People) -> list[Work]:
    """What an arrival means: evidence where the payload shows the record, else a hint to fetch it. Raises what the
    connector raises where it cannot be read."""
    found: list[Work] = []
    for event in arrivals.events(one, desk.connector.parse):
        if event.kind == "ignored" or event.record_id is None:
            continue
        what: Input
        if event.record is None or event.kind == "gone":
            what = Hint(one.connection_id, event.record_id, event.reason or one.kind, one.id, event.actor)
        else:
            record = event.record
            items = bool(record.worklogs or (one.kind == "webhook" and (record.comments or record.files)))
            what = observed(
                one.connection_id, record, "poll" if one.kind == "poll" else "webhook", people,
                desk.person_fields, items=items, read_began=one.read_began, arrival=one.id,
            )  # fmt: skip
        found.append(Work(what, one.connection_id, event.record_id, arrival=one.id))
    return found


class Ground(Protocol):
    """What one plan asks besides the state. ``as_of``: when the facts were read, UTC microseconds."""

    @property
    def as_of(self) -> int: ...
    @property
    def legs(self) -> Legs: ...
    @property
    def policies(self) -> InForce: ...
    @property
    def around(self) -> Around: ...  # of the tickets and requesters at hand
    def making(self, connection: int) -> bool: ...  # whether a create of ours there has no answer yet
    def pinned(self, connection: int) -> int: ...  # the mapping version of links that begin now
    def drop(self, link: Link) -> None: ...  # the row of a record that turned out to be ours


def plan(ground: Ground, state: State, work: Work) -> tuple[Planner, Link | None] | None:
    """The plan of one input, and the link it is about; None: it has to be looked at again later. Raises ``Objection``
    for a command that cannot be carried out."""
    link = _link(ground, state, work)
    what = work.what
    if link is not None and link.ticket_id is None and (ours := _ours(state, work, link)) is not None:
        if ours.remote_id is None and isinstance(what, Settled):  # the record whose create had no answer: it is ours
            ground.drop(link)
            link, what = ours, replace(what, link_id=ours.id, step="look_up", outcome="found", seen=None)
        else:
            link.role, link.dirty = "copy", True
    if work.link is None and work.remote is not None and link is None:
        return None
    if link is not None and link.in_flight and isinstance(what, Observed) and not _can_look(ground, link, what):
        return None
    ticket_id = work.ticket if link is None else link.ticket_id
    if work.ticket is not None and work.ticket not in state.tickets:
        raise Objection("no such ticket", "ticket", str(work.ticket), "look at the list of tickets")
    ticket = state.tickets.get(ticket_id) if ticket_id is not None else None
    facts = Facts(ground.as_of, ticket, ground.legs, ground.policies, ground.around)
    landed = work.link is None and work.remote is not None and link is not None and link.remote_id is None
    if landed and link is not None:
        link.remote_id, link.dirty = work.remote, True
    planner = decide(facts, what, link)
    if landed and link is not None:
        planner.do("linked", {"link": link_name(link)}, {"remote_id": work.remote})
    return planner, link


def _can_look(ground: Ground, link: Link, what: Observed) -> bool:
    """Whether items that were seen while one of ours is on its way may be dropped for a look at the whole record."""
    return what.items is None or "fetch" in ground.legs.of(link.connection_id, link.mapping_id).verbs


def fold(state: State, named: Named) -> None:
    """A plan's result is the next one's facts."""
    for known in [*(named.ticket.links if named.ticket else ()), *([named.link] if named.link else ())]:
        state.links[known.id] = known
        if known.remote_id is not None:
            state.by_remote[known.connection_id, known.remote_id] = known
    if named.ticket is not None:
        state.tickets[named.ticket.id] = named.ticket


def _link(ground: Ground, state: State, work: Work) -> Link | None:
    """The link an input is about. A record nobody knows gets one of its own, unless it may be what a create of ours
    that has no answer yet has made: then it is looked at again later."""
    if work.link is not None:
        return state.links[work.link]
    if work.connection is None or work.remote is None:
        return None
    known = state.by_remote.get((work.connection, work.remote))
    if known is not None:
        return known
    if ground.making(work.connection):
        return None
    ours = _ours(state, work, None)
    if ours is not None and ours.remote_id is None:
        return ours  # a create that landed after it was given up
    pinned = ground.pinned(work.connection)
    return Link(0, work.connection, None, work.remote, role="found", mapping_id=pinned, new=True, dirty=True)


def _ours(state: State, work: Work, but: Link | None) -> Link | None:
    """The link of a ticket of ours, other than ``but``, whose reference an observed record carries."""
    ours = state.links.get(work.refers) if work.refers is not None else None
    return ours if ours is not None and ours is not but and ours.ticket_id is not None else None
