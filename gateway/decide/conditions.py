"""The one room in which conditions of policies are understood: CEL over typed facts (DESIGN.md 4, ENGINE.md 10).

Each canonical field is there as text (``custom.site`` as ``custom_site``), ``tags`` and ``assets`` as lists, and beside
them what ``VARIABLES`` names. All of them are always supplied (``inputs``). A condition that errs does not match; its
error is handed back, so that the decision can name it. Macros are off and the text is short, so that the cost of one is
linear in what it looks at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from gateway.decide.language import Reader
from gateway.tickets.vocabulary import document

MAX = 2000
"""How many characters a condition may have."""

VARIABLES: Mapping[str, str] = {
    "channel": "how it came: portal, mail, api, phone ...",
    "site": "where the requester works",
    "language": "the requester's language: en, es, ru ...",
    "clientele": "employee or customer",
    "open": "holder, and desk -> whether its hours are open now",
    "hour": "0 to 23 on the desk's clock",
    "weekday": "1 for Monday to 7 on the desk's clock",
    "load": "holder -> hours of open work per hour of capacity",
    "contract": "the providers whose contract covers the service",
    "repeats": "tickets of this requester in this category within 30 days",
    "had": "the holders that had this ticket",
    "bounced": "the holders that gave it back without work",
    "barred": "holders that cannot have this ticket -> why",
    "queue": "who has the service by the catalogue",
}
"""What a condition sees beside the canonical fields."""

_TEXTS = cel.Type.List(cel.Type.STRING)
_TYPES: Mapping[str, Any] = {
    "open": cel.Type.Map(cel.Type.STRING, cel.Type.BOOL),
    "load": cel.Type.Map(cel.Type.STRING, cel.Type.DOUBLE),
    "barred": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    **dict.fromkeys(("hour", "weekday", "repeats"), cel.Type.INT),
    **dict.fromkeys(("contract", "had", "bounced"), _TEXTS),
}
_NO_MACROS = "stdlib:\n  exclude_macros: [map, filter, all, exists, exists_one]\n"
_NOWHERE = "(in container '')"
_TOLD = re.compile(r"<input>:\d+:(\d+): (.*)")
_WORD = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|(?<![.\w])([A-Za-z_]\w*)")
"""A quoted text, which is passed over, or a word that could be a variable."""


class BadCondition(ValueError):
    """A condition that cannot be used; the message says what is wrong, and the column where there is one."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``uses``: the variables it names."""

    source: str
    uses: tuple[str, ...]
    program: Any

    @property
    def always(self) -> bool:
        return self.source.strip() == "true"


def variables() -> list[str]:
    """What a condition may look at."""
    return sorted(_variables())


@lru_cache(maxsize=1)
def _fields() -> tuple[tuple[str, str, bool], ...]:
    """The canonical fields: (name, variable, whether it is a list)."""
    return tuple((name, name.replace(".", "_"), spec["type"] == "set") for name, spec in document().items())


@lru_cache(maxsize=1)
def _variables() -> dict[str, Any]:
    fields = {variable: _TEXTS if many else cel.Type.STRING for _, variable, many in _fields()}
    return {**fields, **{name: _TYPES.get(name, cel.Type.STRING) for name in VARIABLES}}


@lru_cache(maxsize=1)
def _environment() -> Any:
    return cel.NewEnv(variables=_variables(), config=cel.NewEnvConfigFromYaml(_NO_MACROS))


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Compile a condition; the same text once. Raises BadCondition."""
    if len(text) > MAX:
        raise BadCondition(f"the condition is longer than {MAX} characters")
    try:
        program = _environment().compile(text)
    except (RuntimeError, ValueError) as error:
        told = _TOLD.search(str(error))
        said = f"{told[2].replace(_NOWHERE, '').strip()} (column {told[1]})" if told else str(error)
        raise BadCondition(" ".join(said.split())[:200]) from error
    if program.return_type() != cel.Type.BOOL:
        raise BadCondition(f"the result is {program.return_type().name().lower()}, not true or false")
    return Condition(text, tuple(dict.fromkeys(w for w in _WORD.findall(text) if w in _variables())), program)


def matches(compiled: Condition, inputs: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether it holds, and why it could not be told ("" where it could): then it does not hold."""
    given = {name: inputs[name] for name in compiled.uses if name in inputs}
    result = compiled.program.eval(data=given)
    if result.type() == cel.Type.BOOL:
        return bool(result.value()), ""
    return False, str(result.plain_value())[:200]


def seen(compiled: Condition, inputs: Mapping[str, Any], longest: int = 40) -> str:
    """What a condition that does not hold was looking at: ``category is software, impact is low``."""
    return ", ".join(f"{name} is {_short(inputs.get(name), longest)}" for name in compiled.uses) or "it never holds"


def read(r: Reader, value: Any, path: str) -> Condition | None:
    """The condition at a place of a policy; None (and a fault) where it cannot be used. None and ``true``: always."""
    if value is None or value is True:
        return condition("true")
    if not isinstance(value, str) or not value.strip():
        r.fault(path, "a condition is expected", value, "Write one in quotes: 'category == \"network\"'.")
        return None
    try:
        return condition(value)
    except BadCondition as error:
        r.fault(path, str(error), value, f"It sees {', '.join(variables())}.")
        return None


def inputs(
    fields: Mapping[str, Any],
    *,
    channel: str = "",
    requester: Mapping[str, str] | None = None,
    open: Mapping[str, bool] | None = None,
    hour: int = 0,
    weekday: int = 1,
    load: Mapping[str, float] | None = None,
    contract: Collection[str] = (),
    repeats: int = 0,
    had: Collection[str] = (),
    bounced: Collection[str] = (),
    barred: Mapping[str, str] | None = None,
    queue: str = "",
) -> dict[str, Any]:
    """Every variable, plain as JSON. ``requester``: site, language, clientele, as far as they are known."""
    who = requester or {}
    return {
        **{variable: _plain(fields.get(name), many) for name, variable, many in _fields()},
        "channel": channel,
        **{name: str(who.get(name, "")) for name in ("site", "language", "clientele")},
        "open": {holder: bool(is_open) for holder, is_open in (open or {}).items()},
        "hour": int(hour),
        "weekday": int(weekday),
        "load": {holder: float(value) for holder, value in (load or {}).items()},
        "contract": list(contract),
        "repeats": int(repeats),
        "had": list(had),
        "bounced": list(bounced),
        "barred": dict(barred or {}),
        "queue": queue,
    }


def _plain(value: Any, many: bool) -> Any:
    if many:
        return [str(one) for one in value or ()]
    if isinstance(value, Mapping):
        value = value.get("email") or value.get("name")
    return str(value or "")


def _short(value: Any, longest: int) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {one}" for key, one in sorted(value.items()))
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return (text if len(text) <= longest else f"{text[: longest - 1]}…") or "empty"
