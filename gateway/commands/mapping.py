"""``tandem mapping``: what one desk's values mean to us; proved before it is used, and moved to version by version."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from gateway.commands._preview import command as preview
from gateway.commands._record import record
from gateway.desk.actors import names
from gateway.errors import NotFound
from gateway.providers import meanings, publishing, versions
from gateway.providers.documents import Mistakes
from gateway.providers.publishing import Moved, Wish
from gateway.providers.versions import Version
from gateway.runtime import Runtime
from gateway.terminal import as_json, at, me, runtime, show_json, show_table, text_of
from mappings.model import MappingError

PATIENCE = 30.0
"""Seconds that links are waited for which are being written to."""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
why = click.option("--reason", required=True, help="Why; it stands in the audit trail.")
Options = Callable[[Any], Any]


def besides(help: str) -> Options:
    return click.option("--connection", "connections", multiple=True, metavar="NAME", help=help)


@click.group(help="What one desk's values mean to us.")
def command() -> None: ...


command.add_command(record)
command.add_command(preview)


# --- proved and compared ---


@command.command()
@click.argument("file", type=FILE)
@click.option("--connection", default="", help="Against this connection's fields and values, too.")
@as_json
def prove(file: Path, connection: str, as_json: bool) -> None:
    """Say everything that is wrong with a mapping, with line and way out, and try its examples.

    It is proved against every connection that uses a mapping of its name; where there is none, against what the
    manifest says. Exit status 1 when it cannot be used."""
    with runtime() as rt, rt.store.read() as conn:
        found = publishing.proof(rt, conn, text_of(file), file.name, [connection] if connection else [])
    if as_json:
        show_json(proved(found))
    else:
        for one in found.complaints:
            click.echo(str(one))
        if found.assumed:
            click.echo(f"{file.name}: taken as written, for only a desk tells its own: {', '.join(found.assumed)}")
        if found.holds:
            whole = json.loads(found.effective)
            unsupported = f", {len(whole['unsupported'])} said to be unsupported" if whole.get("unsupported") else ""
            click.echo(f"{file.name}: good, {len(whole['fields'])} fields{unsupported}")
    if not found.holds:
        raise SystemExit(1)


def proved(found: publishing.Proof) -> dict[str, Any]:
    """A proof for programs."""
    return {
        "ok": found.holds,
        "name": found.name,
        "complaints": [asdict(one) for one in found.complaints],
        "warnings": list(found.warnings),
        "hash": found.hash,
        "connections": list(found.connections),
        "assumed": list(found.assumed),
    }


@command.command()
@click.argument("what", metavar="FILE|NAME")
@click.option("--version", "number", type=int, help="Against this version; default: the newest, or the one before.")
@as_json
def diff(what: str, number: int | None, as_json: bool) -> None:
    """Show what the mapping in FILE, the draft of NAME, or else its newest version changes."""
    with runtime() as rt, rt.store.read() as conn:
        text, name = written(conn, what)
        before = against(conn, name, text, number)
        told, changes = told_apart(conn, text, before)
    if as_json:
        show_json({"name": name, "against": before.label if before else None, "diff": told, "changes": changes})
        return
    tell(told, changes)


def written(conn: Connection, what: str) -> tuple[str, str]:
    """A text and the name of its mapping: from a file, a draft, or the newest version. Raises NotFound, Mistakes."""
    path = Path(what)
    if path.is_file():
        text = text_of(path)
        try:
            parent = meanings.parent_of(conn, text, path.name)
            whole = meanings.whole(text, parent.text if parent is not None else None, path.name)
        except MappingError as error:
            raise Mistakes(path.name, meanings.mistakes(error.complaints)) from None
        return text, str(whole.get("name"))
    draft = versions.draft(conn, "mapping", what)
    return (draft.text if draft is not None else versions.find(conn, "mapping", what).text), what


def against(conn: Connection, name: str, text: str, number: int | None) -> Version | None:
    """The version that a text is compared with: the newest, or the one before where it is the newest itself."""
    if number is not None:
        return versions.find(conn, "mapping", name, number)
    found = versions.history(conn, "mapping", name)
    return next((one for one in found if one.text != text), None)


def told_apart(conn: Connection, text: str, before: Version | None) -> tuple[str, list[str]]:
    try:
        return publishing.compared(conn, text, meanings.parent_of(conn, text, "draft"), before)
    except MappingError as error:
        raise Mistakes("draft", meanings.mistakes(error.complaints)) from None


def tell(diff: str, changes: list[str]) -> None:
    for one in changes:
        click.echo(f"  {one}")
    click.echo(diff or "no difference")


# --- in force ---


@command.command()
@click.argument("what", metavar="FILE|NAME")
@why
@click.option("--accept", multiple=True, metavar="NAME", help="A warning, as M041:status or M041; or all of them.")
@click.option("--canary", "percent", type=click.IntRange(0, 100), default=100, help="For this share of the links only.")
@besides("Let this connection use it, besides those that do.")
@as_json
def publish(
    what: str, reason: str, accept: tuple[str, ...], percent: int, connections: tuple[str, ...], as_json: bool
) -> None:
    """Put the mapping in FILE, or the draft of NAME, in force as the next version, and move links to it.

    It has to prove against every connection that uses it; warnings are accepted by name."""
    path = Path(what)
    with runtime() as rt:
        with rt.store.read() as conn:
            if not path.is_file() and versions.draft(conn, "mapping", what) is None:
                raise NotFound(
                    "no such file, and no draft of this name", "mapping", what, "Save a draft, or name a file."
                )
            text, name = written(conn, what)
            before = against(conn, name, text, None)
            told, changes = told_apart(conn, text, before)
            found = versions.history(conn, "mapping", name)
        file = path.name if path.is_file() else name
        expect = found[0].number if found else 0
        wish = Wish(text, reason, accept, percent, connections, expect, file, name)
        _, moved = publishing.publish(rt, me(rt), wish, PATIENCE)
        if as_json:
            show_json({**plain(rt, moved), "diff": told, "changes": changes})
        else:
            tell(told, changes)
            report(moved)
    ended(moved)


@command.command()
@click.argument("name")
@click.argument("percent", type=click.IntRange(0, 100))
@click.option("--reason", default="", help="Why; it stands in the audit trail.")
@besides("Let this connection use it, besides those that do.")
@as_json
def canary(name: str, percent: int, reason: str, connections: tuple[str, ...], as_json: bool) -> None:
    """Let PERCENT of the links have the newest version: 100 for all, and for those made from now on."""
    with runtime() as rt:
        moved = publishing.canary(rt, me(rt), name, percent, reason, connections, PATIENCE)
        if as_json:
            show_json(plain(rt, moved))
        else:
            report(moved)
    ended(moved)


@command.command()
@click.argument("name")
@click.argument("number", metavar="VERSION", type=int)
@why
@as_json
def rollback(name: str, number: int, reason: str, as_json: bool) -> None:
    """Put an earlier VERSION of a mapping in force again, as its next version, for all links."""
    with runtime() as rt:
        moved = publishing.rollback(rt, me(rt), name, number, reason, PATIENCE)
        if as_json:
            show_json(plain(rt, moved))
        else:
            report(moved)
            click.echo(f"{moved.version.label} is the same as version {number}")
    ended(moved)


def report(moved: Moved) -> None:
    """What became of the links."""
    label, users = moved.version.label, ", ".join(moved.connections)
    for one in moved.failed:
        click.echo(f"T-{one.ticket} at {one.connection} was not moved: {one.why}")
    if not users:
        click.echo(f"{label}: published; no connection uses it yet (--connection NAME lets one)")
        return
    links = f"{moved.moved} links moved, {moved.there} there already"
    if moved.percent == 100:
        click.echo(f"{label}: in force at {users}; {links}")
    else:
        widen = f"for all: tandem mapping canary {moved.version.name} 100"
        click.echo(f"{label}: canary of {moved.percent} % at {users}; {links}, {moved.left} left as they are; {widen}")


def plain(rt: Runtime, moved: Moved) -> dict[str, Any]:
    """What became of the links, for programs."""
    failed = [
        {"ticket": f"T-{one.ticket}", "link": rt.ids.public(one.link_id), "connection": one.connection, "why": one.why}
        for one in moved.failed
    ]
    told = {"percent": moved.percent, "connections": list(moved.connections), "moved": moved.moved}
    return {"version": version(rt, moved.version), **told, "there": moved.there, "left": moved.left, "failed": failed}


def version(rt: Runtime, one: Version) -> dict[str, Any]:
    return {**one.told(), "id": rt.ids.public(one.id)}


def ended(moved: Moved) -> None:
    if moved.failed:
        raise SystemExit(1)


# --- what there is ---


@command.command()
@click.argument("name")
@click.option("--version", "number", type=int, help="An earlier one instead of the newest.")
@as_json
def show(name: str, number: int | None, as_json: bool) -> None:
    """Show the text of a version of a mapping."""
    with runtime() as rt, rt.store.read() as conn:
        found = versions.find(conn, "mapping", name, number)
        if as_json:
            show_json({**version(rt, found), "text": found.text})
            return
    click.echo(found.text, nl=not found.text.endswith("\n"))


@command.command()
@click.argument("name", default="")
@as_json
def history(name: str, as_json: bool) -> None:
    """List the versions of one mapping, or the newest of each: who, why, and how many links have it."""
    with runtime() as rt, rt.store.read() as conn:
        if name:
            versions.find(conn, "mapping", name)
        found = versions.history(conn, "mapping", name) if name else versions.newest_of_each(conn, "mapping")
        links = {id: n for one in {one.name for one in found} for id, n in publishing.standing(conn, one).items()}
        who = names(conn, [one.author for one in found])
        if as_json:
            show_json([{**version(rt, one), "text": one.text, "links": links.get(one.id, 0)} for one in found])
            return
    rows = [
        (one.name, one.number, links.get(one.id, 0), who[one.author], at(one.created_at), one.reason) for one in found
    ]
    show_table(("name", "version", "links", "by", "published", "why"), rows, "no mappings")


# --- drafts ---


@command.group(help="What is being written and not yet in force: one draft a mapping.")
def draft() -> None: ...


@draft.command("show")
@click.argument("name")
@as_json
def show_draft(name: str, as_json: bool) -> None:
    """Show the draft of a mapping."""
    with runtime() as rt, rt.store.read() as conn:
        found = versions.draft(conn, "mapping", name)
        if found is None:
            raise NotFound("there is no draft", "mapping", name, f"Begin one: tandem mapping draft save {name} FILE")
        who = names(conn, [found.author])[found.author]
    if as_json:
        show_json({**asdict(found), "author": who})
        return
    click.echo(f"# draft of {name} by {who}, {at(found.changed_at)}, etag {found.etag}", err=True)
    click.echo(found.text, nl=not found.text.endswith("\n"))


@draft.command("save")
@click.argument("name")
@click.argument("file", type=FILE)
@click.option("--etag", default=None, help="Of the draft this was made from; without: there is none yet.")
@as_json
def save_draft(name: str, file: Path, etag: str | None, as_json: bool) -> None:
    """Keep what is in FILE as the draft of a mapping; nothing is in force by that."""
    with runtime() as rt, rt.store.write() as conn:
        publishing.own(versions.history(conn, "mapping", name), name)
        made = versions.save(conn, me(rt), "mapping", name, text_of(file), etag)
    if as_json:
        show_json(asdict(made))
    else:
        click.echo(f"{name}: draft kept, etag {made.etag}")


@draft.command("discard")
@click.argument("name")
@click.option("--etag", default=None, help="Only if it is still this one.")
def discard_draft(name: str, etag: str | None) -> None:
    """Throw the draft of a mapping away."""
    with runtime() as rt, rt.store.write() as conn:
        versions.discard(conn, "mapping", name, etag)
    click.echo(f"{name}: no draft any more")
