"""``tandem notice``: what a person should know, and ticking it off."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.desk import notices
from gateway.errors import TandemError
from gateway.terminal import as_json, at, inner, me, reason, runtime, show_json, show_table


@click.group(help="What a person should know of a ticket.")
def command() -> None: ...


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="The closed ones as well.")
@as_json
def listing(everything: bool, as_json: bool) -> None:
    """List the open notices, newest first."""
    with runtime() as rt, rt.store.read() as conn:
        found = notices.everything(conn, "all" if everything else "open", limit=1000)
        if as_json:
            public = rt.ids.public
            show_json(
                [
                    {**asdict(one), "id": public(one.id), "ticket_id": public(one.ticket_id) if one.ticket_id else None}
                    for one in found
                ]
            )
            return
        rows = [
            (rt.ids.public(one.id), f"T-{one.ticket}" if one.ticket else "", one.connection, one.kind, one.count,
             at(one.created_at), one.text)
            for one in found
        ]  # fmt: skip
    show_table(("id", "ticket", "connection", "kind", "times", "since", "said"), rows, "no open notices")


@command.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@reason
def close(ids: tuple[str, ...], reason: str) -> None:
    """Tick notices off. Exit status 1 when one cannot be."""
    failed = 0
    with runtime() as rt:
        for text in ids:
            try:
                with rt.store.write() as conn:
                    notices.close(conn, me(rt), inner(rt, text, "notice"), reason)
            except TandemError as error:
                failed += 1
                click.echo(str(error), err=True)
    click.echo(f"{len(ids) - failed} closed")
    if failed:
        raise SystemExit(1)
