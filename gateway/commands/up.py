"""``tandem up``: everything on this machine, and the first admin at the first start."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click
from sqlalchemy import select

from gateway.clock import now_us
from gateway.config import Config
from gateway.demo import company
from gateway.demo import desk as demo_desk
from gateway.journal.chain import Key
from gateway.people import tokens, users
from gateway.providers import policies
from gateway.store import schema, tables
from gateway.store.db import Store
from gateway.workers import embedded
from gateway.workers.supervisor import Child

ADMIN = "admin@tandem.example"


@dataclass(frozen=True)
class Login:
    """What the first admin signs in with, shown once."""

    email: str
    password: str
    token: str


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of the one in TANDEM_BIND; 0 takes a free one.")
@click.option("--demo", is_flag=True, help="With a provider's desk to play with, and tickets that keep arriving.")
def command(port: int | None, demo: bool) -> None:
    """Run Tandem here: console, workers, scheduler and an embedded Valkey, until Ctrl-C."""
    config = Config.load()
    host, asked = config.bind
    asked = asked if port is None else port
    with embedded.only_one(config):
        config = config.bound_to(*embedded.free_address(host, asked))
        login = prepare(config)
        if login is not None:
            click.echo(f"The first admin: {login.email}  password {login.password}  API token {login.token}")
        more: list[Child] = []
        if demo:
            for email, word in company.seed(config):
                click.echo(f"An agent:        {email}  password {word}")
            desk = demo_desk.prepare(config, demo_desk.FIRST_PORT if asked else 0)
            config = config.allowing(desk.destination)
            more = desk.children(config)
            click.echo(f"The provider's own desk, to play with: {desk.url}")
        embedded.up(config, more, lambda config: announce(config, asked))


def announce(config: Config, asked: int) -> None:
    host, port = config.bind
    if asked not in (0, port):
        click.echo(f"port {asked} is taken, so Tandem listens on {port}")
    click.echo(f"Tandem is up:   {embedded.url(host, port)}")


def prepare(config: Config) -> Login | None:
    """Bring the database to this version; where it has no user yet, make the first admin."""
    store = Store(config.database_url)
    try:
        schema.upgrade(store)
        schema.prepare(store, config)
        with store.write() as conn:
            if conn.execute(select(tables.user.c.id).limit(1)).first():
                return None
            by = users.By("tandem", Key.of(config.key("audit")), now_us())
            password = secrets.token_urlsafe(12)
            admin = users.add(conn, by, ADMIN, "Administrator", "admin", password)
            _, token = tokens.create(conn, by, "first", "admin", admin)
            policies.adopt(conn, by, "they come with Tandem")
            return Login(ADMIN, password, token)
    finally:
        store.close()
