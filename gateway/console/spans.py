"""Lengths of time as people read them, in the language of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.console.words import gettext, ngettext
from gateway.insight.saying import Span

UNITS: Mapping[str, Callable[[int], str]] = {
    "minute": lambda n: ngettext("%(num)d minute", "%(num)d minutes", n),
    "hour": lambda n: ngettext("%(num)d hour", "%(num)d hours", n),
    "day": lambda n: ngettext("%(num)d day", "%(num)d days", n),
    "week": lambda n: ngettext("%(num)d week", "%(num)d weeks", n),
    "month": lambda n: ngettext("%(num)d month", "%(num)d months", n),
}


def span(one: Span | None) -> str:
    """``3 days``; a dash where nothing can be said."""
    return UNITS[one.unit](one.count) % {"num": one.count} if one is not None else "–"


def worked(seconds: float | None) -> str:
    """Working time in its two largest units: ``1 h 20 min``."""
    minutes = int(seconds or 0) // 60
    if not minutes:
        return gettext("less than a minute")
    parts = [gettext("%(n)d h") % {"n": minutes // 60} if minutes >= 60 else ""]
    parts.append(gettext("%(n)d min") % {"n": minutes % 60} if minutes % 60 else "")
    return " ".join(part for part in parts if part)
