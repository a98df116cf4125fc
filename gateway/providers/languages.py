"""The languages that policies are written in: each document compiled by its own module, and what that found.

A text is read with its lines; what its module says of a place (``rules[3].when``) is told with the line it stands on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.decide.escalation import compile_escalation
from gateway.decide.hours import compile_calendars
from gateway.decide.inforce import POLICIES, InForce
from gateway.decide.language import BadPolicy, Fault, Known
from gateway.decide.routing import compile_routing
from gateway.decide.sla import compile_targets
from gateway.decide.triage.policy import compile_triage
from gateway.errors import Invalid
from gateway.providers.versions import Version
from mappings.loader import Node, load, plain

Compile = Callable[[Mapping[str, Any], Known | None, str], Any]

LANGUAGES: Mapping[str, Compile] = {
    "calendars": compile_calendars,
    "triage": compile_triage,
    "routing": compile_routing,
    "targets": compile_targets,
    "escalation": compile_escalation,
}
"""How the document of each name is compiled, for whom it may name, as the version of that label; raises BadPolicy."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def in_force(newest: Iterable[Version]) -> InForce:
    """What these versions say, compiled. They were checked when they were published."""
    found = {one.name: one for one in newest if one.name in LANGUAGES}
    made = {name: LANGUAGES[name](plain(load(one.text, one.label)), None, one.label) for name, one in found.items()}
    return InForce(
        **made,
        labels={name: one.label for name, one in found.items()},
        ids={name: one.id for name, one in found.items()},
    )


def compiled(root: Node, known: Known) -> tuple[str, Any]:
    """The name of the policy a text is, and what it says. Raises BadPolicy."""
    doc = plain(root)
    name = str(doc.get("name", ""))
    if name not in LANGUAGES:
        said = f"Write name: {', or name: '.join(one for one in POLICIES if one in LANGUAGES)}."
        raise BadPolicy([Fault("name", "there is no policy of this name", name, said)])
    return name, LANGUAGES[name](doc, known, "")


def placed(root: Node, fault: Fault) -> Invalid:
    """A fault with the line of the text that it is about."""
    node, line = root, root.line
    for word, number in _STEP.findall(fault.path):
        if number:
            found = node.items[int(number)] if node.items is not None and int(number) < len(node.items) else None
        else:
            found = (node.table or {}).get(word)
        if found is None:
            break
        node, line = found, found.key_line
    return Invalid(f"{fault.title} (line {line})", fault.path or "policy", fault.value or None, fault.fix)
