"""``tandem audit verify`` and ``export``, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.config import Config
from gateway.journal import export, verify
from gateway.journal.audit import ticket_subject
from gateway.journal.checkpoints import FILE, checkpoint
from gateway.store.db import Store
from tests.commandline import Run
from tests.journal.trail import Trail


@pytest.fixture
def told(store: Store, config: Config) -> Trail:
    trail = Trail(store, config)
    ids = trail.tickets(3)
    for _ in range(3):
        trail.change(ids)
        trail.seal()
    return trail


def test_a_good_trail_is_said_to_be_good(tandem: Run, told: Trail) -> None:
    said = tandem("audit", "verify")
    assert said.exit_code == 0 and said.output.endswith("audit: all good\n")
    report = json.loads(tandem("audit", "verify", "--json").output)
    assert report["ok"] and report["entries"] >= 9 and report["problems"] == []


def test_a_bad_trail_names_the_place_and_fails(tandem: Run, told: Trail) -> None:
    with told.attacker() as road:
        road.run(
            "update audit set payload = 'x' where seq = 2 and subject in (select min(subject) from audit where seq = 3)"
        )
    said = tandem("audit", "verify")
    assert said.exit_code == 1 and "#2: its payload was changed" in said.output
    report = json.loads(tandem("audit", "verify", "--json").output)
    assert not report["ok"] and report["problems"][0]["seq"] == 2


def test_checkpoints_at_home_and_elsewhere_are_both_asked(
    tandem: Run, told: Trail, config: Config, tmp_path: Path
) -> None:
    last = checkpoint(told.store, config.home, told.at)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((config.home / FILE).read_bytes())
    with told.attacker() as road:
        road.run("delete from seal where id = ?", last)
    assert f"seal {last}: a checkpoint has it" in tandem("audit", "verify").output
    (config.home / FILE).unlink()
    assert "a checkpoint has it" not in tandem("audit", "verify").output
    assert f"seal {last}: a checkpoint has it" in tandem("audit", "verify", "--checkpoints", str(copy)).output


def test_an_export_can_be_checked_by_anyone(
    tandem: Run, told: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "SLICE", 4)
    monkeypatch.setattr(export, "SLICE", 4)
    monkeypatch.setattr(export, "SEALS", 1)
    path = tmp_path / "trail.jsonl"
    assert tandem("audit", "export", "--output", str(path)).exit_code == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = {kind: [one for one in lines if one["type"] == kind] for kind in ("entry", "seal", "key")}
    (key,) = kinds["key"]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["ed25519"]))
    sealed = set()
    for seal in kinds["seal"]:
        signature = bytes.fromhex(seal["signature"])
        assert signature[:8].decode() == key["id"]
        public.verify(signature[8:], seal["signed"].encode())
        sealed |= {json.loads(leaf)[2] for leaf in seal["leaves"]}
    assert {entry["mac"] for entry in kinds["entry"]} == sealed
    assert len(kinds["entry"]) == len(sealed) == told.verify().entries


def test_one_subject_can_be_exported_alone(tandem: Run, told: Trail) -> None:
    (id,) = told.rows("select min(id) from ticket")[0]
    lines = [
        json.loads(line) for line in tandem("audit", "export", "--subject", ticket_subject(id)).output.splitlines()
    ]
    said = [json.loads(line["canon"]) for line in lines]
    assert [(one["subject"], one["seq"]) for one in said] == [(ticket_subject(id), n) for n in (1, 2, 3)]
