"""Who should have a ticket: ordered rules over typed facts, the first that can be followed; and why (DESIGN.md 4).

A policy is data: ``policy: 1``, ``name: routing``, ``rules: [{name, when, to, share, how, because}]``, a ``default``.
``when`` is a condition (``decide.conditions``), ``to`` whom to choose (``decide.routing.choice``). A rule that errs
does not match; it is named in the decision and said. A rule whose holders all cannot have the ticket loses to the next.
Somebody always holds a ticket: where no rule can be followed the default does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway import plain
from gateway.decide.conditions import Condition, matches, seen
from gateway.decide.conditions import read as read_condition
from gateway.decide.decision import Decision
from gateway.decide.language import Known, Reader, join
from gateway.decide.routing.choice import Choice, People, choice, people, pick, unfit

DESK = "team:service-desk"
"""Who has a ticket when nobody else can."""

NAME = "routing"
KEYS = ("rules", "skills", "groups", "default")
RULE = ("name", "when", "to", "share", "how", "because")
HOW = ("cold", "warm")
"""Cold: handed over at once. Warm: whoever has it keeps it until the next has accepted."""

BY_HAND, DEFAULT = "by hand", "default"


@dataclass(frozen=True, slots=True)
class Rule:
    """``share``: providers that get a leg of their own beside the holder's; ``how``: warm or cold."""

    name: str
    when: Condition
    to: Choice
    because: str
    share: tuple[str, ...] = ()
    how: str = HOW[0]


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled routing policy. ``label``: the version as decisions name it; ``notes``: for its author."""

    label: str
    rules: tuple[Rule, ...]
    default: str
    who: People
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """``to``: ``team:<slug>`` or ``provider:<slug>``; ``erred``: rules that could not be evaluated, each with what was
    said; ``notices``: what a person should know of it."""

    to: str
    decision: Decision
    share: tuple[str, ...] = ()
    how: str = HOW[0]
    erred: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        return self.decision.rule

    @property
    def because(self) -> str:
        return self.decision.because


# --- compiled ---


def compile_routing(doc: Mapping[str, Any], known: Known | None = None, label: str = "") -> Policy:
    """Compile a routing policy; raises BadPolicy with everything that is wrong. ``label``: the version's, by default
    ``routing@`` and a digest of the document."""
    r = Reader(known)
    top = r.head(doc, NAME, KEYS)
    who = people(r, top)
    if "rules" not in top:
        r.fault("rules", "a list of rules is expected", None, "Write rules: with - name: ...")
    rules = tuple(_rules(r, top.get("rules"), who))
    default = r.holder(top["default"], "default") if top.get("default") is not None else DESK
    r.done()
    digest = hashlib.sha256(plain.canonical(doc).encode()).hexdigest()[:12]
    return Policy(label or f"{NAME}@{digest}", rules, default, who, tuple(r.notes))


def _rules(r: Reader, given: Any, who: People) -> Iterable[Rule]:
    names: dict[str, str] = {}
    always = ""
    for at, one in r.items(given, "rules"):
        table = r.table(one, at, RULE, ("to",))
        name = str(table.get("name") or "")
        if not name:
            r.fault(join(at, "name"), "a rule needs a name: it stands on the tickets", None, "Give it one.")
        elif name in names:
            r.fault(join(at, "name"), f"the name of {names[name]} too", name, "Give it another name.")
        names.setdefault(name, at)
        if always:
            r.note(f"{at} is never reached: {always} matches every ticket.")
        when = read_condition(r, table.get("when"), join(at, "when"))
        to = choice(r, table["to"], join(at, "to"), who) if table.get("to") is not None else Choice("", ())
        always = always or (at if when is not None and when.always and not to.order else "")
        share = tuple(_provider(r, value, place) for place, value in r.items(table.get("share"), join(at, "share")))
        how = r.one_of(table["how"], join(at, "how"), HOW) if "how" in table else HOW[0]
        because = r.text(table["because"], join(at, "because")) if "because" in table else f"rule {name}"
        if when is not None:
            yield Rule(name, when, to, because, share, how)


def _provider(r: Reader, value: Any, path: str) -> str:
    holder = r.holder(value, path)
    if holder.startswith("team:"):
        r.fault(path, "a ticket is shared with providers", value, "Write provider:<slug>.")
    return holder


# --- decided ---


@dataclass(slots=True)
class _Walk:
    """One walk through the rules, from one of them on: what was lost, erred and barred on the way."""

    lost: list[list[str]] = field(default_factory=list)
    erred: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def find(self, policy: Policy, inputs: Mapping[str, Any], start: int = 0) -> tuple[int, Rule | None, str]:
        """The place of the first rule that can be followed, the rule, and whom it chooses."""
        for place, rule in enumerate(policy.rules[start:], start):
            matched, error = matches(rule.when, inputs)
            if error:
                self.erred.append((rule.name, error))
                self.lost.append([rule.name, f"could not be evaluated: {error}"])
                self.notices.append(f"routing rule {rule.name} could not be evaluated and did not match: {error}")
            elif not matched:
                self.lost.append([rule.name, f"its condition is false: {seen(rule.when, inputs)}"])
            else:
                holder, passed = pick(rule.to, policy.who, inputs)
                self.lost += [[rule.name, f"{name} {why}"] for name, why in passed]
                if holder:
                    return place, rule, holder
                if not passed:
                    self.lost.append([rule.name, "it finds nobody to choose among"])
                if not rule.to.order:
                    self.notices += [f"routing rule {rule.name} names {name}, which {why}" for name, why in passed]
        return len(policy.rules), None, _last(policy, inputs)


def choose(policy: Policy | None, inputs: Mapping[str, Any]) -> Routed:
    """Who should have the ticket, from the facts alone (``conditions.inputs``). ``inputs["override"]``: a choice of a
    person, ``{to, by, because}``, which holds."""
    policy = policy or NONE
    walk = _Walk()
    place, rule, to = walk.find(policy, inputs)
    override = inputs.get("override") or {}
    if override:
        because = str(override.get("because") or "chosen by the person who made the ticket")
        decision = Decision(NAME, str(override["to"]), BY_HAND, policy.label, inputs, [], because, _said(rule, to))
        return Routed(str(override["to"]), decision)
    if rule is None:
        because = "no rule matched" if policy.label else "no routing policy is published"
        decision = Decision(NAME, to, DEFAULT, policy.label, inputs, walk.lost, because)
        return Routed(to, decision, (), HOW[0], tuple(walk.erred), tuple(walk.notices))
    _, other, instead = _Walk().find(policy, inputs, place + 1)
    decision = Decision(NAME, to, rule.name, policy.label, inputs, walk.lost, rule.because, _said(other, instead))
    share = tuple(
        name for name in rule.share if name != to and not unfit(Choice("", (name,)), policy.who, name, inputs)
    )
    return Routed(to, decision, share, rule.how, tuple(walk.erred), tuple(walk.notices))


def replay(policy: Policy | None, inputs: Mapping[str, Any]) -> str:
    """The decision that these inputs lead to, as its canonical text: the same for the same, to the byte."""
    return choose(policy, inputs).decision.text()


def _last(policy: Policy, inputs: Mapping[str, Any]) -> str:
    """Who has it when no rule can be followed. A provider that cannot have it does not; a team of ours always can."""
    out = policy.default.startswith("provider:") and unfit(Choice("", ()), policy.who, policy.default, inputs)
    return DESK if out else policy.default


def _said(rule: Rule | None, to: str) -> str:
    """What would have been otherwise."""
    return f"rule {rule.name} would have given it to {to}" if rule is not None else f"{to} would have it, by default"


NONE = Policy("", (), DESK, People({}, {}))
"""Where no policy is published."""
