"""Mappings, catalogues and the vocabulary as the tests use them."""

from pathlib import Path
from typing import Any

import yaml

import mappings
from connectors.catalogue import build_catalogue
from connectors.registry import build, manifest
from gateway.tickets import vocabulary
from mappings.engine import Mapping, compile_mapping
from mappings.model import Complaint, MappingError

HERE = Path(__file__).parent
SHIPPED = Path(mappings.__file__).parent
NAMES = ("rt", "servicenow", "redmine", "memory")
WORKED = ("jsm", "connectwise")
VOCABULARY = vocabulary.document()


def source(name: str) -> str:
    """The text of one of the worked documents, or of a shipped mapping."""
    worked = HERE / "documents" / f"{name}.yaml"
    return worked.read_text() if worked.exists() else shipped(name)


def shipped(kind: str) -> str:
    """The text of the mapping that is shipped for a kind."""
    return (SHIPPED / f"{kind}.yaml").read_text()


def catalogue(name: str) -> dict[str, Any]:
    """The catalogue a mapping is proved against; the memory desk's is the one its connector gives."""
    if name == "memory":
        return dict(build_catalogue(manifest("memory"), {}, {}, {}).doc)
    return yaml.safe_load((HERE / "catalogues" / f"{name}.yaml").read_text())


def own_catalogue(
    kind: str,
    settings: dict[str, Any],
    secrets: dict[str, str],
    lists: dict[str, Any] | None = None,
    declared: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The catalogue a shipped connector gives: its manifest, the lists the desk tells, what an admin declares."""
    return dict(build(kind, settings=settings, secrets=secrets).catalogue(lists, declared).doc)


def compiled(name: str) -> Mapping:
    if name == "acme-rt":
        return compile_mapping(source(name), catalogue("rt"), VOCABULARY, source("rt"), name)
    return compile_mapping(source(name), catalogue(name), VOCABULARY, None, name)


DESK: dict[str, Any] = {
    "connector": "desk",
    "reference_searchable": ["ref"],
    "fields": {
        "title": {"type": "text", "max": 20},
        "body": {"type": "text"},
        "state": {"type": "choice", "values": {"1": "Open", "2": "Working", "3": "Waiting", "9": "Done"}},
        "impact": {"type": "choice", "values": {"h": "High", "m": "Medium", "l": "Low"}},
        "urgency": {"type": "choice", "values": {"h": "High", "m": "Medium", "l": "Low"}},
        "owner": {"type": "user", "gives": ["email", "login"]},
        "due": {"type": "datetime", "resolution": "1m"},
        "day": {"type": "date"},
        "labels": {"type": "set", "max": 8},
        "one": {"type": "text"},
        "points": {"type": "number"},
        "ref": {"type": "text", "max": 60},
    },
    "status": "state",
    "channels": {"all": {"reaches": ["provider", "requester"]}, "staff": {"reaches": ["provider"], "internal": True}},
}
"""A small invented desk for rules that no real one shows."""


def desk(fields: str, extra: str = "", change: dict[str, Any] | None = None) -> Mapping:
    """A mapping for the invented desk from its rules alone (YAML, indented by two)."""
    return compile_mapping(desk_text(fields, extra), DESK | (change or {}), VOCABULARY)


def desk_text(fields: str, extra: str = "") -> str:
    return f"mapping: 1\nname: desk\nconnector: desk\nreference: ref\nfields:\n{fields}\n{extra}"


def refused(fields: str, extra: str = "") -> list[Complaint]:
    """What the invented desk's mapping is refused for."""
    try:
        desk(fields, extra)
    except MappingError as error:
        return error.complaints
    return []
