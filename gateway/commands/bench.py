"""``tandem bench NAME``: the benchmarks, each beside a yardstick in the same run."""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import Any

import click

NAMES = ("road",)


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
@click.option("--quick", is_flag=True, help="A tenth of the events: does it work, not how fast.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), multiple=True, help="Default: both.")
def command(name: str, as_json: bool, quick: bool, database: tuple[str, ...]) -> None:
    """Measure; needs the test requirements (and PostgreSQL for its half)."""
    module: Any = importlib.import_module(f"bench.{name}")
    scale = module.Scale()
    if quick:
        scale = dataclasses.replace(
            scale, **{f: max(getattr(scale, f) // 10, 1) for f in ("acks", "burst", "tickets", "seconds", "idle")}
        )
    found = module.run(scale, database or module.DIALECTS)
    click.echo(json.dumps(found) if as_json else module.told(found))
