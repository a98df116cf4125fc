"""Each test of the contract has a connector that fails it, and it alone. In short runs, alone among a few."""

from __future__ import annotations

import random

import pytest

from connectors.contract import Contract
from connectors.contract.run import names, run
from tests.connectors.contract.broken import BROKEN, Broken

FEW = 4
"""Of the other tests, in short runs; the same ones each time."""

WITHOUT = {
    "test_a01_a_good_sign_in_is_taken": "a connector that cannot sign in fails everything",
    "test_f10_a_first_poll_of_an_empty_desk_goes_on_from_there": "every test of feeds begins with an empty desk",
    "test_f02_many_changes_of_one_second_are_all_told": "an id cursor, which the memory desk has, knows no seconds",
    "test_f03_a_comment_of_theirs_is_told": "the memory desk's one feed tells of records and comments alike",
    "test_r01_recorded_bodies_are_read_as_they_are_meant": "the memory desk has no recordings",
    "test_a10_an_address_that_moved_is_found_again": "the memory desk lies where its admin says",
    "test_f04_a_desk_that_gives_its_last_page_again_and_again_ends": "the memory desk's feed has no pages by number",
    "test_f05_an_empty_page_that_names_a_next_one_is_not_the_end": "no page of the memory desk's feed names a next one",
    "test_a05_a_token_that_expired_is_renewed_once": "the memory desk has no sign-in that expires",
}
"""Tests that the memory desk cannot fail alone; each is failed in the tests of a vendor or of the engine."""


@pytest.mark.parametrize("broken", BROKEN, ids=[one.fails for one in BROKEN])
def test_a_broken_connector_fails_its_test_and_no_other(broken: Broken, full: bool) -> None:
    contract = broken.contract()
    own = [name for name in names(contract) if name.startswith(broken.fails)]
    others = [name for name in names(contract) if name not in own]
    tried = own + (others if full else random.Random(broken.fails).sample(others, FEW))
    failed = {result.test: result.why for result in run(contract, tried) if result.ended == "failed"}
    assert [name for name in failed if not name.startswith(broken.fails) and name not in WITHOUT] == [], failed
    assert any(name.startswith(broken.fails) for name in failed), f"nothing noticed that {broken.why}"


def test_every_test_of_the_contract_has_its_broken_connector() -> None:
    missing = {name for name in names(Contract) if not any(name.startswith(one.fails) for one in BROKEN)}
    assert missing == set(WITHOUT)
