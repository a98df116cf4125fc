"""The simulated desk beside theory and beside ciw, another's simulator: each within the interval it gives itself."""

from __future__ import annotations

import random
from itertools import pairwise

import ciw
import pytest

from gateway.insight import erlang
from gateway.insight.simulator import (
    HOUR,
    Figure,
    Pool,
    Setting,
    contacts,
    exponential,
    figure,
    played,
    poisson,
    replicate,
    resampled,
    simulate,
)

TALK = 180.0
RUNS, HOURS, WARM = 20, 60, 4


def desk(agents: int, patience: float | None = None) -> Setting:
    gives_up = None if patience is None else exponential(patience)
    return Setting((Pool("desk", agents),), {"": exponential(TALK)}, gives_up)


def near(known: float, found: Figure, slack: float = 1.6) -> bool:
    """Within the interval, made wider so that of many such questions hardly one fails by chance: 95 % times 1.6 is
    99.8 %."""
    return abs(found.mean - known) <= slack * found.half


@pytest.mark.parametrize(("rate", "agents"), [(200, 14), (200, 12), (60, 5), (20, 3)])
def test_who_waits_and_how_long_is_what_erlang_says(rate: float, agents: int) -> None:
    load = erlang.load(rate, HOUR, TALK)
    found = simulate(desk(agents), rate, HOURS, RUNS, seed=7, warm_up=WARM)
    assert near(erlang.waits(load, agents), found["waited"])
    assert near(erlang.answered_within(load, agents, TALK, 20), found["answered"])
    assert near(erlang.mean_wait(load, agents, TALK), found["wait"])
    assert near(load / agents, found["busy:desk"])


@pytest.mark.parametrize(("rate", "agents", "patience"), [(200, 9, 180), (200, 9, 300), (200, 14, 180), (80, 4, 60)])
def test_who_gives_up_is_what_palm_says(rate: float, agents: int, patience: float) -> None:
    found = simulate(desk(agents, patience), rate, HOURS, RUNS, seed=3, warm_up=WARM)
    assert near(erlang.gives_up(erlang.load(rate, HOUR, TALK), agents, TALK, patience), found["abandoned"])


@pytest.mark.parametrize(("rate", "agents", "patience"), [(100, 6, None), (150, 9, None), (100, 4, 120), (150, 7, 240)])
def test_another_simulator_finds_the_same(rate: float, agents: int, patience: float | None) -> None:
    mine = simulate(desk(agents, patience), rate, HOURS, RUNS, seed=11, warm_up=WARM)
    name = "wait" if patience is None else "abandoned"
    others = figure([theirs(rate, agents, patience, seed)[name] for seed in range(8)])
    assert abs(mine[name].mean - others.mean) <= 1.3 * (mine[name].half + others.half)


def theirs(rate: float, agents: int, patience: float | None, seed: int) -> dict[str, float]:
    """One run of ciw: mean wait of those helped, share of those who gave up."""
    options = {} if patience is None else {"reneging_time_distributions": [ciw.dists.Exponential(1 / patience)]}
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate / HOUR)],
        service_distributions=[ciw.dists.Exponential(1 / TALK)],
        number_of_servers=[agents],
        **options,
    )
    ciw.seed(seed)
    one = ciw.Simulation(network)
    one.simulate_until_max_time((WARM + 30) * HOUR)
    records = [r for r in one.get_all_records() if r.arrival_date >= WARM * HOUR]
    helped = [r.waiting_time for r in records if r.record_type == "service"]
    gone = sum(r.record_type == "renege" for r in records)
    return {"wait": sum(helped) / len(helped), "abandoned": gone / len(records)}


def test_littles_law() -> None:
    """The mean number waiting is arrivals a second times the mean wait."""
    for seed in range(5):
        one = replicate(desk(12), 200, 100, seed)
        assert one.queue == pytest.approx(one.offered / (100 * HOUR) * one.wait, rel=0.02)


