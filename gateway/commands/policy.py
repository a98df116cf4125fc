"""``tandem policy``: what is shared with each provider, and who gets a new ticket."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from gateway.errors import Invalid
from gateway.insight.whatif import SHOWN, Report, Side
from gateway.providers import policies, whatif
from gateway.providers.policies import Draft
from gateway.providers.versions import Version
from gateway.runtime import Runtime
from gateway.terminal import as_json, at, me, runtime, show_json, show_table, text_of

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
why = click.option("--reason", required=True, help="Why; it stands in the audit trail.")


@click.group(help="What is shared with each provider (share:NAME), and how tickets are decided: see docs/policies.md.")
def command() -> None: ...


@command.command()
@click.argument("file", type=FILE)
@as_json
def prove(file: Path, as_json: bool) -> None:
    """Say everything that is wrong with a policy, and what publishing it would change. Exit status 1 when it cannot
    be published."""
    with runtime() as rt, rt.store.read() as conn:
        draft = policies.read(conn, text_of(file), file.name)
        changes = policies.changes(conn, draft)
        draft = replace(draft, notes=(*draft.notes, *whatif.doubts(rt, draft)))
    if as_json:
        show_json({"ok": True, "name": draft.name, "notes": list(draft.notes), "changes": changes})
        return
    tell(draft, changes)
    click.echo(f"{file.name}: good, {draft.name}")


def tell(draft: Draft, changes: list[str]) -> None:
    for one in changes:
        click.echo(f"  {one}")
    for one in draft.notes:
        click.echo(f"note: {one}")


@command.command()
@click.argument("file", type=FILE)
@why
@as_json
def publish(file: Path, reason: str, as_json: bool) -> None:
    """Put a policy in force, for everything from now on."""
    with runtime() as rt:
        with rt.store.write() as conn:
            draft = policies.read(conn, text_of(file), file.name)
            changes = policies.changes(conn, draft)
            made = policies.publish(conn, me(rt), draft, reason)
        if as_json:
            show_json({**plain(rt, made), "notes": list(draft.notes), "changes": changes})
            return
    tell(draft, changes)
    click.echo(f"{made.title}: version {made.number} is in force")


@command.command()
@click.argument("file", type=FILE)
@click.option("--days", type=click.IntRange(1, 366), default=91, show_default=True, help="How far back to look.")
@click.option("--agents", multiple=True, metavar="SIDE=N", help="How many work at once: internal=5, provider:acme=2.")
@click.option("--rate", "rates", multiple=True, metavar="SIDE=N", help="What an hour of a side costs, in cents.")
@as_json
def preview(file: Path, days: int, agents: tuple[str, ...], rates: tuple[str, ...], as_json: bool) -> None:
    """Say what a routing or triage policy would have decided in the last days. Nothing is written."""
    with runtime() as rt:
        with rt.store.read() as conn:
            draft = policies.read(conn, text_of(file), file.name)
        report = whatif.preview(rt, draft, days, dict(map(_amount, agents)), dict(map(_amount, rates)))
    if as_json:
        show_json(asdict(report))
        return
    _report(report)


def _amount(text: str) -> tuple[str, int]:
    side, _, number = text.partition("=")
    if not side or not number.isdecimal():
        raise Invalid("not a side and a number", "--agents", text, "Write internal=5 or provider:acme=2.")
    return side, int(number)


def _report(report: Report) -> None:
    same = f"{report.exact} of them made again exactly as they were"
    click.echo(f"{report.decisions} decisions, {same}; {report.unknown} of versions that are not known any more")
    if report.other:
        click.echo(f"not as they were: {', '.join(f'T-{number}' for number in report.other[:SHOWN])}")
    counts = [(name, *pair) for name, pair in report.outcomes.items()]
    show_table(("decided", "was", "would be"), counts, "nothing was decided in that time")
    show_table(("rule", "was", "would be"), [(name, *pair) for name, pair in report.rules.items()], "")
    click.echo(f"{len(report.changed)} tickets would have gone otherwise")
    rows = [(f"T-{one.number}", one.title, one.before, one.after, one.because) for one in report.changed[:SHOWN]]
    show_table(("ticket", "", "was", "would be", "because"), rows, "")
    show_table(
        ("side", "tickets", "hours", "cost", "late", "wait (h)", "not known"), [_side(s) for s in report.sides], ""
    )


def _side(one: Side) -> tuple[str, ...]:
    def both(pair: tuple[Any, Any] | None, shape: str) -> str:
        return "" if pair is None else " -> ".join(format(value, shape) for value in pair)

    waits = "" if one.wait is None else " -> ".join(f"{each.mean:.1f} ± {each.half:.1f}" for each in one.wait)
    hours, cost, late = both(one.hours, ".0f"), both(one.cost, "d"), both(one.late, ".1f")
    return one.name, both(one.tickets, "d"), hours, cost, late, waits, "; ".join(one.unknown)


@command.command()
@why
def adopt(reason: str) -> None:
    """Publish the policies that come with Tandem: those of which no version was ever published."""
    with runtime() as rt, rt.store.write() as conn:
        made = policies.adopt(conn, me(rt), reason)
    for one in made:
        click.echo(f"{one.title}: version {one.number} is in force")
    if not made:
        click.echo("each has a version already: nothing was done")


@command.command()
@click.argument("name")
@click.option("--version", "number", type=int, help="An earlier one instead of the one in force.")
@as_json
def show(name: str, number: int | None, as_json: bool) -> None:
    """Show the text of a policy: routing, or share:PROVIDER."""
    with runtime() as rt, rt.store.read() as conn:
        found = policies.version(conn, name, number)
        if as_json:
            show_json(plain(rt, found))
            return
    click.echo(found.text, nl=not found.text.endswith("\n"))


@command.command()
@click.argument("what", metavar="FILE|NAME")
@click.option("--version", "number", type=int, help="Against this version; of a FILE, default: the one in force.")
@as_json
def diff(what: str, number: int | None, as_json: bool) -> None:
    """Show what a policy would change that is in FILE, or what the newest version of NAME has changed."""
    path = Path(what)
    with runtime() as rt, rt.store.read() as conn:
        if path.is_file():
            draft = policies.read(conn, text_of(path), path.name)
        else:
            last = policies.version(conn, what)
            draft = policies.read(conn, last.text, last.label)
            number = number or max(1, last.number - 1)
        told, changes = policies.compared(conn, draft, number)
    if as_json:
        show_json({"name": draft.name, "diff": told, "changes": changes})
        return
    tell(draft, changes)
    click.echo(told or "no difference")


@command.command()
@click.argument("name", default="")
@as_json
def history(name: str, as_json: bool) -> None:
    """List the versions of one policy, or the newest of each."""
    with runtime() as rt, rt.store.read() as conn:
        if name:
            policies.version(conn, name)
        found = policies.history(conn, name)
        if as_json:
            show_json([plain(rt, one) for one in found])
            return
    rows = [(one.title, one.number, one.author, at(one.created_at), one.reason) for one in found]
    show_table(("name", "version", "by", "published", "why"), rows, "no policies")


@command.command()
@click.argument("name")
@click.argument("number", metavar="VERSION", type=int)
@why
def rollback(name: str, number: int, reason: str) -> None:
    """Put an earlier VERSION of a policy in force again, as its next version."""
    with runtime() as rt, rt.store.write() as conn:
        before = policies.version(conn, name, number)
        draft = policies.read(conn, before.text, f"{name}@{number}")
        changes = policies.changes(conn, draft)
        made = policies.publish(conn, me(rt), draft, reason)
    tell(draft, changes)
    click.echo(f"{made.title}: version {made.number} is in force, the same as version {number}")


def plain(rt: Runtime, one: Version) -> dict[str, Any]:
    return {**one.told(), "id": rt.ids.public(one.id), "text": one.text}
