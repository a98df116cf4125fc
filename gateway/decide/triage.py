"""What a ticket is, before anybody gets it: incident or request, which service, whether it is ours to do, what is
missing, and whether it is about something that is open already (DESIGN.md 4).

Pure: ``triage`` looks at a compiled policy and at ``inputs`` alone, and the same inputs give the same decision to the
byte. A title weighs more than what follows it: the whole text is asked only where the title tells nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.decide.conditions import matches, seen
from gateway.decide.decision import Decision
from gateway.decide.objection import Objection
from gateway.decide.triage_needs import Missing, missing, refuse
from gateway.decide.triage_policy import DECIDED, NAME, Policy, Rule
from gateway.decide.triage_repeats import Earlier, earlier
from gateway.decide.triage_words import sentences, told

BY_HAND, DEFAULT, CATALOGUE, SENDERS = "by hand", "default", "catalogue", "unknown sender"
OUT_OF_SCOPE, CHASER, UNVERIFIED, DISTINCT = "out_of_scope", "chaser", "unverified", "distinct"
"""What a decision can come to beside incident, request and problem; the last by a person alone."""


class Other(Protocol):
    """Another open ticket of the same requester."""

    @property
    def id(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def created_at(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the requester is told. ``kind``: referral, ask, chaser or verify."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Triaged:
    """``service``: its name in the catalogue, "" for none; ``missing``: what is asked of such a ticket and not there;
    ``duplicate_of``: the open ticket this contact belongs to; ``firm``: the grey-area table has decided; ``held``: what
    stands from now on, for the ledger; ``queue``, ``contract``, ``barred``: what the catalogue says to routing;
    ``notices``: what a person should know."""

    kind: str
    service: str
    in_scope: bool
    missing: tuple[Missing, ...]
    duplicate_of: Earlier | None
    answers: tuple[Answer, ...]
    decision: Decision
    firm: bool
    verified: bool
    held: Mapping[str, Any]
    queue: str
    contract: tuple[str, ...]
    barred: Mapping[str, str]
    notices: tuple[str, ...]


def intake(
    inputs: Mapping[str, Any],
    *,
    as_of: int,
    kind: str = "",
    by: str = "requester",
    reason: str = "",
    known: bool = True,
    others: Iterable[Other] = (),
    held: Mapping[str, Any] | None = None,
    providers: Collection[str] = (),
) -> dict[str, Any]:
    """All that triage looks at: ``conditions.inputs`` and what is only asked here. ``kind``: what was chosen, "" for
    nothing; ``by``: who chose, ``agent``, ``requester``, ``provider`` or ``tandem``; ``known``: whether the requester
    is; ``held``: what stands from before; ``providers``: all there are, as ``provider:<slug>``; times in UTC us."""
    return {
        **inputs,
        "chosen": kind,
        "by": by,
        "reason": reason,
        "known": known,
        "as_of": as_of,
        "held": dict(held or {}),
        "providers": sorted(providers),
        "others": [
            {"id": o.id, "number": o.number, "title": o.title, "category": o.category, "created_at": o.created_at}
            for o in others
        ],
    }


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind, the rule it comes from, and why."""

    kind: str
    rule: str
    because: str
    otherwise: str = ""
    firm: bool = False


class _Walk:
    """One look at the rules: which of them hold, by what the others lost, which of them erred."""

    def __init__(self, policy: Policy, inputs: Mapping[str, Any]) -> None:
        self.policy, self.inputs = policy, inputs
        self.title = sentences(str(inputs["title"]))
        self.text = self.title + sentences(str(inputs["description"]))
        self.lost: list[list[str]] = []
        self.notices: list[str] = []

    def kinds(self) -> list[_Kind]:
        """What each rule that holds says, the one that decides first; the default last."""
        found: list[tuple[int, int, _Kind]] = []
        rules = [(row, True) for row in self.policy.grey] + [(rule, False) for rule in self.policy.rules]
        for place, (rule, firm) in enumerate(rules):
            near, how = self._holds(rule)
            if near is None:
                self.lost.append([rule.name, how])
            else:
                found.append((near, place, _Kind(rule.kind, rule.name, _because(rule, how), firm=firm)))
        found.sort(key=lambda one: one[:2])
        self.lost += [[one.rule, f"decided before it: {found[0][2].rule}"] for _, _, one in found[1:]]
        return [*(one for _, _, one in found), _Kind(self.policy.default, DEFAULT, "no rule tells its kind")]

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


