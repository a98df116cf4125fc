"""How values look: times, parties, field values, sizes, files; the filters and functions of the templates."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from flask import Flask, g, request
from markupsafe import Markup

from gateway.console import labels, web, words
from gateway.console.spans import worked
from gateway.console.text import rich
from gateway.decide.sentence import Sentence
from gateway.store.tables import provider, team

_INVISIBLE = frozenset("‪‫‬‭‮⁦⁧⁨⁩​‎‏﻿")
"""Marks that turn or hide text: a file name must not read as another one."""


_PARTY = re.compile(r"\b(?:team|provider):[a-z0-9-]+")


def install(app: Flask) -> None:
    env = app.jinja_env
    env.filters.update(
        moment=moment, lasting=lasting, actor=actor, value=value, holder=holder, party=party, size=size, rich=rich,
        label=label, look=look, hue=hue, hue_of_party=hue_of_party, plainly=plainly, initials=initials,
        worked=worked, decided=decided, parties=parties,
    )  # fmt: skip
    env.globals.update(asset=asset, here=here, me=_me, csrf=web.csrf, said=web.said, moved=moved, looked=looked)


def _me() -> Any:
    return web.me() if g.get("session") is not None else None


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(files("gateway.console").joinpath("static", *name.split("/")).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The URL of a static file, with its content's hash, so that browsers may keep it."""
    return f"/static/console/{quote(name)}?v={_digest(name)}"


def here(path: str) -> bool:
    """Whether the page is at or below this path (the menu's mark)."""
    return request.path == path or request.path.startswith(path + "/")


# --- times ---


def moment(at: str | None, when: str = "ago") -> Markup:
    """An RFC 3339 time for the browser to put in the viewer's zone; UTC without a script."""
    if not at:
        return Markup('<span class="none">{}</span>').format(words.gettext(words.N_("never")))
    return Markup('<time datetime="{}" data-when="{}">{} {} UTC</time>').format(at, when, at[:10], at[11:16])


def lasting(seconds: float, since: str | None = None) -> Markup:
    """A duration that the browser puts in words; with ``since`` it goes on running from there."""
    running = Markup(' data-since="{}"').format(since) if since else Markup("")
    return Markup('<span class="lasting" data-seconds="{:.0f}"{}>{} min</span>').format(
        seconds, running, int(seconds // 60)
    )


# --- words ---


def label(word: Any, table: str) -> str:
    """A canonical word in the viewer's language; a word of tomorrow as it is."""
    text = str(word or "")
    return words.gettext(labels.TABLES[table].get(text, text.replace("_", " ")))


def look(status: str) -> str:
    return labels.STATUS_LOOK.get(status, "over")


def plainly(text: Any) -> str:
    """Text with the marks that turn or hide text made visible."""
    return "".join("�" if c in _INVISIBLE or unicodedata.category(c) == "Cc" else c for c in str(text))


def initials(name: str) -> str:
    parts = [part for part in name.replace("@", " ").split() if part[:1].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


def hue(name: str) -> int:
    """One of eight colours, always the same for the same name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[0] % 8


def hue_of_party(party: str) -> str:
    """A provider's colour, everywhere the same; our teams share one."""
    kind, _, slug = party.partition(":")
    return str(hue(slug)) if kind == "provider" else "team"


def size(bytes: int) -> str:
    for unit in ("B", "KB", "MB"):
        if bytes < 1000:
            return f"{bytes:.0f} {unit}" if unit == "B" or bytes >= 10 else f"{bytes:.1f} {unit}"
        bytes /= 1000  # type: ignore[assignment]
    return f"{bytes:.1f} GB"


# --- who ---


def _names() -> Mapping[str, str]:
    """``team:<slug>`` and ``provider:<slug>`` -> name, read once per request."""
    if "party_names" not in g:
        with web.runtime().store.read() as conn:
            teams = {
                f"team:{slug}": name
                for slug, name in conn.execute(team.select().with_only_columns(team.c.slug, team.c.name))
            }
            columns = provider.select().with_only_columns(provider.c.slug, provider.c.name)
            g.party_names = teams | {f"provider:{slug}": name for slug, name in conn.execute(columns)}
    names: Mapping[str, str] = g.party_names
    return names


def holder(party: str | None) -> str:
    """The name of a team or a provider."""
    if not party:
        return words.gettext(words.N_("our desk"))
    return _names().get(party) or party.partition(":")[2].replace("-", " ") or party


def party(name: str) -> str:
    """The name of one of an audience."""
    return words.gettext(words.N_("Requester")) if name == "requester" else holder(name)


def parties(text: str) -> str:
    """A text with the names of the teams and providers in it; a sentence that knows its parts, translated."""
    if isinstance(text, Sentence):
        parts = {name: one if isinstance(one, str) else ", ".join(one) for name, one in text.parts.items()}
        text = words.gettext(text.text) % parts
    return _PARTY.sub(lambda found: holder(found[0]), plainly(text))


def actor(name: str) -> str:
    """Who did something; a requester by address, a provider by name."""
    kind, colon, rest = name.partition(":")
    if kind == "provider" and colon:
        return plainly(holder(name))
    return plainly(rest if kind == "requester" and colon else name)


# --- values of fields ---


def value(given: Any, field: str = "") -> Markup | str:
    """A field's value as people read it; a dash where there is none."""
    if given in (None, "", [], {}):
        return Markup('<span class="none">–</span>')
    if isinstance(given, dict):
        return person(given)
    if isinstance(given, list):
        return Markup(" ").join(Markup('<span class="tag">{}</span>').format(plainly(one)) for one in given)
    if field == "due":
        return moment(str(given), "at")
    if field == "holder":
        return holder(str(given))
    if field in labels.TABLES:
        return label(given, field)
    return plainly(given)


def person(given: Mapping[str, Any]) -> Markup | str:
    name, email = str(given.get("name") or ""), str(given.get("email") or "")
    if name and email:
        return Markup('<span title="{}">{}</span>').format(email, plainly(name))
    return plainly(name or email or given.get("login") or given.get("id") or "–")


def decided(outcome: str) -> str:
    """What was decided, where that is nobody who has the ticket: a word of ours, or one with what follows it."""
    for word, text in labels.DECIDED.items():
        rest = outcome[len(word) :].lstrip(": ")
        if outcome == word or (outcome.startswith(word) and "%(who)s" in text and rest):
            return plainly(words.gettext(text) % {"who": rest} if rest else words.gettext(text))
    return plainly(outcome.replace("_", " "))


def looked(inputs: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What a decision looked at that says something: name and value, what is made of parts as JSON."""
    for name, given in inputs.items():
        if name != "description" and given not in (None, "", [], {}):
            plain = isinstance(given, str) or (isinstance(given, list) and all(isinstance(one, str) for one in given))
            yield name, given if plain else json.dumps(given, ensure_ascii=False)


def moved(changes: Mapping[str, list[Any]]) -> Iterable[tuple[str, Any, Any]]:
    """The changes of an entry, the important ones first; that something was said is told by itself."""
    order = ["status", "holder", "priority", "impact", "urgency", "assignee", "title"]
    rank = {name: n for n, name in enumerate(order)}
    for name in sorted(set(changes) - {"comments", "files", "worklogs"}, key=lambda one: (rank.get(one, 99), one)):
        before, after = changes[name]
        yield name, before, after
