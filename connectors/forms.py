"""The settings of a connection: which fields its form has, and whether what was filled in may be used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from connectors.manifest import Manifest
from connectors.signing import PREVIOUS, SECRET
from connectors.templates import leaves, parse

HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


class BadSettings(Exception):
    """The connection cannot be built; ``problems`` has one sentence per field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Entry:
    """One field of the form. ``secret`` fields are sealed and never shown again."""

    name: str
    type: str
    label: str
    help: str = ""
    default: Any = None
    options: tuple[str, ...] = ()
    required: bool = True
    secret: bool = False


def form(manifest: Manifest, auth: str = "", verify: str = "") -> tuple[Entry, ...]:
    """The form for these choices ("" = the manifest's first): settings, then secrets."""
    return (*_settings(manifest, auth), *_secrets(manifest, auth, verify))


def _specs(manifest: Manifest, auth: str) -> dict[str, Mapping[str, Any]]:
    _, choice = manifest.choice("auth", auth)
    return {**manifest.part("settings"), **choice.get("settings", {})}


def _settings(manifest: Manifest, auth: str) -> Iterator[Entry]:
    for name, spec in _specs(manifest, auth).items():
        yield Entry(
            name,
            spec["type"],
            spec["label"],
            spec.get("help", ""),
            spec.get("default"),
            tuple(map(str, spec.get("of", ()))),
            required=not spec.get("optional") and "default" not in spec,
        )


def _secrets(manifest: Manifest, auth: str, verify: str) -> Iterator[Entry]:
    _, signin = manifest.choice("auth", auth)
    _, checked = manifest.choice("webhook.verify", verify)
    calls = {key: part for key, part in manifest.doc.items() if key not in ("auth", "webhook")}
    for name in dict.fromkeys(_named(signin) + _named(calls)):
        yield Entry(name, "secret", name.replace("_", " ").capitalize(), secret=True)
    if checked:
        for name in dict.fromkeys(_named(checked) or [SECRET]):
            yield Entry(name, "secret", "Webhook secret", required=False, secret=True)


def _named(node: Any) -> list[str]:
    names = (name for text in leaves(node) for name in _places(text))
    return [name.removeprefix("secret.") for name in names if name.startswith("secret.")]


def _places(text: str) -> tuple[str, ...]:
    try:
        return parse(text).names
    except ValueError:
        return ()


def filled(
    manifest: Manifest, auth: str, verify: str, settings: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, Any]:
    """The settings with their types and defaults. Raises ``BadSettings`` naming every field at fault."""
    problems: dict[str, str] = {}
    try:
        entries = {entry.name: entry for entry in form(manifest, auth, verify)}
    except ValueError as error:
        raise BadSettings({"auth": str(error)}) from error
    specs = _specs(manifest, auth)
    values: dict[str, Any] = {}
    for name in [name for name in specs if name in entries]:
        try:
            values[name] = _value(specs[name], settings.get(name), values)
        except ValueError as error:
            problems[name] = str(error)
    for name, entry in entries.items():
        if entry.secret and entry.required and not secrets.get(name):
            problems[name] = "is needed"
    for name in settings:
        if name not in specs:
            problems[name] = "there is no such setting"
    known = {entry.name for entry in entries.values() if entry.secret}
    for name in secrets:
        if name.removesuffix(PREVIOUS) not in known:
            problems[name] = "there is no such secret"
    if problems:
        raise BadSettings(problems)
    return {name: value for name, value in values.items() if value is not None}


def _value(spec: Mapping[str, Any], given: Any, before: Mapping[str, Any]) -> Any:
    """A setting with its type; a default may be a template over the settings before it."""
    if given in (None, ""):
        given = spec.get("default")
        if isinstance(given, str):
            given = _default(given, before)
    if given is None:
        if spec.get("optional"):
            return None
        raise ValueError("is needed")
    if spec["type"] == "boolean":
        return _flag(given)
    if spec["type"] == "integer":
        if not re.fullmatch(r"-?[0-9]{1,18}", str(given)):
            raise ValueError("a number is expected")
        return int(given)
    text = str(given).strip()
    if "pattern" in spec and not re.fullmatch(spec["pattern"], text):
        raise ValueError(f"does not fit {spec['pattern']}")
    return _TYPES.get(spec["type"], _text)(text, spec)


def _default(text: str, before: Mapping[str, Any]) -> str | None:
    template = parse(text)
    names = {f"settings.{name}": value for name, value in before.items()}
    return template.text(names) if all(names.get(name) is not None for name in template.names) else None


def _flag(given: Any) -> bool:
    if given in (True, False):
        return bool(given)
    if str(given).lower() in ("true", "false"):
        return str(given).lower() == "true"
    raise ValueError("true or false is expected")


def _text(text: str, spec: Mapping[str, Any]) -> str:
    if any(ord(letter) < 32 for letter in text):
        raise ValueError("control characters are not allowed")
    return text


def _url(text: str, spec: Mapping[str, Any]) -> str:
    """Scheme, host and path; https, or http to this machine."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("write https://host/path, without query and credentials")
    if re.search(r"[^A-Za-z0-9._~:/%\[\]-]", text.removeprefix(parts.scheme)) or parts.port == 0:
        raise ValueError("an address has plain letters; write a name in other letters as xn--")
    if parts.scheme == "http" and not LOOPBACK.fullmatch(host):
        raise ValueError("https is needed; plain http goes to this machine alone")
    return text.rstrip("/")


def _host_label(text: str, spec: Mapping[str, Any]) -> str:
    if not HOST_LABEL.fullmatch(text):
        raise ValueError("one part of a host name is expected: letters, digits and -")
    return text.lower()


def _email(text: str, spec: Mapping[str, Any]) -> str:
    if not EMAIL.fullmatch(text):
        raise ValueError("an e-mail address is expected")
    return text


def _choice(text: str, spec: Mapping[str, Any]) -> str:
    if text not in map(str, spec.get("of", ())):
        raise ValueError(f"one of {', '.join(map(str, spec.get('of', ())))} is expected")
    return text


def _zone(text: str, spec: Mapping[str, Any]) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise ValueError("a time zone like Europe/Madrid is expected") from None
    return text


_TYPES = {"url": _url, "host_label": _host_label, "email": _email, "choice": _choice, "zone": _zone}
