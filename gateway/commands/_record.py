"""``tandem mapping record``: a real ticket's traffic as an example file, personal data masked."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.desk import recording
from gateway.terminal import runtime, ticket_id


@click.command()
@click.argument("ticket")
@click.option("--connection", default="", metavar="NAME", help="Its record there; default: the newest one.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
def record(ticket: str, connection: str, output: Path | None) -> None:
    """Write what went between a TICKET (T-1042) and its record as examples of the mapping that carried it.

    Nobody's name, address or words are in it, and no desk is asked. Try it with mapping prove; changed rows that would
    have treated this ticket otherwise then show as M007."""
    with runtime() as rt:
        with rt.store.read() as conn:
            id = ticket_id(conn, rt, ticket)
        found = recording.record(rt, id, connection)
    for sentence in found.left_out:
        click.echo(f"left out: {sentence}", err=True)
    if output is None:
        click.echo(found.text, nl=False)
        return
    output.write_text(found.text, encoding="utf-8")
    click.echo(f"{output.name}: {found.examples} examples")
