"""Erlang's formulas against published values, worked examples and one another (DOMAIN.md 3.2)."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.insight import erlang

TIGHT = {"rel": 0, "abs": 1e-9}


def test_the_published_example() -> None:
    load = erlang.load(100, 1800, 180)
    assert load == 10
    assert erlang.waits(load, 14) == pytest.approx(0.1741319335950498, **TIGHT)
    assert erlang.answered_within(load, 14, 180, 20) == pytest.approx(0.8883500191794669, **TIGHT)
    assert erlang.mean_wait(load, 14, 180) == pytest.approx(7.83593701177724, **TIGHT)
    found = erlang.staff(load, 180, 20, 0.8, shrinkage=0.3, occupancy=0.85)
    assert (found.agents, found.heads) == (14, 20)
    assert found.occupancy == pytest.approx(0.7142857142857143, **TIGHT)


@pytest.mark.parametrize(
    ("agents", "waits", "answered", "mean"),
    [(11, 0.6821182, 0.3896138, None), (12, 0.4493882, 0.640158, 40.445), (13, 0.2852705, 0.7955948, 17.116)],
)
def test_the_same_load_with_other_agents(agents: int, waits: float, answered: float, mean: float | None) -> None:
    assert erlang.waits(10, agents) == pytest.approx(waits, abs=5e-8)
    assert erlang.answered_within(10, agents, 180, 20) == pytest.approx(answered, abs=5e-7)
    assert mean is None or erlang.mean_wait(10, agents, 180) == pytest.approx(mean, abs=5e-4)


def test_the_classic_worked_example() -> None:
    load = erlang.load(360, 1800, 240)
    assert load == 48
    assert erlang.waits(load, 55) == pytest.approx(0.2387009, abs=5e-8)
    assert erlang.mean_wait(load, 55, 240) == pytest.approx(8.1840, abs=5e-5)
    assert erlang.answered_within(load, 55, 240, 15) == pytest.approx(0.845883, abs=5e-7)
    assert load / 55 == pytest.approx(0.872727, abs=5e-7)


def test_closed_forms() -> None:
    assert erlang.waits(0.7, 1) == pytest.approx(0.7, **TIGHT)
    assert erlang.waits(1, 2) == pytest.approx(1 / 3, **TIGHT)
    assert erlang.waits(2, 3) == pytest.approx(4 / 9, **TIGHT)


@pytest.mark.parametrize(
    ("load", "lines", "share", "digits"),
    [(10, 10, 0.2145823431, 1e-10), (4.461, 10, 0.01, 5e-6), (5.084, 10, 0.02, 5e-6), (12.03, 20, 0.01, 1e-5),
     (13.18, 20, 0.02, 2e-5)],
)  # fmt: skip
def test_lines_by_erlang_b(load: float, lines: int, share: float, digits: float) -> None:
    assert erlang.blocked(load, lines) == pytest.approx(share, abs=digits)


@pytest.mark.parametrize(("load", "agents"), [("1/3", 1), ("5/2", 3), ("10", 14), ("48", 55), ("119/2", 64)])
def test_exact_fractions_by_the_definition(load: str, agents: int) -> None:
    """Sums of powers over factorials in exact arithmetic, beside the recursion in floating point."""
    a = Fraction(load)
    terms = [a**n / math.factorial(n) for n in range(agents + 1)]
    queue = terms[-1] * agents / (agents - a)
    assert erlang.blocked(float(a), agents) == pytest.approx(float(terms[-1] / sum(terms)), **TIGHT)
    assert erlang.waits(float(a), agents) == pytest.approx(float(queue / (sum(terms[:-1]) + queue)), **TIGHT)


def test_the_fewest_lines() -> None:
    assert erlang.lines(4.4, 0.01) == 10
    assert erlang.blocked(4.4, 10) <= 0.01 < erlang.blocked(4.4, 9)
    with pytest.raises(ValueError, match="between 0 and 1"):
        erlang.lines(4.4, 0)


def test_giving_up_as_fast_as_being_served_is_a_poisson_system() -> None:
    """With the same rate for both the number in the system is Poisson with the load as its mean."""
    for agents, known in ((9, 0.1793170643), (14, 0.0186937153)):
        poisson = math.fsum(
            (n - agents) * math.exp(-10 + n * math.log(10) - math.lgamma(n + 1)) for n in range(agents + 1, 200)
        )
        assert erlang.gives_up(10, agents, 180, 180) == pytest.approx(poisson / 10, **TIGHT)
        assert erlang.gives_up(10, agents, 180, 180) == pytest.approx(known, abs=5e-11)


def test_nobody_gives_up_whose_patience_has_no_end() -> None:
    assert erlang.gives_up(10, 14, 180, 1e12) == pytest.approx(0, abs=1e-9)


@given(st.floats(0.1, 60), st.integers(1, 80))
def test_another_agent_never_makes_it_worse(load: float, agents: int) -> None:
    assert erlang.waits(load, agents + 1) <= erlang.waits(load, agents)
    assert erlang.blocked(load, agents + 1) <= erlang.blocked(load, agents)
    assert erlang.gives_up(load, agents + 1, 180, 300) <= erlang.gives_up(load, agents, 180, 300) + 1e-12
    assert 0 <= erlang.blocked(load, agents) <= erlang.waits(load, agents) <= 1


@given(st.floats(0.5, 20), st.integers(1, 30))
def test_together_is_never_worse_than_apart(load: float, agents: int) -> None:
    assert erlang.waits(2 * load, 2 * agents) <= erlang.waits(load, agents) + 1e-12
