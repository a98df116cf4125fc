"""``tandem delivery``: what is owed to remotes, and the dead letters among it."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.desk import attention
from gateway.desk.attention import STUCK
from gateway.errors import Invalid, TandemError
from gateway.store.tables import WAITING
from gateway.terminal import as_json, at, inner, me, reason, runtime, show_json, show_table


@click.group(help="What is owed to the providers' systems.")
def command() -> None: ...


@command.command("list")
@click.option("--dead", is_flag=True, help="Only what needs a person: dead and held ones.")
@click.option("--connection", default="", help="Of this connection alone.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@as_json
def everything(dead: bool, connection: str, limit: int, as_json: bool) -> None:
    """List what waits, is held or is dead, newest first."""
    states = STUCK if dead else (WAITING, *STUCK)
    with runtime() as rt, rt.store.read() as conn:
        found = attention.deliveries(conn, states, connection, limit=limit)
        if as_json:
            show_json(
                [
                    {**asdict(one), "id": rt.ids.public(one.id), "ticket_id": rt.ids.public(one.ticket_id)}
                    for one in found
                ]
            )
            return
        rows = [
            (rt.ids.public(one.id), f"T-{one.ticket}", one.connection, one.kind, one.state, one.tries,
             at(one.created_at), one.said or one.lane_held)
            for one in found
        ]  # fmt: skip
    columns = ("id", "ticket", "connection", "kind", "state", "tries", "since", "said")
    show_table(columns, rows, "no dead letters" if dead else "nothing waits")


@command.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--connection", default="", help="All dead and held ones of this connection.")
@reason
def replay(ids: tuple[str, ...], connection: str, reason: str) -> None:
    """Send dead or held deliveries again. Exit status 1 when one cannot be."""
    if bool(ids) == bool(connection):
        raise Invalid("say which", "ID", fix="Name deliveries, or --connection for all of one.")
    failed = 0
    with runtime() as rt:
        with rt.store.read() as conn:
            all_of_it = attention.deliveries(conn, STUCK, connection, limit=100_000) if connection else []
        wanted = [inner(rt, text, "delivery") for text in ids] or sorted(one.id for one in all_of_it)
        for id in wanted:
            try:
                with rt.store.write() as conn:
                    attention.replay_delivery(conn, me(rt), id, reason)
            except TandemError as error:
                failed += 1
                click.echo(f"{rt.ids.public(id)}: {error}", err=True)
        rt.wake("deliver")
    click.echo(f"{len(wanted) - failed} to be sent again")
    if failed:
        raise SystemExit(1)
