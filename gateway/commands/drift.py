"""``tandem drift``: whether both sides of a connection's tickets still say the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from gateway.desk import drift
from gateway.desk.drift import Compared
from gateway.runtime import Runtime
from gateway.terminal import as_json, clean, connection_id, runtime, show_json, show_table, wish


@click.command()
@click.argument("name")
@click.option("--heal", is_flag=True, help="Write ours again where it is ours, look again where theirs counts.")
@as_json
def command(name: str, heal: bool, as_json: bool) -> None:
    """Fetch every record that the connection NAME holds for us and compare it with its ticket.

    Exit status 1 when something differs (and is not healed) or cannot be looked at."""
    with runtime() as rt:
        found = list(drift.look(rt, connection_id(rt, name)))
        differ = [one for one in found if one.differences or one.said]
        healed = [mend(rt, one) for one in differ] if heal else []
        if healed:
            drift.look_again(rt, [one.link_id for one in differ if one.looks])
            rt.wake("deliver")
        counts = {"links": len(found), "differ": len(differ), "healed": sum(healed)}
        if as_json:
            show_json({"connection": name, **counts, "found": [plain(rt, one) for one in differ]})
        else:
            told(name, counts, differ, heal)
    if any(one.said for one in differ) or (differ and not heal):
        raise SystemExit(1)


def mend(rt: Runtime, one: Compared) -> bool:
    """Owe again what drifted; whether anything was done about this link."""
    if one.heals:
        wish(rt, "heal", {"link": one.link_id, "fields": list(one.heals)}, "drift was healed", one.ticket_id)
    return bool(one.heals or one.looks)


def told(name: str, counts: dict[str, int], differ: list[Compared], heal: bool) -> None:
    rows = [(f"T-{one.ticket}", one.remote, "", one.said, "", "") for one in differ if one.said]
    rows += [
        (f"T-{one.ticket}", one.remote, each.field, each.why, clean(each.ours)[:60], clean(each.theirs)[:60])
        for one in differ
        for each in one.differences
    ]
    show_table(
        ("ticket", "record", "field", "why", "ours", "theirs"), rows, f"{name}: all {counts['links']} links agree"
    )
    if rows:
        ends = f", {counts['healed']} being healed" if heal else ""
        click.echo(f"{name}: {counts['differ']} of {counts['links']} links differ{ends}")


def plain(rt: Runtime, one: Compared) -> dict[str, Any]:
    ids = {
        "ticket_id": rt.ids.public(one.ticket_id),
        "link_id": rt.ids.public(one.link_id),
        "ticket": f"T-{one.ticket}",
    }
    return {**asdict(one), **ids}
