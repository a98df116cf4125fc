"""Cuts the vendors' API descriptions down to the facts that the tests here lean on.

Kept are the operations that a connector uses, with names, types and rules of what they take and give; what is written
for people is left out. ``python -m tests.connectors.descriptions.cut FOLDER`` writes the cuts from the whole files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "post", "put", "patch", "delete")
FOR_PEOPLE = frozenset(
    {"description", "summary", "example", "examples", "title", "externalDocs", "tags", "operationId"}
)
NAMED = frozenset({"properties", "schemas", "parameters", "responses", "requestBodies", "headers", "securitySchemes"})
"""Keys whose children are names, not words of the format."""

WHOLE = {
    "servicenow": "servicenow/servicenow-mock.openapi.yaml",
    "zendesk": "zendesk/zendesk-tickets.cut.openapi.yaml",
    "freshdesk": "freshdesk/freshdesk-mock.openapi.yaml",
    "freshservice": "freshservice/freshservice-mock.openapi.yaml",
    "jira": "jira/jira-issues.cut.openapi.yaml",
    "jsm": "jsm/jsm-requests.cut.openapi.yaml",
}
"""Where each kind's description lies in the folder of all."""


def whole(folder: Path, kind: str) -> dict[str, Any]:
    """The description as its vendor gives it. Raises ``FileNotFoundError``."""
    with (folder / WHOLE[kind]).open("rb") as stream:
        document: dict[str, Any] = yaml.load(stream, Loader=yaml.CSafeLoader)
    return document


def cut(document: Mapping[str, Any], used: Iterable[str]) -> dict[str, Any]:
    """``document`` with the operations ``used`` (``GET /path/{id}``) and what they refer to."""
    operations = set(used)
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        methods = [method for method in METHODS if f"{method.upper()} {path}" in operations]
        if methods:
            paths[path] = {key: item[key] for key in ("parameters", *methods) if key in item}
    paths = _bare(paths, named=True)
    kept: dict[str, Any] = {"openapi": document["openapi"], "info": {"title": "cut", "version": "cut"}}
    kept |= {key: document[key] for key in ("servers", "security") if key in document}
    components: dict[str, Any] = {}
    if schemes := document.get("components", {}).get("securitySchemes"):
        components["securitySchemes"] = _bare(schemes, named=True)
    _follow(document, paths, components)
    return {**kept, "paths": paths, "components": components}


def _follow(document: Mapping[str, Any], node: Any, components: dict[str, Any]) -> None:
    """Takes along what ``node`` refers to."""
    if isinstance(node, list):
        for each in node:
            _follow(document, each, components)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            _, _, part, name = node["$ref"].split("/")
            if name not in components.setdefault(part, {}):
                components[part][name] = _bare(document["components"][part][name])
                _follow(document, components[part][name], components)
        for each in node.values():
            _follow(document, each, components)


def _bare(node: Any, named: bool = False) -> Any:
    """``node`` without what is written for people; ``named``: its keys are names."""
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        str(key): _bare(value, key in NAMED and not named)
        for key, value in node.items()
        if named or not (key in FOR_PEOPLE or str(key).startswith("x-"))
    }


def place(kind: str) -> Path:
    """Where the cut of a kind lies."""
    return Path(__file__).parents[1] / kind / "fixtures/described.json"


def read(kind: str) -> dict[str, Any]:
    """The cut of a kind."""
    document: dict[str, Any] = json.loads(place(kind).read_text("utf-8"))
    return document


def operations(document: Mapping[str, Any]) -> set[str]:
    """All that a description has."""
    paths = document["paths"].items()
    return {f"{method.upper()} {path}" for path, item in paths for method in METHODS if method in item}


def main(folder: Path) -> int:
    """Cuts each description again, to the operations that its cut has now. Another one is written there by hand first,
    as ``{}`` under its path and method."""
    for kind in WHOLE:
        document = cut(whole(folder, kind), operations(read(kind)))
        place(kind).write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
