"""What a contract says of itself before it runs, and of a test that failed."""

from __future__ import annotations

import pytest

from connectors import registry
from connectors.contract.reasons import reason
from connectors.contract.run import unfit
from connectors.errors import Refused
from tests.connectors.matrix import contract, held


def caught(statement: str, **names: object) -> BaseException:
    with pytest.raises(Exception) as info:
        exec(compile(statement, "nowhere.py", "exec"), names)
    return info.value


def test_the_shipped_contracts_fit_their_manifests() -> None:
    assert {kind: unfit(contract(kind), registry.manifest(kind)) for kind in held()} == {kind: [] for kind in held()}


def test_a_comparison_is_told_with_its_values() -> None:
    def compares() -> None:
        wanted, got = ["a", "b"], list(range(100))
        assert (
            got
            == wanted
        )  # fmt: skip

    with pytest.raises(AssertionError) as info:
        compares()
    bare = AssertionError().with_traceback(info.value.__traceback__)
    assert "where got is [0, 1, 2, 3, 4, 5, 6, 7, ...], wanted is ['a', 'b'] (test_reasons.py:" in reason(bare)
    assert reason(bare).startswith("expected got == wanted")


def test_what_has_words_of_its_own_keeps_them() -> None:
    assert reason(caught("assert False, 'the feed does not end'")) == "AssertionError: the feed does not end"
    assert reason(Refused("Heat is 1, 2, 3 or 4.")) == "Refused: Heat is 1, 2, 3 or 4."
    assert reason(caught("assert False")) == "AssertionError"
