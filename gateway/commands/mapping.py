"""``tandem mapping``: what one desk's values mean to us; proved before it is used."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from connectors import registry
from gateway.errors import NotFound
from gateway.providers import meanings
from gateway.providers.documents import Mistakes
from gateway.runtime import Runtime
from gateway.terminal import as_json, at, connection_id, runtime, show_json, show_table, text_of
from mappings.model import MappingError
from mappings.share import Share


@click.group(help="What one desk's values mean to us.")
def command() -> None: ...


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--connection", default="", help="Against this connection's fields and values; default: the manifest's.")
@as_json
def prove(file: Path, connection: str, as_json: bool) -> None:
    """Say everything that is wrong with a mapping, with line and way out, and try its examples.

    Exit status 1 when it cannot be used."""
    text = text_of(file)
    with runtime() as rt:
        try:
            with rt.store.read() as conn:
                parent = meanings.parent_of(conn, text, file.name)
            above = parent.text if parent else None
            untold: list[str] = []
            policy: Share | None = None
            if connection:
                catalogue, policy = listed(rt, connection)
            else:
                catalogue, untold = shipped(text, above, file.name)
        except MappingError as error:
            raise Mistakes(file.name, meanings.mistakes(error.complaints)) from None
    compiled, told = meanings.prove(text, catalogue, above, file.name, policy)
    if as_json:
        complaints = [asdict(one) for one in told]
        digest = compiled.hash if compiled else ""
        show_json({"ok": compiled is not None, "complaints": complaints, "hash": digest, "assumed": untold})
    else:
        for one in told:
            click.echo(str(one))
        if untold:
            click.echo(f"{file.name}: taken as written, for only a desk tells its own: {', '.join(untold)}")
        if compiled is not None:
            unsupported = f", {len(compiled.unsupported)} said to be unsupported" if compiled.unsupported else ""
            click.echo(f"{file.name}: good, {len(compiled.fields)} fields{unsupported}")
    if compiled is None:
        raise SystemExit(1)


def listed(rt: Runtime, name: str) -> tuple[Any, Share | None]:
    """The catalogue of a connection, with what its desk told of itself, and its provider's share policy."""
    id = connection_id(rt, name)
    row = rt.desks.row(id)
    return rt.desks.desk(id).connector.catalogue(row.found.get("lists"), row.declared).doc, rt.desks.share(row.provider)


def shipped(text: str, parent: str | None, name: str) -> tuple[Any, list[str]]:
    """The catalogue of the kind a mapping is for, as far as its manifest says it. Raises NotFound, MappingError."""
    kind = meanings.connector_of(text, parent, name)
    if kind not in registry.kinds():
        fix = f"Name --connection, or write connector: with one of {', '.join(registry.kinds())}."
        raise NotFound("no such kind of system", "connector", kind, fix)
    return meanings.assumed(registry.manifest(kind), text, parent, name)


@command.command()
@click.argument("name", default="")
@as_json
def history(name: str, as_json: bool) -> None:
    """List the versions of one mapping, or the newest of each."""
    with runtime() as rt, rt.store.read() as conn:
        found = meanings.history(conn, name)
        if name and not found:
            meanings.newest(conn, name)
        if as_json:
            show_json([{**asdict(one), "id": rt.ids.public(one.id)} for one in found])
            return
    rows = [(one.name, one.version, one.author, at(one.created_at), one.reason) for one in found]
    show_table(("name", "version", "by", "published", "why"), rows, "no mappings")
