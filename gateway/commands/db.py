"""``tandem db``: bring the database to this version, and see whether it is."""

from __future__ import annotations

import click

from gateway.config import Config
from gateway.store import schema
from gateway.store.db import Store


@click.group(help="The database.")
def command() -> None: ...


@command.command()
def upgrade() -> None:
    """Make or update the tables and the rows everything counts on; changes nothing when nothing is missing."""
    config = Config.load()
    store = Store(config.database_url)
    schema.upgrade(store)
    made = schema.prepare(store, config)
    store.close()
    click.echo(f"database: ready, installation {made.code}")


@command.command()
def check() -> None:
    """Say whether the tables are this version's and the secret key is this database's."""
    config = Config.load(create=False)
    store = Store(config.database_url)
    schema.check(store)
    found = schema.installation(store, config)
    store.close()
    click.echo(f"database: good, installation {found.code}")
