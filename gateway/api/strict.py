"""JSON as RFC 8259 and the databases take it; what Python's own reader lets through and they cannot hold is refused.

Refused are NaN, infinities and numbers beyond a double, keys that are there twice, nesting without end, NUL characters
and lone surrogates.
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 32


def loads(data: bytes) -> Any:
    """The document. Raises ValueError with a sentence that says what is wrong."""
    try:
        text = data.decode("utf-8")
        found = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int)
    except UnicodeDecodeError:
        raise ValueError("the body is not UTF-8") from None
    except RecursionError:
        raise ValueError(f"the body is nested deeper than {DEEPEST} levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    _check(found, 0)
    return found


def clean(text: str) -> bool:
    """Whether both databases can hold this text."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"the body is nested deeper than {DEEPEST} levels")
    match value:
        case str() if not clean(value):
            raise ValueError("a text in the body holds a NUL character or half of a surrogate pair")
        case dict():
            for key, one in value.items():
                _check(key, depth + 1)
                _check(one, depth + 1)
        case list():
            for one in value:
                _check(one, depth + 1)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the body has a key twice in one object")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"the body holds {name}, which is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("the body holds a number that is too large")
    return value


def _int(text: str) -> int:
    if len(text) > 100:
        raise ValueError("the body holds a number that is too large")
    return int(text)
