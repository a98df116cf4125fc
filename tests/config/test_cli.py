"""The command line: commands are found, unknown ones and errors are said in one line, and looking changes nothing."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import click
import pytest
from click.testing import CliRunner

import gateway.commands
from gateway.cli import main, tandem
from gateway.commands import doctor
from gateway.config import Config
from gateway.store.db import Store

NAMES = [one.name for one in iter_modules(gateway.commands.__path__) if not one.name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_every_module_of_commands_offers_its_command(name: str) -> None:
    assert isinstance(import_module(f"gateway.commands.{name}").command, click.Command)


def test_help_lists_every_command_that_is_not_hidden() -> None:
    said = CliRunner().invoke(tandem, ["--help"])
    assert said.exit_code == 0
    for name in NAMES:
        hidden = import_module(f"gateway.commands.{name}").command.hidden
        assert bool(re.search(rf"^  {name.replace('_', '-')} ", said.output, re.M)) != hidden


def test_an_unknown_command_is_refused() -> None:
    said = CliRunner().invoke(tandem, ["nonsense"])
    assert said.exit_code == 2
    assert "No such command 'nonsense'" in said.output


def test_an_error_is_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tandem", "web"])
    monkeypatch.setenv("TANDEM_BIND", "nowhere")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == (
        "tandem: TANDEM_BIND: not an address to listen on (given: 'nowhere'). Write HOST:PORT, like 127.0.0.1:8080."
    )


def test_the_doctor_names_what_is_wrong_and_only_that(config: Config, store: Store) -> None:
    found = {name: (good, said) for name, good, said in doctor.results(config)}
    assert found["python"][0]
    assert found["database"][0]
    assert found["state folder"][0]
    assert found["redis"] == (False, "TANDEM_REDIS_URL: does not answer. Start it with 'tandem up'.")


def test_the_doctor_survives_a_database_that_is_away(config: Config) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = replace(config, database_url=f"postgresql+psycopg://u@127.0.0.1:{nobody.getsockname()[1]}/n")
        found = {name: (good, said) for name, good, said in doctor.results(away)}
    assert not found["database"][0]
    assert "OperationalError" in found["database"][1]


def test_python_m_gateway_is_tandem() -> None:
    said = subprocess.run([sys.executable, "-m", "gateway", "--help"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0
    assert "Tandem: one ticket" in said.stdout
