"""The catalogue: what is supported, for whom, where, by whom; and what somebody is told who asks for something else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.decide.language import Reader, join
from gateway.decide.triage.words import NO_WORDS, Words, plainly, sentences, texts, told, words
from gateway.tickets.vocabulary import CLIENTELES

KEYS = ("unlisted", "referral", "services")
SERVICE = (
    "title", "supported", "says", "categories", "clientele", "sites", "queue", "providers", "languages", "runbook",
    "checklist", "referral",
)  # fmt: skip
UNLISTED = ("in_scope", "out_of_scope")
REFERRAL = {"en": "This is not something our help desk supports. Please turn to whoever provides it."}


@dataclass(frozen=True, slots=True)
class Service:
    """``clientele``, ``sites`` empty: everybody; ``queue``: who of us has it; ``providers``: whose contract covers it,
    None where the catalogue does not say; ``languages``: in which it is supported, empty: any."""

    name: str
    title: Mapping[str, str]
    supported: bool = True
    says: Words = NO_WORDS
    categories: frozenset[str] = frozenset()
    clientele: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    queue: str = ""
    providers: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ()
    runbook: str = ""
    checklist: tuple[str, ...] = ()
    referral: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What the catalogue says of a ticket. ``why``: what it is out of scope by, "" where it is in scope; ``because``:
    how the service was recognised."""

    service: Service | None
    because: str
    why: str = ""
    referral: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    services: tuple[Service, ...] = ()
    unlisted: str = UNLISTED[0]
    referral: Mapping[str, str] | None = None

    def named(self, name: str) -> Service | None:
        """The service of that name or title, in any language."""
        wanted = plainly(name.strip())
        for one in self.services:
            if wanted in {plainly(one.name), *map(plainly, one.title.values())}:
                return one
        return None

    def scope(self, inputs: Mapping[str, Any]) -> Scope:
        """The service of a ticket: as it is given, else by its words, else by its category; and whether it is ours."""
        service, because = self._service(inputs)
        if service is None:
            given = str(inputs["service"])
            if given and self.unlisted == "out_of_scope":
                return Scope(
                    None,
                    because,
                    f"{given} is not in the catalogue",
                    self.referred(None, str(inputs["language"]), given),
                )
            return Scope(None, because)
        why = _not_for(service, inputs)
        return Scope(service, because, why, self.referred(service, str(inputs["language"])) if why else "")

    def _service(self, inputs: Mapping[str, Any]) -> tuple[Service | None, str]:
        if given := str(inputs["service"]):
            found = self.named(given)
            return found, "given as the service" if found else f"{given} is not in the catalogue"
        title, description = sentences(str(inputs["title"])), sentences(str(inputs["description"]))
        for said in (title, description):
            for one in self.services:
                if phrase := one.says.found(said):
                    return one, f'"{phrase}" is said'
        category = inputs["category"]
        found = next((one for one in self.services if category and category in one.categories), None)
        return found, f"its category is {category}" if found else "nothing tells the service"

    def referred(self, service: Service | None, language: str, name: str = "") -> str:
        """Where else to turn, in a language. ``name``: what it is called where it is not in the catalogue."""
        text = told((service and service.referral) or self.referral or REFERRAL, language)
        return text.replace("{service}", told(service.title, language) if service else name)

    def contract(self, service: str, providers: Collection[str]) -> tuple[tuple[str, ...], dict[str, str]]:
        """For a service: the providers whose contract covers it, and those that cannot have it, each with why. Both as
        ``provider:<slug>``; ``providers``: all there are."""
        found = self.named(service) if service else None
        if found is None or found.providers is None:
            return (), {}
        out = sorted(set(providers) - set(found.providers))
        return found.providers, dict.fromkeys(out, f"has no contract that covers {found.name}")


def _not_for(service: Service, inputs: Mapping[str, Any]) -> str:
    """Why a requester cannot have a service; "" when it is for them, or too little is known of them."""
    if not service.supported:
        return f"{service.name} is not supported"
    clientele, site = str(inputs["clientele"]), str(inputs["site"])
    if service.clientele and clientele and clientele not in service.clientele:
        return f"{service.name} is not for {clientele}s"
    if service.sites and site and site not in service.sites:
        return f"{service.name} is not for {site}"
    return ""


def catalogue(r: Reader, value: Any, path: str) -> Catalogue:
    top = r.table(value, path, KEYS)
    unlisted = r.one_of(top["unlisted"], join(path, "unlisted"), UNLISTED) if "unlisted" in top else UNLISTED[0]
    referral = texts(r, top["referral"], join(path, "referral")) if "referral" in top else None
    at = join(path, "services")
    given = r.table(top["services"], at, ()) if "services" in top else {}
    return Catalogue(tuple(_one(r, name, one, join(at, name)) for name, one in given.items()), unlisted, referral)


def _one(r: Reader, name: str, value: Any, path: str) -> Service:
    table = r.table(value, path, SERVICE)
    many = {key: _many(r, table, key, path) for key in ("categories", "sites", "languages", "checklist")}
    supported = table.get("supported", True)
    if not isinstance(supported, bool):
        r.fault(join(path, "supported"), "true or false is expected", supported, "Write true or false.")
    at = join(path, "clientele")
    clientele = tuple(
        r.one_of(one, place, CLIENTELES, "clientele") for place, one in r.items(table.get("clientele"), at)
    )
    return Service(
        name,
        texts(r, table["title"], join(path, "title"), 100) if "title" in table else {"": name},
        supported is True,
        words(r, table["says"], join(path, "says")) if "says" in table else NO_WORDS,
        frozenset(many["categories"]),
        clientele,
        many["sites"],
        _queue(r, table, path),
        _providers(r, table["providers"], join(path, "providers")) if "providers" in table else None,
        many["languages"],
        r.text(table["runbook"], join(path, "runbook"), 8000) if "runbook" in table else "",
        many["checklist"],
        texts(r, table["referral"], join(path, "referral")) if "referral" in table else None,
    )


def _many(r: Reader, table: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    return tuple(r.text(one, place, 300) for place, one in r.items(table.get(key), join(path, key)))


def _queue(r: Reader, table: Mapping[str, Any], path: str) -> str:
    return r.holder(table["queue"], join(path, "queue")) if "queue" in table else ""


def _providers(r: Reader, value: Any, path: str) -> tuple[str, ...]:
    found = []
    for place, one in r.items(value, path):
        holder = r.holder(one, place)
        if holder.startswith("team:"):
            r.fault(place, "a contract is with a provider", one, "Write provider:<slug>.")
        found.append(holder)
    return tuple(found)
