"""The merge of one field, interleaving by interleaving: each row is a way in which the obvious version loses data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.decide import merge
from gateway.decide.merge import LONG, Meaning, Pair, token


def means(value: Any) -> Callable[[], Meaning]:
    return lambda: Meaning("value", value)


def never() -> Meaning:
    raise AssertionError("a value that did not change was read")


def test_what_did_not_change_there_changes_nothing_here() -> None:
    pair = Pair("new", "open", 1)
    assert merge.inbound(pair, "in_progress", "open", never, "theirs").verdict == "same"
    assert (pair.ours, pair.theirs, pair.owed) == ("new", "open", 1)


def test_the_echo_of_an_older_write_does_not_overwrite_a_newer_edit() -> None:
    pair = Pair("A", "a", 1, sent=[(1, "B", "b")])
    assert merge.inbound(pair, "C", "b", never, "theirs").verdict == "echo"
    assert (pair.theirs, pair.owed) == ("b", 1)


def test_the_echo_of_what_we_hold_settles() -> None:
    pair = Pair("A", "a", 1, sent=[(1, "B", "b")])
    merge.inbound(pair, "B", "b", never, "theirs")
    assert (pair.ours, pair.theirs, pair.owed) == ("B", "b", 0)


def test_two_of_ours_that_are_one_of_theirs_are_no_change_of_theirs() -> None:
    pair = Pair("in_progress", "open", 0)
    merge.our_change(pair)
    pair.sent.append((1, "new", "open"))
    assert merge.inbound(pair, "new", "open", never, "theirs").verdict == "same"


def test_a_ghost_that_lands_late_is_not_taken_for_their_edit() -> None:
    """1 sent, no answer; ours becomes 2, sent, confirmed; then request 1 lands."""
    pair = Pair("0", "0", 1, sent=[(1, "1", "1"), (2, "2", "2")])
    merge.receipt(pair, 2, "2", "2", "2")
    assert pair.sent == [(1, "1", "1")]
    assert merge.inbound(pair, "2", "1", never, "theirs").verdict == "echo"
    assert pair.owed == 1, "the remote holds the ghost's value: ours is owed again"


def test_a_receipt_speaks_for_its_own_attempt_alone() -> None:
    pair = Pair("0", "0", 1, sent=[(1, "1", "1"), (2, "2", "2")])
    merge.receipt(pair, 1, "2", "1", "1")
    assert (pair.ours, pair.theirs, pair.owed, pair.sent) == ("1", "1", 1, [(2, "2", "2")])


def test_an_unknown_write_back_to_the_old_value_is_still_owed() -> None:
    """0 to 1 sent, answer lost, back to 0 here: without `owed` the remote keeps 1 for ever."""
    pair = Pair("0", "0", 1, sent=[(1, "1", "1")])
    merge.unknown(pair, "0", "1", "1", "1", never, "ours", "both")
    assert (pair.theirs, pair.owed) == ("1", 1)
    assert pair.sent == [(1, "1", "1")], "a fetch does not say which write it saw"


def test_both_changed_and_the_policy_decides() -> None:
    for policy, verdict, owed in (("ours", "kept", 1), ("theirs", "taken", 0), ("ask", "ask", 1)):
        pair = Pair("A", "a", 1)
        assert merge.inbound(pair, "B", "c", means("C"), policy).verdict == verdict
        assert (pair.theirs, pair.owed) == ("c", owed)
        assert pair.speaks is (policy == "ours")


def test_both_came_to_the_same() -> None:
    pair = Pair("A", "a", 1, park="ask")
    assert merge.inbound(pair, "C", "c", means("C"), "ask").verdict == "same"
    assert (pair.ours, pair.owed, pair.park) == ("C", 0, "")


def test_a_held_value_parks_both_ways_until_either_side_moves() -> None:
    pair = Pair("A", "a")
    assert merge.inbound(pair, "A", "?", lambda: Meaning("held", said="?"), "theirs").verdict == "held"
    assert (pair.theirs, pair.park, pair.speaks) == ("?", "held", False)
    assert merge.inbound(pair, "A", "c", means("C"), "theirs").verdict == "taken"
    assert pair.park == ""
    merge.inbound(pair, "C", "?", lambda: Meaning("held"), "theirs")
    merge.our_change(pair)
    assert pair.speaks


def test_what_we_only_send_is_not_taken_back() -> None:
    pair = Pair("P1", "1")
    assert merge.inbound(pair, "P1", "3", never, "ours", "out").verdict == "drift"
    assert pair.theirs == "3"


def test_what_only_they_say_is_always_taken() -> None:
    pair = Pair("ana", "1", 1)
    assert merge.inbound(pair, "ben", "2", means("eva"), "ours", "in").verdict == "taken"


@given(st.text(max_size=2 * LONG))
def test_long_text_is_held_as_a_hash_and_short_text_as_itself(text: str) -> None:
    held = token(text)
    assert (held == (text or None)) is (len(text) <= LONG)
    assert len(held or "") <= LONG
    assert token(held) == held
