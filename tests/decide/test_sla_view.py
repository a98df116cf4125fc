"""The ticket as its clocks see it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gateway.decide.facts import Facts, Link, Ticket
from gateway.decide.follow import view
from gateway.decide.plan import Planner


class Desks:
    """Both connections are the same provider's."""

    def of(self, connection_id: int, mapping_id: int) -> Any:
        return SimpleNamespace(provider="acme", mapping_id=mapping_id)

    def named(self, name: str) -> None:
        return None

    def stopped(self, name: str) -> str:
        return ""


def test_a_provider_that_works_on_it_at_one_desk_has_it_whatever_ended_at_another() -> None:
    links = [Link(1, 1, 1, "7", role="holder"), Link(2, 2, 1, "9", role="ended", leg_status="resolved")]
    for order in (links, links[::-1]):
        ticket = Ticket(1, 1, 0, {"status": "in_progress"}, "provider:acme", list(order))
        assert view(Planner(Facts(0, ticket, Desks()))).legs == {"acme": ("holder", "")}
