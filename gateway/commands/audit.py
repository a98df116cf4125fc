"""``tandem audit``: check the audit trail, and hand it out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal.checkpoints import FILE, Keys, read_checkpoints
from gateway.journal.export import export as lines
from gateway.journal.verify import Report
from gateway.journal.verify import verify as check
from gateway.store.opened import opened


@click.group(help="The audit trail.")
def command() -> None: ...


@command.command()
@click.option("--checkpoints", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A copy of checkpoints.jsonl that was kept elsewhere; may be given several times.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def verify(files: tuple[Path, ...], as_json: bool) -> None:
    """Check every chain, seal and checkpoint; exit status 1 when something is wrong."""
    config = Config.load(create=False)
    noted = [one for path in (config.home / FILE, *files) for one in read_checkpoints(path)]
    with opened(config) as store:
        report = check(store, Keys.of(config), noted, now_us())
    click.echo(json.dumps({"ok": report.ok, **asdict(report)}) if as_json else told(report))
    if not report.ok:
        sys.exit(1)


def told(report: Report) -> str:
    """A report as people read it."""
    counts = f"{report.entries} entries of {report.subjects} subjects, {report.seals} seals, {report.unsealed} unsealed"
    lines = [f"audit: {counts}, {report.erased} erased", *(f"warning: {one}" for one in report.warnings)]
    if report.ok:
        return "\n".join([*lines, "audit: all good"])
    return "\n".join([*lines, *(f"wrong: {one}" for one in report.problems)])


@command.command()
@click.option("--subject", default="", help="One subject alone, like ticket:123 or connection:acme; without the seals.")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="Default: standard output.")
def export(subject: str, output: IO[str]) -> None:
    """Write entries, seals and the seals' public keys as JSON lines."""
    config = Config.load(create=False)
    with opened(config) as store:
        for one in lines(store, Keys.of(config), subject):
            output.write(json.dumps(one) + "\n")
