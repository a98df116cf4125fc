"""``tandem team``: our own teams and who is in them."""

from __future__ import annotations

from collections.abc import Sequence

import click
from sqlalchemy import Connection

from gateway.clock import iso
from gateway.errors import NotFound
from gateway.people import teams, users
from gateway.terminal import as_json, me, runtime, show_json, show_table


@click.group(help="Our own teams and who is in them.")
def command() -> None: ...


@command.command("list")
@as_json
def everything(as_json: bool) -> None:
    """List the teams, their people and the open tickets each holds."""
    with runtime() as rt, rt.store.read() as conn:
        found = teams.everything(conn)
    if as_json:
        show_json(
            [
                {"slug": one.slug, "name": one.name, "tickets": one.tickets, "created_at": iso(one.created_at),
                 "members": [who.email for who in one.members]}
                for one in found
            ]
        )  # fmt: skip
        return
    rows = [(one.slug, one.name, one.tickets, ", ".join(who.email for who in one.members)) for one in found]
    show_table(("team", "name", "open tickets", "people"), rows, "no teams")


@command.command()
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
def add(slug: str, name: str) -> None:
    """Make a team; SLUG is for ever (tickets and rules say team:SLUG), its name is not."""
    with runtime() as rt, rt.store.write() as conn:
        made = teams.add(conn, me(rt), slug, name)
    click.echo(f"team:{made.slug}: added as {made.name}")


@command.command()
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
def rename(slug: str, name: str) -> None:
    """Give a team another name."""
    with runtime() as rt, rt.store.write() as conn:
        made = teams.rename(conn, me(rt), slug, name)
    click.echo(f"team:{made.slug}: {made.name}")


@command.command()
@click.argument("slug")
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
def join(slug: str, emails: tuple[str, ...]) -> None:
    """Put people into a team; each is in one at most."""
    with runtime() as rt, rt.store.write() as conn:
        for id in known(conn, emails):
            teams.move(conn, me(rt), id, slug)
    click.echo(f"team:{slug}: {', '.join(emails)}")


@command.command()
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
def leave(emails: tuple[str, ...]) -> None:
    """Take people out of the team they are in."""
    with runtime() as rt, rt.store.write() as conn:
        for id in known(conn, emails):
            teams.move(conn, me(rt), id, None)
    click.echo(f"in no team: {', '.join(emails)}")


def known(conn: Connection, emails: Sequence[str]) -> list[int]:
    """The ids of users, all of them or none. Raises NotFound."""
    found = []
    for email in emails:
        who = users.by_email(conn, email)
        if who is None:
            raise NotFound("no such user", "email", email, "See: tandem user list")
        found.append(who.id)
    return found
