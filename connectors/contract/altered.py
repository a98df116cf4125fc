"""Answers that are altered on their way, by the paths that the manifest itself reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from connectors import paths
from connectors.simulators.loopback import Response


def keys(where: str) -> tuple[str, ...]:
    """The names on a path, without what chooses among several."""
    return tuple(step.name for step in paths.parse(where).steps if isinstance(step, paths.Key))


def document(response: Response) -> Any:
    """What an answer says; None where it is no JSON."""
    try:
        return json.loads(response.body)
    except ValueError:
        return None


def saying(response: Response, doc: Any) -> Response:
    """The same answer with another document."""
    return replace(response, body=json.dumps(doc).encode())


def each_at(doc: Any, way: tuple[str, ...], change: Callable[[Any], Any]) -> int:
    """Changes, in place, every leaf that lies at the end of ``way``, wherever ``way`` begins; how many there were."""
    met = 0
    for holder, key, name in _leaves(doc, ()):
        if name[-len(way) :] == way:
            holder[key] = change(holder[key])
            met += 1
    return met


def _leaves(node: Any, way: tuple[str, ...]) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, child in pairs:
        name = (*way, str(key)) if isinstance(node, dict) else way
        if isinstance(child, dict | list) and child:
            yield from _leaves(child, name)
        else:
            yield node, key, name


def rows_of(response: Response, where: str) -> list[Any]:
    """The rows of a list, as the manifest finds them; none where it is another answer."""
    doc = document(response)
    found = paths.parse(where).read(doc) if doc is not None else None
    return found if isinstance(found, list) else []


def with_rows(response: Response, where: str, rows: list[Any]) -> Response:
    """The same answer with other rows."""
    return saying(response, paths.parse(where).write(document(response), rows))
