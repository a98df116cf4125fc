"""The answer every requester gets at once: it is here, who has it, when there is support, how long such things take.

It is Tandem's own word, so it is never counted as somebody's reply. It is said in the requester's language where a
``calendars`` policy is in force, which says the hours and what holds outside of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.decide.hours.words import language_of
from gateway.decide.hours.zone import moment
from gateway.decide.plan import Planner, name_of

NUMBER = "{number}"
"""Stands for the ticket's number until it has one."""

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "here": "We have your request: {number}.",
        "who": "{who} has it. Support hours: {hours}.",
        "half": "Half of such requests are solved within {p50}, 8 of 10 within {p80} ({n} solved ones, as of {date}).",
        "next": "You see how it stands, and can add to it, on its page at any time.",
        "interim": "There is no news yet. {who} still has your request and has been reminded of it.",
        "longer": "This takes longer than usual: 9 of 10 such requests were solved within {p90} ({n} solved ones). "
        "You hear from us again by {next}.",
    },
    "es": {
        "here": "Hemos recibido su solicitud: {number}.",
        "who": "La atiende {who}. Horario de soporte: {hours}.",
        "half": "La mitad de estas solicitudes se resuelve en {p50}, 8 de cada 10 en {p80} ({n} resueltas, a {date}).",
        "next": "En su página puede ver en todo momento cómo va y añadir lo que falte.",
        "interim": "Todavía no hay novedades. Su solicitud sigue en manos de {who}, a quien se lo hemos recordado.",
        "longer": "Está tardando más de lo habitual: 9 de cada 10 de estas solicitudes se resolvieron en {p90} "
        "({n} resueltas). Volverá a tener noticias nuestras antes del {next}.",
    },
    "ru": {
        "here": "Мы получили вашу заявку: {number}.",
        "who": "Ею занимается {who}. Часы работы: {hours}.",
        "half": "Половина таких заявок решается за {p50}, 8 из 10 — за {p80} (по {n} решённым, на {date}).",
        "next": "На её странице всегда видно, как идут дела, и можно добавить сведения.",
        "interim": "Новостей пока нет. Ваша заявка по-прежнему у исполнителя ({who}), мы ему о ней напомнили.",
        "longer": "Это длится дольше обычного: 9 из 10 таких заявок были решены за {p90} (по {n} решённым). "
        "Мы снова напишем вам до: {next}.",
    },
}
_UNITS = {
    "en": {"minute": "min", "hour": "h", "day": "d", "week": "wk", "month": "mo"},
    "es": {"minute": "min", "hour": "h", "day": "d", "week": "sem", "month": "meses"},
    "ru": {"minute": "мин", "hour": "ч", "day": "д", "week": "нед", "month": "мес"},
}


def acknowledge(p: Planner, to: str, chosen: bool) -> None:
    """Answer the requester of a new ticket, and keep what was said of the time it may take. ``to``: who should have it
    within hours (``chosen``: by a person's word); what is done outside of theirs is told by the hours of the
    requester's own site."""
    calendars, requester = p.facts.policies.calendars, p.facts.around.requester(p.ticket.fields)
    estimate = p.facts.around.estimate(p.ticket.fields) if p.facts.around.estimate is not None else None
    if estimate is not None and estimate.enough:
        p.ticket.ledger["estimate"] = estimate.stored()
    if calendars is None or not requester["email"]:
        return
    language, who = language_of(requester["language"]), p.ticket.holder
    texts = TEXTS[language]
    holder = p.facts.around.holders.get(who, who.partition(":")[2])
    site = requester["site"]
    said = [texts["here"], texts["who"].format(who=holder, hours=calendars.support_hours(who, language, site))]
    if estimate is not None and estimate.enough and estimate.p80 is not None:
        spans = {name: spoken(span, language) for name, span in estimate.spans().items() if span}
        said.append(texts["half"].format(**spans, n=estimate.finished, date=moment(estimate.as_of).date()))
    priority = p.ticket.fields.get("priority", "")
    if closed := calendars.told(to, p.facts.as_of, language, priority, site=site, stays=chosen):
        said.append(closed)
    said.append(texts["next"])
    tell(p, "\n".join(said), numbered=True)


def spoken(span: Any, language: str) -> str:
    """A span of time, as ``3 d``."""
    return f"{span.count} {_UNITS[language][span.unit]}"


def tell(p: Planner, text: str, numbered: bool = False) -> None:
    """Tandem itself says something to the requester. ``numbered``: with the ticket's number put in."""
    p.do(
        "comment",
        {"id": name_of(p.new_id()), "author": "tandem", "audience": ["requester"], "link": None},
        {"text": text, "format": "plain", "raw": "", "author_name": "Tandem", "created": None, "numbered": numbered},
    )
    p.ticket.dirty = True
