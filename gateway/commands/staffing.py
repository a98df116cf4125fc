"""``tandem staffing``: how many people and lines a load needs, by formula and in a simulation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from gateway.errors import Invalid
from gateway.insight import erlang
from gateway.insight.simulator import HOUR, Pool, Setting, exponential, simulate
from gateway.terminal import as_json, show_facts, show_json

SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
TIME = click.FloatRange(0, min_open=True)


@click.group(help="People and lines for a load.")
def command() -> None: ...


def load_options(function: Any) -> Any:
    for option in (
        click.option("--contacts", type=TIME, required=True, help="Contacts an hour."),
        click.option("--handling", type=TIME, required=True, help="Seconds that each takes, with the work after it."),
        click.option("--within", type=TIME, default=20.0, show_default=True, help="Seconds to be answered within."),
    ):
        function = option(function)
    return function


@command.command()
@load_options
@click.option("--share", type=SHARE, default=0.8, show_default=True, help="The share to be answered in time.")
@click.option("--shrinkage", type=click.FloatRange(0, 1, max_open=True), default=0.3, show_default=True,
              help="The share of paid time in which nobody is at the desk.")  # fmt: skip
@click.option("--occupancy", type=click.FloatRange(0, 1, min_open=True), default=0.85, show_default=True,
              help="The most that people are to be busy.")  # fmt: skip
@click.option("--blocking", type=SHARE, default=0.01, show_default=True, help="The share that may find no line free.")
@as_json
def plan(contacts: float, handling: float, within: float, share: float, shrinkage: float, occupancy: float,
         blocking: float, as_json: bool) -> None:  # fmt: skip
    """Say how many people (Erlang C) and lines (Erlang B) it takes."""
    load = erlang.load(contacts, HOUR, handling)
    found = erlang.staff(load, handling, within, share, shrinkage, occupancy)
    lines = erlang.lines(load, blocking)
    if as_json:
        show_json({"erlangs": load, **asdict(found), "lines": lines})
        return
    show_facts([
        ("load", f"{load:.2f} Erlangs"),
        ("at work at once", str(found.agents)),
        ("people to have", f"{found.heads}, {shrinkage:.0%} of whose time nobody is at the desk"),
        ("answered in time", f"{found.answered:.1%} within {within:g} s of all, nobody giving up"),
        ("wait at all", f"{found.waits:.1%}, {found.mean_wait:.1f} s on average of all"),
        ("busy", f"{found.occupancy:.1%}"),
        ("lines", f"{lines}, so that at most {blocking:.1%} find none free"),
    ])  # fmt: skip


@command.command("simulate")
@load_options
@click.option("--agents", type=click.IntRange(1, 1000), required=True, help="People of ours at work at once.")
@click.option("--provider", type=click.IntRange(0, 1000), default=0, show_default=True, help="The provider's people.")
@click.option(
    "--overflow", type=TIME, default=60.0, show_default=True, help="Seconds after which it goes over to them."
)
@click.option(
    "--patience", type=TIME, help="Seconds that people wait on average before they give up; default: for ever."
)
@click.option("--hours", type=click.FloatRange(10, 1000), default=80.0, show_default=True, help="How long each run is.")
@click.option("--runs", type=click.IntRange(2, 200), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@as_json
def simulated(contacts: float, handling: float, within: float, agents: int, provider: int, overflow: float,
              patience: float | None, hours: float, runs: int, seed: int, as_json: bool) -> None:  # fmt: skip
    """Simulate a desk with a provider behind it; every figure with its 95 % interval."""
    if patience is None and erlang.load(contacts, HOUR, handling) >= agents + provider:
        fix = "Have more people, or say how long somebody waits with --patience."
        raise Invalid("more comes in than so many people can do, and nobody gives up", "--agents", agents, fix)
    pools = (Pool("desk", agents), Pool("provider", provider))
    gives_up = None if patience is None else exponential(patience)
    setting = Setting(pools, {"": exponential(handling)}, gives_up, overflow=(overflow, "provider"), within=within)
    found = simulate(setting, contacts, hours, runs, seed, warm_up=hours / 10)
    if as_json:
        show_json({name: asdict(one) for name, one in found.items()})
        return
    shares = {"abandoned": "gave up", "answered": f"answered within {within:g} s", "waited": "waited at all",
              "busy:desk": "our people busy", "busy:provider": "the provider's busy",
              "helped:provider": "helped by the provider"}  # fmt: skip
    rows = [(title, f"{found[name].mean:.1%} ± {found[name].half:.1%}") for name, title in shares.items()]
    rows.append(("mean wait of those helped", f"{found['wait'].mean:.1f} ± {found['wait'].half:.1f} s"))
    show_facts(rows)
