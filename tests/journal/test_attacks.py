"""What an attacker on the database can do to the audit trail, and what verification then says."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.journal import audit, chain
from gateway.journal.audit import ticket_subject
from gateway.journal.checkpoints import FILE, checkpoint, read_checkpoints
from gateway.store import tables
from tests.journal.trail import Trail


@pytest.fixture
def ids(trail: Trail) -> list[int]:
    """Three tickets with four sealed entries each, and two seals."""
    ids = trail.tickets(3)
    for _ in range(2):
        for _ in range(2):
            trail.change(ids)
        trail.seal()
    assert trail.verify().ok
    return ids


def told(trail: Trail, **more: object) -> list[str]:
    return [str(problem) for problem in trail.verify(**more).problems]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "update audit set canon = mac",
        "update audit set seq = seq + 100",
        "update audit set payload = '{}'",
        "update audit set payload = ''",
        "delete from audit",
        "update seal set root = prev",
        "update seal set at = 0",
        "delete from seal",
    ],
)
def test_the_triggers_refuse_what_is_not_an_addition(trail: Trail, ids: list[int], sql: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"), trail.store.write() as conn:
        conn.execute(text(sql))
    assert trail.verify().ok


def test_replacing_or_truncating_is_refused_too(trail: Trail, ids: list[int]) -> None:
    if trail.store.dialect == "sqlite":
        attacks = ["insert or replace into audit select * from audit", "replace into seal select * from seal"]
    else:
        attacks = ["truncate audit", "truncate audit, seal cascade"]
    for sql in attacks:
        with pytest.raises(DBAPIError, match="only ever added to"), trail.store.write() as conn:
            conn.execute(text(sql))
    assert trail.verify().entries == 12


@pytest.mark.parametrize("column", ["canon", "mac"])
def test_one_flipped_byte_is_found_where_it_is(trail: Trail, ids: list[int], column: str) -> None:
    subject = ticket_subject(ids[1])
    ((value,),) = trail.rows(f"select {column} from audit where subject = ? and seq = 3", subject)
    flipped = bytes(value[:40]) + bytes([value[40] ^ 1]) + bytes(value[41:]) if column == "canon" else bytes(32)
    with trail.attacker() as road:
        road.run(f"update audit set {column} = ? where subject = ? and seq = 3", flipped, subject)
    assert told(trail)[0].startswith(f"{subject} #3: its MAC does not fit")


def test_a_changed_payload_is_found(trail: Trail, ids: list[int]) -> None:
    subject = ticket_subject(ids[0])
    with trail.attacker() as road:
        road.run("update audit set payload = ? where subject = ? and seq = 2", '{"title":["a","b"]}', subject)
    assert told(trail) == [f"{subject} #2: its payload was changed"]


def test_an_entry_deleted_in_the_middle_breaks_its_chain_and_misses_its_seal(trail: Trail, ids: list[int]) -> None:
    subject = ticket_subject(ids[2])
    with trail.attacker() as road:
        road.run("delete from audit where subject = ? and seq = 2", subject)
    said = told(trail)
    assert said[0] == f"{subject} #3: the entry before it is missing: 1 is followed by 3"
    assert f"{subject} #2: it was sealed, and is missing" in said


def test_a_cut_end_of_a_chain_is_found_by_its_head_and_its_seal(trail: Trail, ids: list[int]) -> None:
    subject = ticket_subject(ids[0])
    with trail.attacker() as road:
        road.run("delete from audit where subject = ? and seq > 2", subject)
    assert "the subject's row says that its last entry is #4" in told(trail)[0]
    ((mac,),) = trail.rows("select mac from audit where subject = ? and seq = 2", subject)
    with trail.attacker() as road:  # so the attacker puts the head right
        road.run("update ticket set audit_seq = 2, audit_mac = ? where id = ?", bytes(mac), ids[0])
    assert told(trail) == [f"{subject} #{n}: it was sealed, and is missing" for n in (3, 4)]


def test_a_subject_without_any_of_its_entries_is_found(trail: Trail, ids: list[int]) -> None:
    with trail.attacker() as road:
        road.run("delete from audit where subject = ?", ticket_subject(ids[0]))
    assert told(trail)[0] == f"{ticket_subject(ids[0])} #4: all its entries are missing"


def test_entries_of_a_deleted_ticket_are_found(trail: Trail, ids: list[int]) -> None:
    with trail.attacker() as road:
        road.run("delete from ticket where id = ?", ids[0])
    assert told(trail) == [f"{ticket_subject(ids[0])} #4: its subject is gone"]


def test_a_cut_end_of_everything_shows_only_against_a_checkpoint(trail: Trail, ids: list[int], tmp_path: Path) -> None:
    assert checkpoint(trail.store, tmp_path, trail.at) == 2
    noted = read_checkpoints(tmp_path / FILE)
    with trail.attacker() as road:
        road.run("delete from audit where seq > 2")
        road.run("delete from seal where id = 2")
        for id in ids:
            ((mac,),) = road.rows("select mac from audit where subject = ? and seq = 2", ticket_subject(id))
            road.run("update ticket set audit_seq = 2, audit_mac = ? where id = ?", bytes(mac), id)
    assert trail.verify().ok
    assert told(trail, checkpoints=noted) == ["seal 2: a checkpoint has it, the database does not: the end was cut off"]


def test_a_chain_made_again_without_the_key_is_found(trail: Trail, ids: list[int], tmp_path: Path) -> None:
    """Everything is made to fit, down to the seals, with plain hashes and a key of the attacker's own."""
    subject, forged, head = ticket_subject(ids[0]), chain.Key("deadbeef", bytes(32)), chain.START
    real = trail.key.id
    with trail.attacker() as road:
        for id, seq, at in road.rows("select id, seq, at from audit where subject = ? order by seq", subject):
            key = chain.Key(real, bytes(32)) if seq % 2 else forged
            row, head = chain.append(key, head, subject, at, "user:1", "x", "", "{}", id, b"")
            mac = row.mac if seq % 2 else hashlib.sha256(row.canon).digest()
            road.run(
                "update audit set canon = ?, mac = ?, salt = ?, payload = '{}' where id = ?", row.canon, mac, b"", id
            )
    said = told(trail)
    assert said[0] == f"{subject} #1: its MAC does not fit its bytes"
    assert f"{subject} #2: it was made with key deadbeef, which is not here" in said


