"""``tandem connector``: a connector of one's own, tried by the contract and taken from where the settings say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import registry
from tests.commands.conftest import Cli

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The guide's example as a connector's folder."""
    shutil.copy(EXAMPLES / "deskly.yaml", tmp_path / "manifest.yaml")
    shutil.copy(EXAMPLES / "deskly_contract.py", tmp_path / "contract.py")
    return tmp_path


def test_the_guides_example_keeps_the_contract(cli: Cli, folder: Path) -> None:
    told = json.loads(cli.good("connector", "check", str(folder), "--json"))
    ended = {one["test"]: one["ended"] for one in told["contract"]}
    assert len(ended) > 50 and set(ended.values()) == {"passed", "skipped"}
    assert "Deskly takes no files" in cli.good("connector", "check", str(folder))


def test_a_connector_that_breaks_the_contract_ends_with_one_and_says_where(cli: Cli, folder: Path) -> None:
    path = folder / "manifest.yaml"
    path.write_text(path.read_text().replace('{"false": reply, "true": note}', '{"false": note, "true": reply}'))
    result = cli.run("connector", "check", str(folder))
    assert result.exit_code == 1
    assert "failed I4 their internal note is read as internal" in result.output


def test_a_folder_without_one_contract_is_told_so(cli: Cli, folder: Path) -> None:
    (folder / "contract.py").write_text("nothing = 1\n")
    assert "one contract is expected" in cli.refused("connector", "check", str(folder))
    (folder / "contract.py").unlink()
    assert "deskly: a good manifest" in cli.good("connector", "check", str(folder))


def test_a_kind_from_outside_is_there_only_where_the_settings_list_it(folder: Path) -> None:
    """In processes of their own: what a process takes from outside it keeps."""
    script = "import sys; from gateway.cli import main; main()"

    def kinds(**env: str) -> list[str]:
        words = [sys.executable, "-c", script, "connector", "list", "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=True, env={"PATH": "", **env})
        return [one["kind"] for one in json.loads(done.stdout)]

    assert "deskly" not in kinds()
    assert "deskly" in kinds(TANDEM_CONNECTORS=str(folder))


def test_hooks_of_a_folder_are_its_own(folder: Path) -> None:
    (folder / "hooks.py").write_text("class Hooks:\n    def __init__(self, rest):\n        self.rest = rest\n")
    assert registry.read(folder).hooks is not None
    (folder / "manifest.yaml").write_text("manifest: 1\nkind: memory\n")
    with pytest.raises(registry.BadManifest):
        registry.read(folder)
