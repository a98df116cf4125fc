"""What is promised, to whom and by which clock: the policy ``targets``, compiled (DOMAIN.md 2.1).

Rules are ordered; for each clock the first that matches and names it decides, then the default. What a rule gives is
``Terms``: how long, on whose calendar, when to warn, and what the clock does not run for. Terms have one text, which is
what the log of events keeps, so that a ticket's clocks are understood from the log alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from gateway.decide.language import spelled

NAME = "targets"
RESOLVED = "resolved"
"""The reason for which no clock runs between a solution and its being taken back, unless that time counts."""

COUNTS, DOES_NOT = "counts", "does_not"
NO_TARGET, NO_RULE = "no target", "none"
_SPLIT = " · "
_UNITS = {"s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
SHARE = re.compile(r"(\d{1,2}) ?%")


@dataclass(frozen=True, slots=True)
class Kind:
    """A clock of this kind. ``may``: the reasons that a policy may pause it for; ``pauses``, ``calendar``: what holds
    where the policy says nothing; ``calendars``: the words it may name beside desk, site, always and somebody's own."""

    title: str
    may: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    calendar: str = "desk"
    calendars: tuple[str, ...] = ()
    goes_on: bool = True  # after the ticket is reopened it counts from where it began, not anew

    @property
    def of_provider(self) -> bool:
        return "provider" in self.calendars


REASONS = ("requester", "provider", "problem", "change")
_OURS = ("requester", "problem", "change")
CLOCKS: Mapping[str, Kind] = {
    "acknowledge": Kind("acknowledgement"),
    "reply": Kind("first useful reply"),
    "requester_wait": Kind("solution", _OURS, ("requester",)),
    "agent_work": Kind("work of our own desk", REASONS, REASONS, "holder", ("holder",)),
    "provider_ack": Kind("provider's acknowledgement", (), (), "provider", ("provider",), False),
    "provider_resolve": Kind("provider's solution", _OURS, ("requester",), "provider", ("provider",), False),
    "update_cadence": Kind("next update", _OURS, ("requester",), goes_on=False),
}
"""The clocks of a ticket (DOMAIN.md 2.1). A first reply and an acknowledgement are never paused; what the requester
waits for never because a provider has the ticket; and a provider's clocks never because it has it itself."""


@dataclass(frozen=True)
class Terms:
    """What one clock is held to. ``within``: business microseconds, None where nothing is promised; ``who``: whose
    calendar, as ``Calendars.of`` takes it, or ``always``; ``warn``: ``80 %`` or ``30 min left``; ``pauses``: for which
    reasons it does not run; ``rule``: which rule said so."""

    within: int | None
    who: str
    warn: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    rule: str = ""

    @cached_property
    def text(self) -> str:
        """The one text of these terms: ``4 h · desk · warn 80 % · not while requester · rule P1``."""
        within = NO_TARGET if self.within is None else spelled(self.within)
        warn = f"warn {', '.join(self.warn) or 'never'}"
        pauses = f"not while {', '.join(self.pauses)}" if self.pauses else "never paused"
        return _SPLIT.join((within, self.who, warn, pauses, f"rule {self.rule}"))

    @classmethod
    def read(cls, text: str) -> Terms:
        """The terms of a text that ``text`` made."""
        known = _READ.get(text)
        if known is None:
            within, who, warn, pauses, rule = text.split(_SPLIT, 4)
            known = cls(
                None if within == NO_TARGET else length(within),
                who,
                _listed(warn, "warn ", "warn never"),
                _listed(pauses, "not while ", "never paused"),
                rule.removeprefix("rule "),
            )
            if len(_READ) >= _MOST:
                _READ.clear()
            _READ[text] = known
        return known

    @cached_property
    def warnings(self) -> tuple[tuple[str, int], ...]:
        """Each warning with the business time that has passed when it is due."""
        return tuple(_warnings(self.warn, self.within)) if self.within else ()


