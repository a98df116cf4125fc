"""Who an actor of the audit trail is, in words: users and tokens have names, the others speak for themselves."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from gateway.store.tables import connection, provider, token, user


def names(conn: Connection, actors: Iterable[str]) -> dict[str, str]:
    """The name of each actor: a user's, a token's, ``Tandem`` for what nobody ordered; otherwise the actor as it is."""
    wanted = set(actors)
    found = {actor: "Tandem" if actor == "tandem" else actor for actor in wanted}
    for kind, table in (("user", user), ("token", token)):
        ids = [int(rest) for actor in wanted if (rest := _id(actor, kind)) is not None]
        if ids:
            rows = conn.execute(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
            found |= {f"{kind}:{id}": name for id, name in rows}
    return found


def parties(conn: Connection, authors: Iterable[str]) -> dict[str, str]:
    """What party each author speaks for: ``agent`` for our own people, ``provider:<slug>``, ``requester``; others as
    they are. An account speaks for the party it belongs to today."""
    wanted = set(authors)
    found = {author: author for author in wanted}
    for kind, table in (("user", user), ("token", token)):
        ids = [int(rest) for author in wanted if (rest := _id(author, kind)) is not None]
        found |= dict.fromkeys((f"{kind}:{id}" for id in ids), "agent")
        if ids:
            query = (
                select(table.c.id, table.c.role, func.coalesce(provider.c.slug, "").label("slug"))
                .outerjoin(connection, connection.c.id == table.c.connection_id)
                .outerjoin(provider, provider.c.id == connection.c.provider_id)
                .where(table.c.id.in_(ids), table.c.role.in_(("provider", "requester")))
            )
            for row in conn.execute(query):
                found[f"{kind}:{row.id}"] = f"provider:{row.slug}" if row.role == "provider" else "requester"
    return found


def _id(actor: str, kind: str) -> str | None:
    prefix, _, rest = actor.partition(":")
    return rest if prefix == kind and rest.isdecimal() and len(rest) < 20 else None
