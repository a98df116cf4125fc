"""Values of ticket fields as forms send them, and what an edit is based on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import request

from gateway.errors import Invalid
from gateway.people.users import clean_email
from gateway.tickets.vocabulary import document

EDITABLE = (
    *("title", "description", "kind", "status", "resolution_code", "resolution_text", "impact", "urgency"),
    *("category", "subcategory", "service", "assets", "requester", "assignee", "group", "due", "tags"),
)


def typed(name: str, most: int | None = None) -> str:
    """What was typed into this field of the form: lines end in LF, no NUL, nothing around it; cut at ``most``."""
    return plain(request.form.get(name, ""))[:most]


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def given(names: Iterable[str]) -> dict[str, Any]:
    """The form's values of these fields, in canonical form. Raises Invalid."""
    specs = document()
    return {name: parsed(name, request.form[name], specs[name]) for name in names if name in request.form}


def parsed(name: str, text: str, spec: Mapping[str, Any]) -> Any:
    """One field's value; None when it was left empty. Raises Invalid."""
    text = plain(text)
    if not text:
        return None
    match spec["type"]:
        case "choice":
            if text not in spec["values"]:
                raise Invalid("not one of the choices", name, text, "Choose one of the list.")
            return text
        case "set":
            return sorted({part.strip()[: spec.get("max", 100)] for part in text.split(",") if part.strip()})
        case "person":
            return {"email": clean_email(text)}
        case "datetime":
            return _moment(name, text)
    if len(text) > spec.get("max", 65536):
        raise Invalid(f"longer than {spec['max']} characters", name, fix="Make it shorter.")
    return text


def _moment(name: str, text: str) -> str:
    """A date and time in UTC; the page's script has turned the viewer's own into it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("not a date and time", name, text, "Choose one in the calendar.") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def requester(form: Mapping[str, str]) -> dict[str, str] | None:
    """The person a ticket is for. Raises Invalid on an address that is none."""
    email, name = plain(form.get("requester", "")), plain(form.get("requester_name", ""))[:200]
    if not email:
        return None
    return {"email": clean_email(email), **({"name": name} if name else {})}


def based_on(names: Iterable[str]) -> dict[str, Any]:
    """What these fields were when the form was given out. Raises Invalid."""
    found = {}
    for name in names:
        text = request.form.get(f"was.{name}")
        if text is not None:
            try:
                found[name] = json.loads(text)
            except ValueError:
                raise Invalid("this page was changed on its way", name, fix="Reload it and try again.") from None
    return found


def shown(value: Any) -> str:
    """A value as its input shows it."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value.get("email") or value.get("name") or "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def wire(value: Any) -> str:
    """A value as the form carries it back, for ``based_on``."""
    return json.dumps(value, ensure_ascii=False)
