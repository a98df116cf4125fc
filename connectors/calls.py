"""Runs one call of a manifest: prepares, signs in, sends, and says what the reply means. Shared by all verbs.

Thread-safe: what changes (found values, the token, the pace the desk asks for) is replaced as a whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from requests import PreparedRequest

from connectors import outcomes, paths
from connectors.base import Context, File
from connectors.egress import EgressRefused
from connectors.errors import Outcome, Refused, Retry, Unauthorized, Unknown
from connectors.pace import Pace
from connectors.paths import ABSENT, plain
from connectors.prepare import Draft, Places, Writes, base64_of, file_names, prepare
from connectors.session import REPLY_CAP, Answer, Broken, TooLarge
from connectors.signin import SignIn
from connectors.templates import Names, leaves
from connectors.transport import NotSent

FOLLOWED = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Reply(paths.Reply):
    """A good reply: its document and headers, what ``take`` took, the vendor's sentences, the streamed body."""

    status: int = 200
    url: str = ""
    taken: Mapping[str, Any] | None = None
    said: tuple[str, ...] = ()
    chunks: Iterator[bytes] = field(default_factory=lambda: iter(()))

    def get(self, name: str) -> str | None:
        """What ``take`` took under ``name``, as text."""
        return plain((self.taken or {}).get(name))


@dataclass(frozen=True)
class Desk:
    """What all calls of one connector share. ``names()`` gives settings, secrets and found values of this moment."""

    places: Callable[[], Places]
    names: Callable[[], dict[str, Any]]
    headers: Mapping[str, str]
    signin: SignIn
    errors: Mapping[str, Any]
    pace: Pace
    unwrap: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Ask:
    """One call to make. ``names`` are the call's own; ``url`` replaces where it goes (a next page); ``cap``: the most
    bytes that its reply may have."""

    spec: Mapping[str, Any]
    verb: str
    names: Names
    writes: Writes | None = None
    file: File | None = None
    url: str | None = None
    stream: bool = False
    cap: int = REPLY_CAP


def call(desk: Desk, ctx: Context, ask: Ask) -> Reply:
    """The good reply. Raises an ``Outcome``."""
    names = {**desk.names(), **ask.names}
    first: Mapping[str, Any] = {}
    if ask.file:
        names |= file_names(ask.file)
    if "first" in ask.spec:
        before = _once(desk, ctx, Ask(ask.spec["first"], "first", names, file=ask.file), names)
        first = before.taken or {}
        names |= {f"first.{name}": value for name, value in first.items()}
    if ask.file and any("{file.base64}" in text for text in leaves(ask.spec.get("body", ask.spec.get("form")))):
        names["file.base64"] = base64_of(ask.file)
    return _once(desk, ctx, ask, names, first)


