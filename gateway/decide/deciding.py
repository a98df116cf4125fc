"""The one door to a decision: an input, on facts, gives a plan. Live and preview come through here alike."""

from __future__ import annotations

from gateway.decide.commands import command
from gateway.decide.facts import Command, Facts, Hint, Input, Link, Observed, Settled
from gateway.decide.follow import before, follow
from gateway.decide.intake import taken
from gateway.decide.observe import hint, observed, unknown_record
from gateway.decide.plan import Plan, Planner
from gateway.decide.settle import settled


def decide(facts: Facts, what: Input, link: Link | None = None) -> Planner:
    """Plan one input; the planner's ``facts`` are those after it. ``link``: the one the input is about, if any.

    Raises ``commands.Objection`` for a command that cannot be carried out."""
    p = Planner(facts, Plan())
    was = before(facts)
    if link is not None and link.id == 0:  # a record that nobody knows yet
        link.id = p.new_id()
    if isinstance(what, Command):
        command(p, what)
    elif isinstance(what, Settled):
        assert link is not None
        settled(p, link, what)
    elif isinstance(what, Observed):
        assert link is not None
        if facts.ticket is None:
            unknown_record(p, link, what)
        else:
            observed(p, link, what)
    elif isinstance(what, Hint):
        assert link is not None
        hint(p, link, what)
    if p.facts.ticket is not None:
        if not isinstance(what, Command) and (p.ticket.new or "kind" in p.plan.changes):
            taken(p)
        if was is not None:
            follow(p, what, link, was)
        p.flush()
    if not p.plan.verb:
        p.plan.verb = _VERBS.get(type(what), "changed")
    return p


_VERBS: dict[type, str] = {Observed: "synced", Hint: "hinted", Settled: "delivered"}
