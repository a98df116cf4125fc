"""Drafts made of the shipped mapping by a change of its text, and previews of them."""

from __future__ import annotations

from typing import Any

from gateway.preview import Draft, Span, preview, read
from gateway.runtime import Runtime
from gateway.providers import meanings
from tests.road.scene import Scene

SHIPPED = "memory"


def changed(**fields: str) -> str:
    """A mapping that differs from the shipped one in these fields' rules, written as YAML."""
    rules = "\n".join(f"  {name}: {rule}" for name, rule in fields.items())
    head = f"mapping: 1\nname: acme\nextends: {SHIPPED}\n"
    return f"{head}fields:\n{rules}\n" if fields else head


def draft(rt: Runtime, text: str, connection: str = "acme") -> Draft:
    id = rt.desks.id_of(connection)
    assert id is not None
    with rt.store.read() as conn:
        return read(conn, rt.desks, id, text)


def previewed(s: Scene, text: str, connection: str = "acme", **span: Any) -> dict[str, Any]:
    return preview(s.rt, draft(s.rt, text, connection), Span(**{"days": 30, **span}))
