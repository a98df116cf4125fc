"""``tandem conflict``: fields that both sides changed, and whose value is to stand."""

from __future__ import annotations

from dataclasses import asdict

import click

from gateway.desk import attention
from gateway.terminal import as_json, at, clean, inner, reason, runtime, show_json, show_table, wish


@click.group(help="Fields that both sides changed.")
def command() -> None: ...


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="The closed ones as well.")
@as_json
def listing(everything: bool, as_json: bool) -> None:
    """List the open conflicts, newest first."""
    with runtime() as rt, rt.store.read() as conn:
        found = attention.conflicts(conn, everything)
        if as_json:
            ids = ("id", "ticket_id", "link_id")
            show_json([{**asdict(one), **{name: rt.ids.public(getattr(one, name)) for name in ids}} for one in found])
            return
        rows = [
            (rt.ids.public(one.id), f"T-{one.ticket}", one.connection, one.field, clean(one.ours)[:60],
             clean(one.theirs)[:60], one.resolution or one.state, at(one.opened_at))
            for one in found
        ]  # fmt: skip
    show_table(("id", "ticket", "connection", "field", "ours", "theirs", "state", "since"), rows, "no open conflicts")


@command.command()
@click.argument("id")
@click.option("--keep", type=click.Choice(["ours", "theirs"]), required=True, help="Whose value stands.")
@reason
def resolve(id: str, keep: str, reason: str) -> None:
    """End a conflict: ours is written there, or theirs is taken in."""
    with runtime() as rt:
        with rt.store.read() as conn:
            found = attention.conflict(conn, inner(rt, id, "conflict"))
        data = {"link": found.link_id, "field": found.field, "keep": keep}
        wish(rt, "resolve", data, reason or f"kept {keep}", found.ticket_id)
    click.echo(f"T-{found.ticket} {found.field}: {keep} stands")
