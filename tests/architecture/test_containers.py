"""The container files, read and run as far as it goes without a Docker engine: the image itself is not built here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if service["image"].startswith("tandem:")]
SETTINGS = {"TANDEM_HOME", "TANDEM_DATABASE_URL", "TANDEM_REDIS_URL", "TANDEM_SECRET_KEY", "TANDEM_SECRET_KEY_FILE"}
SETTINGS |= {"TANDEM_BIND", "TANDEM_EGRESS_ALLOW", "TANDEM_TRUSTED_PROXIES", "TANDEM_CRASH_AT", "TANDEM_CONNECTORS"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (INSTRUCTION, rest), continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def last(word: str) -> str:
    """An instruction of the final stage."""
    stage = instructions()
    start = max(index for index, (name, _) in enumerate(stage) if name == "FROM")
    return [rest for name, rest in stage[start:] if name == word][-1]


def tandem(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TANDEM_HOME": str(home)}
    argv = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_compose_has_the_five_services_and_what_they_need() -> None:
    assert {"web", "worker", "scheduler", "postgresql", "redis"} <= set(COMPOSE["services"])
    for service in COMPOSE["services"].values():
        named = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert set(named) <= set(COMPOSE["volumes"])
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_a_command_that_exists(name: str, tmp_path: Path) -> None:
    done = tandem(*COMPOSE["services"][name]["command"], "--help", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("name", OURS)
def test_each_service_is_told_only_settings_that_are_read(name: str) -> None:
    told = COMPOSE["services"][name]["environment"]
    assert set(told) <= SETTINGS
    assert {"TANDEM_DATABASE_URL", "TANDEM_REDIS_URL", "TANDEM_SECRET_KEY_FILE"} <= set(told)


def test_no_secret_stands_in_the_compose_file() -> None:
    text = (ROOT / "compose.yaml").read_text()
    assert re.findall(r"(?i)password: *[\"']?(?!\$\{)\w", text) == []
    assert "${POSTGRES_PASSWORD:?" in text


def test_the_image_does_not_run_as_root_and_has_a_health_check(tmp_path: Path) -> None:
    assert last("USER") not in ("root", "0")
    check = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert check[0] == "tandem"
    assert tandem(*check[1:], "--help", home=tmp_path).returncode == 0


def test_the_image_starts_the_web_process_by_itself(tmp_path: Path) -> None:
    assert json.loads(last("ENTRYPOINT")) == ["tandem"]
    assert tandem(*json.loads(last("CMD")), "--help", home=tmp_path).returncode == 0


def test_what_the_image_copies_is_there_and_not_kept_out() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for rest in (rest for word, rest in instructions() if word == "COPY" and "--from" not in rest):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source in let_in, f"{source} is kept out by .dockerignore"


def test_the_image_reads_its_settings_from_known_variables() -> None:
    assert set(re.findall(r"TANDEM_\w+", (ROOT / "Dockerfile").read_text())) <= SETTINGS


def test_the_readme_names_the_settings_that_are_read() -> None:
    named = set(re.findall(r"TANDEM_\w+", (ROOT / "README.md").read_text()))
    assert named == SETTINGS - {"TANDEM_CRASH_AT"}
    assert set(re.findall(r"\"(TANDEM_\w+)\"", (ROOT / "gateway" / "config.py").read_text())) == SETTINGS
