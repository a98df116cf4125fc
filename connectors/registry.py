"""Finds a kind of desk and builds its connector: the one door through which the gateway reaches ``connectors``.

How the gateway uses it::

    session = Session(Egress.parse(settings.egress_allow))       # one per process; safe for all its threads
    desk = build(                                                 # one per connection and process; safe for all threads
        "redmine",                                                # or load(text), for a system added without code
        settings={"url": "https://redmine.example", ...},         # the connection's plain settings
        secrets={"key": "...", "webhook": "...", "webhook.previous": "..."},
        found=kept,                                               # what ``check`` found earlier, {} at first
        auth="api_key", verify="redmine7",                        # "" takes the manifest's first choice
    )
    ctx = Context(now, monotonic, session, log, deadline=monotonic() + 30, keep=keep)
    found = desk.check(ctx)                                       # store found.values and found.me with the connection

A kind is a folder with a ``manifest.yaml`` and, where a manifest cannot say it, a ``hooks.py`` with a class ``Hooks``.
``load`` (raises ``BadManifest``, line and column) makes a kind from text alone; ``form`` says what an admin fills in.

``keep(name, value)`` is called with ``secret.<name>`` (a rotated secret), ``token.access`` and ``token.until`` (a
sign-in, to be sealed like a secret) or ``found.<name>``, and returns when the value is durable. ``renewal`` makes a
context manager that holds the connection's sign-in lock among all processes and gives what was kept last.

Before it sends: ``desk.limits.in_flight`` permits, ``desk.slow_until()``, ``"comment" in desk.verbs``,
``desk.channels["note"].reaches`` (the verb checks it again), ``desk.cannot``. While polling: ``desk.feeds``. After a
write: ``receipt.read_back``; after ``Unknown``: ``desk.repeatable(verb)``, ``desk.visible_after``, ``apply_horizon``,
``desk.find``. When merging: ``desk.record_version_order`` and ``desk.newer``. For mappings: ``desk.catalogue()``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from connectors import forms
from connectors.base import Connector, Json
from connectors.forms import BadSettings, Entry, form
from connectors.manifest import BadManifest, Manifest, load
from connectors.rest import Rest
from connectors.signin import Renewal

__all__ = [
    "BadManifest",
    "BadSettings",
    "Entry",
    "Manifest",
    "add",
    "build",
    "form",
    "kinds",
    "load",
    "manifest",
    "read",
]


_outside: dict[str, Manifest] = {}


def add(folder: Path) -> Manifest:
    """Makes the connector in ``folder`` (``manifest.yaml``, perhaps ``hooks.py``) a kind like the shipped ones. Its
    code runs in this process: only what the installation's own configuration lists comes here. Raises
    ``BadManifest``, OSError, and KeyError for a kind that is shipped."""
    spec = read(folder)
    if spec.kind in shipped():
        raise KeyError(spec.kind)
    _outside[spec.kind] = spec
    return spec


def read(folder: Path) -> Manifest:
    """The manifest of a folder, with its hooks. Raises ``BadManifest``, OSError."""
    path = folder / "manifest.yaml"
    return load(path.read_text("utf-8"), str(path), _hooks(folder / "hooks.py"))


def _hooks(path: Path) -> type[Any] | None:
    """The class ``Hooks`` of a file outside this package."""
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"tandem_outside_{path.parent.name}_hooks", path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hooks: type[Any] = module.Hooks
    return hooks


@cache
def shipped() -> tuple[str, ...]:
    """The kinds that come with Tandem, by name."""
    return tuple(sorted(each.name for each in files("connectors").iterdir() if (each / "manifest.yaml").is_file()))


def kinds() -> tuple[str, ...]:
    """All kinds, by name."""
    return tuple(sorted({*shipped(), *_outside}))


def manifest(kind: str) -> Manifest:
    """The manifest of a kind, with its hooks. Raises KeyError for an unknown kind, ``BadManifest``."""
    return _outside[kind] if kind in _outside else _shipped(kind)


@cache
def _shipped(kind: str) -> Manifest:
    if kind not in shipped():
        raise KeyError(kind)
    folder = files("connectors") / kind
    ways = (("hooks", "Hooks"), ("connector", "Connector"))
    found = (getattr(importlib.import_module(f"connectors.{kind}.{file}"), name)
             for file, name in ways if (folder / f"{file}.py").is_file())  # fmt: skip
    hooks = next(found, None)
    return load((folder / "manifest.yaml").read_text("utf-8"), f"{kind}/manifest.yaml", hooks)


def build(
    kind: str | Manifest,
    *,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    found: Mapping[str, str] | None = None,
    auth: str = "",
    verify: str = "",
    renewal: Renewal | None = None,
    lists: Mapping[str, Json] | None = None,
    declared: Mapping[str, Json] | None = None,
) -> Connector:
    """The connector of a shipped kind or of a loaded manifest. No network.

    ``lists``: what ``Connector.lists`` read earlier; with it values are checked before they are sent. ``declared``:
    what an admin says of the desk; the values it lists replace the manifest's. Raises ``BadSettings`` (a sentence per
    field) and KeyError for an unknown kind.
    """
    spec = manifest(kind) if isinstance(kind, str) else kind
    values = forms.filled(spec, auth, verify, settings, secrets)
    if "python" in spec.doc and spec.hooks is not None:
        own: Connector = spec.hooks(
            spec,
            settings=values,
            secrets=secrets,
            auth=spec.choice("auth", auth)[1],
            verify=spec.choice("webhook.verify", verify)[1],
            renewal=renewal,
            declared=declared or {},
        )
        return own
    return Rest(
        spec,
        settings=values,
        secrets=secrets,
        found=found or {},
        auth=spec.choice("auth", auth)[1],
        verify=spec.choice("webhook.verify", verify)[1],
        renewal=renewal,
        lists=lists,
        declared=declared,
    )
