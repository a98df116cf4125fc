"""``tandem user``: the people who sign in."""

from __future__ import annotations

import json
import secrets
import sys

import click
from sqlalchemy import Connection, select

from gateway.clock import iso, now_us
from gateway.config import Config
from gateway.errors import NotFound
from gateway.journal.chain import Key
from gateway.people import users
from gateway.people.principal import ROLES
from gateway.people.users import By
from gateway.store.opened import opened
from gateway.store.tables import connection


def operator(config: Config) -> By:
    """The command line as the one who acts."""
    return By("cli", Key.of(config.key("audit")), now_us())


def connection_id(conn: Connection, name: str) -> int | None:
    """The id of a connection, None for no name. Raises NotFound."""
    if not name:
        return None
    found = conn.scalar(select(connection.c.id).where(connection.c.name == name))
    if found is None:
        raise NotFound("no such connection", "connection", name, "See: tandem connection list")
    return int(found)


@click.group(help="The people who sign in.")
def command() -> None: ...


@command.command()
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--name", default="", help="Default: the address up to its @.")
@click.option("--connection", default="", help="Of a provider's person: the connection's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the input instead of making one.")
def add(email: str, role: str, name: str, connection: str, password_stdin: bool) -> None:
    """Add a user; the password that is made for them is printed once."""
    config = Config.load(create=False)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(15)
    with opened(config) as store, store.write() as conn:
        where = connection_id(conn, connection)
        users.add(conn, operator(config), email, name or email.partition("@")[0], role, password, connection_id=where)
    click.echo(f"{email}: added as {role}" + ("" if password_stdin else f", password {password}"))


@command.command("list")
@click.option("--json", "as_json", is_flag=True)
def everyone(as_json: bool) -> None:
    """List the users."""
    with opened(Config.load(create=False)) as store, store.read() as conn:
        found = users.everyone(conn)
    told = [
        {"email": u.email, "name": u.name, "role": u.role, "state": u.state, "connection": u.connection,
         "created_at": iso(u.created_at)}
        for u in found
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in told:
        click.echo(f"{one['email']:40} {one['role']:10} {one['state']:9} {one['connection']:20} {one['name']}".rstrip())


@command.command()
@click.argument("email")
def disable(email: str) -> None:
    """End a user's access at once, with all sessions and tokens."""
    config = Config.load(create=False)
    with opened(config) as store, store.write() as conn:
        found = users.by_email(conn, email)
        if found is None:
            raise NotFound("no such user", "email", email, "See: tandem user list")
        users.disable(conn, operator(config), found.id)
    click.echo(f"{found.email}: disabled")
