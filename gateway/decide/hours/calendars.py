"""Who works when, who may be called outside of it, what requesters are told: what decisions ask of the calendars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.decide.hours.oncall import Person, Rotation
from gateway.decide.hours.open import Hours
from gateway.decide.hours.words import filled, language_of, week

DESK = "team:service-desk"
OPEN = "open hours"
NO_RULE = "no rule"
"""The rulings that no rule of the policy makes: within hours nobody needs to be called; outside nobody is, unless a
rule says so."""


def same(who: str) -> str:
    """One name for everybody who has hours: lower case, and the first team that there ever is, is the desk."""
    return "desk" if who == DESK else who.casefold()


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done outside of somebody's hours. ``priorities`` and ``holders`` empty: any. ``does``: ``call`` who is on
    call in ``rotation``, in quiet hours only if it ``wakes``; ``hand over`` to a holder who is open; or ``wait``."""

    name: str
    priorities: tuple[str, ...]
    holders: tuple[str, ...]
    does: str
    rotation: str = ""
    wakes: bool = False
    to: str = ""
    text: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """``does``: open | call | hand over | wait. ``person``: who may be called; None: nobody. ``to``: who gets the
    ticket now; ``opens``: the next opening (UTC microseconds, None: never); ``text``: the name of what the requester is
    told, "" for that of the hours; ``lost``: the rules before it, each with why."""

    does: str
    rule: str
    because: str
    policy: str
    person: Person | None = None
    rotation: str = ""
    to: str = ""
    text: str = ""
    opens: int | None = None
    lost: tuple[tuple[str, str], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether somebody may be called."""
        return self.person is not None

    def plain(self) -> dict[str, Any]:
        """As JSON: for decisions and the audit trail."""
        return {**asdict(self), "lost": [list(one) for one in self.lost], "allowed": self.allowed}


@dataclass(frozen=True, slots=True)
class Calendars:
    """A compiled ``calendars`` policy. ``named``: every calendar; ``keepers``: who keeps which; ``texts``: name ->
    language -> what requesters are told; ``text``: the one where nothing names another."""

    label: str
    named: Mapping[str, Hours]
    default: str
    keepers: Mapping[str, str] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    text: str = ""
    rules: tuple[Rule, ...] = ()

    def of(self, who: str) -> Hours:
        """The hours of ``desk``, ``team:<slug>``, ``provider:<slug>`` or ``site:<name>``: its own, or the default."""
        return self.named[self.keepers.get(same(who), self.default)]

    def promised(self, who: str, site: str) -> Hours:
        """The hours that a requester at ``site`` counts on: the site's own, or else those of ``who`` has the ticket."""
        return self.of(f"site:{site}" if f"site:{site}".casefold() in self.keepers else who)

    def on_call(self, rotation: str, at: int) -> Person | None:
        """Whose turn it is; None before the first turn. Raises ``KeyError`` where there is no such rotation."""
        return self.rotations[rotation].on_call(at)

    def may_call(self, who: str, priority: str, at: int, stays: bool = False) -> Ruling:
        """What is done for a ticket that ``who`` holds, and whether anybody may be called for it: the first rule that
        applies. Nobody is called without one. ``stays``: a person gave it to them, so it is not handed over."""
        hours = self.of(who)
        if hours.is_open(at):
            return Ruling("open", OPEN, f"{who} is at work: nobody needs to be called", self.label, opens=at)
        opens = hours.opens(at)
        lost: list[tuple[str, str]] = []
        for rule in self.rules:
            why = self._against(rule, who, priority, at, stays)
            if not why:
                person = self.on_call(rule.rotation, at) if rule.does == "call" else None
                made = (person, rule.rotation, rule.to, rule.text, opens, tuple(lost))
                return Ruling(rule.does, rule.name, rule.because, self.label, *made)
            lost.append((rule.name, why))
        because = "nobody is called without a rule that says so"
        return Ruling("wait", NO_RULE, because, self.label, opens=opens, lost=tuple(lost))

    def told(
        self,
        who: str,
        at: int,
        language: str,
        priority: str = "",
        zone: str = "",
        site: str = "",
        stays: bool = False,
    ) -> str:
        """What a requester at ``site`` is told outside of hours, with the next opening; "" within them. ``who`` has the
        ticket (``stays``: given by a person), whose ``priority`` says what is done and so which text it is; ``zone``:
        to tell the opening by another clock than that of those hours."""
        hours = self.promised(who, site)
        if hours.is_open(at):
            return ""
        text, spoken = self.may_call(who, priority, at, stays).text or hours.text or self.text, language_of(language)
        return filled(self.texts[text][spoken], hours, at, spoken, zone)

    def support_hours(self, who: str, language: str, site: str = "") -> str:
        """The usual week that a requester at ``site`` counts on: ``Monday–Friday 09:00–18:00 (Madrid)``."""
        return week(self.promised(who, site), language_of(language))

    def _against(self, rule: Rule, who: str, priority: str, at: int, stays: bool) -> str:
        """Why a rule does not apply; "" if it does."""
        if rule.priorities and priority not in rule.priorities:
            return f"it is for {', '.join(rule.priorities)}"
        if rule.holders and same(who) not in rule.holders:
            return f"it is for {', '.join(rule.holders)}"
        if rule.does == "hand over":
            if stays:
                return f"a person gave it to {who}"
            if same(rule.to) == same(who):
                return f"{rule.to} has it already"
            return "" if self.of(rule.to).is_open(at) else f"{rule.to} is closed, too"
        if rule.does == "call":
            if self.on_call(rule.rotation, at) is None:
                return f"nobody is on call in {rule.rotation}"
            if not rule.wakes and self.rotations[rule.rotation].is_quiet(at):
                return f"these are quiet hours in {rule.rotation}"
        return ""
