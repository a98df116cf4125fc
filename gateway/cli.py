"""The command line: finds the commands in ``gateway/commands`` and imports only the one that is asked for."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pkgutil import iter_modules

import click

import gateway.commands
from gateway.errors import TandemError


class Commands(click.Group):
    """A group whose members are the modules of ``gateway.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = (module.name for module in iter_modules(gateway.commands.__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))  # parts of another

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found = import_module(f"{gateway.commands.__name__}.{cmd_name.replace('-', '_')}").command
        if not isinstance(found, click.Command):
            raise TypeError(f"gateway/commands: 'command' of {cmd_name} is not a click command")
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tandem", prog_name="tandem")
@click.option("-v", "--verbose", is_flag=True, help="Say more on the error output.")
def tandem(verbose: bool) -> None:
    """Tandem: one ticket, worked on by your own desk and your providers, each in its own tool."""
    level = logging.DEBUG if verbose else logging.INFO
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def main() -> None:
    """Run a command; an error that a person can act on is one line and exit status 1."""
    try:
        tandem()
    except TandemError as error:
        click.echo(f"tandem: {error}", err=True)
        sys.exit(1)
