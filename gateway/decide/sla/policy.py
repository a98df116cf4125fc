"""The language of the policy ``targets``: read once, every fault with its place (docs/policies.md)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gateway import plain
from gateway.decide.language import Known, Reader, join, nearest, spelled
from gateway.decide.sla.targets import (
    CLOCKS,
    COUNTS,
    DOES_NOT,
    NAME,
    NO_RULE,
    REASONS,
    SHARE,
    Rule,
    Target,
    Targets,
    Usual,
    length,
)
from gateway.tickets.vocabulary import CLIENTELES, KINDS, PRIORITIES

WARNINGS = 3
"""How many warnings a clock may have."""

_LEFT = re.compile(r"(\d{1,6} ?(?:s|min|h|d)) left")
_SITE = re.compile(r"site:[^·]{1,100}")
_MATCHED = ("kind", "priority", "service", "provider", "clientele")
_WORDS: Mapping[str, tuple[str, ...]] = {"kind": KINDS, "priority": PRIORITIES, "clientele": CLIENTELES}
_NEVER = {
    ("requester_wait", "provider"): "the requester waits all the same while a provider has the ticket",
    ("update_cadence", "provider"): "the requester is kept up to date while a provider has the ticket, too",
    ("provider_resolve", "provider"): "that is when it runs",
}


def compile_targets(doc: Mapping[str, Any], known: Known | None = None, label: str = "") -> Targets:
    """Compile a policy of targets; raises ``language.BadPolicy`` with everything that is wrong. ``label``: the
    version's, by default ``targets@`` and a digest of the document."""
    r = Reader(known)
    top = r.head(doc, NAME, ("reopened", "clocks", "rules", "default"))
    reopened = r.one_of(top.get("reopened", COUNTS), "reopened", (COUNTS, DOES_NOT)) or COUNTS
    usual = _usual(r, top.get("clocks"))
    rules = [_rule(r, one, at) for at, one in r.items(top.get("rules"), "rules")]
    if "default" not in top:
        r.fault("default", "is needed", None, "Add default: with targets: for what no rule is about.")
    default = r.table(top.get("default") or {}, "default", ("targets",))
    rules.append(Rule("default", {}, _targets(r, default.get("targets"), "default.targets", {})))
    _names(r, rules)
    _reached(r, rules)
    _fits(r, rules, usual)
    r.done()
    digest = hashlib.sha256(plain.canonical(doc).encode()).hexdigest()[:12]
    return Targets(label or f"{NAME}@{digest}", tuple(rules), usual, reopened, tuple(r.notes))


def _usual(r: Reader, given: Any) -> dict[str, Usual]:
    usual = {clock: Usual(kind.calendar, (), kind.pauses) for clock, kind in CLOCKS.items()}
    for clock, said in r.table(given if given is not None else {}, "clocks", tuple(CLOCKS)).items():
        if clock in CLOCKS:
            at, was = join("clocks", clock), usual[clock]
            table = r.table(said, at, ("calendar", "warn", "paused_by"))
            calendar, warn, pauses = _how(r, table, at, clock)
            usual[clock] = Usual(
                calendar or was.calendar, warn if warn is not None else (), was.pauses if pauses is None else pauses
            )
    return usual


def _how(
    r: Reader, table: Mapping[str, Any], at: str, clock: str
) -> tuple[str | None, tuple[str, ...] | None, tuple[str, ...] | None]:
    calendar = _whose(r, table["calendar"], join(at, "calendar"), clock) if "calendar" in table else None
    warn = _warn(r, table["warn"], join(at, "warn")) if "warn" in table else None
    pauses = _pauses(r, table["paused_by"], join(at, "paused_by"), clock) if "paused_by" in table else None
    return calendar, warn, pauses


def _whose(r: Reader, value: Any, at: str, clock: str) -> str | None:
    words = ("desk", "site", "always", *CLOCKS[clock].calendars)
    if value in words:
        return str(value)
    if isinstance(value, str) and value.startswith(("team:", "provider:")):
        return _kept(r, r.holder(value, at), at)
    if isinstance(value, str) and _SITE.fullmatch(value):
        return _kept(r, value, at)
    r.fault(at, "not somebody with a calendar", value, f"Write {', '.join(words)}, team:<slug> or provider:<slug>.")
    return None


def _kept(r: Reader, who: str, at: str) -> str:
    calendars = r.known.policies.get("calendars") if r.known is not None else None
    if who and calendars is not None and who.casefold() not in calendars.keepers:
        r.note(f"{at}: {who} has no calendar of its own: the one called {calendars.default} holds.")
    return who


def _warn(r: Reader, value: Any, at: str) -> tuple[str, ...]:
    given = [(at, value)] if isinstance(value, str) else list(r.items(value, at))
    found = []
    for place, one in given:
        share, left = (pattern.fullmatch(one) if isinstance(one, str) else None for pattern in (SHARE, _LEFT))
        if share and int(share[1]):
            found.append(f"{int(share[1])} %")
        elif left:
            found.append(f"{spelled(r.duration(left[1], place))} left")
        else:
            r.fault(place, "not a warning", one, "Write 80 % (of the time has passed) or 30 min left.")
    if len(found) > WARNINGS:
        r.fault(at, f"more than {WARNINGS} warnings", None, "People stop reading them: keep the last ones.")
    return tuple(dict.fromkeys(found))


