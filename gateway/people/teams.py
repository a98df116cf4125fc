"""Our own teams: who holds a ticket that no provider has, and where each of our people belongs.

A team's slug is for ever, for tickets and rules name it; its name may change. Audited under ``team:<slug>``, and a
person's move under ``user:<id>`` as well as it is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from gateway.errors import Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.people import users
from gateway.people.users import By, User
from gateway.store.ids import mint
from gateway.store.tables import team, ticket, user
from gateway.tickets.vocabulary import FINAL

SLUG = re.compile(r"[a-z0-9-]{2,40}")
LONGEST = 200
OURS = ("admin", "agent", "auditor")
"""The roles of people who can be in a team."""


@dataclass(frozen=True)
class Team:
    """``tickets``: open ones that it holds; ``created_at`` in UTC microseconds."""

    id: int
    slug: str
    name: str
    created_at: int
    tickets: int = 0
    members: Sequence[User] = field(default=(), repr=False)


def everything(conn: Connection) -> list[Team]:
    """All teams, by slug, each with its active members."""
    at = {one.slug: one for one in conn.execute(select(team))}
    held = select(ticket.c.holder, func.count()).where(ticket.c.holder.like("team:%"), ticket.c.status.not_in(FINAL))
    open_ = {str(holder): int(count) for holder, count in conn.execute(held.group_by(ticket.c.holder))}
    people: dict[str, list[User]] = {}
    for one in users.everyone(conn):
        if one.team and one.state == "active":
            people.setdefault(one.team, []).append(one)
    return [
        Team(row.id, slug, row.name, row.created_at, open_.get(f"team:{slug}", 0), tuple(people.get(slug, ())))
        for slug, row in sorted(at.items())
    ]


def by_slug(conn: Connection, slug: str) -> Team:
    """One team. Raises NotFound."""
    found = {one.slug: one for one in everything(conn)}
    if slug not in found:
        raise NotFound("no such team", "team", slug, f"There are: {', '.join(found)}.")
    return found[slug]


def add(conn: Connection, by: By, slug: str, name: str) -> Team:
    """A new team. Raises Invalid, Conflict."""
    if not SLUG.fullmatch(slug):
        raise Invalid("not a name Tandem can use", "slug", slug, "Write 2 to 40 of a-z, 0-9 and -.")
    if conn.execute(select(team.c.id).where(team.c.slug == slug)).first():
        raise Conflict("a team of this name exists", "slug", slug, "Take another, or rename that one.")
    name = _name(name)
    conn.execute(insert(team).values(id=mint(), slug=slug, name=name, created_at=by.at))
    note(conn, by.key, by.at, f"team:{slug}", by.actor, "added", "", {"name": name})
    return by_slug(conn, slug)


def rename(conn: Connection, by: By, slug: str, name: str) -> Team:
    """Another name for people to read. Raises NotFound, Invalid."""
    known, name = by_slug(conn, slug), _name(name)
    if known.name != name:
        conn.execute(update(team).where(team.c.id == known.id).values(name=name))
        note(conn, by.key, by.at, f"team:{slug}", by.actor, "renamed", "", {"name": [known.name, name]})
    return by_slug(conn, slug)


def move(conn: Connection, by: By, user_id: int, slug: str | None) -> None:
    """Put somebody of ours into a team, or into none. Raises NotFound, Invalid."""
    who = users.by_id(conn, user_id)
    if who is None:
        raise NotFound("no such user", "user")
    to: dict[str, Any] = {"team_id": None}
    if slug:
        to = {"team_id": by_slug(conn, slug).id}
        if who.role not in OURS:
            fix = "Only agents, admins and auditors are in a team."
            raise Invalid(f"a {who.role} is in no team of ours", "team", slug, fix)
    if who.team != (slug or ""):
        conn.execute(update(user).where(user.c.id == user_id).values(**to))
        note(conn, by.key, by.at, f"user:{user_id}", by.actor, "moved", "", {"team": [who.team, slug or ""]})


def _name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST:
        raise Invalid("a team has a name", "name", name[:LONGEST] or None, f"Give it one of 1 to {LONGEST} characters.")
    return name.strip()
