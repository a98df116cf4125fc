"""``tandem doctor``: whether the parts that this installation is made of fit together. Changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files

import click
from sqlalchemy.exc import SQLAlchemyError

from gateway.config import Config
from gateway.errors import TandemError
from gateway.store import schema
from gateway.store.db import Store
from gateway.workers import valkey

ROOM = 1 << 30
"""Bytes that should be free for the state folder: 1 GiB."""

Check = Callable[[Config], str]


@click.command()
def command() -> None:
    """Check the settings, the key, the state folder, the database, Redis and the console's files."""
    config = Config.load(create=False)
    bad = 0
    for name, good, said in results(config):
        bad += not good
        click.echo(f"{'ok  ' if good else 'FAIL'} {name}: {said}")
    if bad:
        sys.exit(1)


def results(config: Config) -> Iterator[tuple[str, bool, str]]:
    """(name, whether it is good, what to know) of every check."""
    for name, check in CHECKS.items():
        try:
            yield name, True, check(config)
        except TandemError as error:
            yield name, False, str(error)
        except (OSError, SQLAlchemyError) as error:
            yield name, False, f"{type(error).__name__}: {str(error).splitlines()[0]}"


def python(_config: Config) -> str:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise TandemError(f"Python {version}", fix="Tandem runs on 3.11, 3.12 and 3.13.")
    return version


def state_folder(config: Config) -> str:
    if not os.access(config.home, os.W_OK):
        raise TandemError("cannot be written", "TANDEM_HOME", str(config.home), "Give it to this user.")
    free = shutil.disk_usage(config.home).free
    if free < ROOM:
        raise TandemError(f"only {free >> 20} MiB free", "TANDEM_HOME", str(config.home), "Make room.")
    return f"{config.home}, {free >> 30} GiB free"


def database(config: Config) -> str:
    store = Store(config.database_url, pool=1)
    try:
        schema.check(store)
        return f"{store.dialect}, tables of this version, installation {schema.installation(store, config).code}"
    finally:
        store.close()


def redis(config: Config) -> str:
    if not config.redis_url or not valkey.answers(config.redis_url):
        fix = "Start it with 'tandem up'." if config.embedded_redis else "Nothing is lost meanwhile, but all is slower."
        raise TandemError("does not answer", "TANDEM_REDIS_URL", fix=fix)
    return "answers" + (" (embedded)" if config.embedded_redis else "")


def console_files(_config: Config) -> str:
    vendor = files("gateway") / "console" / "static" / "vendor"
    if not vendor.is_dir():
        raise TandemError("the console's libraries are not there", fix="Run: make setup")
    return f"{len(list(vendor.iterdir()))} files"


CHECKS: dict[str, Check] = {
    "python": python,
    "state folder": state_folder,
    "database": database,
    "redis": redis,
    "console files": console_files,
}