def test_seals_made_again_without_the_key_are_found(trail: Trail, ids: list[int]) -> None:
    with trail.attacker() as road:
        ((n, leaves),) = road.rows("select n, leaves from seal where id = 1")
        lines = chain.unpack(zlib.decompress(leaves))[:-1]
        root = chain.merkle_root(lines)
        road.run(
            "update seal set root = ?, n = ?, leaves = ? where id = 1", root, n - 1, zlib.compress(chain.pack(lines))
        )
    said = told(trail)
    assert said[0] == "seal 1: its signature is not ours"
    assert "seal 2: it does not continue the seal before it" in said
    assert f"{ticket_subject(ids[-1])} #2: it is in no seal and not in the sealer's queue" in said


def test_another_leaf_under_the_same_root_is_found(trail: Trail, ids: list[int]) -> None:
    with trail.attacker() as road:
        ((leaves,),) = road.rows("select leaves from seal where id = 2")
        lines = chain.unpack(zlib.decompress(leaves))
        road.run("update seal set leaves = ? where id = 2", zlib.compress(chain.pack([*lines[:-1], lines[0]])))
    assert told(trail)[0] == "seal 2: its leaves are not the ones that were signed"
    with trail.attacker() as road:
        road.run("update seal set leaves = ? where id = 2", b"garbage")
    assert told(trail)[0] == "seal 2: its leaves are not the ones that were signed"


def test_a_checkpoint_tells_a_seal_that_was_made_again(trail: Trail, ids: list[int], tmp_path: Path) -> None:
    checkpoint(trail.store, tmp_path, trail.at)
    (noted,) = read_checkpoints(tmp_path / FILE)
    assert told(trail, checkpoints=[{**noted, "root": "00" * 32}]) == [
        "seal 2: a checkpoint has another one of this number"
    ]


def test_a_row_cut_from_the_queue_is_found(trail: Trail, ids: list[int]) -> None:
    trail.change(ids)
    assert trail.verify().unsealed == 3
    with trail.attacker() as road:
        road.run("delete from unsealed")
    assert f"{ticket_subject(ids[0])} #5: it is in no seal and not in the sealer's queue" in told(trail)


def test_an_entry_sealed_twice_is_found(trail: Trail, ids: list[int]) -> None:
    ((leaves,),) = trail.rows("select leaves from seal where id = 1")
    with trail.attacker() as road:
        road.insert(tables.unsealed, ("id", "leaves"), [(1, zlib.decompress(leaves))])
    trail.seal()
    assert f"{ticket_subject(ids[0])} #1: it is sealed twice, in 1 and 3" in told(trail)


def test_blanked_payloads_need_an_erasure_that_tells_of_them(trail: Trail, ids: list[int]) -> None:
    subject = ticket_subject(ids[0])
    with trail.store.write() as conn:
        assert audit.blank(audit.Road(conn, trail.store.dialect), subject) == 4
    assert told(trail) == [f"{subject} #4: its payload was blanked, and no erasure tells of it"]
    trail.change([ids[0]], audit.ERASED)
    report = trail.verify()
    assert report.ok and report.erased == 4
    assert trail.rows("select count(*) from audit where payload = '' and length(salt) = 0") == [(4,)]


def test_a_clock_that_went_back_is_a_warning_and_no_fault(trail: Trail, ids: list[int]) -> None:
    trail.at -= 3_600_000_000
    trail.change([ids[1]])
    report = trail.verify()
    assert report.ok
    assert report.warnings == (f"{ticket_subject(ids[1])} #5: the clock stood 3599.000 s earlier",)


def test_a_postgresql_role_without_ownership_cannot_switch_the_triggers_off(trail: Trail, ids: list[int]) -> None:
    if trail.store.dialect != "postgresql":
        pytest.skip("SQLite has no roles: whoever has the file has all rights; checkpoints are what is left")
    attacks = ["alter table audit disable trigger all", "set session_replication_role = replica", "drop table audit"]
    role = f"app_{ids[0]}"
    with trail.store.write() as conn:
        conn.execute(text(f"create role {role}"))
        conn.execute(text(f"grant select, insert, update, delete, truncate on audit, seal to {role}"))
    try:
        for sql in [*attacks, "delete from audit", "truncate seal"]:
            with pytest.raises(DBAPIError), trail.store.write() as conn:
                conn.execute(text(f"set local role {role}"))
                conn.execute(text(sql))
        assert trail.verify().ok
    finally:
        with trail.store.write() as conn:
            conn.execute(text(f"drop owned by {role}; drop role {role}"))
