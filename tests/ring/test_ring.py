"""A ticket that three providers have, each in a system of another vendor: one change anywhere reaches all, nothing
comes back, and nothing is lost or doubled while a fifth of all requests goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.matrix import held
from tests.databases import Maker
from tests.ring.ring import Ring

KINDS = ("servicenow", "rt", "zendesk")


def batched(kinds: list[str]) -> list[list[str]]:
    """Three at a time; what is left over joins the last ones."""
    whole = [kinds[at : at + 3] for at in range(0, len(kinds) - len(kinds) % 3, 3)]
    return [*whole[:-1], kinds[3 * (len(whole) - 1) :]] if whole else [kinds]


OTHERS = [kind for kind in held() if kind not in (*KINDS, "memory", "mail")]
RINGS = [KINDS, *(tuple(each) for each in batched(OTHERS))]
"""Every shipped kind in one ring; a mailbox has no titles that change."""


@pytest.fixture
def kinds(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The desks of a ring."""
    found: tuple[str, ...] = getattr(request, "param", KINDS)
    return found


@pytest.fixture
def ring(maker: Maker, tmp_path: Path, kinds: tuple[str, ...]) -> Iterator[Ring]:
    made = Ring(maker, tmp_path, kinds)
    yield made
    made.close()


def shared(ring: Ring) -> int:
    """One ticket at all desks."""
    ticket = ring.world.create("VPN down", description="Error 809.", impact="high", urgency="medium")
    for number, kind in enumerate(ring.sims):
        ring.world.wish("escalate", ticket, connection=kind, role="holder" if number == 0 else "helper")
    ring.calm()
    return ticket


def asked(ring: Ring) -> dict[str, int]:
    """Requests that changed something, per desk."""
    return {kind: sum(r.method not in ("GET",) for r in sim.asked) for kind, sim in ring.sims.items()}


around = pytest.mark.parametrize("kinds", RINGS, ids=["-".join(each) for each in RINGS], indirect=True)


@around
def test_one_change_anywhere_reaches_all_and_nothing_comes_back(ring: Ring) -> None:
    ticket = shared(ring)
    assert set(ring.titles().values()) == {"VPN down"}
    for number, kind in enumerate(ring.sims):
        title = f"changed {number} at {kind}"
        ring.clock += 60_000_000
        ring.retitle(kind, title)
        ring.calm()
        assert set(ring.titles().values()) == {title}, ring.titles()
    ring.world.wish("edit", ticket, fields={"title": "changed by us"})
    ring.calm()
    assert set(ring.titles().values()) == {"changed by us"}
    versions = ring.world.value("select version from ticket")
    for _ in range(3):
        ring.calm()
    assert ring.world.value("select version from ticket") == versions
    assert ring.audit_problems() == ()


def test_what_one_provider_is_told_stays_with_it(ring: Ring) -> None:
    ticket = shared(ring)
    parties = {"all": [f"provider:{kind}" for kind in KINDS], "rt": ["provider:rt"], "team": []}
    for name, audience in parties.items():
        ring.world.wish("comment", ticket, text=f"our word for {name}", audience=audience)
    ring.world.wish("comment", ticket, text="our word for everybody", audience=[*parties["all"], "requester"])
    ring.calm()
    here = ring.said()
    assert here["rt"] == [("our word for all", False), ("our word for rt", False), ("our word for everybody", True)]
    for kind in ("servicenow", "zendesk"):
        assert here[kind] == [("our word for all", False), ("our word for everybody", True)]
    ring.sims["rt"].say(ring.remote("rt"), "between rt and you", False)
    ring.calm()
    assert ring.world.value("select count(*) from comment where body = 'between rt and you'") == 1
    for kind in ("servicenow", "zendesk"):
        assert not [one for one in ring.sims[kind].said(ring.remote(kind)) if "between" in one.text]


@around
def test_a_fifth_of_all_requests_goes_wrong_and_nothing_is_lost_or_doubled(ring: Ring) -> None:
    ring.storm(1)
    ticket = ring.world.create("VPN down", description="Error 809.", impact="high", urgency="medium")
    for number, kind in enumerate(ring.sims):
        ring.world.wish("escalate", ticket, connection=kind, role="holder" if number == 0 else "helper")
    said = []
    for number in range(6):
        text = f"our comment {number}"
        ring.world.wish("comment", ticket, text=text, audience=[f"provider:{kind}" for kind in ring.sims])
        said.append((text, False))
        ring.turn(20, hooks=number % 2 == 0)
        ring.world.wish("edit", ticket, fields={"title": f"title {number}"})
        ring.turn(40, hooks=number % 2 == 1)
    ring.calm()
    assert {kind: len(sim.ids()) for kind, sim in ring.sims.items()} == dict.fromkeys(ring.sims, 1)
    assert ring.said() == dict.fromkeys(ring.sims, said)
    assert set(ring.titles().values()) == {"title 5"}
    assert sum(sum(sim.faults.met.values()) for sim in ring.sims.values()) > 10
    assert ring.world.rows("select kind, said from delivery where state not in (1)") == []
    assert ring.audit_problems() == ()
