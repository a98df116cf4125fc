"""Plain documents as JSON text: what the database's text columns, the audit trail and stored facts hold.

``orjson`` writes and reads them many times faster than the standard library; what it has no words for (half surrogates
that a remote sent, integers beyond 64 bits, keys that are no text) is left to the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

_AS_GIVEN = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_SORTED = _AS_GIVEN | orjson.OPT_SORT_KEYS


def text(value: Any, default: Callable[[Any], Any] = str) -> str:
    """Compact JSON with keys in their order; ``default`` makes a value of what JSON does not know. NaN is null."""
    return _written(value, default, _AS_GIVEN)


def canonical(value: Any) -> str:
    """Compact JSON with sorted keys: the same text for the same value."""
    return _written(value, str, _SORTED)


def read(document: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError."""
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        return json.loads(document)


def _written(value: Any, default: Callable[[Any], Any], options: int) -> str:
    def made(other: Any) -> Any:
        return list(other) if isinstance(other, tuple) else default(other)  # a named one is a list, too

    try:
        return orjson.dumps(value, made, options).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, default=default, separators=(",", ":"), sort_keys=options == _SORTED)
