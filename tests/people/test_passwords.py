"""Passwords: strong hashes, one duration, no trap with composed characters."""

from __future__ import annotations

import time

import argon2
import pytest

from gateway.errors import Invalid
from gateway.people.passwords import make_hash, matches, outdated


def test_hashes_are_argon2id_with_64_mib(real_hashes: None) -> None:
    stored = make_hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert matches(stored, "correct horse battery") and not matches(stored, "correct horse batterie")
    assert not outdated(stored) and outdated(argon2.PasswordHasher(1, 8, 1).hash("x"))


def test_a_user_who_is_not_there_takes_as_long(real_hashes: None) -> None:
    stored = make_hash("correct horse battery")
    matches("", "warm up the hash of nobody")

    def fastest(hashed: str) -> float:
        times = []
        for _ in range(4):
            start = time.perf_counter()
            assert not matches(hashed, "wrong password")
            times.append(time.perf_counter() - start)
        return min(times)

    assert 0.4 < fastest("") / fastest(stored) < 2.5


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
def test_passwords_of_a_wrong_length_are_refused(password: str) -> None:
    with pytest.raises(Invalid, match="10 to 256"):
        make_hash(password)


def test_the_same_password_however_it_was_composed() -> None:
    stored = make_hash("contrase\u00f1a larga")
    assert matches(stored, "contrasen\u0303a larga")


@pytest.mark.parametrize("stored", ["", "garbage", "$argon2id$v=19$broken"])
def test_nothing_matches_what_is_no_hash(stored: str) -> None:
    assert not matches(stored, "correct horse battery") and not matches(stored, "")


def test_the_beginning_of_a_long_password_is_not_enough() -> None:
    stored = make_hash("x" * 256)
    assert matches(stored, "x" * 256) and not matches(stored, "x" * 300)
