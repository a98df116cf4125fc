"""A connection as an admin writes it down: one YAML document, read and checked before anything is asked or stored.

    name: acme                              # our word for it, for ever: a-z, 0-9, -
    provider: {slug: acme, name: Acme Managed Services}     # or only the slug
    kind: rt                                # or  manifest: FILE  for a system that nobody wrote code for
    auth: token                             # which of its ways to sign in; default: the first
    verify: script                          # how its webhooks prove themselves; default: the first
    settings: {url: https://rt.acme.example, queue: Gateway, login: gateway}
    secrets: {token: {env: ACME_TOKEN}, webhook: {file: acme.secret}}
    mapping: rt                             # a published one, {file: FILE}, or the mapping itself
    declared: {}                            # what the desk does not tell of itself
    intake: import                          # or ignore: records there that are none of our tickets
    poll: 60                                # seconds

Every mistake is found in one go, each with its field, the value and the way out. Secrets show in none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

from connectors import registry
from connectors.base import Connector
from connectors.manifest import BadManifest, Manifest
from connectors.registry import BadSettings
from gateway.errors import Invalid
from mappings.loader import load as load_text
from mappings.loader import plain
from mappings.model import MappingError

KEYS = (
    *("name", "provider", "kind", "manifest", "auth", "verify", "settings", "secrets"),
    *("mapping", "declared", "intake", "poll"),
)
OWN = "A kind of your own: write manifest: and its file, or name its folder in TANDEM_CONNECTORS."
SLUG = re.compile(r"[a-z0-9-]{2,40}")
INTAKE = ("import", "ignore")
POLL = 60.0
POLL_LEAST, POLL_MOST = 5.0, 86_400.0
"""Seconds between two polls: the default, the least and the most."""


class Mistakes(Invalid):
    """Everything that is wrong with a document, one ``Invalid`` each, in the order of the document."""

    def __init__(self, name: str, mistakes: Sequence[Invalid]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"{name} has {count}")
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([f"{self.title}:", *(f"  {one}" for one in self.mistakes)])

    def problem(self) -> dict[str, object]:
        return {**super().problem(), "errors": [one.problem() for one in self.mistakes]}


@dataclass(frozen=True)
class Outside:
    """What a document may fetch from outside itself: variables of the environment, files beside it. The command line
    gives both; nothing that comes in over the network has either, or it could read this machine."""

    variable: Callable[[str], str | None] | None = None
    file: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Draft:
    """A connection document that holds together. ``manifest`` is the text of one without code, "" for a shipped kind;
    ``mapping`` the name of a published one, or what to call the one that ``mapping_text`` brings."""

    name: str
    provider: str
    provider_name: str
    kind: str
    manifest: str
    auth: str
    verify: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    mapping: str
    mapping_text: str
    declared: Mapping[str, Any]
    intake: str
    poll: float
    notes: tuple[str, ...] = ()

    def connector(self) -> Connector:
        """The desk that it describes; no network."""
        spec = registry.load(self.manifest, self.kind) if self.manifest else self.kind
        return registry.build(
            spec, settings=self.settings, secrets=self.secrets, auth=self.auth, verify=self.verify,
            declared=self.declared,
        )  # fmt: skip


def read(text: str, name: str = "connection", outside: Outside = Outside()) -> Draft:
    """A checked document; ``name`` is what complaints call it. Raises Mistakes."""
    try:
        root = plain(load_text(text, name))
    except MappingError as error:
        raise Mistakes(name, [Invalid(one.cause, f"{name}:{one.line}:{one.col}") for one in error.complaints]) from None
    if not isinstance(root, dict):
        raise Mistakes(name, [Invalid("not a connection", name, fix="Write keys and values: name: acme ...")])
    reader = _Reader(root, outside)
    draft = reader.draft()
    if reader.mistakes:
        raise Mistakes(name, reader.mistakes)
    return draft


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for whoever mistyped; else the whole list."""
    known = list(known)
    close = get_close_matches(word, known, 1)
    return f"Did you mean {close[0]}?" if close else f"One of: {', '.join(known)}."


