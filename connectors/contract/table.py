"""What each desk can do, as the last run of the contract showed it: connector by capability."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from connectors.contract.run import Result

CAPABILITIES: Mapping[str, tuple[str, ...]] = {
    "create": ("u01", "u02"),
    "update": ("u05", "u12"),
    "status": ("u14",),
    "public comment": ("i01",),
    "internal note": ("i01", "i02", "i04"),
    "edited comments": ("i09",),
    "files": ("i11",),
    "time worked": ("i13",),
    "found by reference": ("u03",),
    "changes since": ("f01", "f02", "f03"),
    "webhooks": ("h01", "h02", "h10"),
    "deleted, moved": ("f08",),
}
"""Capability -> the numbers of the tests that show it."""

MARKS = {"passed": "yes", "skipped": "no", "failed": "FAILS"}


@dataclass(frozen=True)
class Cell:
    """One capability of one desk. ``mark``: yes, no, partly or FAILS; ``why``: what it lacks."""

    mark: str
    why: str = ""


def load() -> dict[str, Any]:
    """The last run: kind -> {"shown": by what, "results": {test: [how it ended, why]}}, and "live" where the kind was
    held to the contract on real servers, too."""
    return joined(_read("results.json"))


def joined(found: Mapping[str, Any]) -> dict[str, Any]:
    """``found`` with what runs on real servers gave."""
    runs = live()
    return {kind: {**one, "live": runs[kind]} if kind in runs else dict(one) for kind, one in found.items()}


def live() -> dict[str, Any]:
    """The last run on real servers: kind -> {"server", "instances", "date", "passed": [test], "skipped": {test: why}}.

    A test that is younger than the run is in neither."""
    return _read("live.json")


def shown(one: Mapping[str, Any]) -> str:
    """By what a kind's row was shown: ``simulator; live: Redmine 5.0.4``."""
    return f"{one['shown']}; live: {one['live']['server']}" if "live" in one else str(one["shown"])


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files("connectors.contract") / name).read_text("utf-8"))
    return found


def cells(results: Iterable[Result]) -> dict[str, Cell]:
    """Per capability, what the results say of it."""
    results = list(results)
    return {name: _cell([r for r in results if _number(r) in numbers]) for name, numbers in CAPABILITIES.items()}


def _number(result: Result) -> str:
    return result.test.removeprefix("test_").split("_")[0]


def _cell(results: list[Result]) -> Cell:
    ended = {result.ended for result in results}
    why = "; ".join(dict.fromkeys(result.why for result in results if result.why))
    if "failed" in ended:
        return Cell(MARKS["failed"], why)
    if ended == {"passed", "skipped"}:
        return Cell("partly", why)
    return Cell(MARKS["passed"] if ended == {"passed"} else MARKS["skipped"], why)
