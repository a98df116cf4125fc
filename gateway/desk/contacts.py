"""The people who ask for help: employees of ours and customers. Every change is audited under ``contact:<id>``.

Results are plain dicts ``{id, email, name, clientele, site, language, created_at}`` with a public id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from gateway.clock import iso
from gateway.errors import Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.people.users import By, clean_email
from gateway.runtime import Runtime
from gateway.store.ids import mint
from gateway.store.tables import contact
from gateway.tickets.vocabulary import CLIENTELES

FIELDS = ("email", "name", "clientele", "site", "language")


def everybody(
    conn: Connection, rt: Runtime, q: str = "", after: int | None = None, limit: int = 50
) -> tuple[list[dict[str, Any]], int | None]:
    """Contacts, the newest first, and the inner id to go on after. ``q``: part of name or address."""
    query = select(contact).order_by(contact.c.id.desc()).limit(limit + 1)
    for word in q.split()[:8]:
        query = query.where(or_(*(contact.c[name].icontains(word, autoescape=True) for name in ("name", "email"))))
    if after is not None:
        query = query.where(contact.c.id < after)
    rows = list(conn.execute(query))
    return [_told(rt, row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None


def one(conn: Connection, rt: Runtime, id: int) -> dict[str, Any]:
    """A contact. Raises NotFound."""
    return _told(rt, _known(conn, id))


def add(conn: Connection, by: By, values: Mapping[str, Any]) -> int:
    """A new contact's inner id. ``values`` of ``FIELDS``, at least ``email`` and ``name``. Raises Invalid, Conflict."""
    given = _checked(conn, {"clientele": "employee", "site": "", "language": "", **values}, None)
    id = mint()
    conn.execute(insert(contact).values(id=id, created_at=by.at, **given))
    note(conn, by.key, by.at, f"contact:{id}", by.actor, "added", "", given)
    return id


def change(conn: Connection, by: By, id: int, values: Mapping[str, Any]) -> None:
    """Change some of ``FIELDS``. Raises NotFound, Invalid, Conflict."""
    known = _known(conn, id)
    given = _checked(conn, values, id)
    moved = {name: [getattr(known, name), value] for name, value in given.items() if getattr(known, name) != value}
    if moved:
        conn.execute(update(contact).where(contact.c.id == id).values({name: pair[1] for name, pair in moved.items()}))
        note(conn, by.key, by.at, f"contact:{id}", by.actor, "changed", "", moved)


def _checked(conn: Connection, values: Mapping[str, Any], id: int | None) -> dict[str, Any]:
    given = dict(values)
    if "email" in given:
        given["email"] = clean_email(given["email"])
        query = select(contact.c.id).where(contact.c.email == given["email"], contact.c.id != (id or 0))
        if conn.execute(query).first():
            raise Conflict("a contact with this address exists", "email", given["email"], "Change that one.")
    if "name" in given and not given["name"].strip():
        raise Invalid("a contact has a name", "name", fix="Say who this is.")
    if "clientele" in given and given["clientele"] not in CLIENTELES:
        raise Invalid("no such clientele", "clientele", given["clientele"], f"One of: {', '.join(CLIENTELES)}.")
    return given


def _known(conn: Connection, id: int) -> Any:
    row = conn.execute(select(contact).where(contact.c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound("no such contact", "contact")
    return row


def _told(rt: Runtime, row: Any) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in FIELDS}
    return {"id": rt.ids.public(row.id), **told, "created_at": iso(row.created_at)}
