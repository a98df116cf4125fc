"""How the triage policy is written: the rule of thumb as rules over words, the grey-area table, the catalogue, what is
needed, second contacts, unknown senders (see docs/policies.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway import plain
from gateway.decide.conditions import Condition, condition
from gateway.decide.conditions import read as read_condition
from gateway.decide.language import Known, Reader, join
from gateway.decide.triage.catalogue import Catalogue, catalogue
from gateway.decide.triage.needs import Need, needs
from gateway.decide.triage.repeats import Repeats, repeats
from gateway.decide.triage.words import LANGUAGES, NO_WORDS, Words, texts, told, words
from gateway.tickets.vocabulary import KINDS, document

NAME = "triage"
KEYS = ("help", "words", "grey", "rules", "default", "catalogue", "needs", "repeats", "senders")
ROW = ("name", "says", "when", "kind", "because", "told")
RULE = ("name", "words", "when", "kind", "because")
SENDERS = ("unknown", "when", "answer")
UNKNOWN = ("accept", "verify", "refer")
DECIDED = KINDS[:2]
"""The kinds that triage tells apart; a problem is made by people of ours."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the grey-area table, or a rule of thumb: ``says`` and ``when`` both have to hold; None asks nothing.
    ``told``: how the decision is made known."""

    name: str
    kind: str
    because: str
    says: Words | None
    when: Condition | None
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Senders:
    """What happens to a message of somebody nobody knows: taken as any, ``verify`` first, or ``refer`` elsewhere."""

    unknown: str
    when: Condition
    answer: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled triage policy. ``label``: the version as decisions name it; ``notes``: for its author."""

    label: str
    help: Mapping[str, str]
    grey: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    default: str
    catalogue: Catalogue
    needs: tuple[Need, ...]
    repeats: Repeats | None
    senders: Senders | None
    notes: tuple[str, ...] = ()

    def guide(self, language: str) -> dict[str, Any]:
        """What a form shows beside the field: the rule of thumb, and the decisions on grey areas."""
        grey = [{"name": row.name, "kind": row.kind, "told": told(row.told, language)} for row in self.grey]
        return {"help": told(self.help, language), "decided": grey}

    def services(self, language: str) -> list[dict[str, Any]]:
        """The catalogue as a requester reads it: what is supported, for whom, where, in which languages."""
        return [
            {
                "service": one.name,
                "title": told(one.title, language),
                "supported": one.supported,
                "clientele": list(one.clientele),
                "sites": list(one.sites),
                "languages": list(one.languages),
                "referral": "" if one.supported else self.catalogue.referred(one, language),
            }
            for one in self.catalogue.services
        ]


def compile_triage(doc: Mapping[str, Any], known: Known | None = None, label: str = "") -> Policy:
    """Compile a triage policy; raises BadPolicy with everything that is wrong. ``label``: the version's, by default
    ``triage@`` and a digest of the document."""
    r = Reader(known)
    top = r.head(doc, NAME, KEYS)
    lists = {
        name: words(r, one, join("words", name))
        for name, one in (r.table(top["words"], "words", ()) if "words" in top else {}).items()
    }
    help = texts(r, top["help"], "help", 4000) if "help" in top else {}
    for language in LANGUAGES:
        if help and "" not in help and language not in help:
            r.note(f"help: there is no text in {language}: {told(help, language)[:40]!r} is shown.")
    found = Policy(
        "",
        help,
        tuple(_rows(r, top.get("grey"))),
        tuple(_rules(r, top.get("rules"), lists)),
        r.one_of(top["default"], "default", DECIDED, "kind") if "default" in top else DECIDED[0],
        catalogue(r, top["catalogue"], "catalogue") if "catalogue" in top else Catalogue(),
        needs(r, top.get("needs"), "needs"),
        repeats(r, top["repeats"], "repeats") if "repeats" in top else None,
        _senders(r, top["senders"], "senders") if "senders" in top else None,
    )
    _categories(r, found)
    r.done()
    digest = hashlib.sha256(plain.canonical(doc).encode()).hexdigest()[:12]
    return replace(found, label=label or f"{NAME}@{digest}", notes=tuple(r.notes))


def _rows(r: Reader, given: Any) -> Iterator[Rule]:
    names: set[str] = set()
    for at, one in r.items(given, "grey"):
        table = r.table(one, at, ROW, ("name", "kind"))
        says = words(r, table["says"], join(at, "says")) if "says" in table else None
        yield _rule(r, table, at, says, names)


def _rules(r: Reader, given: Any, lists: Mapping[str, Words]) -> Iterator[Rule]:
    names: set[str] = set()
    for at, one in r.items(given, "rules"):
        table = r.table(one, at, RULE, ("name", "kind"))
        says = None
        if "words" in table:
            name = r.one_of(table["words"], join(at, "words"), lists, "list of words") if lists else ""
            if not lists:
                r.fault(join(at, "words"), "no such list of words", table["words"], "Write words: with such a list.")
            says = lists.get(name, NO_WORDS)
        yield _rule(r, table, at, says, names)


def _rule(r: Reader, table: Mapping[str, Any], at: str, says: Words | None, names: set[str]) -> Rule:
    name = str(table.get("name") or "")
    if name in names:
        r.fault(join(at, "name"), "the name of an earlier one too", name, "Give it another name.")
    names.add(name)
    if says is None and "when" not in table:
        r.fault(at, "it holds for every ticket", name, "Say by which words or which condition it is recognised.")
    return Rule(
        name,
        r.one_of(table["kind"], join(at, "kind"), DECIDED, "kind") if "kind" in table else "",
        r.text(table["because"], join(at, "because")) if "because" in table else f"rule {name}",
        says,
        read_condition(r, table["when"], join(at, "when")) if "when" in table else None,
        texts(r, table["told"], join(at, "told")) if "told" in table else {},
    )


def _senders(r: Reader, value: Any, path: str) -> Senders:
    table = r.table(value, path, SENDERS, ("unknown",))
    unknown = r.one_of(table.get("unknown", UNKNOWN[0]), join(path, "unknown"), UNKNOWN)
    when = read_condition(r, table.get("when"), join(path, "when")) or condition("false")
    answer = texts(r, table["answer"], join(path, "answer")) if "answer" in table else {}
    if unknown == "verify" and not answer:
        r.fault(join(path, "answer"), "is needed", None, "Say how somebody makes himself known.")
    return Senders(unknown, when, answer)


def _categories(r: Reader, policy: Policy) -> None:
    known = set(document()["category"]["values"])
    for one in policy.catalogue.services:
        for category in sorted(one.categories - known):
            r.note(f"catalogue.services.{one.name}: {category} is no category of a fresh installation.")
