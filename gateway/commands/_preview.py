"""``tandem mapping preview``: what a draft would do with the traffic of the last days, before anybody publishes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway import preview as previews
from gateway.preview import Draft, Span
from gateway.preview.report import COUNTED
from gateway.runtime import Runtime
from gateway.terminal import as_json, clean, connection_id, runtime, short, show_json, show_table, text_of, ticket_id


@click.command(name="preview")
@click.argument("what", metavar="FILE|NAME")
@click.option("--connection", required=True, help="Whose traffic is planned again.")
@click.option("--days", type=click.IntRange(1, previews.MOST_DAYS), default=previews.DAYS, show_default=True)
@click.option("--ticket", default="", help="One ticket alone, with everything that happened to it.")
@click.option(
    "--limit", type=click.IntRange(1, previews.MOST_ITEMS), default=previews.LIMIT, show_default=True,
    help="Items looked at, newest first.",
)  # fmt: skip
@as_json
def command(what: str, connection: str, days: int, ticket: str, limit: int, as_json: bool) -> None:
    """Plan the traffic of the last days again with a draft in place of the connection's mapping, and show what would
    differ. Nothing is written and no desk is asked.

    FILE is the text of a draft; NAME one that is kept here, as acme or acme@draft, or a version, as acme@7."""
    with runtime() as rt:
        draft = _draft(rt, connection_id(rt, connection), what)
        with rt.store.read() as conn:
            about = ticket_id(conn, rt, ticket) if ticket else None
        report = previews.preview(rt, draft, Span(days, limit, about))
    if as_json:
        show_json(report)
    else:
        _tell(report)


def _draft(rt: Runtime, connection: int, what: str) -> Draft:
    path = Path(what)
    text = text_of(path) if path.suffix in (".yaml", ".yml") or path.exists() else ""
    with rt.store.read() as conn:
        if text:
            return previews.read(conn, rt.desks, connection, text, path.name)
        return previews.named(conn, rt.desks, connection, what)


def _tell(report: dict[str, Any]) -> None:
    facts, plans = report["facts"], report["plans"]
    click.echo(
        f"{report['draft']} in place of {report['against']} at {report['connection']}, last {facts['days']} days"
    )
    click.echo(
        f"{facts['items']} items: {plans['same']} the same, {plans['changed']} changed, {plans['held']} newly held"
        f" (in {plans['tickets']} tickets), {facts['not_replayable']} that cannot be planned again"
    )
    if report["errors"]:
        click.echo(f"The prover finds {report['errors']} errors in it: it cannot be published like this.")
    if facts["cut"]:
        click.echo("There was more: only the newest were looked at.")
    if facts["unequal"]:
        click.echo(f"Beware: {facts['unequal']} plans could not be made again as they were; do not rely on this.")
    rows = [
        (provider, what, told["before"], told["after"])
        for provider, counts in report["counts"].items()
        for what in COUNTED
        for told in (counts[what],)
        if told["before"] or told["after"]
    ]
    show_table(("provider", "what", "now", "draft"), rows, "nothing is done by either")
    for one in report["surprises"]:
        _surprise(one)
    if report["drift"]:
        told = ", ".join(f"{name} in {count}" for name, count in report["drift"].items())
        click.echo(f"\nPublishing alone writes nothing and would leave apart: {told}")
    unused = [f"{name}.{row}" for name, rows_ in report["rows"].items() for row, count in rows_.items() if not count]
    if unused:
        click.echo(f"\nRows nothing has used: {', '.join(unused)}")
    for name, counts in report["unmapped"].items():
        click.echo(f"\nValues of {name} without a row: {', '.join(f'{value} ({n})' for value, n in counts.items())}")
    if report["reasons"]:
        click.echo("\nNot planned again:")
        for reason, count in report["reasons"].items():
            click.echo(f"  {count} x {reason}")


def _surprise(one: dict[str, Any]) -> None:
    """One difference, field by field."""
    where = f" at {one['link']}" if one["link"] else ""
    click.echo(
        f"\n{one['rank']} {one['kind']}  {one['ticket'] or 'no ticket'}  {one['item']}{where}  {short(one['at'])}"
    )
    if one["refused"]:
        click.echo(f"    refused: {clean(one['refused'])}")
    for name in one["holds"]:
        click.echo(f"    {name}: held from now on")
    for field in one["fields"]:
        name = field["field"] if field["side"] == "ours" else f"{field['link']}: {field['field']}"
        click.echo(f"    {name}: {clean(field['before'])} -> {clean(field['after'])}    {field['because']}")
    for item in one["comments"]:
        click.echo(f"    {item['item']}: {_readers(item['before'])} -> {_readers(item['after'])}")


def _readers(told: dict[str, Any] | None) -> str:
    if told is None:
        return "not there"
    by = f" by {told['channel']}" if told["channel"] else ""
    return f"seen by {', '.join(told['seen_by']) or 'nobody else'}{by}"
