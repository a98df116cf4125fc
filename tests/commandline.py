"""The command line for tests: run in this process, on the test's own database and state folder."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result

from gateway.cli import tandem
from gateway.config import Config
from tests.databases import SECRET_KEY

Run = Callable[..., Result]


def runner(config: Config) -> Run:
    """``run("user", "list", input="...")``: its result, with ``output``, ``exit_code`` and ``exception``."""
    env = {
        "TANDEM_HOME": str(config.home),
        "TANDEM_SECRET_KEY": SECRET_KEY,
        "TANDEM_DATABASE_URL": config.database_url,
        "TANDEM_REDIS_URL": None,
        "TANDEM_BIND": None,
        "TANDEM_EGRESS_ALLOW": None,
    }

    def run(*words: str, input: str | None = None, **more: str) -> Result:
        return CliRunner(env={**env, **more}).invoke(tandem, words, input=input)

    return run
