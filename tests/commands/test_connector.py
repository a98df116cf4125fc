"""``tandem connector``: a connector of one's own, tried by the contract and taken from where the settings say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import registry
from connectors.contract import run as contract_run
from connectors.contract.run import names
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
    assert "failed I4 their internal note is read as internal: expected read == " in result.output
    assert "where read is {'between us': 'reply', 'for all': 'note'} (items.py:" in result.output


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract of five tests."""
    short = ("test_a09", "test_i01", "test_i04", "test_i06", "test_i07")
    monkeypatch.setattr(contract_run, "names", lambda held: [name for name in names(held) if name.startswith(short)])


@pytest.mark.usefixtures("few")
def test_tests_that_fail_by_one_cause_are_told_together(cli: Cli, folder: Path) -> None:
    path = folder / "manifest.yaml"
    path.write_text(path.read_text().replace('"GET /tickets/{id}", record: ""', '"GET /tickets/{id}", record: ticket'))
    result = cli.run("connector", "check", str(folder))
    why = "Gone: the reply holds no record: nothing at 'ticket', there is id, revision, created_at, title, body,"
    assert f"tests alike: {why}" in result.output and result.output.count(why) == 1
    assert "       A9 I1 I4 I6 I7\n" in result.output


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        (
            'body = "body"',
            'title = "headline"',
            "title is 'headline', and the manifest has no such field; it has title",
        ),
        ('"open", "waiting")', '"open", "parked")', "status goes to 'parked', and status has open, waiting, done"),
        ("simulator = Deskly", "", "there is no simulator: write simulator ="),
        ("def said(", "def spoken(", "the simulator lacks said"),
        ("import hmac", "import hmca", "No module named 'hmca' (contract.py:8)"),
        ('US, THEM = "gateway", "hugo"', "US = THEM", "NameError: name 'THEM' is not defined (contract.py:"),
    ],
)
def test_a_contract_that_cannot_run_says_so_before_it_runs(
    cli: Cli, folder: Path, line: str, instead: str, told: str
) -> None:
    path = folder / "contract.py"
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, instead))
    assert told in cli.refused("connector", "check", str(folder))


@pytest.mark.usefixtures("few")
def test_a_contract_imports_what_lies_beside_it(cli: Cli, folder: Path) -> None:
    text = (folder / "contract.py").read_text()
    (folder / "their_names.py").write_text('US, THEM = "gateway", "hugo"\n')
    (folder / "contract.py").write_text(
        text.replace('US, THEM = "gateway", "hugo"', "from their_names import THEM, US")
    )
    assert "0 failed" in cli.good("connector", "check", str(folder))


@pytest.mark.usefixtures("few")
def test_a_simulator_that_falls_over_is_told_beside_what_came_of_it(cli: Cli, folder: Path) -> None:
    path = folder / "contract.py"
    path.write_text(path.read_text().replace('body["internal"], US', 'body["hidden"].upper(), US'))
    path.write_text(path.read_text().replace("except KeyError:", "except ZeroDivisionError:"))
    assert (
        "; the simulator raised KeyError: 'hidden' (contract.py:" in cli.run("connector", "check", str(folder)).output
    )


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
