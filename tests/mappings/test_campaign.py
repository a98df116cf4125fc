"""T2 and T3 of every shipped mapping on random tickets: a few here, 100,000 in a campaign; and they can fail."""

import dataclasses
from collections import Counter

import pytest

from mappings.prover import prove
from tests.mappings import campaign, support
from tests.mappings.broken import BROKEN, CATALOGUE, TEXT

FULL, SHORT = 100_000, 150


@pytest.mark.parametrize("name", campaign.NAMES)
def test_t2_and_t3_on_random_tickets_of_every_shipped_mapping(name: str, full: bool) -> None:
    assert campaign.run((name, 0, FULL if full else SHORT)) == []


@pytest.mark.parametrize("name", campaign.NAMES)
def test_a_ticket_is_the_same_for_the_same_seed_and_fills_every_two_way_field(name: str) -> None:
    one = campaign.subject(name)
    wrote: Counter[str] = Counter()
    for seed in range(60):
        ticket = campaign.ticket_of(campaign.random.Random(seed))
        assert ticket == campaign.ticket_of(campaign.random.Random(seed))
        wrote.update(campaign.written(one.mapping, ticket).wires.keys())
    assert all(wrote[field] > 10 for field in one.two_way)


def unstable() -> campaign.Subject:
    """The good mapping with two rows that no longer agree, as it stands without M040."""
    case = next(each for each in BROKEN if each.code == "M040" and each.change is None and each.edit[0])
    source = TEXT
    for good, bad in (case.edit, case.also):
        source = source.replace(good, bad, 1) if good else source
    source = source.split("examples:")[0]
    assert not prove(source, CATALOGUE, support.VOCABULARY, name="desk").holds
    assert prove(source, CATALOGUE, support.VOCABULARY, name="desk", skip={"M040"}).holds
    return campaign.of(source, CATALOGUE, "desk")


def test_t2_without_m040_the_first_law_fails_at_once() -> None:
    """Negative control: what the check refuses breaks the law it guards, and moves a value more than once."""
    one = unstable()
    broken = [each for seed in range(60) for each in campaign.judge("desk", one, seed)]
    assert {1, 3} <= {each.law for each in broken}
    assert {each.field for each in broken} == {"status"}


@pytest.mark.parametrize("name", [name for name in campaign.NAMES if campaign.subject(name).values])
def test_t3_without_the_named_losses_the_second_law_fails(name: str) -> None:
    one = campaign.subject(name)
    bare = dataclasses.replace(one, values=frozenset())
    broken = [each for seed in range(150) for each in campaign.judge(name, bare, seed)]
    conveyed = {field for field, _ in one.values} - {"category"}  # a value that is not written breaks nothing
    assert {(each.law, each.field) for each in broken} == {(2, field) for field in conveyed}


def test_the_command_says_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(["--tickets", "20", "--only", "memory"]) == 0
    assert "memory: 20 tickets, 0 broken" in capsys.readouterr().out
