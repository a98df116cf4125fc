"""``tandem backup``: the whole state in one file, while everything runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gateway.backup import backup
from gateway.clock import now_us
from gateway.config import Config
from gateway.store.opened import opened
from gateway.terminal import as_json, show_json


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
def command(file: Path, as_json: bool) -> None:
    """Write database, attachments and audit checkpoints to FILE. The secret key is not in it: keep it elsewhere."""
    config = Config.load(create=False)
    with opened(config):
        about = backup(config, file, now_us())
    size = file.stat().st_size
    if as_json:
        show_json({**asdict(about), "file": str(file), "size": size})
    else:
        click.echo(f"{file}: {size:,} bytes, {about.files} attachments; without the secret key, so keep that too")