def _pauses(r: Reader, value: Any, at: str, clock: str) -> tuple[str, ...]:
    may, found = CLOCKS[clock].may, []
    if value and not may:
        r.fault(at, f"{clock} is never paused", value, "Leave paused_by out: pending does not put a first answer off.")
        return ()
    for place, one in r.items(value, at):
        if why := _NEVER.get((clock, str(one))):
            r.fault(place, f"{clock} never pauses for that", one, f"Take it out: {why}.")
        elif one in may:
            found.append(str(one))
        else:
            r.fault(place, "no such reason to pause", one, nearest(str(one), may))
    return tuple(reason for reason in REASONS if reason in found)


def _rule(r: Reader, given: Any, at: str) -> Rule:
    table = r.table(given, at, ("name", "when", "targets"), ("name", "when", "targets"))
    name = r.text(table["name"], join(at, "name"), 100) if table.get("name") is not None else ""
    when = _when(r, table.get("when") or {}, join(at, "when"))
    return Rule(name, when, _targets(r, table.get("targets"), join(at, "targets"), when))


def _when(r: Reader, given: Any, at: str) -> dict[str, frozenset[str]]:
    when = {}
    table = r.table(given, at, _MATCHED)
    if not table:
        r.fault(at, "a condition is expected", None, f"Write one of {', '.join(_MATCHED)}, or use default.")
    for key, value in table.items():
        place = join(at, key)
        words = [(place, value)] if isinstance(value, str) else list(r.items(value, place))
        if not words:
            r.fault(place, "no word is given", value, "Write one, or a list of some.")
        when[key] = frozenset(_word(r, key, one, where) for where, one in words)
    return {key: words for key, words in when.items() if key in _MATCHED}


def _word(r: Reader, key: str, value: Any, at: str) -> str:
    if key == "provider":
        return r.holder(f"provider:{value}", at).removeprefix("provider:")
    return r.one_of(value, at, _WORDS[key]) if key in _WORDS else r.text(value, at, 100).casefold()


def _targets(r: Reader, given: Any, at: str, when: Mapping[str, frozenset[str]]) -> dict[str, Target]:
    found = {}
    for clock, said in r.table(given if given is not None else {}, at, tuple(CLOCKS)).items():
        place = join(at, clock)
        if clock not in CLOCKS:
            continue
        if "provider" in when and not CLOCKS[clock].of_provider:
            own = ", ".join(name for name, kind in CLOCKS.items() if kind.of_provider)
            r.fault(place, "a rule for a provider is about its clocks alone", None, f"They are {own}.")
        target = _target(r, said, place, clock)
        if target.within:
            found[clock] = target
    return found


def _target(r: Reader, said: Any, at: str, clock: str) -> Target:
    if not isinstance(said, Mapping):
        return Target(r.duration(said, at))
    table = r.table(said, at, ("within", "calendar", "warn", "paused_by"), ("within",))
    within = r.duration(table["within"], join(at, "within")) if table.get("within") is not None else 0
    return Target(within, *_how(r, table, at, clock))


# --- checked as a whole ---


def _names(r: Reader, rules: list[Rule]) -> None:
    seen: set[str] = {NO_RULE}
    for n, rule in enumerate(rules[:-1]):
        if rule.name in seen or rule.name == "default":
            r.fault(f"rules[{n}].name", "there is a rule of that name", rule.name, "Every rule has its own name.")
        seen.add(rule.name)


def _reached(r: Reader, rules: list[Rule]) -> None:
    """A rule that an earlier one leaves nothing of for a clock is a mistake: the author means something by it."""
    for n, rule in enumerate(rules[:-1]):
        for clock in rule.targets:
            by = next((one for one in rules[:n] if clock in one.targets and _covers(one, rule)), None)
            if by is not None:
                title = f"is never reached: {by.name} comes first and decides all of it"
                r.fault(f"rules[{n}].targets.{clock}", title, None, f"Put {rule.name} above {by.name}.")


def _covers(wide: Rule, narrow: Rule) -> bool:
    return all(key in narrow.when and narrow.when[key] <= words for key, words in wide.when.items())


def _fits(r: Reader, rules: list[Rule], usual: Mapping[str, Usual]) -> None:
    """A warning of more time than there is would come at once."""
    for n, rule in enumerate(rules):
        at = f"rules[{n}].targets" if n < len(rules) - 1 else "default.targets"
        for clock, target in rule.targets.items():
            for warning in target.warn if target.warn is not None else usual[clock].warn:
                if warning.endswith(" left") and length(warning.removesuffix(" left")) >= target.within:
                    title = f"{warning} is all of the {spelled(target.within)} there is"
                    r.fault(join(at, clock), title, None, "Warn later, or by a share: 80 %.")
