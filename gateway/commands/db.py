"""``tandem db``: bring the database to this version, see whether it is, and move to another one."""

from __future__ import annotations

import click

from gateway.clock import now_us
from gateway.config import Config, database_url
from gateway.journal.checkpoints import Keys, seal
from gateway.store import schema, transfer
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
    seal(store, Keys.of(config), now_us())
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


@command.command()
@click.argument("url")
def copy(url: str) -> None:
    """Copy everything from this database to an empty one at URL; afterwards point TANDEM_DATABASE_URL there.

    Stop Tandem first: what is written during the copy stays behind. The secret key stays the same, and attachments stay
    where they are, in TANDEM_HOME. A password in URL may be left to PostgreSQL's own password file."""
    config = Config.load(create=False)
    source, target = Store(config.database_url), Store(database_url(url, config.home))
    rows = transfer.copy(source, target, lambda table, count: click.echo(f"{table}: {count}"))
    schema.installation(target, config)
    source.close()
    target.close()
    click.echo(f"database: {rows} rows copied")
