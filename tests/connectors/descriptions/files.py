"""The vendors' API descriptions, cut to what is used, and where they are known to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from connectors.simulators.loopback import Request, Response
from tests.connectors.descriptions import cut
from tests.connectors.descriptions.judge import Description, Verdict


@cache
def description(kind: str) -> Description:
    """The description of a kind, mended."""
    document = cut.read(kind)
    MENDS.get(kind, lambda _: None)(document)
    return Description(document)


def judged(kind: str, requests: list[Request]) -> Verdict:
    """The verdict on a kind's requests. A service desk stands on Jira's platform, whose description is of version 3;
    version 2 differs from it by texts that are no trees."""
    found = description(kind).judge([each for each in requests if kind != "jsm" or _own(each)])
    if kind != "jsm":
        return found
    return found.and_also(description("jira").judge([_third(each) for each in requests if not _own(each)]))


def answers(kind: str, exchanged: list[tuple[Request, Response]]) -> list[str]:
    """What is said against a simulator's answers, the same way."""
    if kind != "jsm":
        return description(kind).answers(exchanged)
    platform = [(_third(asked), told) for asked, told in exchanged if not _own(asked)]
    own = [each for each in exchanged if _own(each[0])]
    return [*description("jsm").answers(own), *description("jira").answers(platform)]


def _own(request: Request) -> bool:
    return "/servicedeskapi/" in request.path


def _third(request: Request) -> Request:
    return replace(request, path=request.path.replace("/rest/api/2/", "/rest/api/3/"))


def _zendesk(document: dict[str, Any]) -> None:
    """The vendor's file asks for a user's id in ``/groups``, and gives the custom fields of a ticket the shape of the
    account's field definitions; its own examples have ``{id, value}``."""
    groups = document["paths"]["/api/v2/groups"]["get"]
    groups["parameters"] = [each for each in groups["parameters"] if "UserId" not in each.get("$ref", "")]
    value = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "value": {}}}
    for schema in document["components"]["schemas"].values():
        if "custom_fields" in schema.get("properties", {}):
            schema["properties"]["custom_fields"]["items"] = value


def _jira(document: dict[str, Any]) -> None:
    """The vendor's file calls the start of a worklog a date-time; its own example has no colon in the offset, and its
    server takes nothing else."""
    del document["components"]["schemas"]["Worklog"]["properties"]["started"]["format"]


MENDS: dict[str, Callable[[dict[str, Any]], None]] = {"jira": _jira, "zendesk": _zendesk}
