"""Incident or request: the grey-area table, the rules of thumb, and what a person or a desk says against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.conditions import matches, seen
from gateway.decide.objection import Objection
from gateway.decide.triage.policy import DECIDED, Policy, Rule
from gateway.decide.triage.words import sentences

BY_HAND, DEFAULT = "by hand", "default"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, the rule it comes from, and why."""

    kind: str
    rule: str
    because: str
    otherwise: str = ""
    firm: bool = False


class Walk:
    """One look at the rules: which of them hold, by what the others lost, which of them erred."""

    def __init__(self, policy: Policy, inputs: Mapping[str, Any]) -> None:
        self.policy, self.inputs = policy, inputs
        self.title = sentences(str(inputs["title"]))
        self.text = self.title + sentences(str(inputs["description"]))
        self.lost: list[list[str]] = []
        self.notices: list[str] = []

    def kinds(self) -> list[Kind]:
        """What each rule that holds says, the one that decides first; the default last."""
        found: list[tuple[int, int, Kind]] = []
        rules = [(row, True) for row in self.policy.grey] + [(rule, False) for rule in self.policy.rules]
        for place, (rule, firm) in enumerate(rules):
            near, how = self._holds(rule)
            if near is None:
                self.lost.append([rule.name, how])
            else:
                found.append((near, place, Kind(rule.kind, rule.name, _because(rule, how), firm=firm)))
        found.sort(key=lambda one: one[:2])
        self.lost += [[one.rule, f"decided before it: {found[0][2].rule}"] for _, _, one in found[1:]]
        return [*(one for _, _, one in found), Kind(self.policy.default, DEFAULT, "no rule tells its kind")]

    def _holds(self, rule: Rule) -> tuple[int | None, str]:
        """How near the title the rule holds (0: there, 1: in the text), and how; None, and why not."""
        if rule.when is not None:
            matched, error = matches(rule.when, self.inputs)
            if error:
                self.notices.append(f"triage rule {rule.name} could not be evaluated and did not match: {error}")
                return None, f"could not be evaluated: {error}"
            if not matched:
                return None, f"its condition is false: {seen(rule.when, self.inputs)}"
        if rule.says is None:
            return 0, ""
        for near, said in enumerate((self.title, self.text)):
            if phrase := rule.says.found(said):
                return near, phrase
        return None, "none of its words is said"


def _because(rule: Rule, phrase: str) -> str:
    return f'{rule.because} ("{phrase}" is said)' if phrase else rule.because


def kind_of(walk: Walk, inputs: Mapping[str, Any]) -> tuple[Kind, dict[str, Any]]:
    """The kind, and what stands from now on."""
    kinds = walk.kinds()
    first, held, chosen = kinds[0], dict(inputs["held"]), str(inputs["chosen"])
    if stands := held.get("kind"):
        return Kind(stands["to"], BY_HAND, str(stands["because"]), _by_rule(first)), held
    if chosen == first.kind and first.firm:
        return first, held
    if chosen and (not first.firm or chosen not in DECIDED):
        return Kind(chosen, BY_HAND, f"chosen by the {inputs['by']}", _by_rule(first)), held
    if chosen and inputs["by"] == "agent" and str(inputs["reason"]).strip():
        held["kind"] = {"to": chosen, "because": str(inputs["reason"]), "row": first.rule}
        return Kind(chosen, BY_HAND, str(inputs["reason"]), _by_rule(first)), held
    if chosen and chosen != first.kind:
        walk.lost.append([BY_HAND, f"{chosen} was chosen by the {inputs['by']}, without a reason that would hold"])
    other = kinds[1] if len(kinds) > 1 else None
    return Kind(first.kind, first.rule, first.because, _by_rule(other) if other else "", first.firm), held


def _by_rule(one: Kind) -> str:
    return f"it would be {an(one.kind)} by {'default' if one.rule == DEFAULT else f'rule {one.rule}'}"


def enforced(policy: Policy, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The kind that stands whatever anybody sets, and the row or person it comes from; ("", "") where any may be set.
    For changes that come in from a provider."""
    if stands := inputs["held"].get("kind"):
        return str(stands["to"]), BY_HAND
    first = Walk(policy, inputs).kinds()[0]
    return (first.kind, first.rule) if first.firm else ("", "")


def deviate(policy: Policy, inputs: Mapping[str, Any], kind: str, by: str, reason: str) -> dict[str, Any]:
    """A person sets the kind: what stands from then on. Raises Objection where the grey-area table has decided
    otherwise and no reason is given."""
    held = dict(inputs["held"])
    first = Walk(policy, inputs).kinds()[0]
    if kind not in DECIDED or not first.firm or kind == first.kind:
        held.pop("kind", None)
        return held
    if not reason.strip():
        fix = f"leave it {an(first.kind)}, or say why this one is different"
        raise Objection(f"it was decided that {first.rule} is {an(first.kind)}", "kind", kind, fix)
    return {**held, "kind": {"to": kind, "by": by, "because": reason, "row": first.rule}}


def an(kind: str) -> str:
    return f"{'an' if kind == 'incident' else 'a'} {kind}"
