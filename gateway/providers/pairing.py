"""Two Tandems, connected by a code: made here, used once by the other side, and over in a quarter of an hour (ADR 17).

    here    offer    a code with our address; only its hash is kept
    there   join     asks us by the code, giving its address, a token and a secret for our webhooks
    here    redeem   spends the code, stores the connection, paused; answers with the same of ours
    there   join     stores its connection, paused, and says that it has
    here    finish   asks the other side who we are there, and is at work; so is the other side when it hears that

What breaks off leaves at most a paused connection at either side: nothing goes out, no ticket is taken. It is begun
again with a new code, which also gives new tokens and secrets to a pair whose connection is paused.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, delete, insert, select, update

from connectors import errors, registry
from connectors.base import Context
from connectors.registry import BadSettings
from connectors.rest import Rest
from gateway import clock
from gateway.errors import Conflict, Invalid, TandemError, Unauthenticated, Unavailable
from gateway.journal.audit import note
from gateway.people import tokens
from gateway.people.users import By
from gateway.providers import admission
from gateway.providers.connection import set_state
from gateway.providers.documents import POLL, SLUG, Draft
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.ids import mint

KIND = "tandem"
MINUTES = 15
PREFIX = "tdp_"
UNFINISHED = "its pairing was not finished: have a new code made and join again"
NO_CODE = "this code is wrong, used or too old"
ANOTHER = "Have a new one made: tandem connection pair"
_JOIN = {
    "send": "POST /pairings/redeem",
    "body": {name: f"{{ours.{name}}}" for name in ("name", "url", "token", "secret")},
}
_FINISH = {"send": "POST /pairings/finish"}
_P = tables.pairing.c
_C = tables.connection.c


@dataclass(frozen=True)
class Side:
    """What an admin says of the pair: our connection's name, our address, whom the other side stands for."""

    name: str
    url: str
    provider: str
    provider_name: str


@dataclass(frozen=True)
class Offer:
    """A code, seen this once. ``expires_at`` in UTC microseconds."""

    code: str = field(repr=False)
    expires_at: int = 0


@dataclass(frozen=True)
class End:
    """What one side gives the other: its connection's name, its address, a token for its API, and the secret with which
    the other one is to sign what it tells it."""

    name: str
    url: str
    token: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Joined:
    """What came of it: ``state`` of our connection and of theirs; ``said``: what keeps one of them paused."""

    name: str
    state: str
    url: str
    there: str
    their_state: str
    said: str


def offer(rt: Runtime, by: By, side: Side) -> Offer:
    """Make a code; those made for this name before are void. Raises Invalid, Conflict."""
    side = _checked(side)
    secret, until = PREFIX + secrets.token_urlsafe(32), by.at + MINUTES * 60_000_000
    with rt.store.write() as conn:
        _free(conn, side)
        conn.execute(delete(tables.pairing).where(_P.name == side.name, _P.used_at.is_(None)))
        conn.execute(
            insert(tables.pairing).values(
                id=mint(), hash=_hash(secret), name=side.name, provider=side.provider,
                provider_name=side.provider_name, url=side.url, actor=by.actor, expires_at=until,
            )
        )  # fmt: skip
        told = {"provider": side.provider, "url": side.url, "expires_at": until}
        note(conn, by.key, by.at, f"connection:{side.name}", by.actor, "offered", "", told)
    return Offer(f"{side.url}#{secret}", until)


def redeem(rt: Runtime, secret: str, theirs: End) -> End:
    """Spend a code and store the connection, paused; what the other side gets of us. Raises Unauthenticated, the same
    for every reason, Invalid and Conflict."""
    now = rt.now()
    with rt.store.write() as conn:
        good = (_P.hash == _hash(secret), _P.used_at.is_(None), _P.expires_at > now)
        row = conn.execute(select(tables.pairing).where(*good).with_for_update()).first()
        if row is None:
            raise Unauthenticated(NO_CODE, fix=ANOTHER)
        conn.execute(update(tables.pairing).where(_P.id == row.id).values(used_at=now))
    side = Side(row.name, row.url, row.provider, row.provider_name)
    mine = End(side.name, side.url, tokens.fresh(), secrets.token_urlsafe(32))
    _store(rt, By(row.actor, rt.key, now), side, theirs, mine)
    return mine


def join(rt: Runtime, by: By, code: str, side: Side) -> Joined:
    """Use a code that another Tandem made. Raises Invalid, Conflict, Unavailable."""
    side = _checked(side)
    url, _, secret = code.strip().partition("#")
    if not secret.startswith(PREFIX):
        raise Invalid("not a pairing code", "code", fix="It begins with an address and is to be given whole.")
    with rt.store.read() as conn:
        _free(conn, side)
    mine = End(side.name, side.url, tokens.fresh(), secrets.token_urlsafe(32))
    there = _other(rt, url, side.name, secret)
    names = {f"ours.{name}": value for name, value in asdict(mine).items()}
    theirs = _end(there.ask(_ctx(rt), _JOIN, names), url)
    id = _store(rt, by, side, theirs, mine)
    told = _other(rt, url, theirs.name, theirs.token).ask(_ctx(rt), _FINISH, {})
    state, said = str(told.get("state")), str(told.get("said") or "")
    mine_state, mine_said = finish(rt, by, id)
    return Joined(side.name, mine_state, url, theirs.name, state, mine_said or said)


