"""What a reply means for the caller: the table of CONNECTORS.md section 2, and the manifest's exceptions to it.

A *write* is create, update, comment, attach or worklog; everything else, the ``first`` calls included, is a read. For a
write, what leaves it open whether it was done is ``Unknown``, never ``Retry``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors import errors
from connectors.errors import Gone, Outcome, Refused, Retry, Stale, Unauthorized, Unknown, Unsupported
from connectors.paths import Reply, matches

WRITES = frozenset({"create", "update", "comment", "attach", "worklog"})
LONGEST_WAIT = 24 * 3600.0

_NAMED: Mapping[str, type[Outcome]] = {
    "retry": Retry,
    "unknown": Unknown,
    "refused": Refused,
    "stale": Stale,
    "unauthorized": Unauthorized,
    "gone": Gone,
    "unsupported": Unsupported,
}


def broken(verb: str, said: str) -> Outcome:
    """The request left and no usable answer came."""
    return Unknown(said) if verb in WRITES else Retry(said)


def by_status(status: int, verb: str, about_record: bool, said: str, after: float | None) -> Outcome | None:
    """The table. ``about_record``: the call names ``{id}``. None for 200-207."""
    if 200 <= status <= 207:
        return None
    if 300 <= status < 400:
        return Unauthorized(f"sent elsewhere ({status}): {said}")
    if verb == "sign_in" and 400 <= status < 500 and status not in (408, 425, 429):
        return Unauthorized(said)
    return _refusals(status, verb, about_record, said, after)


def _refusals(status: int, verb: str, about_record: bool, said: str, after: float | None) -> Outcome:
    if status in (401, 407) or (status == 403 and verb == "check"):
        return Unauthorized(said)
    if status == 410 or (status == 404 and about_record):
        return Gone(said)
    if status in (409, 412, 428):
        return Retry(said, after) if status == 409 and verb in WRITES - {"update"} else Stale(said)
    if status in (423, 425, 429):
        return Retry(said, after)
    if status == 501:
        return Unsupported(said)
    if status == 408 or status >= 500 or status < 200:
        return Unknown(said, after) if verb in WRITES else Retry(said, after)
    return Refused(said)


def by_rule(
    rules: list[Mapping[str, Any]],
    status: int,
    verb: str,
    reply: Reply,
    said: str,
    after: float | None,
    names: Mapping[str, Any],
) -> Outcome | str | None:
    """The outcome of the manifest's first rule that fits, ``"ok"`` where that rule calls it a success, or None.
    ``names``: what the call named; a rule may speak of ``{id}``."""
    for rule in rules:
        listed = rule.get("status", status)
        fits = status in (listed if isinstance(listed, list) else [listed])
        fits = fits and verb in rule.get("verbs", [verb])
        fits = fits and ("says" not in rule or any(words.lower() in said.lower() for words in rule["says"]))
        if fits and matches(rule.get("where", {}), reply, names):
            return "ok" if rule["is"] == "ok" else _NAMED[rule["is"]](said, after)
    return None


def wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks for, given as seconds or as a date; None without one, at most a day."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def sentence(words: list[Any], status: int, fallback: str) -> str:
    """The vendor's own words as one sentence, at most 500 characters: what ``errors.says`` found, else the text."""
    flat = " ".join(" ".join(_flat(words)).split()) or " ".join(fallback.split())
    return (flat or f"status {status}")[: errors.SAID_MAX]


def _flat(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        return [text for key, value in node.items() for text in (str(key), *_flat(value))]
    if isinstance(node, list):
        return [text for child in node for text in _flat(child)]
    return [] if node is None or isinstance(node, bool) or not node else [str(node)]
