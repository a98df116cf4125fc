"""``tandem restore``: a backup put back, as an installation that begins again with its connections paused."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import backup
from gateway.clock import now_us
from gateway.config import Config
from gateway.errors import Invalid
from gateway.journal.chain import Key
from gateway.store.opened import opened
from gateway.workers.embedded import only_one


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--adopt", is_flag=True, help="The database was put back by its own tools: only begin again.")
def command(file: Path | None, adopt: bool) -> None:
    """Put the backup FILE into an empty TANDEM_HOME. The secret key must be the one it was made with.

    The installation gets a new code, so that what the lost one did since is not taken for its own; every connection
    starts paused, and what may have been sent since then waits for a person."""
    if (file is None) != adopt:
        raise Invalid("say what to restore", "FILE", fix="Name a backup, or --adopt after pg_restore.")
    config = Config.load(create=False)
    with only_one(config):
        if file is not None:
            at = backup.restore(config, file, now_us()).at
            click.echo(f"restored: the state of {at}")
        else:
            with opened(config) as store:
                backup.begin_again(store, Key.of(config.key("audit")), now_us(), "put back by the database's own tools")
    click.echo("every connection is paused: tandem delivery list --dead, then tandem connection resume NAME")
