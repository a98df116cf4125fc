"""Judges requests by a vendor's own API description (OpenAPI 3): what it refuses, and what it has no word for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from connectors.simulators.loopback import Request, Response

METHODS = ("get", "post", "put", "patch", "delete")
BINARY = ("application/octet-stream", "application/binary", "multipart/form-data", "image/", "text/", "*/*")
"""Media types whose bodies have no structure to look into."""


@dataclass(frozen=True)
class Asked:
    """A request as openapi-core takes it."""

    host_url: str
    path: str
    method: str
    content_type: str
    body: bytes | None
    parameters: RequestParameters


@dataclass(frozen=True)
class Told:
    """An answer as openapi-core takes it."""

    status_code: int
    data: bytes
    headers: Headers
    content_type: str


@dataclass
class Verdict:
    """Of many requests: ``judged`` by operation (``GET /path/{id}``), ``refused`` and ``unsaid`` with a sentence each,
    ``foreign``: method and path of what is not described at all."""

    judged: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unsaid: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)

    def and_also(self, other: Verdict) -> Verdict:
        """Both; no operation is in both."""
        refused = [*self.refused, *other.refused]
        return Verdict(self.judged | other.judged, refused, self.unsaid | other.unsaid, self.foreign | other.foreign)


class Description:
    """One API description. ``document`` is its plain tree."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._host = document["servers"][0]["url"]
        self._openapi = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))
        self._paths = [(path, _pattern(path)) for path in sorted(document["paths"], key=lambda path: path.count("{"))]

    def judge(self, requests: list[Request]) -> Verdict:
        found = Verdict()
        for request in requests:
            described = self._find(request)
            if described is None:
                found.foreign.add(f"{request.method} {re.sub(r'[0-9a-f]{32}|[0-9]{2,}', '{}', request.path)}")
                continue
            path, operation = described
            name = f"{request.method} {path}"
            found.judged[name] = found.judged.get(name, 0) + 1
            found.refused += [f"{name}: {sentence}" for sentence in self._refusals(request)]
            found.unsaid |= {f"{name}: {word}" for word in self._unsaid(request, path, operation)}
        return found

    def answers(self, exchanged: list[tuple[Request, Response]]) -> list[str]:
        """What the description says against answers in JSON, a null apart: a vendor's own recordings have nulls where
        its description has none."""
        found: set[str] = set()
        for request, response in exchanged:
            described = self._find(request)
            if described is None or response.mime != "application/json" or not response.body:
                continue
            told = Told(response.status, response.body, Headers(dict(response.headers)), response.mime)
            for error in self._openapi.iter_response_errors(self._asked(request, request.body), told):
                found |= {f"{request.method} {described[0]} {response.status}: {each}" for each in _faults(error)}
        return sorted(found)

    def _find(self, request: Request) -> tuple[str, Mapping[str, Any]] | None:
        for path, pattern in self._paths:
            operation = self._document["paths"][path].get(request.method.lower())
            if operation and pattern.fullmatch(request.path):
                return path, operation
        return None

    def _refusals(self, request: Request) -> Iterator[str]:
        """What the description says against it."""
        mime = request.headers.get("content-type", "")
        structured = not mime.startswith(BINARY)
        asked = self._asked(request, request.body if request.body and structured else None)
        for error in self._openapi.iter_request_errors(asked):
            if structured or "body" not in type(error).__name__.lower():
                yield _sentence(error)

    def _asked(self, request: Request, body: bytes | None) -> Asked:
        mime = request.headers.get("content-type", "").partition(";")[0]
        told = RequestParameters(query=ImmutableMultiDict(request.query), header=Headers(dict(request.headers)))
        return Asked(self._host, request.path, request.method.lower(), mime, body, told)

    def _unsaid(self, request: Request, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
        """Query names, media types and body keys that it has no word for: most servers ignore them in silence."""
        item = self._document["paths"][path]
        described = [self._seen(each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        names = {each["name"] for each in described if each["in"] == "query"}
        yield from (f"query {name}" for name in request.query if name not in names)
        if not request.body:
            return
        contents = self._seen(operation.get("requestBody", {})).get("content", {})
        mime = request.headers.get("content-type", "").partition(";")[0]
        if mime not in contents and "*/*" not in contents:
            yield f"a body of type {mime}"
        elif mime == "application/json":
            yield from self._keys(json.loads(request.body), contents[mime].get("schema", {}), "")

    def _keys(self, value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
        schema = self._seen(schema)
        if isinstance(value, list):
            for each in value:
                yield from self._keys(each, schema.get("items", {}), where)
        if not isinstance(value, dict):
            return
        known = dict(self._properties(schema))
        for key, child in value.items():
            if key in known:
                yield from self._keys(child, known[key], f"{where}{key}.")
            elif known and not schema.get("additionalProperties"):
                yield f"body {where}{key}"

    def _properties(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        schema = self._seen(schema)
        yield from schema.get("properties", {}).items()
        for word in ("allOf", "oneOf", "anyOf"):
            for each in schema.get(word, ()):
                yield from self._properties(each)

    def _seen(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node a reference leads to."""
        while "$ref" in node:
            found: Any = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", path))
    )


def _faults(error: BaseException | None) -> Iterator[str]:
    """Each fault of a document by its place; an error without such a list is one itself."""
    listed = False
    while error is not None:
        for each in getattr(error, "schema_errors", ()):
            listed = True
            if each.instance is not None:
                yield f"{'.'.join(str(step) for step in each.absolute_path)}: {each.message[:200]}"
        cause = error.__cause__
        if cause is None and not listed:
            yield str(error).split("\n")[0][:300]
        error = cause


def _sentence(error: OpenAPIError | Exception) -> str:
    """An error with its causes, without the schemas that they quote."""
    words: list[str] = []
    found: BaseException | None = error
    while found is not None:
        words += [str(found).split("\n")[0][:300]]
        words += [
            f"{'.'.join(map(str, each.absolute_path))}: {each.message[:200]}"
            for each in getattr(found, "schema_errors", ())
        ]
        found = found.__cause__
    return "; ".join(dict.fromkeys(words))