def _warnings(warn: tuple[str, ...], within: int) -> Iterator[tuple[str, int]]:
    for warning in warn:
        share = SHARE.fullmatch(warning)
        passed = within * int(share[1]) // 100 if share else within - length(warning.removesuffix(" left"))
        yield warning, max(passed, 1)


_MOST = 4096
_READ: dict[str, Terms] = {}


def _listed(text: str, begins: str, none: str) -> tuple[str, ...]:
    return () if text == none else tuple(text.removeprefix(begins).split(", "))


def length(text: str) -> int:
    """Microseconds of a length of time as ``language.spelled`` writes it."""
    number, unit = text.split(" ")
    return int(number) * _UNITS[unit]


class About(NamedTuple):
    """What rules look at. ``provider``: whose clock it is, "" for clocks that are no provider's."""

    kind: str = ""
    priority: str = ""
    service: str = ""
    clientele: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule says of one clock. None: what ``clocks`` says of it."""

    within: int
    calendar: str | None = None
    warn: tuple[str, ...] | None = None
    pauses: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """``when``: what is looked at -> the words of which it has to be one."""

    name: str
    when: Mapping[str, frozenset[str]]
    targets: Mapping[str, Target]

    def matches(self, about: About) -> bool:
        return all(getattr(about, key) in words for key, words in self.when.items())


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds for a clock unless a rule says otherwise."""

    calendar: str
    warn: tuple[str, ...]
    pauses: tuple[str, ...]


@dataclass(frozen=True)
class Targets:
    """A compiled policy. ``label``: the version as events name it; ``rules``: the default is the last; ``reopened``:
    whether the time between solved and reopened counts for the requester; ``notes``: for its author."""

    label: str
    rules: tuple[Rule, ...] = ()
    usual: Mapping[str, Usual] = field(default_factory=dict)
    reopened: str = COUNTS
    notes: tuple[str, ...] = ()
    _found: dict[tuple[str, ...], Terms] = field(default_factory=dict, compare=False, repr=False)

    def terms(self, clock: str, about: About, team: str = "", site: str = "") -> Terms:
        """What a clock is held to. ``team``: ``team:<slug>`` of ours that has the ticket, or had it last; ``site``: of
        the requester."""
        asked = (clock, *about, team, site)
        known = self._found.get(asked)
        if known is None:
            if len(self._found) >= _MOST:
                self._found.clear()
            about = about._replace(service=about.service.casefold())
            known = self._found[asked] = self._terms(clock, about, team, site)
        return known

    def _terms(self, clock: str, about: About, team: str, site: str) -> Terms:
        kind = CLOCKS[clock]
        usual = self.usual.get(clock) or Usual(kind.calendar, (), kind.pauses)
        found = next((rule for rule in self.rules if clock in rule.targets and rule.matches(about)), None)
        target = found.targets[clock] if found else None
        said = target.calendar if target and target.calendar else usual.calendar
        pauses = target.pauses if target and target.pauses is not None else usual.pauses
        if kind.goes_on and (clock != "requester_wait" or self.reopened == DOES_NOT):
            pauses = (*pauses, RESOLVED)
        who = _calendar(said, team, site, about.provider)
        if target is None or found is None:
            return Terms(None, who, (), pauses, NO_RULE)
        warn = target.warn if target.warn is not None else usual.warn
        return Terms(target.within, who, warn, pauses, found.name)

    def told(self) -> list[str]:
        """What is promised, in plain words, one line a rule and clock, and how reopened tickets count."""
        lines = [
            f"{rule.name}: {CLOCKS[clock].title} within {spelled(target.within)}"
            for rule in self.rules
            for clock, target in rule.targets.items()
        ]
        counts = "counts" if self.reopened == COUNTS else "does not count"
        return [*lines, f"The time between solved and reopened {counts} as time that the requester waited."]


NOTHING = Targets("")
"""Where no policy is in force: every clock is kept, and nothing is promised."""


def _calendar(said: str, team: str, site: str, provider: str) -> str:
    if said == "holder":
        return team or "desk"
    if said == "site":
        return f"site:{site.replace('·', ' ')}" if site else "desk"
    return f"provider:{provider}" if said == "provider" else said
