"""The audit trail as it grows: gapless under concurrency, sealed once, whole after rollbacks, noted outside."""

from __future__ import annotations

import json
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.clock import now_us
from gateway.config import Config
from gateway.journal import checkpoints, verify
from gateway.journal.audit import rows_for, ticket_subject
from gateway.journal.checkpoints import FILE, Keys, checkpoint, read_checkpoints, seal
from gateway.store import schema
from gateway.store.db import Store
from tests.journal.trail import SECOND, Trail


def test_a_fresh_database_verifies(trail: Trail) -> None:
    assert trail.verify().ok


def test_entries_are_sealed_once_and_verify_before_and_after(trail: Trail) -> None:
    ids = trail.tickets(4)
    trail.change(ids)
    trail.note("connection:acme")
    before = trail.verify()
    waiting = before.unsealed
    assert before.ok and waiting >= 5 and before.seals == 0
    assert trail.seal() == waiting and trail.seal() == 0
    after = trail.verify()
    assert after.ok and (after.seals, after.unsealed, after.entries) == (1, 0, waiting)


def test_several_changes_of_one_ticket_in_a_batch_follow_each_other(trail: Trail) -> None:
    (id,) = trail.tickets(1)
    with trail.store.write() as conn:
        trail.batch(conn, [id, id, id])
    assert trail.rows("select seq from audit where subject = ? order by seq", ticket_subject(id)) == [(1,), (2,), (3,)]
    assert trail.verify().ok


def test_a_seal_holds_about_a_thousand_entries_and_the_rest_waits(trail: Trail) -> None:
    ids = trail.tickets(300)
    for _ in range(5):
        trail.change(ids)
    while (sealed := trail.seal()) > checkpoints.BATCH:
        assert sealed <= checkpoints.BATCH + 300
    report = trail.verify()
    assert report.ok and report.seals == 2 and report.unsealed == 0


def test_many_small_transactions_share_a_seal(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "ROWS", 2)
    monkeypatch.setattr(checkpoints, "BATCH", 4)
    ids = trail.tickets(1)
    for _ in range(7):
        trail.change(ids)
    assert [trail.seal() for _ in range(3)] == [4, 3, 0]
    assert trail.verify().ok


def test_a_rolled_back_change_leaves_no_entry_and_no_gap(trail: Trail) -> None:
    ids = trail.tickets(1)
    trail.change(ids)
    with pytest.raises(ZeroDivisionError), trail.store.write() as conn:
        trail.batch(conn, ids)
        raise ZeroDivisionError
    trail.change(ids)
    assert trail.rows("select seq from audit where subject = ? order by seq", ticket_subject(ids[0])) == [(1,), (2,)]
    assert trail.verify().ok