class _Rejected(Exception):
    """The sign-in of this call was not accepted; ``outcome`` is what it ends in if there is no better one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def _once(desk: Desk, ctx: Context, ask: Ask, names: dict[str, Any], first: Mapping[str, Any] | None = None) -> Reply:
    """One exchange, signed in. A 401 says that nothing was done: the sign-in is renewed and the call repeated, once."""
    sign_in = partial(token, desk)
    auth = desk.signin.headers(ctx, sign_in, names)
    try:
        return _exchange(desk, ctx, ask, names, auth, first)
    except _Rejected as no:
        if not desk.signin.renew(ctx, sign_in, names, auth):
            raise no.outcome from None
    try:
        return _exchange(desk, ctx, ask, names, desk.signin.headers(ctx, sign_in, names), first)
    except _Rejected as no:
        raise no.outcome from None


def token(desk: Desk, ctx: Context, spec: Mapping[str, Any], names: Names, headers: Mapping[str, str]) -> Any:
    """What a sign-in that gives tokens answers, as a document. Raises an ``Outcome``."""
    try:
        return _exchange(desk, ctx, Ask(spec, "sign_in", names), dict(names), headers, None).doc
    except _Rejected as no:
        raise no.outcome from None


def _exchange(
    desk: Desk,
    ctx: Context,
    ask: Ask,
    names: dict[str, Any],
    auth: Mapping[str, str],
    first: Mapping[str, Any] | None,
) -> Reply:
    draft = Draft(ask.spec, names, writes=ask.writes or [], file=ask.file, url=ask.url)
    places = desk.places()
    request = prepare(draft, places, desk.headers, auth)
    if ask.verb == "file" and not places.own(str(request.url)):  # a store of theirs: it is not where we signed in
        request = prepare(draft, places, {}, {})
    answer = _send(desk, ctx, ask, request)
    if ask.spec.get("follow") and answer.status in FOLLOWED:
        url = places.follow(str(request.url), answer.headers.get("Location") or "")
        answer = _send(desk, ctx, ask, prepare(Draft({"send": ask.spec["send"]}, names, url=url), places, {}, {}))
    return _judge(desk, ctx, ask, answer, first, str(request.url))


def _send(desk: Desk, ctx: Context, ask: Ask, request: PreparedRequest) -> Answer:
    """The answer, whole unless it is good and streamed."""
    left = ctx.deadline - ctx.monotonic()
    try:
        answer: Answer = ctx.session.send(request, seconds=left, stream=ask.stream, cap=ask.cap)
        if ask.stream and not _good(answer.status):
            answer = replace(answer, body=b"".join(answer.chunks), chunks=iter(()))
    except EgressRefused as error:
        raise Refused(str(error)) from error
    except NotSent as error:
        raise Retry(_clean(desk, str(error))) from error
    except Broken as error:
        raise outcomes.broken(ask.verb, _clean(desk, str(error))) from error
    except TooLarge as error:
        raise (Unknown if ask.verb in outcomes.WRITES else Refused)(str(error)) from error
    desk.pace.note(answer.headers, ctx.now, ctx.monotonic())
    return answer


def _judge(desk: Desk, ctx: Context, ask: Ask, answer: Answer, first: Mapping[str, Any] | None, url: str) -> Reply:
    good, body = _good(answer.status), answer.body
    if ask.stream and good:
        return Reply(headers=answer.headers, status=answer.status, url=url, chunks=answer.chunks)
    doc, readable = _document(body, desk.unwrap)
    reply = Reply(doc, answer.headers, first, status=answer.status, url=url)
    ruled = None if good and not desk.errors.get("rules") else _ruling(desk, ctx, ask, reply, body)
    if ruled is None and not readable:
        ruled = outcomes.broken(ask.verb, f"{answer.status}, but the reply is not JSON: {_text(body)[:200]}")
    if isinstance(ruled, Unauthorized) and answer.status in (401, 407):
        raise _Rejected(ruled)
    if isinstance(ruled, Outcome):
        raise ruled
    return _taken(ask, reply, desk)


def _good(status: int) -> bool:
    return 200 <= status <= 207


def _ruling(desk: Desk, ctx: Context, ask: Ask, reply: Reply, body: bytes) -> Outcome | str | None:
    """The manifest's rule, else the table."""
    headers = reply.headers or {}
    said = _clean(desk, _said(desk, reply, body))
    after = outcomes.wait(headers, ctx.now)
    if after is None and reply.status == 429:
        after = desk.pace.reset(headers, ctx.now)
    ruled = outcomes.by_rule(desk.errors.get("rules", []), reply.status, ask.verb, reply, said, after, ask.names)
    return ruled or outcomes.by_status(reply.status, ask.verb, about_record(ask.spec), said, after)


def _taken(ask: Ask, reply: Reply, desk: Desk) -> Reply:
    taken = {name: paths.source(where, reply) for name, where in ask.spec.get("take", {}).items()}
    told = paths.parse(ask.spec["said"]).read(reply.doc) if "said" in ask.spec else []
    told = told if isinstance(told, list) else [told]
    said = tuple(_clean(desk, str(each))[:500] for each in told if each not in (None, ABSENT, ""))
    return replace(reply, taken={k: v for k, v in taken.items() if v is not ABSENT}, said=said)


def about_record(spec: Mapping[str, Any]) -> bool:
    """Whether a 404 of this call speaks of the record (or person) it names, and not of a comment of it."""
    texts = [text for key in ("send", "query") for text in leaves(spec.get(key))]
    named = any(name in text for text in texts for name in ("{id}", "{person}"))
    return named and not any("{parent.id}" in text for text in texts)


def _document(body: bytes, unwrap: Callable[[Any], Any] | None) -> tuple[Any, bool]:
    """(document, whether the body could be read). An empty body is a readable nothing."""
    if not body.strip():
        return None, True
    try:
        doc = json.loads(body)
        return (unwrap(doc) if unwrap else doc), True
    except (ValueError, RecursionError):
        return None, False


def _said(desk: Desk, reply: Reply, body: bytes) -> str:
    found = [paths.parse(where).read(reply.doc) for where in desk.errors.get("says", [])]
    words = [each for each in found if each not in (ABSENT, None, "", [], {})]
    return outcomes.sentence(words, reply.status, "" if words or reply.status < 300 else _text(body))


def _text(body: bytes) -> str:
    """The beginning of a body for people: HTML says little, so its tags go."""
    return re.sub(r"<[^>]*>", " ", body[:4000].decode("utf-8", "replace"))


def _clean(desk: Desk, text: str) -> str:
    """``text`` without our secrets."""
    for secret in desk.signin.blanked():
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return text
