"""One-way expressions: CEL with its loops switched off, over typed variables, behind one small interface.

The engine's library never raises while evaluating: an error is a value of type ERROR. ``run`` turns that, and any
result that is not text, into ``CelFailed``; the field is then held and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from cel_expr_python import cel

MAX_SOURCE = 2_000

_CONFIG = "stdlib:\n  exclude_macros: [map, filter, all, exists, exists_one]\n"
_TYPES = {
    "text": cel.Type.STRING,
    "set": cel.Type.List(cel.Type.STRING),
    "person": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
}
_EMPTY: dict[str, Any] = {"text": "", "set": [], "person": {}}
_TOLD = re.compile(r"<input>:(\d+):(\d+): (.*)")

Run = Callable[[Mapping[str, Any]], str]


class CelError(Exception):
    """An expression that cannot be used; ``line`` and ``col`` count from 1 within it."""

    def __init__(self, cause: str, line: int = 1, col: int = 1) -> None:
        super().__init__(cause)
        self.cause, self.line, self.col = cause, line, col


class CelFailed(Exception):
    """An expression that gave no text for these values; the message says why."""


class Expression(NamedTuple):
    """``run(values)``: canonical (or record) values to text. ``uses``: the variables read, by their own names."""

    run: Run
    uses: tuple[str, ...]


def variable(name: str) -> str:
    """The name a canonical field has inside an expression: ``custom.site`` is ``custom_site``."""
    return name.replace(".", "_").replace("-", "_")


def outward(source: str, types: Mapping[str, str]) -> Expression:
    """Compile over canonical fields (name -> canonical type); raises ``CelError``."""
    kinds = {name: kind if kind in _TYPES else "text" for name, kind in types.items()}
    _compile(source, _sorted(kinds))
    uses = tuple(name for name in kinds if not _compiles(source, _sorted(_without(kinds, name))))
    compiled = _compile(source, _sorted({name: kinds[name] for name in uses}))
    names = [(name, variable(name), kinds[name]) for name in uses]

    def run(values: Mapping[str, Any]) -> str:
        return _text_of(compiled.eval(data={inner: _supplied(values.get(name), kind) for name, inner, kind in names}))

    return Expression(run, uses)


def inward(source: str) -> Expression:
    """Compile over ``record``, a map of catalogue names to text; raises ``CelError``."""
    compiled = _compile(source, (("record", "person"),))

    def run(values: Mapping[str, Any]) -> str:
        return _text_of(compiled.eval(data={"record": {name: _told(value) for name, value in values.items()}}))

    return Expression(run, ())


def _without(kinds: Mapping[str, str], name: str) -> dict[str, str]:
    return {other: kind for other, kind in kinds.items() if other != name}


def _sorted(kinds: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((variable(name), kind) for name, kind in kinds.items()))


@lru_cache(maxsize=256)
def _environment(variables: tuple[tuple[str, str], ...]) -> Any:
    config = cel.NewEnvConfigFromYaml(_CONFIG)
    return cel.NewEnv(config=config, variables={name: _TYPES[kind] for name, kind in variables})


def _compile(source: str, variables: tuple[tuple[str, str], ...]) -> Any:
    if len(source) > MAX_SOURCE:
        raise CelError(f"longer than {MAX_SOURCE:,} characters")
    try:
        compiled = _environment(variables).compile(source)
    except (RuntimeError, ValueError) as error:
        told = _TOLD.search(str(error))
        if told is None:
            raise CelError(" ".join(str(error).split())[:200]) from error
        raise CelError(told[3].removesuffix("(in container '')").strip()[:200], int(told[1]), int(told[2])) from error
    if compiled.return_type() != cel.Type.STRING:
        raise CelError(f"the result is {compiled.return_type().name().lower()}, not text")
    return compiled


def _compiles(source: str, variables: tuple[tuple[str, str], ...]) -> bool:
    try:
        _compile(source, variables)
    except CelError:
        return False
    return True


def _text_of(result: Any) -> str:
    if result.type() == cel.Type.ERROR:
        raise CelFailed(str(result.plain_value()))
    value = result.plain_value()
    if not isinstance(value, str):
        raise CelFailed("the result is not text")
    return value


def _supplied(value: Any, kind: str) -> Any:
    if value is None:
        return _EMPTY[kind]
    if kind == "set":
        return [str(part) for part in value]
    if kind == "person":
        return {str(key): str(part) for key, part in value.items() if part is not None}
    return str(value)


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return str(value.get("id") or value.get("login") or value.get("email") or value.get("name") or "")
    return str(value)
