"""``tandem token``: bearer tokens for the API."""

from __future__ import annotations

import json

import click

from gateway.clock import iso, now_us
from gateway.commands.user import connection_id, operator
from gateway.config import Config
from gateway.errors import NotFound
from gateway.people import tokens, users
from gateway.people.principal import ROLES
from gateway.store.opened import opened

DAY = 86_400_000_000


@click.group(help="Bearer tokens for the API.")
def command() -> None: ...


@command.command()
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--connection", default="", help="Of a provider: the one connection it sees.")
@click.option("--user", "email", default="", help="The user it belongs to and ends with.")
@click.option("--name", default="", help="What it is for; shown in lists and in the audit trail.")
@click.option("--days", type=click.IntRange(1), help="How long it lives; default: until it is revoked.")
def create(role: str, connection: str, email: str, name: str, days: int | None) -> None:
    """Make a token and print it: the only time it is seen."""
    config = Config.load(create=False)
    with opened(config) as store, store.write() as conn:
        found = users.by_email(conn, email) if email else None
        if email and found is None:
            raise NotFound("no such user", "user", email, "See: tandem user list")
        ends = now_us() + days * DAY if days else None
        where, whose = connection_id(conn, connection), found.id if found else None
        _, text = tokens.create(conn, operator(config), name or f"{role} token", role, whose, where, ends)
    click.echo(text)


@command.command("list")
@click.option("--json", "as_json", is_flag=True)
def everything(as_json: bool) -> None:
    """List the tokens, without the tokens themselves."""
    with opened(Config.load(create=False)) as store, store.read() as conn:
        found = tokens.everything(conn)
    told = [
        {"id": str(t.id), "name": t.name, "role": t.role, "connection": t.connection, "created_at": iso(t.created_at),
         "state": t.state(now_us())}
        for t in found
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        click.echo(f"{one['id']:20} {one['role']:10} {one['state']:8} {one['connection']:20} {one['name']}".rstrip())


@command.command()
@click.argument("id", type=int)
def revoke(id: int) -> None:
    """End a token at once."""
    config = Config.load(create=False)
    with opened(config) as store, store.write() as conn:
        tokens.revoke(conn, operator(config), id)
    click.echo(f"{id}: revoked")
