"""The pure half of the audit trail: golden bytes, chains, Merkle roots."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import chain
from gateway.journal.chain import START, Head, Key, Row

KEY = Key.of(b"k" * 32)
KEYS = {KEY.id: KEY}
SALT = bytes(16)


def entry(head: Head = START, payload: str = '{"n":1}', **said: str) -> tuple[Row, Head]:
    words = {"subject": "ticket:1", "actor": "user:7", "verb": "changed", "reason": "rt@3", **said}
    return chain.append(KEY, head, at=1_763_768_000_000_000, payload=payload, id=5, salt=SALT, **words)  # type: ignore[arg-type]


def test_the_canonical_bytes_are_these_for_ever() -> None:
    row, head = entry(actor="contact:9", reason='"ä"\n\ud800')
    assert row.canon.decode() == (
        '{"actor":"contact:9","at":1763768000000000,'
        '"hash":"73458185a0e538200edb9e3703f872592efa0cc75d3f7058263ef5e98760d1a0","key":"4f803112","prev":"",'
        '"reason":"\\"\\u00e4\\"\\n\\ud800","seq":1,"subject":"ticket:1","v":1,"verb":"changed"}'
    )
    assert row.mac.hex() == "0d06d6c9a0e443236bda0fd6ead003505e79c89a8e7563b429638a779b95d4e4"
    assert head == (1, row.mac)


@given(st.text(), st.text(), st.text(), st.text())
def test_the_canonical_bytes_are_sorted_json_of_the_entry(subject: str, actor: str, verb: str, reason: str) -> None:
    row, _ = entry(subject=subject, actor=actor, verb=verb, reason=reason)
    said = {**asdict(chain.read(row.canon)), "v": 1}
    assert row.canon == json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    assert said["subject"] == subject and said["reason"] == reason


def test_a_chain_of_entries_has_no_fault() -> None:
    head = START
    for _ in range(5):
        before = head
        row, head = entry(before)
        assert chain.fault(KEYS, before, row) == ""
    assert head[0] == 5


def test_each_kind_of_tampering_is_told() -> None:
    first, head = entry()
    row, after = entry(head, '{"n":2}')
    third, _ = entry(after)
    told = [
        (chain.fault(KEYS, head, row._replace(canon=b"not json")), "bytes cannot be read"),
        (chain.fault({}, head, row), "is not here"),
        (chain.fault(KEYS, head, row._replace(mac=bytes(32))), "MAC does not fit"),
        (chain.fault(KEYS, head, row._replace(canon=row.canon.replace(b"user:7", b"user:8"))), "MAC does not fit"),
        (chain.fault(KEYS, head, row._replace(subject="ticket:2")), "row says something else"),
        (chain.fault(KEYS, head, row._replace(at=1)), "row says something else"),
        (chain.fault(KEYS, head, third), "before it is missing"),
        (chain.fault(KEYS, (1, bytes(32)), row), "does not continue"),
        (chain.fault(KEYS, head, row._replace(payload='{"n":3}')), "payload was changed"),
        (chain.fault(KEYS, head, row._replace(payload="")), "payload was changed"),
    ]
    for said, expected in told:
        assert expected in said
    assert chain.fault(KEYS, START, first) == ""


def test_an_erased_payload_leaves_the_chain_whole() -> None:
    row, _ = entry()
    assert chain.fault(KEYS, START, row._replace(payload="", salt=b"")) == ""


def test_a_rotated_key_still_verifies_what_it_made() -> None:
    row, head = entry()
    new = Key.of(b"n" * 32)
    later, _ = chain.append(new, head, "ticket:1", 1, "user:7", "changed", "", "{}", 6, SALT)
    keys = {KEY.id: KEY, new.id: new}
    assert chain.fault(keys, START, row) == "" and chain.fault(keys, head, later) == ""
    assert KEY.id != new.id and "kkkk" not in repr(KEY)


def test_payloads_have_one_text() -> None:
    assert chain.payload_text({"b": 1, "a": "é\x00"}) == '{"a":"é\\u0000","b":1}'
    assert chain.payload_text({"a": float("nan")}) == '{"a":null}'


def naive_root(level: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word: split at the largest power of two below n."""
    if len(level) == 1:
        return hashlib.sha256(b"\0" + level[0]).digest()
    k = 1
    while k * 2 < len(level):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(level[:k]) + naive_root(level[k:])).digest()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_the_merkle_root_is_the_one_of_rfc_6962(leaves: list[bytes]) -> None:
    assert chain.merkle_root(leaves) == naive_root(leaves)


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**9), st.binary()), max_size=5))
def test_leaves_come_back_from_their_packing(leaves: list[tuple[str, int, bytes]]) -> None:
    packed = chain.pack([chain.leaf(*one) for one in leaves])
    assert [chain.read_leaf(line) for line in chain.unpack(packed)] == leaves
