"""What a ticket is, before anybody gets it: incident or request, which service, whether it is ours to do, what is
missing, and whether it is about something that is open already (DESIGN.md 4).

Pure: ``triage`` looks at a compiled policy and at ``inputs`` alone, and the same inputs give the same decision to the
byte. A title weighs more than what follows it: the whole text is asked only where the title tells nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.decide.conditions import matches
from gateway.decide.decision import Decision
from gateway.decide.objection import Objection
from gateway.decide.triage.kinds import BY_HAND, Walk, an, deviate, enforced, kind_of
from gateway.decide.triage.needs import Missing, missing, refuse
from gateway.decide.triage.policy import NAME, Policy
from gateway.decide.triage.repeats import Earlier, earlier
from gateway.decide.triage.words import told

CATALOGUE, SENDERS = "catalogue", "unknown sender"
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


def triage(policy: Policy, inputs: Mapping[str, Any]) -> Triaged:
    """Sort a new ticket, from ``intake`` alone."""
    walk = Walk(policy, inputs)
    decided, held = kind_of(walk, inputs)
    unknown = _unknown(policy, inputs)
    repeat, why = (None, "its sender is not known") if unknown else _repeat(policy, inputs)
    scope = policy.catalogue.scope(inputs)
    service = scope.service
    in_scope = not scope.why and unknown != "refer"
    name = service.name if service else ""
    lacking = missing(policy.needs, {**inputs, "kind": decided.kind, "service": name or inputs["service"]})
    otherwise = f"it would be {an(decided.kind)}"
    if unknown:
        said = "nobody of this address is known"
        found = (UNVERIFIED if unknown == "verify" else OUT_OF_SCOPE, SENDERS, said, otherwise)
    elif repeat is not None:
        found = (CHASER, repeat.rule, repeat.because, otherwise)
    elif scope.why:
        found = (OUT_OF_SCOPE, CATALOGUE, f"{scope.why}: {scope.because}", otherwise)
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
    "BY_HAND",
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