def triage(policy: Policy, inputs: Mapping[str, Any]) -> Triaged:
    """Sort a new ticket, from ``intake`` alone."""
    walk = _Walk(policy, inputs)
    decided, held = _kind(walk, inputs)
    unknown = _unknown(policy, inputs)
    repeat, why = (None, "its sender is not known") if unknown else _repeat(policy, inputs)
    scope = policy.catalogue.scope(inputs)
    service = scope.service
    in_scope = not scope.why and unknown != "refer"
    name = service.name if service else ""
    lacking = missing(policy.needs, {**inputs, "kind": decided.kind, "service": name or inputs["service"]})
    if unknown:
        said = "nobody of this address is known"
        found = (UNVERIFIED if unknown == "verify" else OUT_OF_SCOPE, SENDERS, said, _a(decided.kind))
    elif repeat is not None:
        found = (CHASER, repeat.rule, repeat.because, _a(decided.kind))
    elif scope.why:
        found = (OUT_OF_SCOPE, CATALOGUE, f"{scope.why}: {scope.because}", _a(decided.kind))
    else:
        found = (decided.kind, decided.rule, decided.because, decided.otherwise)
    lost = [*([["repeats", why]] if why else []), *walk.lost]
    decision = Decision(NAME, found[0], found[1], policy.label, inputs, lost, found[2], found[3])
    contract, barred = policy.catalogue.contract(name, inputs["providers"])
    return Triaged(
        decided.kind,
        name,
        in_scope,
        lacking,
        repeat,
        tuple(_answers(policy, inputs, unknown, repeat, scope.referral, lacking)),
        decision,
        decided.firm,
        not unknown,
        held,
        service.queue if service else "",
        contract,
        barred,
        (*walk.notices, *_spoken(service.languages if service else (), inputs, name)),
    )


def replay(policy: Policy, inputs: Mapping[str, Any]) -> str:
    """The decision that these inputs lead to, as its canonical text: the same for the same, to the byte."""
    return triage(policy, inputs).decision.text()


def _kind(walk: _Walk, inputs: Mapping[str, Any]) -> tuple[_Kind, dict[str, Any]]:
    """The kind, and what stands from now on."""
    kinds = walk.kinds()
    first, held, chosen = kinds[0], dict(inputs["held"]), str(inputs["chosen"])
    if stands := held.get("kind"):
        return _Kind(stands["to"], BY_HAND, str(stands["because"]), _by_rule(first)), held
    if chosen == first.kind and first.firm:
        return first, held
    if chosen and (not first.firm or chosen not in DECIDED):
        return _Kind(chosen, BY_HAND, f"chosen by the {inputs['by']}", _by_rule(first)), held
    if chosen and inputs["by"] == "agent" and str(inputs["reason"]).strip():
        held["kind"] = {"to": chosen, "because": str(inputs["reason"]), "row": first.rule}
        return _Kind(chosen, BY_HAND, str(inputs["reason"]), _by_rule(first)), held
    if chosen and chosen != first.kind:
        walk.lost.append([BY_HAND, f"{chosen} was chosen by the {inputs['by']}, without a reason that would hold"])
    other = kinds[1] if len(kinds) > 1 else None
    return _Kind(first.kind, first.rule, first.because, _by_rule(other) if other else "", first.firm), held


def _by_rule(one: _Kind) -> str:
    return f"{_a(one.kind)} by {'default' if one.rule == DEFAULT else f'rule {one.rule}'}"


