"""A ticket's clocks as they are moved: begun, stopped, let go on, ended; what ran out, said once (DOMAIN.md 2.1).

``sla`` says what happened and which clock that moves; here is what moving one means. Every move is an event, and the
state changes by that event alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.decide.hours import Calendars
from gateway.decide.language import spelled
from gateway.decide.signals import View
from gateway.decide.sla.log import (
    TICKET,
    Event,
    Instance,
    State,
    begun,
    due_of,
    fold,
    hours_of,
    key_of,
    named,
    resting,
    stopped,
    terms_of,
    when,
)
from gateway.decide.sla.targets import CLOCKS, About, Targets, Terms

CADENCE = "update_cadence"


class Clocks:
    """The clocks of one ticket, and the events and notices of one plan."""

    def __init__(self, state: State, targets: Targets, calendars: Calendars, view: View) -> None:
        self.state, self.targets, self.calendars, self.view = state, targets, calendars, view
        self.events: list[Event] = []
        self.notices: list[tuple[str, str]] = []
        self.holder = view.holder
        fields, clientele = view.fields, view.requester.get("clientele", "")
        self.about = About(str(fields.get("kind") or ""), view.priority, str(fields.get("service") or ""), clientele)
        self._next: dict[str, int] = {}  # clock -> when there will be something to say of it

    # -- what is there --

    def living(self) -> list[str]:
        """The keys of the clocks that have not ended."""
        return [key for key, one in self.state["clocks"].items() if "end" not in one]

    def resting(self) -> frozenset[str]:
        return resting(self.state["off"])

    def terms(self, key: str) -> Terms:
        """What a clock is held to by the policy in force and the ticket as it is now."""
        clock, provider = named(key)
        about = self.about._replace(provider=provider.removeprefix("provider:")) if provider else self.about
        return self.targets.terms(clock, about, self.state["team"], self.view.requester.get("site", ""))

    def warnings(self, one: Instance) -> Iterator[tuple[str, int]]:
        """The warnings that were not given yet, each with its instant."""
        terms = terms_of(one)
        hours = hours_of(self.calendars, terms.who)
        for warning, passed in terms.warnings:
            at = when(self.state, one, hours, passed) if warning not in one["told"] else None
            if at is not None:
                yield warning, at

    # -- moves --

    def began(self, at: int, party: str) -> None:
        """The ticket is there."""
        self._event(TICKET, 1, "activate", at, party, self.view.holder if self.view.holder.startswith("team:") else "")

    def team(self, team: str, at: int, party: str) -> None:
        """A team of ours has it; work goes by its calendar, while a provider has it, too."""
        if team.startswith("team:") and team != self.state["team"]:
            self._event(TICKET, 1, "retarget", at, party, team)

    def begin(self, clocks: Iterable[str], at: int, party: str) -> None:
        """A new instance of each of these; of a provider's, ``party`` is the provider."""
        for clock in clocks:
            key = key_of(clock, party)
            terms = self.terms(key)
            if clock == CADENCE and terms.within is None:
                continue
            numbers = [one["n"] for other, one in self.state["clocks"].items() if named(other)[0] == clock]
            event = self._made(clock, max(numbers, default=0) + 1, "activate", at, party, terms.text)
            due = due_of(self.state, begun(self.state, event), self.calendars)
            self._add(replace(event, due_at=due))
            if stopped(self.state, self.state["clocks"][key]):
                self._paused(key, at, party)

    def rest(self, reasons: frozenset[str], at: int, party: str) -> None:
        """The ticket rests for these reasons, and no others, from now on."""
        if reasons == self.resting():
            return
        before = {key: stopped(self.state, self.state["clocks"][key]) for key in self.living()}
        self._event(TICKET, 1, "pause" if reasons else "resume", at, party, " ".join(sorted(reasons)))
        for key, was in before.items():
            if stopped(self.state, self.state["clocks"][key]) != was:
                self._paused(key, at, party)

    def _paused(self, key: str, at: int, party: str) -> None:
        """A clock stops, goes on, or stops for another reason."""
        one = self.state["clocks"][key]
        now = stopped(self.state, one)
        due = due_of(self.state, one, self.calendars)
        kind = "pause" if now else "resume"
        self._event(named(key)[0], one["n"], kind, max(at, one["at"]), party, " ".join(sorted(now)), due)

    def fulfil(self, key: str, at: int, party: str, what: str) -> None:
        """What a clock waited for has happened; nothing to do where none waits."""
        if key in self.living():
            self.end(key, "fulfil", at, party, what)

    def end(self, key: str, kind: str, at: int, party: str, reason: str) -> None:
        """``fulfil`` or ``cancel`` a living clock; if it ran out before that, it is said."""
        one = self.state["clocks"][key]
        at = max(at, one["at"])
        if one["due"] is not None and one["due"] < at:
            self._breach(key)
        self._event(named(key)[0], one["n"], kind, at, party, reason, one["due"])

    def drop(self, key: str, at: int, reason: str) -> None:
        """End a clock that nobody waits for any more, since nobody knows when: whether it ran out is not said."""
        one = self.state["clocks"][key]
        self._event(named(key)[0], one["n"], "cancel", at, "tandem", reason, one["due"])

    def retarget(self, at: int, party: str) -> None:
        """The terms, the policy or the calendar may be others now: due times follow, counted from the beginning."""
        for key in self.living():
            one = self.state["clocks"][key]
            terms = self.terms(key)
            labels = one["policy"], one["calendar"]
            if terms.text != one["terms"] or labels != (self.targets.label, self.calendars.label):
                self._change(key, terms, max(at, one["at"]), party)

    def _change(self, key: str, terms: Terms, at: int, party: str) -> None:
        one = self.state["clocks"][key]
        due = due_of(self.state, {**one, "terms": terms.text}, self.calendars)
        if terms.text == one["terms"] and due == one["due"]:
            return
        if one["due"] is not None and one["due"] <= at:
            self._breach(key)
        rested = stopped(self.state, one)
        self._event(named(key)[0], one["n"], "retarget", at, party, terms.text, due)
        if stopped(self.state, one) != rested:
            self._paused(key, at, party)

    def pass_time(self, now: int) -> None:
        """Say of each clock, once, what has come by now: warnings while there is time left, or that it ran out."""
        self._next.clear()
        for key in self.living():
            one = self.state["clocks"][key]
            if "breach" not in one["told"] and one["due"] is not None:
                if one["due"] <= now:
                    self._breach(key)
                else:
                    self._next[key] = self._warned(key, now)

    def _warned(self, key: str, now: int) -> int:
        """Give the warnings that have come by now; when the next of its instants is."""
        one = self.state["clocks"][key]
        due: int = one["due"]
        for warning, at in list(self.warnings(one)):
            if at <= now:
                self._say(key, "warn", at, warning)
            else:
                due = min(due, at)
        return due

    def wake_at(self) -> int | None:
        """The first instant at which there will be something to say; None: there is nothing to wait for."""
        return min(self._next.values(), default=None)

    # -- said --

    def _breach(self, key: str) -> None:
        """Dated when it ran out, but not before anybody could know that it would."""
        one = self.state["clocks"][key]
        if "breach" not in one["told"]:
            self._say(key, "breach", one["due"])

    def _say(self, key: str, kind: str, at: int, warning: str = "") -> None:
        (clock, provider), one = named(key), self.state["clocks"][key]
        at = max(at, one.get("moved", one["at"]))
        self._event(clock, one["n"], kind, at, provider or self.holder, warning, one["due"])
        terms = terms_of(one)
        what = CLOCKS[clock].title[0].upper() + CLOCKS[clock].title[1:] + (f" ({provider})" if provider else "")
        within, rule = spelled(terms.within or 0), f"rule {terms.rule}"
        if kind == "breach":
            self.notices.append(("sla_breach", f"{what}: the {within} are over ({rule})."))
        else:
            passed = f"{warning} of" if warning.endswith("left") else f"{warning} have passed of"
            self.notices.append(("sla_warning", f"{what}: {passed} {within} ({rule})."))

    # -- written down --

    def _event(
        self, clock: str, n: int, kind: str, at: int, party: str, reason: str = "", due: int | None = None
    ) -> None:
        self._add(self._made(clock, n, kind, at, party, reason, due))

    def _made(
        self, clock: str, n: int, kind: str, at: int, party: str, reason: str = "", due: int | None = None
    ) -> Event:
        labels = self.targets.label, self.calendars.label
        return Event(clock, n, kind, reason, at, self.view.as_of, party, *labels, due)

    def _add(self, event: Event) -> None:
        self.events.append(event)
        fold(self.state, event)
