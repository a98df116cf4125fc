"""``tandem arrival``: what came in, and what of it nobody could work on."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.desk import attention
from gateway.desk.attention import STUCK
from gateway.errors import TandemError
from gateway.store.tables import DONE, WAITING
from gateway.terminal import as_json, at, inner, me, reason, runtime, show_json, show_table


@click.group(help="What came in from the providers' systems.")
def command() -> None: ...


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that were worked on as well.")
@click.option("--connection", default="", help="Of this connection alone.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@as_json
def listing(everything: bool, connection: str, limit: int, as_json: bool) -> None:
    """List arrivals that wait or need a person, newest first."""
    states = (WAITING, *STUCK, DONE) if everything else (WAITING, *STUCK)
    with runtime() as rt, rt.store.read() as conn:
        found = attention.arrivals(conn, states, connection, limit)
        if as_json:
            show_json([{**asdict(one), "id": rt.ids.public(one.id)} for one in found])
            return
        rows = [
            (rt.ids.public(one.id), one.connection, one.kind, one.state, at(one.received_at), one.size, one.said)
            for one in found
        ]
    columns = ("id", "connection", "kind", "state", "received", "bytes", "said")
    show_table(columns, rows, "none" if everything else "nothing waits and nothing is dead")


@command.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@reason
def replay(ids: tuple[str, ...], reason: str) -> None:
    """Work on arrivals again. Exit status 1 when one cannot be."""
    failed = 0
    with runtime() as rt:
        for id in [inner(rt, text, "arrival") for text in ids]:
            try:
                with rt.store.write() as conn:
                    attention.replay_arrival(conn, me(rt), id, reason)
            except TandemError as error:
                failed += 1
                click.echo(f"{rt.ids.public(id)}: {error}", err=True)
        rt.wake("process")
    click.echo(f"{len(ids) - failed} to be worked on again")
    if failed:
        raise SystemExit(1)