class _Reader:
    """Goes through a document once and collects what is wrong."""

    def __init__(self, doc: dict[str, Any], outside: Outside) -> None:
        self.doc, self.outside = doc, outside
        self.mistakes: list[Invalid] = []
        self.notes: list[str] = []

    def wrong(self, title: str, field: str, value: object = None, fix: str | None = None) -> None:
        self.mistakes.append(Invalid(title, field, value, fix))

    def draft(self) -> Draft:
        for key in self.doc:
            if key not in KEYS:
                self.wrong("there is no such key", key, fix=nearest(key, KEYS))
        name = self.slug("name", self.doc.get("name"))
        provider, provider_name = self.provider()
        kind, manifest, spec = self.desk()
        auth, verify = self.word("auth"), self.word("verify")
        settings, secrets = self.table("settings"), self.secrets()
        if spec is not None:
            self.fits(spec, auth, verify, settings, secrets)
        mapping, mapping_text = self.mapping(kind)
        return Draft(
            name, provider, provider_name, kind, manifest, auth, verify, settings, secrets, mapping, mapping_text,
            self.table("declared"), self.intake(), self.poll(), tuple(self.notes),
        )  # fmt: skip

    # -- the parts, in the order of the document

    def slug(self, field: str, value: Any) -> str:
        if value is None:
            self.wrong("is needed", field, fix="Write 2 to 40 of a-z, 0-9 and -.")
        elif not isinstance(value, str) or not SLUG.fullmatch(value):
            self.wrong("not a name Tandem can use", field, value, "Write 2 to 40 of a-z, 0-9 and -.")
        return str(value or "")

    def provider(self) -> tuple[str, str]:
        given = self.doc.get("provider")
        if not isinstance(given, dict):
            slug = self.slug("provider", given)
            return slug, slug
        for key in given:
            if key not in ("slug", "name"):
                self.wrong("there is no such key", f"provider.{key}", fix="A provider has slug and name.")
        slug = self.slug("provider.slug", given.get("slug"))
        return slug, str(given.get("name") or slug)

    def desk(self) -> tuple[str, str, Manifest | None]:
        """(kind, text of its own manifest, manifest)."""
        kind, manifest = self.word("kind"), self.doc.get("manifest")
        if manifest is not None:
            text = self.text("manifest", manifest)
            try:
                spec = registry.load(text, "manifest") if text else None
            except BadManifest as error:
                for line in error.complaints:
                    where, _, cause = line.partition(" ")
                    self.wrong(cause, where)
                return kind, text, None
            if spec is not None and kind not in ("", spec.kind):
                self.wrong("the manifest is of another kind", "kind", kind, f"Leave it out, or write {spec.kind}.")
            return (spec.kind if spec else kind), text, spec
        if not kind:
            self.wrong("is needed", "kind", fix=f"One of: {', '.join(registry.kinds())}; or a manifest of your own.")
        elif kind not in registry.kinds():
            fix = nearest(kind, registry.kinds())
            self.wrong("no such kind of system", "kind", kind, f"{fix} {OWN}")
        else:
            return kind, "", registry.manifest(kind)
        return kind, "", None

    def secrets(self) -> dict[str, str]:
        found = {}
        for name, given in self.table("secrets").items():
            value = self.secret(f"secrets.{name}", given)
            if value is not None:
                found[name] = value
        return found

    def secret(self, field: str, given: Any) -> str | None:
        match given:
            case str() if given:
                return given
            case {"env": str() as variable} if len(given) == 1:
                return self.variable(field, variable)
            case {"file": str() as path} if len(given) == 1:
                text = self.content(field, path)
                return text.rstrip("\r\n") if text is not None else None
        self.wrong("not a secret", field, fix="Write {env: NAME}, {file: PATH} or the text itself.")
        return None

    def variable(self, field: str, name: str) -> str | None:
        if self.outside.variable is None:
            self.wrong("variables of this machine are not read from here", field, fix="Send the text itself.")
            return None
        value = self.outside.variable(name)
        if not value:
            self.wrong(f"the variable {name} is not set", field, fix="Set it where this command runs.")
        return value

    def content(self, field: str, path: str) -> str | None:
        if self.outside.file is None:
            self.wrong("files of this machine are not read from here", field, fix="Send the text itself.")
            return None
        try:
            return self.outside.file(path)
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "not text"
            self.wrong(f"cannot be read: {said}", field, path, "Name a text file; paths begin at the document.")
            return None

    def text(self, field: str, given: Any) -> str:
        """A text given as itself (more than one line) or as a file."""
        if isinstance(given, dict) and set(given) == {"file"}:
            given = given["file"]
        if isinstance(given, str) and "\n" in given:
            return given
        if isinstance(given, str) and given:
            return self.content(field, given) or ""
        self.wrong("a file or the text itself is expected", field, fix=f"Write {field}: FILE.")
        return ""

    def fits(
        self, spec: Manifest, auth: str, verify: str, settings: Mapping[str, Any], secrets: dict[str, str]
    ) -> None:
        """Whether sign-in, settings and secrets are what the manifest asks for."""
        for part, key, choice in (("auth", "auth", auth), ("webhook.verify", "verify", verify)):
            try:
                spec.choice(part, choice)
            except ValueError as error:
                self.wrong("no such choice", key, choice, f"One of: {str(error).partition(': ')[2] or 'none'}.")
                return
        given = self.doc.get("secrets") or {}
        known = {**dict.fromkeys(given, "?"), **secrets}  # what could not be read was said already
        try:
            registry.build(spec, settings=settings, secrets=known, auth=auth, verify=verify)
        except BadSettings as error:
            entries = {entry.name: entry for entry in registry.form(spec, auth, verify)}
            for name, sentence in error.problems.items():
                self.unfit(name, sentence, entries, settings, known)
        if spec.part("webhook", "verify") and not known.get("webhook"):
            self.notes.append("No webhook secret: its webhooks are refused, and changes come by polling alone.")

    def unfit(
        self, name: str, sentence: str, entries: Mapping[str, Any], settings: Mapping[str, Any], secrets: Iterable[str]
    ) -> None:
        entry = entries.get(name)
        secret = entry.secret if entry else name in secrets
        part = "secrets" if secret else "settings"
        if entry is None:
            known = [e.name for e in entries.values() if e.secret == secret]
            fix = nearest(name, known) if known else "There are none."
        else:
            fix = f"It is the {entry.type}: {entry.label}." if not secret else f"Write {name}: {{env: NAME}}."
        self.wrong(sentence, f"{part}.{name}", None if secret else settings.get(name), fix)

    def mapping(self, kind: str) -> tuple[str, str]:
        """(name of a published mapping, "") or (what to call its own, the text)."""
        given = self.doc.get("mapping")
        if given is None:
            if self.doc.get("manifest") is not None:
                self.wrong("is needed", "mapping", fix="Write mapping: {file: FILE}: nobody shipped one for it.")
            return kind, ""
        if isinstance(given, str) and "\n" not in given:
            return given, ""
        if isinstance(given, dict) and set(given) != {"file"}:
            return "mapping", yaml.safe_dump(given, allow_unicode=True, sort_keys=False, width=1000)
        label = given.get("file") if isinstance(given, dict) else None
        return str(label or "mapping"), self.text("mapping", given)

    def intake(self) -> str:
        given = self.word("intake") or INTAKE[0]
        if given not in INTAKE:
            self.wrong("unknown", "intake", given, "Write import or ignore.")
        return given

    def poll(self) -> float:
        given = self.doc.get("poll", str(POLL))
        try:
            seconds = float(given)
        except (TypeError, ValueError):
            seconds = -1.0
        if not POLL_LEAST <= seconds <= POLL_MOST:
            self.wrong("not a time between polls", "poll", given, f"Seconds, {POLL_LEAST:.0f} to {POLL_MOST:.0f}.")
        return seconds

    def word(self, key: str) -> str:
        given = self.doc.get(key)
        if given is not None and not isinstance(given, str):
            self.wrong("a word is expected", key, given)
            return ""
        return given or ""

    def table(self, key: str) -> dict[str, Any]:
        given = self.doc.get(key)
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.wrong("names with values are expected", key, None if key == "secrets" else given)
            return {}
        return given
