"""Live parts: pieces of a page that are sent again when they changed, and only then.

A part knows the hash of what it shows (``data-part``). The page's poll says which it has (``X-Seen``); the answer holds
the parts that differ, swapped in by id, or is 204.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Response, render_template, request
from markupsafe import Markup

from gateway.console import reading, web


def parts(templates: Mapping[str, str], **context: Any) -> dict[str, Markup]:
    """Every part of a page, ready to stand in it: name -> section."""
    return {name: _section(name, render_template(path, **context)) for name, path in templates.items()}


def count_part() -> Markup:
    """The menu's count of what needs a person; every page of the console has it."""
    return _section("count", _count())


def _count() -> str:
    with web.runtime().store.read() as conn:
        found = reading.alarms(conn)
    return render_template("_count.html", waiting=found["dead"] + found["conflicts"])


def live(templates: Mapping[str, str], **context: Any) -> Response:
    """The parts that the browser has not seen like this."""
    seen = _seen()
    bodies = {name: render_template(path, **context) for name, path in templates.items()}
    if web.me().may("console"):
        bodies["count"] = _count()
    fresh = [
        _section(name, body, swap=True) for name, body in bodies.items() if seen.get(f"part-{name}") != _hash(body)
    ]
    return Response(Markup("\n").join(fresh)) if fresh else Response("", 204)


def stamp_part(stamp: str, swap: bool = False) -> Markup:
    """What the page was made from, kept in it, so that a poll may be answered without making it again."""
    there = Markup(' hx-swap-oob="true"') if swap else Markup("")
    return Markup('<div id="part-stamp" data-part="{}"{} hidden></div>').format(stamp, there)


def stamped(stamp: str) -> bool:
    """Whether the browser's page was made from the same."""
    return _seen().get("part-stamp") == stamp


def _seen() -> dict[str, str]:
    return dict(pair.partition("=")[::2] for pair in request.headers.get("X-Seen", "").split())


def _section(name: str, body: str, swap: bool = False) -> Markup:
    there = Markup(' hx-swap-oob="true"') if swap else Markup("")
    text = Markup('<div id="part-{}" data-part="{}"{}>{}</div>')
    return text.format(name, _hash(body), there, Markup(body))  # noqa: S704  rendered by a template that escapes


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]
