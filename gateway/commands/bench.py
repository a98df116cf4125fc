"""``tandem bench NAME``: the benchmarks, each beside a yardstick in the same run."""

from __future__ import annotations

import dataclasses
import importlib
import json
from typing import Any

import click

NAMES = ("road", "mapping", "text", "estimates", "routing", "staffing", "deciding")
SHORTER = ("acks", "burst", "tickets", "seconds", "idle", "rounds", "records", "creates", "due")
"""What ``--quick`` divides by ten."""


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
@click.option("--quick", is_flag=True, help="A tenth of the work: does it run, not how fast.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), multiple=True, help="For road; default: both.")
@click.option("--log", default="", help="For estimates and routing: the log, where it is not found.")
def command(name: str, as_json: bool, quick: bool, database: tuple[str, ...], log: str) -> None:
    """Measure; needs the test requirements (and PostgreSQL for its half)."""
    module: Any = importlib.import_module(f"bench.{name}")
    scale = module.Scale()
    if quick:
        fewer = {one.name: getattr(scale, one.name) for one in dataclasses.fields(scale) if one.name in SHORTER}
        scale = dataclasses.replace(scale, **{name: max(count // 10, 1) for name, count in fewer.items()})
    if log and name in ("estimates", "routing"):
        scale = dataclasses.replace(scale, log=log)
    found = module.run(scale, database or module.DIALECTS) if name == "road" else module.run(scale)
    click.echo(json.dumps(found) if as_json else module.told(found))
