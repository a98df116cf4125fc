"""``tandem lane``: records whose deliveries wait for a person, and letting them go on."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.desk import lanes
from gateway.errors import TandemError
from gateway.terminal import as_json, inner, me, reason, runtime, show_json, show_table


@click.group(help="Records whose deliveries wait for a person.")
def command() -> None: ...


@command.command("list")
@as_json
def listing(as_json: bool) -> None:
    """List the lanes that are held, and why."""
    with runtime() as rt, rt.store.read() as conn:
        found = lanes.held(conn)
        public = rt.ids.public
        if as_json:
            ids = ("link_id", "ticket_id")
            show_json([{**asdict(one), **{name: public(getattr(one, name)) for name in ids}} for one in found])
            return
        rows = [
            (public(one.link_id), f"T-{one.ticket}", one.connection, one.remote, one.waiting, one.held) for one in found
        ]
    show_table(("id", "ticket", "connection", "record", "waiting", "held because"), rows, "no lane is held")


@command.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@reason
def release(ids: tuple[str, ...], reason: str) -> None:
    """Let held lanes go on. Exit status 1 when one cannot."""
    failed = 0
    with runtime() as rt:
        for text in ids:
            try:
                with rt.store.write() as conn:
                    lanes.release(conn, me(rt), inner(rt, text, "lane"), reason)
            except TandemError as error:
                failed += 1
                click.echo(str(error), err=True)
        rt.wake("deliver")
    click.echo(f"{len(ids) - failed} released")
    if failed:
        raise SystemExit(1)