def test_the_same_seed_is_the_same_run() -> None:
    assert replicate(desk(12), 200, 20, 5) == replicate(desk(12), 200, 20, 5)
    assert replicate(desk(12), 200, 20, 5) != replicate(desk(12), 200, 20, 6)


def test_together_is_never_worse_than_apart_and_more_agents_never_worse() -> None:
    together = simulate(desk(12), 200, HOURS, RUNS, seed=2, warm_up=WARM)["wait"]
    apart = simulate(desk(6), 100, HOURS, RUNS, seed=2, warm_up=WARM)["wait"]
    more = simulate(desk(13), 200, HOURS, RUNS, seed=2, warm_up=WARM)["wait"]
    assert together.high < apart.low and more.high < together.low


def test_a_provider_behind_takes_who_has_waited() -> None:
    """Nobody goes over before the time; with more of the provider's people fewer give up."""

    def behind(provider: int) -> Setting:
        pools = (Pool("desk", 9), Pool("provider", provider))
        return Setting(pools, {"": exponential(TALK)}, exponential(300), overflow=(60, "provider"))

    given = [simulate(behind(n), 200, HOURS, RUNS, seed=4, warm_up=WARM)["abandoned"] for n in range(4)]
    assert near(erlang.gives_up(10, 9, TALK, 300), given[0])
    assert all(later.high < earlier.low for earlier, later in pairwise(given))
    chance = random.Random(9)
    found = [one for one in contacts(behind(2), poisson(200, chance), 30, chance) if one.pool == "provider"]
    assert found and all(one.wait >= 60 for one in found)


def test_who_can_help_helps_and_the_urgent_go_first() -> None:
    pools = (Pool("network", 2, frozenset({"network"})), Pool("mail", 2, frozenset({"mail"})))
    setting = Setting(
        pools, {"network": exponential(TALK), "mail": exponential(TALK)}, shares={"network": 0.5, "mail": 0.5},
        urgent=frozenset({"mail"}),
    )  # fmt: skip
    chance = random.Random(1)
    found = contacts(setting, poisson(60, chance), 40, chance)
    assert {(one.kind, one.pool) for one in found if one.pool} == {("network", "network"), ("mail", "mail")}
    one = Setting((Pool("desk", 3),), setting.handling, shares=setting.shares, urgent=setting.urgent)
    chance = random.Random(2)
    helped = [c for c in contacts(one, poisson(58, chance), 200, chance) if c.pool]
    waits = {kind: [c.wait for c in helped if c.kind == kind] for kind in ("mail", "network")}
    assert sum(waits["mail"]) / len(waits["mail"]) < 0.5 * sum(waits["network"]) / len(waits["network"])


def test_nobody_helps_while_nobody_is_there() -> None:
    week = [3 if day < 5 and 9 <= hour < 17 else 0 for day in range(7) for hour in range(24)]
    setting = Setting((Pool("desk", week),), {"": exponential(TALK)})
    chance = random.Random(3)
    found = contacts(setting, [3 * HOUR, 10 * HOUR, 5 * 24 * HOUR + 10 * HOUR], 24 * 9, chance)
    assert [one.left for one in found] == [9 * HOUR, 10 * HOUR, (7 * 24 + 9) * HOUR]


def test_arrivals_follow_the_hour_of_the_week() -> None:
    rates = [30.0 if hour == 10 else 0.0 for hour in range(168)]
    chance = random.Random(4)
    times = []
    for time in poisson(rates, chance):
        if time > 3 * 168 * HOUR:
            break
        times.append(time)
    assert {int(time // HOUR) % 168 for time in times} == {10}
    assert 50 <= len(times) <= 130


def test_what_happened_can_be_played_again() -> None:
    setting = Setting((Pool("desk", 1),), {"": resampled([600.0])})
    one = played(setting, [0.0, 60.0, 120.0], 2, random.Random(0))
    assert (one.offered, one.wait) == (3, (0 + 540 + 1080) / 3)


def test_one_run_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two runs"):
        figure([1.0])
    assert figure([1.0, 2.0, 3.0]) == Figure(2.0, pytest.approx(4.303 / 3**0.5), 3)
