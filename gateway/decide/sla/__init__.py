"""The ledger of a ticket's clocks: what happened, as events; when to look again; what to tell (DOMAIN.md 2.1).

``follow`` is asked at the end of every plan, and when a clock is due. It writes down what the plan's signals did to
each clock, dated by when that happened, and then what ran out meanwhile. It keeps nothing that its events do not say:
``recompute`` makes the same state of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway import plain
from gateway.decide.hours import Calendars
from gateway.decide.signals import Signal, View
from gateway.decide.sla.clocks import CADENCE, Clocks
from gateway.decide.sla.feasible import feasible
from gateway.decide.sla.guards import guards
from gateway.decide.sla.log import Event, State, key_of, named, recompute
from gateway.decide.sla.policy import compile_targets
from gateway.decide.sla.stand import Stand, stands
from gateway.decide.sla.targets import CLOCKS, NOTHING, RESOLVED, Targets
from gateway.decide.sla.totals import totals
from gateway.tickets.vocabulary import FINAL

FIRST = ("acknowledge", "reply")
"""What is done once: a ticket that is reopened has had its first reply."""

OURS = tuple(clock for clock, kind in CLOCKS.items() if not kind.of_provider)
THEIRS = tuple(clock for clock, kind in CLOCKS.items() if kind.of_provider)
_PENDING = {
    "pending_requester": "requester",
    "pending_provider": "provider",
    "pending_problem": "problem",
    "pending_change": "change",
}


@dataclass(frozen=True, slots=True)
class Clocked:
    """``state``: JSON-plain; ``events``, in order; ``notices``: (``sla_warning`` or ``sla_breach``, text); ``wake_at``:
    when something is due next, in UTC microseconds, None: nothing is."""

    state: State
    events: tuple[Event, ...]
    notices: tuple[tuple[str, str], ...]
    wake_at: int | None


def follow(
    state: Mapping[str, Any], targets: Targets | None, calendars: Calendars, view: View, signals: Sequence[Signal]
) -> Clocked:
    """Let a ticket's clocks follow what happened. ``state``: the one before, {} for a ticket without clocks yet, which
    then has them from its creation on; ``targets`` None: clocks run and nothing is promised; ``signals`` in the order
    in which they became known."""
    story = _Story(plain.read(plain.text(state)), targets or NOTHING, calendars, view, signals)
    for signal in signals:
        story.take(signal)
    story.settle()
    return Clocked(story.state, tuple(story.events), tuple(story.notices), story.wake_at())


class _Story(Clocks):
    """What the signals of one plan do to the clocks of its ticket."""

    def __init__(
        self, state: State, targets: Targets, calendars: Calendars, view: View, signals: Sequence[Signal]
    ) -> None:
        super().__init__(state, targets, calendars, view)
        self.signals = signals
        self.status = next((one.before for one in signals if one.kind == "status"), view.status)
        self.holder = next((one.before for one in signals if one.kind == "holder"), view.holder)
        if not state:
            self._open(next((one for one in signals if one.kind == "opened"), Signal("opened", view.created_at)))

    def take(self, signal: Signal) -> None:
        """Let one signal happen, when it did; not before the ticket was there, and not in times to come."""
        at = min(max(signal.at, self.state["at"]), self.view.as_of)
        if signal.kind in _TAKEN:
            _TAKEN[signal.kind](self, signal, at)
        if signal.kind in ("priority", "policy", "holder"):
            self.retarget(at, signal.party)

    def settle(self) -> None:
        """What no signal tells: legs that ended, terms that changed, time that passed."""
        now = self.view.as_of
        for key in self.living():
            clock, provider = named(key)
            role, status = self._leg(provider)
            if role == "ended":
                self.drop(key, now, "taken back")
            elif clock == "provider_resolve" and status in FINAL and (told := self._told(provider)) is not None:
                self.end(key, "cancel" if status == "cancelled" else "fulfil", told, provider, status)
        self.retarget(now, "tandem")
        if CADENCE not in self.living() and self.status not in FINAL:
            self.begin([CADENCE], now, "tandem")
        self.pass_time(now)
        if CADENCE in self.living() and "breach" in self._cadence()["told"]:
            self.end(
                CADENCE, "cancel", now, "tandem", "the next interval begins"
            )  # with what the requester is told now
            self.begin([CADENCE], now, "tandem")
            self.pass_time(now)

    def _cadence(self) -> dict[str, Any]:
        one: dict[str, Any] = self.state["clocks"][CADENCE]
        return one

    def _leg(self, provider: str) -> tuple[str, str]:
        return self.view.legs.get(provider.removeprefix("provider:"), ("", "")) if provider else ("", "")

    def _told(self, provider: str) -> int | None:
        """When a provider was last heard of in this plan. What its leg says may be older than its having the ticket."""
        heard = [one.at for one in self.signals if one.party == provider and one.kind != "accepted"]
        return min(heard[-1], self.view.as_of) if heard else None

    # -- signals --

    def _open(self, signal: Signal) -> None:
        at = min(signal.at, self.view.as_of)
        self.began(at, signal.party)
        reasons = _reasons(self.status, self.holder)
        if RESOLVED not in reasons:
            self.begin(OURS, at, signal.party)
        self.rest(reasons, at, signal.party)

    def _status(self, signal: Signal, at: int) -> None:
        before, self.status = self.status, signal.after
        reasons, was = _reasons(self.status, self.holder), self.resting()
        if RESOLVED in reasons and RESOLVED not in was:
            self._over(signal, at)
        if before == "new" and _somebody(signal.party):
            self.fulfil("acknowledge", at, signal.party, "taken up")
        self.rest(reasons, at, signal.party)
        if RESOLVED in was and RESOLVED not in reasons:
            self._again(at, signal.party)

    def _over(self, signal: Signal, at: int) -> None:
        """Solved, or cancelled: every clock ends."""
        for key in self.living():
            clock, provider = named(key)
            done = signal.after != "cancelled"
            if provider:
                done = done and (signal.party in (provider, "tandem") or self._leg(provider)[1] in FINAL)
            elif clock in (*FIRST, CADENCE):  # a solution that nobody of ours told is no reply
                done = done and _somebody(signal.party)
            self.end(key, "fulfil" if done else "cancel", at, signal.party, signal.after)

    def _again(self, at: int, party: str) -> None:
        """Reopened: clocks go on in a new instance."""
        ended = {key: one["end"] for key, one in self.state["clocks"].items() if "end" in one}
        at = max([at, *(when for _, when in ended.values())])
        had = [clock for clock in FIRST if ended.get(clock, ("",))[0] == "fulfil"]
        self.begin([clock for clock in OURS if clock not in had], at, party)
        if ended.get(key_of("provider_resolve", self.holder), ("",))[0] == "fulfil":
            self.begin(["provider_resolve"], at, self.holder)

    def _holder(self, signal: Signal, at: int) -> None:
        self.holder = signal.after
        self.team(self.holder, at, signal.party)
        held = _reasons(self.status, self.holder)
        others = self.resting() - {"provider"}  # who answered is not waited for again because the holder changes
        self.rest(held if RESOLVED in held else others | (held & {"provider"}), at, signal.party)
        if signal.party == signal.before:
            self._returned(signal, at)
        elif self._leg(signal.before)[0] not in ("holder", "helper"):
            self._leave(signal.before, at, signal.party, "taken back")

    def _spoke(self, signal: Signal, at: int) -> None:
        """Who answered is not waited for any more, whatever the status still says."""
        self.rest(self.resting() - {"requester"}, at, signal.party)

    def _replied(self, signal: Signal, at: int) -> None:
        if not signal.useful or not _somebody(signal.party):
            return
        self.fulfil(key_of("provider_ack", signal.party), at, signal.party, "replied")
        if not signal.public:
            return
        if signal.party.startswith("provider:"):
            at = self.view.as_of  # it counts when it reaches the requester, not when it was written
        for clock in FIRST:
            self.fulfil(clock, at, signal.party, "replied")
        if CADENCE in self.living() and at >= self._cadence()["at"]:
            self.end(CADENCE, "fulfil", at, signal.party, "replied")
            self.begin([CADENCE], at, signal.party)

    def _accepted(self, signal: Signal, at: int) -> None:
        living = self.living()
        self.begin([clock for clock in THEIRS if key_of(clock, signal.party) not in living], at, signal.party)

    def _worked(self, signal: Signal, at: int) -> None:
        if _somebody(signal.party):
            self.fulfil("acknowledge", at, signal.party, signal.kind)
            self.fulfil(key_of("provider_ack", signal.party), at, signal.party, signal.kind)

    def _returned(self, signal: Signal, at: int) -> None:
        self.fulfil(key_of("provider_ack", signal.party), at, signal.party, "returned")
        self._leave(signal.party, at, signal.party, "returned")

    def _leave(self, provider: str, at: int, party: str, why: str) -> None:
        for key in self.living():
            if named(key)[1] == provider != "":
                self.end(key, "cancel", at, party, why)


_TAKEN: Mapping[str, Callable[[_Story, Signal, int], None]] = {
    "status": _Story._status,
    "holder": _Story._holder,
    "spoke": _Story._spoke,
    "replied": _Story._replied,
    "accepted": _Story._accepted,
    "answered": _Story._worked,
    "worked": _Story._worked,
    "returned": _Story._returned,
}
"""What each kind of signal does; the others move no clock by themselves."""


def _somebody(party: str) -> bool:
    """Whether a person of a team or a provider did it."""
    return party.startswith(("team:", "provider:"))


def _reasons(status: str, holder: str) -> frozenset[str]:
    if status in FINAL:
        return frozenset({RESOLVED})
    pending = {_PENDING[status]} if status in _PENDING else set()
    return frozenset(pending | ({"provider"} if holder.startswith("provider:") else set()))


__all__ = [
    "Clocked", "Event", "Stand", "Targets", "compile_targets", "feasible", "follow", "guards", "recompute", "stands",
    "totals",
]  # fmt: skip
