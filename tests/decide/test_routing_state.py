"""What routing remembers: who had a ticket, who gave it back, and the choice of a person, which holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway import plain
from gateway.decide.conditions import inputs
from gateway.decide.routing import choose, compile_routing
from gateway.decide.routing.state import KEPT, Chosen, follow
from gateway.decide.signals import Signal

ANA = Chosen("agent:ana", "they know the customer")
POLICY = compile_routing(
    {
        "policy": 1,
        "name": "routing",
        "rules": [
            {"name": "acme runs it", "to": "provider:acme"},
            {"name": "bolt helps out", "to": "provider:bolt"},
        ],
    }
)


def passed(before: str, after: str, at: int = 5) -> Signal:
    return Signal("holder", at, "tandem", before, after)


def routed(state: dict[str, Any]) -> tuple[str, str]:
    facts = inputs({"title": "x"}, had=state.get("had", ()), bounced=state.get("bounced", ()))
    found = choose(POLICY, {**facts, "override": state.get("override")})
    return found.to, found.rule


def test_who_gave_it_back_without_work_is_not_chosen_again() -> None:
    state = follow({}, [passed("team:service-desk", "provider:acme")])
    assert routed(state) == ("provider:acme", "acme runs it")
    state = follow(state, [Signal("returned", 6, "provider:acme"), passed("provider:acme", "team:service-desk", 6)])
    assert (state["bounced"], state["had"]) == (["provider:acme"], ["provider:acme", "team:service-desk"])
    assert routed(state) == ("provider:bolt", "bolt helps out")


def test_the_choice_of_a_person_holds() -> None:
    state = follow({}, [passed("provider:acme", "team:network")], ANA)
    assert state["override"] == {"to": "team:network", "by": "agent:ana", "because": ANA.because, "at": 5}
    state = follow(state, [Signal("status", 7), Signal("clock", 8), passed("team:network", "team:night", 9)])
    assert routed(state) == ("team:network", "by hand")


def test_it_ends_when_its_holder_gives_the_ticket_back_or_a_person_chooses_again() -> None:
    state = follow({}, [passed("team:service-desk", "provider:acme")], ANA)
    assert routed(follow(state, [Signal("returned", 6, "provider:bolt")]))[1] == "by hand"
    given_back = follow(state, [Signal("returned", 6, "provider:acme")])
    assert routed(given_back) == ("provider:bolt", "bolt helps out")
    again = follow(given_back, [passed("team:service-desk", "provider:acme", 8)], ANA)
    assert (routed(again), again.get("bounced")) == (("provider:acme", "by hand"), None)


HOLDERS = st.sampled_from(["team:service-desk", "team:network", *(f"provider:p{n}" for n in range(30))])
SIGNALS = st.lists(
    st.one_of(
        st.builds(passed, HOLDERS, HOLDERS, st.integers(0, 9)),
        st.builds(lambda who: Signal("returned", 9, who), HOLDERS),
        st.just(Signal("spoke", 3, "requester")),
    ),
    max_size=40,
)


@given(SIGNALS, SIGNALS, st.sampled_from([None, ANA]))
def test_told_in_one_go_or_in_two_it_remembers_the_same_and_little(
    one: list[Signal], two: list[Signal], by: Chosen | None
) -> None:
    state = follow(follow({}, one, by), two, by)
    assert state == follow({}, [*one, *two], by)
    assert plain.read(plain.canonical(state)) == state
    for key in ("had", "bounced"):
        assert len(state.get(key, [])) == len(set(state.get(key, []))) <= KEPT
