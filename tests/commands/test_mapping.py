"""``tandem mapping prove`` and what ``connection add`` makes of a mapping: all checks, against all that is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors import registry
from connectors.memory.server import DeskServer
from gateway.providers import meanings
from tests.commands.conftest import TOKEN, Cli
from tests.mappings.support import SHIPPED

UNSTABLE = (
    "fields: {status: {values: {waiting: in_progress}, write: {in_progress: working, pending_requester: waiting}}}\n"
)
CHILD = "mapping: 1\nname: acme-{kind}\nextends: {kind}\n"


@pytest.mark.parametrize("kind", ["rt", "servicenow", "redmine", "memory"])
@pytest.mark.parametrize("inherited", [False, True])
def test_every_shipped_mapping_is_proved_without_a_connection(
    cli: Cli, tmp_path: Path, kind: str, inherited: bool
) -> None:
    """What it extends says for which kind of system it is; custom fields are taken as they are written."""
    path = tmp_path / "own.yaml"
    path.write_text(CHILD.format(kind=kind) if inherited else (SHIPPED / f"{kind}.yaml").read_text())
    said = json.loads(cli.good("mapping", "prove", str(path), "--json"))
    assert said["ok"] is True
    assert len(said["hash"]) > 10
    wanted = {"rt": "cf:Impact", "redmine": "custom:2"}.get(kind)
    assert (wanted in said["assumed"]) if wanted else said["assumed"] == []
    if wanted:
        assert wanted in cli.good("mapping", "prove", str(path))


def test_what_only_the_prover_sees_is_an_error(cli: Cli, tmp_path: Path) -> None:
    """It compiles, and would move their ticket with every look at it."""
    path = tmp_path / "own.yaml"
    path.write_text(CHILD.format(kind="memory") + UNSTABLE)
    said = cli.run("mapping", "prove", str(path))
    assert said.exit_code == 1
    assert "M040" in said.output
    assert "own.yaml:4:" in said.output


def test_warnings_are_told_and_do_not_refuse(cli: Cli, tmp_path: Path) -> None:
    said = cli.good("mapping", "prove", str(SHIPPED / "memory.yaml"))
    assert "W M041 status: pending_problem comes back as pending_provider" in said
    assert "memory.yaml: good, 11 fields" in said


def test_a_kind_that_is_none_is_said(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text((SHIPPED / "memory.yaml").read_text().replace("connector: memory", "connector: memry"))
    assert "no such kind of system" in cli.refused("mapping", "prove", str(path))
    path.write_text("mapping: 1\nname: x\nextends: nobody\n")
    assert "no such mapping" in cli.refused("mapping", "prove", str(path))


def test_against_a_connection_its_policy_counts(connected: Cli, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(CHILD.format(kind="memory"))
    assert "M090" not in connected.good("mapping", "prove", str(path), "--connection", "acme")
    policy = tmp_path / "policy.yaml"
    policy.write_text("share: 1\nprovider: acme\nfields: [title, status]\naudiences: [provider]\n")
    connected.good("policy", "publish", str(policy), "--reason", "x")
    path.write_text(
        CHILD.format(kind="memory")
        + "fields: {description: {field: description, direction: out, expr: 'title + resolution_text'}}\n"
    )
    said = connected.run("mapping", "prove", str(path), "--connection", "acme")
    assert said.exit_code == 1
    assert "M091 description uses resolution_text, which acme's policy withholds" in said.output


def test_a_connection_is_refused_what_does_not_prove(cli: Cli, acme: Path, tmp_path: Path) -> None:
    acme.write_text(acme.read_text() + "mapping: {file: own.yaml}\n")
    path = tmp_path / "own.yaml"
    path.write_text(CHILD.format(kind="memory") + UNSTABLE)
    said = cli.refused("connection", "add", str(acme), ACME_TOKEN=TOKEN)
    assert "M040" in said
    assert "own.yaml:4:" in said
    assert cli.rows("select 1 from connection") == []
    path.write_text(CHILD.format(kind="memory"))
    cli.good("connection", "add", str(acme), ACME_TOKEN=TOKEN)


def test_a_connection_is_told_its_warnings(cli: Cli, acme: Path, server: DeskServer) -> None:
    assert "M041 status: pending_problem" in cli.good("connection", "add", str(acme), ACME_TOKEN=TOKEN)
    told = json.loads(cli.good("connection", "add", str(acme), "--update", "--json", ACME_TOKEN=TOKEN))
    assert [one for one in told["warnings"] if "M041" in one]


def test_what_a_desk_alone_can_tell_is_typed_by_how_it_is_used() -> None:
    text = (SHIPPED / "rt.yaml").read_text()
    catalogue, untold = meanings.assumed(registry.manifest("rt"), text, None, "rt")
    fields = catalogue["fields"]
    assert untold == ["cf:Impact", "cf:Urgency", "cfs:Asset Tag"]
    assert (fields["cf:Impact"]["type"], fields["cfs:Asset Tag"]["type"]) == ("choice", "set")
    other = text.replace("cf:External Reference", "cf:Our Number")
    catalogue, untold = meanings.assumed(registry.manifest("rt"), other, None, "rt")
    assert "cf:Our Number" in untold
    assert "cf:Our Number" in catalogue["reference_searchable"]
