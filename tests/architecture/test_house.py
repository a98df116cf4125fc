"""The house: the make targets people and CI rely on, locks that are whole, and files that the console may load."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib

import pytest

from scripts import frontend
from tests.architecture.test_imports import plain
from tests.architecture.tree import ROOT

TARGETS = {"help", "setup", "run", "test", "live", "lint", "types", "format", "campaign", "bench", "docs"}
LOCKS = ("requirements.txt", "requirements-test.txt", "requirements-node.txt")


def locked(name: str) -> dict[str, str]:
    """Project -> the whole entry of a locked file, its hashes included."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return {plain(line): line for line in text.splitlines() if line and not line.startswith(("#", " "))}


def test_make_help_lists_the_targets_that_are_promised() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in said.stdout.splitlines()} == TARGETS


def test_ci_runs_make_test_and_can_be_executed() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(name: str) -> None:
    entries = locked(name)
    assert entries
    assert [entry[:60] for entry in entries.values() if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_what_is_required_is_locked_and_the_tests_use_the_same_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, test = locked("requirements.txt"), locked("requirements-test.txt")
    assert {plain(entry) for entry in project["project"]["dependencies"]} - set(runtime) == set()
    assert {plain(entry) for entry in project["dependency-groups"]["test"]} - set(test) == set()
    assert {name: entry for name, entry in runtime.items() if test.get(name) != entry} == {}


def test_the_front_end_lock_holds_what_is_asked_for_and_no_address() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert [name for name, entry in lock["packages"].items() if name and "integrity" not in entry] == []


def test_the_console_loads_only_files_that_are_made() -> None:
    pages = [*(ROOT / "gateway" / "console").rglob("*.html"), *(ROOT / "gateway" / "console").rglob("*.py")]
    named = {name for page in pages for name in re.findall(r"vendor/([\w.-]+)", page.read_text(encoding="utf-8"))}
    assert named - {*frontend.COPIED, "editor.js"} == set()


def test_nothing_made_at_set_up_is_kept() -> None:
    asked = ["git", "ls-files", "node_modules", "gateway/console/static/vendor", ".venv", "var", "build"]
    assert subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
