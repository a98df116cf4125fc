"""Templates and trees of them: how values enter a request without ever changing its structure.

A template is text with ``{name}`` places; ``{{`` and ``}}`` are braces. There is nothing else to it: no expression, no
condition, no default. A leaf that is exactly one place keeps its value's type; a leaf with a name that has no value is
left out. A value put *into longer query text* may hold only the letters of ``SAFE``: no query language needs escaping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.errors import Refused

Names = Mapping[str, Any]
"""Values by name; a name that is absent or None has no value."""

NUMBER = ".number"
"""``{id.number}`` is the value of ``id`` as a number, for bodies that take no digits in quotes."""

SAFE = re.compile(r"[A-Za-z0-9 _.,:@+/*=-]*")
PLACE = re.compile(r"[a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")


class BadTemplate(ValueError):
    """The template does not parse; the message says why."""


class Missing(Exception):
    """A leaf names a value that is not there."""


@dataclass(frozen=True)
class Place:
    """One ``{name}``."""

    name: str


@dataclass(frozen=True)
class Template:
    """Literal texts and places in turn."""

    parts: tuple[str | Place, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if isinstance(part, Place))

    @property
    def whole(self) -> str | None:
        """The one name this template consists of, if it does."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Place):
            return self.parts[0].name
        return None

    def value(self, names: Names) -> Any:
        """The value with its own type where the template is one place, else text. Raises ``Missing``."""
        if self.whole:
            return _value(names, self.whole)
        return self.text(names)

    def text(self, names: Names, guard: Callable[[str, str], str] | None = None) -> str:
        """As text; ``guard(name, text)`` gives what is put in for each place. Raises ``Missing``."""
        out: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                out.append(part)
            else:
                text = wire_text(_value(names, part.name))
                out.append(guard(part.name, text) if guard else text)
        return "".join(out)

    def query(self, names: Names, raw: frozenset[str]) -> str:
        """As a query value: alone as it is, embedded only in safe letters (``raw`` names excepted).

        Raises ``Missing``, ``Refused`` (nothing is sent then).
        """
        return self.text(names, None if self.whole else lambda name, text: text if name in raw else safe(name, text))


def safe(name: str, text: str) -> str:
    """``text`` if it may stand inside a longer query. Raises ``Refused``."""
    if SAFE.fullmatch(text) is None:
        raise Refused(f"the value of {name} holds characters that may not enter a query: {text[:60]!r}")
    return text


def wire_text(value: Any) -> str:
    """A value as text: booleans as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(names: Names, name: str) -> Any:
    value = names.get(name)
    if value is None and name.endswith(NUMBER):
        text = str(names.get(name.removesuffix(NUMBER)))
        value = int(text) if text.isdecimal() else None
    if value is None:
        raise Missing(name)
    return value


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Raises ``BadTemplate``."""
    parts: list[str | Place] = []
    literal, at = "", 0
    while at < len(text):
        two = text[at : at + 2]
        if two in ("{{", "}}"):
            literal, at = literal + two[0], at + 2
        elif text[at] == "{":
            end = text.find("}", at)
            name = text[at + 1 : end] if end > 0 else ""
            if not PLACE.fullmatch(name):
                raise BadTemplate(f"{text!r}: after {{ comes a name and }}; write {{{{ for a brace")
            parts += ([literal] if literal else []) + [Place(name)]
            literal, at = "", end + 1
        elif text[at] == "}":
            raise BadTemplate(f"{text!r}: a lone }}; write }}}} for a brace")
        else:
            literal, at = literal + text[at], at + 1
    if literal or not parts:
        parts.append(literal)
    return Template(tuple(parts))


def tree(node: Any, names: Names) -> Any:
    """A body: every leaf rendered, leaves without a value left out. A leaf that is no text stands for itself."""
    if isinstance(node, dict):
        return {parse(key).text(names): value for key, value in _rendered(node.items(), names)}
    if isinstance(node, list):
        return [value for _, value in _rendered(enumerate(node), names)]
    return parse(node).value(names) if isinstance(node, str) else node


def _rendered(items: Any, names: Names) -> Iterator[tuple[Any, Any]]:
    for key, child in items:
        try:
            yield key, tree(child, names)
        except Missing:
            continue


def literal(node: Any) -> Any:
    """A tree that means itself where templates are expected."""
    if isinstance(node, dict):
        return {key: literal(value) for key, value in node.items()}
    if isinstance(node, list):
        return [literal(value) for value in node]
    return node.replace("{", "{{").replace("}", "}}") if isinstance(node, str) else node


def leaves(node: Any) -> Iterator[str]:
    """Every text of a tree, keys too: what may hold a template."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield key
            yield from leaves(child)
    elif isinstance(node, list):
        for child in node:
            yield from leaves(child)
    elif isinstance(node, str):
        yield node
