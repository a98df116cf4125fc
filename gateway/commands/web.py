"""``tandem web``: the web process alone, for several machines."""

from __future__ import annotations

import click

from gateway.config import Config
from gateway.workers.web import THREADS, serve


@click.command()
@click.option("--processes", default=1, show_default=True, help="On PostgreSQL; SQLite has one.")
@click.option("--threads", default=THREADS, show_default=True, help="Of each process.")
def command(processes: int, threads: int) -> None:
    """Serve the console, the API and the webhooks."""
    serve(Config.load(create=False), processes, threads)