def _a(kind: str) -> str:
    return f"it would be {'an' if kind == 'incident' else 'a'} {kind}"


def _unknown(policy: Policy, inputs: Mapping[str, Any]) -> str:
    """What happens because its sender is not known: ``verify``, ``refer``, "" for nothing."""
    one = policy.senders
    if one is None or inputs["known"] or one.unknown == "accept" or not matches(one.when, inputs)[0]:
        return ""
    return one.unknown


def _repeat(policy: Policy, inputs: Mapping[str, Any]) -> tuple[Earlier | None, str]:
    if apart := inputs["held"].get("distinct"):
        return None, f"a person said that it is another matter: {apart['because']}"
    return earlier(policy.repeats, inputs)


def _answers(
    policy: Policy,
    inputs: Mapping[str, Any],
    unknown: str,
    repeat: Earlier | None,
    referral: str,
    lacking: tuple[Missing, ...],
) -> Iterable[Answer]:
    language = str(inputs["language"])
    if unknown and policy.senders is not None:
        yield Answer("verify" if unknown == "verify" else "referral", told(policy.senders.answer, language))
    elif repeat is not None:
        text = told((policy.repeats and policy.repeats.answer) or {}, language)
        yield Answer("chaser", text.replace("{number}", f"T-{repeat.number}"))
    elif referral:
        yield Answer("referral", referral)
    elif lacking:
        yield Answer("ask", "\n".join(dict.fromkeys(one.ask for one in lacking)))


def _spoken(languages: tuple[str, ...], inputs: Mapping[str, Any], name: str) -> list[str]:
    language = str(inputs["language"]).partition("-")[0]
    if not languages or not language or language in languages:
        return []
    return [f"{name} is not supported in {language}, the requester's language: {', '.join(languages)}"]


# --- later ---


def enforced(policy: Policy, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The kind that stands whatever anybody sets, and the row or person it comes from; ("", "") where any may be set.
    For changes that come in from a provider."""
    if stands := inputs["held"].get("kind"):
        return str(stands["to"]), BY_HAND
    first = _Walk(policy, inputs).kinds()[0]
    return (first.kind, first.rule) if first.firm else ("", "")


def deviate(policy: Policy, inputs: Mapping[str, Any], kind: str, by: str, reason: str) -> dict[str, Any]:
    """A person sets the kind: what stands from then on. Raises Objection where the grey-area table has decided
    otherwise and no reason is given."""
    held = dict(inputs["held"])
    first = _Walk(policy, inputs).kinds()[0]
    if kind not in DECIDED or not first.firm or kind == first.kind:
        held.pop("kind", None)
        return held
    if not reason.strip():
        fix = f"leave it {_an(first.kind)}, or say why this one is different"
        raise Objection(f"it was decided that {first.rule} is {_an(first.kind)}", "kind", kind, fix)
    return {**held, "kind": {"to": kind, "by": by, "because": reason, "row": first.rule}}


def _an(kind: str) -> str:
    return f"{'an' if kind == 'incident' else 'a'} {kind}"


def distinct(held: Mapping[str, Any], by: str, reason: str) -> dict[str, Any]:
    """A person says that a contact is a matter of its own: what stands from then on. Raises Objection without a
    reason."""
    if not reason.strip():
        raise Objection("a reason is needed", "reason", None, "say in what it is another matter")
    return {**held, "distinct": {"to": DISTINCT, "by": by, "because": reason}}


def ending(policy: Policy, inputs: Mapping[str, Any], status: str) -> None:
    """Raises Objection when a ticket may not go to this status yet, because a fact or its asset is missing."""
    refuse(missing(policy.needs, inputs), status)


__all__ = [
    "Answer",
    "Earlier",
    "Missing",
    "Policy",
    "Triaged",
    "deviate",
    "distinct",
    "ending",
    "enforced",
    "intake",
    "replay",
    "triage",
]
