"""The policies that come with Tandem, read as the road reads them; and facts to try them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.decide.conditions import inputs
from gateway.decide.inforce import Other
from gateway.decide.triage import intake
from mappings.loader import load, plain

HOUR = 3_600_000_000
FOLDER = Path(__file__).parents[2] / "gateway" / "policies"


EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> dict[str, Any]:
    """The document of that name among the examples of the documentation."""
    document: dict[str, Any] = plain(load((EXAMPLES / f"{name}.yaml").read_text(), name))
    return document


def shipped(name: str) -> dict[str, Any]:
    """The document of that name."""
    document: dict[str, Any] = plain(load((FOLDER / f"{name}.yaml").read_text(), name))
    return document


def asked(title: str, description: str = "", *, channel: str = "portal", **more: Any) -> dict[str, Any]:
    """The facts of a new ticket; ``more``: fields, and what ``intake`` takes."""
    around = {key: more.pop(key) for key in list(more) if key in intake.__kwdefaults__ or key == "as_of"}
    who = {key: more.pop(key) for key in ("site", "language", "clientele") if key in more}
    fields = {"title": title, "description": description, "requester": {"email": "ana@tandem.example"}, **more}
    return intake(inputs(fields, channel=channel, requester=who), **{"as_of": 100 * HOUR, **around})


def other(number: int, title: str, category: str = "", hours_ago: int = 5) -> Other:
    return Other(number * 10, number, "ana@tandem.example", title, category, (100 - hours_ago) * HOUR)
