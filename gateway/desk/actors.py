"""Who an actor of the audit trail is, in words: users and tokens have names, the others speak for themselves."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from gateway.store.tables import token, user


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


def _id(actor: str, kind: str) -> str | None:
    prefix, _, rest = actor.partition(":")
    return rest if prefix == kind and rest.isdecimal() and len(rest) < 20 else None
