"""A mail as a mail service posts it: the message itself, or a form or JSON document with the message in a field.

``message`` takes the message out of the request; ``root_of`` says, from the message alone, which thread it belongs to.
Nothing here speaks to a server.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from connectors.base import Arrival
from connectors.mail.letters import MINTED, Ends, Letter

OURS = re.compile(r"TDM-[A-Za-z0-9_-]{1,76}")
WHOLE = re.compile(r"TDM-[A-Z0-9]+-[A-Z2-7]{13}")
"""How the references begin that Message-IDs of ours carry, and one as a whole, as it stands in a subject."""

NO_DATE = datetime.min.replace(tzinfo=UTC)


def received(arrival: Arrival, names: Sequence[str]) -> Letter:
    """The mail that a request carries; ``names``: the fields in which one may lie, the first that is there counts.
    ``at`` is the date it bears, ``NO_DATE`` without one. Raises ValueError where there is none."""
    raw = message(arrival, names)
    letter = Letter(0, NO_DATE, raw)
    if not letter.header("From"):
        raise ValueError("this is no mail: nobody sent it")
    return Letter(0, _date(letter), raw)


def delivery(arrival: Arrival, names: Sequence[str]) -> str | None:
    """The Message-ID, by which the same mail is known again; None where there is no mail to be found."""
    try:
        head, _, _ = message(arrival, names).replace(b"\r\n", b"\n").partition(b"\n\n")
    except ValueError:
        return None
    return Letter(0, NO_DATE, head).id


def message(arrival: Arrival, names: Sequence[str]) -> bytes:
    """The bytes of the mail in a request. Raises ValueError."""
    headers = {name.lower(): value for name, value in arrival.headers.items()}
    kind, _, rest = headers.get("content-type", "").partition(";")
    match kind.strip().lower():
        case "application/json":
            doc = json.loads(arrival.body)
            told = doc.items() if isinstance(doc, dict) else ()
            fields = {name: _encoded(text) for name, text in told if isinstance(text, str)}
        case "application/x-www-form-urlencoded":
            text = arrival.body.decode("ascii", "surrogateescape")
            pairs = parse_qsl(text, encoding="utf-8", errors="surrogateescape")
            fields = {name: value.encode("utf-8", "surrogateescape") for name, value in pairs}
        case "multipart/form-data":
            fields = dict(_parts(arrival.body, rest))
        case _:
            return arrival.body
    for name in names:
        if name in fields:
            return fields[name]
    raise ValueError(f"no mail in it: there is none of the fields {', '.join(names)}")


def _encoded(text: str) -> bytes:
    """A mail inside JSON, as text or, where it begins with no header, in base64."""
    data = text.encode("utf-8", "surrogateescape")
    if not re.match(rb"[!-9;-~]+[ \t]*:", data):
        try:
            return base64.b64decode(data, validate=True)
        except ValueError:
            return data
    return data


def _parts(body: bytes, parameters: str) -> Iterator[tuple[str, bytes]]:
    """The fields of a form, as bytes."""
    found = re.search(r'boundary="?([^";]{1,70})"?', parameters)
    if found is None:
        raise ValueError("a form without its boundary")
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:-1]:
        head, blank, data = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if blank and name:
            yield name[1].decode("utf-8", "replace"), data


def _date(letter: Letter) -> datetime:
    try:
        at = parsedate_to_datetime(letter.header("Date"))
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return NO_DATE


def root_of(letter: Letter, ends: Ends, by_subject: bool) -> str | None:
    """The first mail of the thread, as far as the mail itself says it; None where only a mailbox could tell: it answers
    to mails of which none is ours, or names a ticket in its subject alone (``by_subject``: that is believed). A mail
    that does neither begins a thread."""
    if letter.report:
        named = (each[0] for each in MINTED.finditer(letter.raw.decode("latin-1")))
        return next((id for id in named if _kind(id, ends) == "t"), None)
    if _kind(letter.id, ends) == "t":
        return letter.id
    for id in (*reversed(letter.references), letter.id):
        mark = ends.minted(id)
        if mark is None:
            continue
        if mark["kind"] == "t":
            return id
        if OURS.fullmatch(mark["token"]):
            return ends.ticket(mark["token"])
        return next((each for each in letter.references if ends.token(each) == mark["token"]), None)
    token = next((each for each in letter.tokens(ends) if WHOLE.fullmatch(each)), None)
    if token is not None:
        return ends.ticket(token) if by_subject else None
    return None if letter.references else letter.id


def _kind(id: str, ends: Ends) -> str:
    mark = ends.minted(id)
    return mark["kind"] if mark else ""