def finish(rt: Runtime, by: By, id: int) -> tuple[str, str]:
    """Set a paired connection to work, if the other side knows us: ``(state, what keeps it paused)``. One that is at
    work already, or was paused by a person, stays as it is, and the other side is not told why."""
    with rt.store.read() as conn:
        state, reason = conn.execute(select(_C.state, _C.state_reason).where(_C.id == id)).one()
    if reason != UNFINISHED:
        return state, ""
    try:
        admission.check(rt, id)
    except TandemError as error:
        return state, str(error)
    with rt.store.write() as conn:
        set_state(conn, by.key, id, "active", "", by.actor)
    rt.desks.load()
    rt.wake("tick")
    return "active", ""


# --- the parts ---


class _Other:
    """The other side, asked with what it gave us."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def ask(self, ctx: Context, spec: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
        """The answer of one call. Raises Invalid, Unavailable."""
        try:
            doc = self._rest.ask(ctx, spec, names).doc
        except errors.Unauthorized as error:
            raise Invalid(f"the other side refuses: {error.said}", "code", fix=ANOTHER) from error
        except errors.Outcome as error:
            raise admission.refusal(error) from error
        if not isinstance(doc, dict):
            raise Unavailable("what answers at this address is no Tandem", "code", fix="Check the code's address.")
        return doc


def _other(rt: Runtime, url: str, there: str, token: str) -> _Other:
    try:
        made = registry.build(KIND, settings={"url": url, "there": there}, secrets={"token": token, "sign": "-"})
    except BadSettings as error:
        raise Invalid(str(error), "code", fix="A code begins with an address.") from error
    return _Other(cast(Rest, made))


def _ctx(rt: Runtime) -> Context:
    until = clock.monotonic() + admission.SECONDS
    return Context(clock.utc(rt.now()), clock.monotonic, rt.session, admission.log, until, lambda name, value: None)


def _end(told: dict[str, Any], url: str) -> End:
    values = [told.get(name) for name in ("name", "token", "secret")]
    if not all(isinstance(one, str) and one for one in values):
        raise Unavailable("what answers at this address is no Tandem", "code", fix="Check the code's address.")
    name, token, secret = map(str, values)
    return End(name, url, token, secret)


def _checked(side: Side) -> Side:
    for title, value in (("name", side.name), ("provider", side.provider)):
        if not SLUG.fullmatch(value):
            raise Invalid("not a name Tandem can use", title, value, "Write 2 to 40 of a-z, 0-9 and -.")
    _draft(side, End(side.name, side.url, "-", "-"), "-").connector()
    return Side(side.name, side.url.rstrip("/"), side.provider, side.provider_name)


def _free(conn: Connection, side: Side) -> Any:
    """The connection of this name, if a pairing may set it up anew: it is a pair's, and paused. Raises Conflict."""
    query = select(tables.connection, tables.provider.c.slug).join(tables.provider).where(_C.name == side.name)
    row = conn.execute(query).first()
    if row is not None and (row.kind != KIND or row.state != "paused" or row.slug != side.provider):
        fix = "Take another name; to pair this one anew, pause it first."
        raise Conflict("a connection of this name is at work", "name", side.name, fix)
    return row


def _store(rt: Runtime, by: By, side: Side, theirs: End, mine: End) -> int:
    """The connection, paused, with what they gave us, and the token by which they come to us: any before is void."""
    draft = _draft(side, theirs, mine.secret)
    with rt.store.read() as conn:
        known = _free(conn, side)
    if known is None:
        id, _ = admission.add(rt, by, draft, unchecked=True, why=UNFINISHED)
    else:
        id, _ = admission.change(rt, by, draft, unchecked=True)
    with rt.store.write() as conn:
        conn.execute(update(tables.connection).where(_C.id == id).values(state_reason=UNFINISHED))
        t = tables.token.c
        for old in conn.execute(select(t.id).where(t.connection_id == id, t.name == side.name)).scalars().all():
            tokens.revoke(conn, by, old)
        tokens.create(conn, by, side.name, "provider", connection_id=id, text=mine.token)
    rt.desks.load()
    return id


def _draft(side: Side, theirs: End, hooks: str) -> Draft:
    """Their end as a connection of ours; ``hooks``: the secret by which we know what they tell us."""
    given = {"token": theirs.token, "sign": theirs.secret, "webhook": hooks}
    settings = {"url": theirs.url, "there": theirs.name}
    draft = Draft(
        side.name, side.provider, side.provider_name, KIND, "", "paired", "paired", settings, given, KIND, "", {},
        "import", POLL,
    )  # fmt: skip
    try:
        draft.connector()
    except BadSettings as error:
        raise Invalid(str(error), "url", theirs.url, "Write https://host, without query and credentials.") from error
    return draft


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
