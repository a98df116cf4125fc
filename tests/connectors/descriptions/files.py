"""The vendors' API descriptions, read from beside this tree, and where they are known to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.connectors.descriptions.judge import Description

DATA = Path(__file__).parents[4] / "shared" / "vendors" / "data"
FILES = {
    "servicenow": "servicenow/servicenow-mock.openapi.yaml",
    "zendesk": "zendesk/zendesk-tickets.cut.openapi.yaml",
    "freshdesk": "freshdesk/freshdesk-mock.openapi.yaml",
    "freshservice": "freshservice/freshservice-mock.openapi.yaml",
}


@cache
def description(kind: str) -> Description:
    """The description of a kind, mended. Raises ``FileNotFoundError``."""
    with (DATA / FILES[kind]).open("rb") as stream:
        document = yaml.load(stream, Loader=yaml.CSafeLoader)
    MENDS.get(kind, lambda _: None)(document)
    return Description(document)


def _zendesk(document: dict[str, Any]) -> None:
    """The vendor's file asks for a user's id in ``/groups``, and gives the custom fields of a ticket the shape of the
    account's field definitions; its own examples have ``{id, value}``."""
    groups = document["paths"]["/api/v2/groups"]["get"]
    groups["parameters"] = [each for each in groups["parameters"] if "UserId" not in each.get("$ref", "")]
    value = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "value": {}}}
    for schema in document["components"]["schemas"].values():
        if "custom_fields" in schema.get("properties", {}):
            schema["properties"]["custom_fields"]["items"] = value


MENDS: dict[str, Callable[[dict[str, Any]], None]] = {"zendesk": _zendesk}