def test_many_writers_on_few_subjects_fork_no_chain(trail: Trail) -> None:
    ids = trail.tickets(3)

    def work(seed: int) -> None:
        some = random.Random(seed)
        for _ in range(5):
            with trail.store.write() as conn:
                trail.batch(conn, sorted(some.sample(ids, 2)))
            trail.note("connection:acme")
            seal(trail.store, trail.keys, trail.at, owner=f"sealer {seed % 2}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    while trail.seal():
        pass
    report = trail.verify()
    assert report.problems == ()
    assert trail.rows("select audit_seq from subject where name = 'connection:acme'") == [(80,)]
    assert trail.rows("select sum(audit_seq) from ticket") == [(160,)]


def test_only_the_holder_of_the_lease_seals(trail: Trail) -> None:
    ids = trail.tickets(1)
    trail.change(ids)
    assert seal(trail.store, trail.keys, trail.at, owner="a") > 0
    trail.change(ids)
    assert seal(trail.store, trail.keys, trail.at, owner="b") == 0
    assert seal(trail.store, trail.keys, trail.at, owner="a") == 1
    trail.change(ids)
    with trail.store.write() as conn:
        conn.execute(text("update lease set until = 1"))
    assert seal(trail.store, trail.keys, trail.at, owner="b") == 1
    assert trail.verify().ok


def test_entries_that_wait_too_long_raise_an_alarm(trail: Trail) -> None:
    trail.change(trail.tickets(1))
    report = verify.verify(trail.store, trail.keys, (), now_us() + 11 * SECOND)
    assert [str(p) for p in report.problems] == ["seal 1: the next one is overdue: entries wait for it since 11 s"]


def test_checkpoints_are_added_once_per_seal_and_read_back(trail: Trail, tmp_path: Path) -> None:
    assert checkpoint(trail.store, tmp_path / "home", 1) == 0
    for _ in range(2):
        trail.change(trail.tickets(1))
        trail.seal()
        for _ in range(2):
            checkpoint(trail.store, tmp_path / "home", trail.at)
    path = tmp_path / "home" / FILE
    noted = read_checkpoints(path)
    assert [one["seal"] for one in noted] == [1, 2] and path.stat().st_mode & 0o777 == 0o600
    with path.open("a") as file:
        file.write('{"seal": 3, "at"')  # a crash in the middle of a line
    assert read_checkpoints(path) == noted
    report = trail.verify(noted)
    assert report.ok
    assert trail.rows("select count(*) from checkpoint") == [(2,)]


def test_a_checkpoint_after_a_torn_line_is_still_read(trail: Trail, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"seal": 1, "at"')
    trail.change(trail.tickets(1))
    trail.seal()
    checkpoint(trail.store, tmp_path, trail.at)
    assert [one["seal"] for one in read_checkpoints(tmp_path / FILE)] == [1]


def test_the_trail_verifies_across_a_change_of_keys(trail: Trail, config: Config) -> None:
    ids = trail.tickets(2)
    trail.change(ids)
    trail.seal()
    new = replace(config, secret=bytes(32))
    trail.keys = Keys.of(new, config)
    trail.key = trail.keys.mac
    trail.change(ids)
    trail.seal()
    assert trail.verify().ok
    trail.keys = Keys.of(new)
    said = [str(p) for p in trail.verify().problems]
    assert said[0] == "seal 1: its signature is not ours"
    assert any("which is not here" in one for one in said)
    assert config.key("seal").hex() not in repr(trail.keys) and "private" not in repr(trail.keys)


def test_the_trail_verifies_while_it_grows(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SLICE", 3)
    monkeypatch.setattr(verify, "SEALS", 1)
    ids = trail.tickets(6)
    for _ in range(3):
        trail.change(ids)
        trail.seal()
    look, count = verify._Run.look, iter(range(10**6))

    def growing(run: verify._Run) -> object:
        if (n := next(count)) < 40:
            trail.change(random.Random(n).sample(ids, 2))
            if n % 3 == 0:
                trail.seal()
        return look(run)

    monkeypatch.setattr(verify._Run, "look", growing)
    report = trail.verify()
    assert report.problems == () and report.entries > 18


def test_slices_of_any_size_see_the_same(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = trail.tickets(4)
    for _ in range(3):
        trail.change(ids)
        trail.seal()
    expected = trail.verify()
    for size in (1, 2, 3, 5, 12):
        monkeypatch.setattr(verify, "SLICE", size)
        monkeypatch.setattr(verify, "SEALS", 1 + size % 2)
        assert trail.verify() == expected
    assert expected.ok and expected.entries >= 12


def test_memory_stays_flat(trail: Trail) -> None:
    def peak() -> int:
        tracemalloc.start()
        assert trail.verify().ok
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    ids = trail.tickets(200)
    for _ in range(10):
        trail.change(ids)
    while trail.seal():
        pass
    first = peak()
    for _ in range(40):
        trail.change(ids)
    while trail.seal():
        pass
    assert peak() < first * 1.5


def test_no_change_makes_no_row(trail: Trail) -> None:
    written = rows_for(trail.key, 1, [])
    assert written.rows == [] and written.heads == {}


def test_a_note_is_one_entry_of_its_subject(trail: Trail) -> None:
    row = trail.note("user:12", "added")
    assert (row.subject, row.seq) == ("user:12", 1)
    assert json.loads(row.payload) == {"n": 1}
    assert trail.note("user:12").seq == 2


def test_what_prepare_said_is_in_the_trail(empty_store: Store, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_shipped", lambda: [("rt", "mapping: 1")])
    schema.upgrade(empty_store)
    schema.prepare(empty_store, config)
    report = Trail(empty_store, config).verify()
    assert report.ok and report.entries == 1
