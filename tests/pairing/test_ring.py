"""Three Tandems in a ring: what changes anywhere reaches all that have a part in it, once, and they come to rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pairing.two import Side, pair, quiet, sides

WRITES = ("PATCH", "POST")
ROUND = """policy: 1
name: routing
rules: []
default: provider:{to}
"""


@pytest.fixture
def ring() -> Iterator[tuple[Side, ...]]:
    with sides("alpha", "beta", "gamma") as made:
        for at, one in enumerate(made):
            pair(one, made[(at + 1) % 3])
        yield made


def writes(*of: Side, done: bool = True) -> int:
    """How many changes they made for one another; or were asked for, those refused for an old version among them."""
    asked = [each for one in of for each in zip(one.asked, one.said, strict=True)]
    return sum(r.method in WRITES and "/tickets" in r.path and (s < 300 or not done) for r, s in asked)


def settled(ring: tuple[Side, ...]) -> None:
    """Everything that is on its way arrives, by webhook and by poll."""
    quiet(*ring)
    for one in ring:
        one.poll()
    quiet(*ring)


def test_a_ticket_that_people_send_round_is_one_ticket_a_side_and_each_change_is_written_once(
    ring: tuple[Side, ...],
) -> None:
    alpha, beta, gamma = ring
    first = alpha.ticket()
    here = first
    for one, other in ((alpha, beta), (beta, gamma), (gamma, alpha)):
        before = set(other.all())
        one.escalate(here, other.name)
        settled(ring)
        (here,) = set(other.all()) - before
    assert [len(one.all()) for one in ring] == [2, 1, 1]  # alpha's own, and what gamma brought
    ids = {alpha: [first, here], beta: beta.all(), gamma: gamma.all()}
    for n, (one, id) in enumerate([(alpha, first), (beta, beta.all()[0]), (gamma, gamma.all()[0]), (alpha, here)]):
        before, asked = writes(*ring), writes(*ring, done=False)
        one.edit(id, title=f"changed {n}", urgency=("high", "low")[n % 2])
        settled(ring)
        assert {side.shows(id)["title"] for side in ring for id in ids[side]} == {f"changed {n}"}
        assert writes(*ring) - before == 3 - n  # downstream it is written, upstream it is read
        assert writes(*ring, done=False) - asked <= 6  # an old version is refused once a link
    before = writes(*ring)
    settled(ring)
    assert writes(*ring) == before


def test_what_is_said_to_one_side_stays_there(ring: tuple[Side, ...]) -> None:
    alpha, beta, gamma = ring
    ours = alpha.ticket()
    alpha.escalate(ours, "beta")
    settled(ring)
    beta.escalate(beta.all()[0], "gamma")
    settled(ring)
    alpha.say(ours, "for beta alone", "provider:beta")
    gamma.say(gamma.all()[0], "for beta too", "provider:beta")
    settled(ring)
    assert any("for beta alone" in text for text in beta.texts(beta.all()[0]))
    assert not any("for beta alone" in text for text in gamma.texts(gamma.all()[0]))
    assert not any("for beta too" in text for text in alpha.texts(ours))
    links = beta.call("GET", f"tickets/{beta.all()[0]}/links", who=alpha.connector("beta")).json["items"]
    assert [one["connection"] for one in links] == ["alpha"]  # nobody learns of another


def test_rules_send_nothing_round(ring: tuple[Side, ...]) -> None:
    alpha, beta, gamma = ring
    for one, to in ((alpha, "beta"), (beta, "gamma"), (gamma, "alpha")):
        one.done("POST", "policies", {"text": ROUND.format(to=to), "reason": "all of it"}, "admin")
    alpha.ticket()
    settled(ring)
    assert [len(one.all()) for one in ring] == [1, 1, 0]
    (theirs,) = beta.all()
    assert beta.shows(theirs)["holder"] == "team:service-desk"
    told = beta.done("GET", f"tickets/{theirs}/notices")["items"]
    assert any("only a person hands it on" in one["text"] for one in told)
