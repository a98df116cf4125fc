"""``/users``, ``/teams`` and ``/tokens``: who works with Tandem, with whom, and the tokens of their programs. ``self``
is the one who asks."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import Connection, select

from gateway import clock
from gateway.api.base import (
    Blueprint,
    Paging,
    Schema,
    by,
    inner_of,
    me,
    needs,
    page_of,
    paged,
    place,
    reading,
    refuse,
    runtime,
    text,
    writing,
)
from gateway.api.idempotency import once
from gateway.clock import iso
from gateway.desk.items import when
from gateway.errors import NotFound
from gateway.people import passwords, teams, tokens, users
from gateway.people.principal import ROLES
from gateway.store.tables import connection, team

_SLUG = validate.Regexp(r"^[a-z0-9-]{2,40}$")


class User(ma.Schema):
    """Somebody who signs in."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    state = fields.String(required=True, validate=validate.OneOf(("active", "disabled")))
    team = fields.String()
    connection = fields.String()
    language = fields.String()
    created_at = fields.String(required=True)


class NewUser(Schema):
    """Somebody new. Without a password they cannot sign in with one; a provider's person has one connection."""

    email = fields.Email(required=True, validate=validate.Length(3, 254))
    name = text(200, required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    password = fields.String(validate=validate.Length(passwords.SHORTEST, passwords.LONGEST), load_only=True)
    team = fields.String(validate=_SLUG)
    connection = fields.String(validate=_SLUG)
    language = fields.String(load_default="", validate=validate.OneOf(("", "en", "es", "ru")))


class UserChange(Schema):
    """What to change of a user; ``team`` null: in none."""

    team = fields.String(validate=_SLUG, allow_none=True)
    role = fields.String(validate=validate.OneOf(ROLES))
    connection = fields.String(validate=_SLUG)
    state = fields.String(validate=validate.OneOf(("active", "disabled")))
    password = fields.String(validate=validate.Length(passwords.SHORTEST, passwords.LONGEST), load_only=True)


class Member(ma.Schema):
    """Somebody in a team."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)


class Team(ma.Schema):
    """One of our own teams. ``tickets``: open ones that it holds."""

    id = fields.String(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    tickets = fields.Integer(required=True)
    members = fields.List(fields.Nested(Member), required=True)
    created_at = fields.String(required=True)


class NewTeam(Schema):
    """A team; its slug never changes, for tickets and rules name it."""

    slug = fields.String(required=True, validate=_SLUG)
    name = text(teams.LONGEST, required=True)


class TeamChange(Schema):
    """Another name for people to read."""

    name = text(teams.LONGEST, required=True)


class Token(ma.Schema):
    """What is known of a bearer token. ``token`` itself is in the answer that made it, and never again."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    user = fields.String(allow_none=True)
    connection = fields.String()
    state = fields.String(required=True, validate=validate.OneOf(("active", "expired", "revoked")))
    created_at = fields.String(required=True)
    used_at = fields.String(allow_none=True)
    expires_at = fields.String(allow_none=True)
    revoked_at = fields.String(allow_none=True)
    token = fields.String(allow_none=True)


class NewToken(Schema):
    """A token to be made: a requester's belongs to a user, a provider's has one connection."""

    name = text(200, required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    user = fields.UUID(metadata={"description": "The user it belongs to and ends with."})
    connection = fields.String(validate=_SLUG)
    expires_at = fields.AwareDateTime(format="iso")


class Self(ma.Schema):
    """The one who asks."""

    role = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String()
    scope = fields.String(required=True, validate=validate.OneOf(("all", "connection", "own")))
    connection = fields.String()
    provider = fields.String()


people = Blueprint("users")
groups = Blueprint("teams")
keys = Blueprint("tokens")


# --- users ---


@people.route("/self", methods=["GET"])
@needs("self.read")
@people.response(200, Self)
def get_self() -> Any:
    """Read who you are to Tandem"""
    return me()


@people.route("", methods=["GET"])
@needs("user.read")
@people.arguments(Paging, location="query")
@people.response(200, page_of(User))
def list_users(args: dict[str, Any]) -> Any:
    """List the users, in the order they were added"""
    return _page(sorted(reading(users.everyone), key=lambda u: u.id), args, _user)


@people.route("", methods=["POST"])
@needs("user.write")
@once()
@people.arguments(NewUser)
@people.response(201, User)
def add_user(body: dict[str, Any]) -> Any:
    """Add a user"""
    with writing() as conn:
        where = _id_of(conn, connection, connection.c.name, body.pop("connection", None), "connection")
        whose = _id_of(conn, team, team.c.slug, body.pop("team", None), "team")
        id = users.add(conn, by(), **body, team_id=whose, connection_id=where)
        return _user(_one(conn, id)), 201


@people.route("/<user_id>", methods=["GET"])
@needs("user.read")
@people.response(200, User)
def get_user(user_id: int) -> Any:
    """Read one user"""
    return reading(lambda c: _user(_one(c, user_id)))


@people.route("/<user_id>", methods=["PATCH"])
@needs("user.write")
@once()
@people.arguments(UserChange)
@people.response(200, User)
def change_user(body: dict[str, Any], user_id: int) -> Any:
    """Change a user's role, team, state or password"""
    if "connection" in body and "role" not in body:
        refuse("connection", "a connection goes with the role of a provider", body["connection"], "Send role too.")
    with writing() as conn:
        if "role" in body:
            where = _id_of(conn, connection, connection.c.name, body.get("connection"), "connection")
            users.set_role(conn, by(), user_id, body["role"], where)
        if "team" in body:
            _id_of(conn, team, team.c.slug, body["team"], "team")
            teams.move(conn, by(), user_id, body["team"])
        if "password" in body:
            users.set_password(conn, by(), user_id, body["password"])
        if "state" in body:
            (users.enable if body["state"] == "active" else users.disable)(conn, by(), user_id)
        return _user(_one(conn, user_id))


def _one(conn: Connection, id: int) -> users.User:
    found = users.by_id(conn, id)
    if found is None:
        raise NotFound("no such user", "user")
    return found


def _user(one: users.User) -> dict[str, Any]:
    names = ("email", "name", "role", "state", "team", "connection", "language")
    told = {name: getattr(one, name) for name in names}
    return {"id": runtime().ids.public(one.id), **told, "created_at": iso(one.created_at)}


# --- teams ---


@groups.route("", methods=["GET"])
@needs("team.read")
@groups.response(200, page_of(Team))
def list_teams() -> Any:
    """List our own teams"""
    return {"items": [_team(one) for one in reading(teams.everything)], "next": None}


@groups.route("", methods=["POST"])
@needs("team.write")
@once()
@groups.arguments(NewTeam)
@groups.response(201, Team)
def add_team(body: dict[str, Any]) -> Any:
    """Add a team"""
    with writing() as conn:
        return _team(teams.add(conn, by(), body["slug"], body["name"])), 201


@groups.route("/<slug>", methods=["GET"])
@needs("team.read")
@groups.response(200, Team)
def get_team(slug: str) -> Any:
    """Read one team, with its people"""
    return _team(reading(lambda c: teams.by_slug(c, slug)))


@groups.route("/<slug>", methods=["PATCH"])
@needs("team.write")
@once()
@groups.arguments(TeamChange)
@groups.response(200, Team)
def rename_team(body: dict[str, Any], slug: str) -> Any:
    """Give a team another name"""
    with writing() as conn:
        return _team(teams.rename(conn, by(), slug, body["name"]))


def _team(one: teams.Team) -> dict[str, Any]:
    ids = runtime().ids
    people = [{"id": ids.public(who.id), "email": who.email, "name": who.name} for who in one.members]
    told = {"slug": one.slug, "name": one.name, "tickets": one.tickets, "members": people}
    return {"id": ids.public(one.id), **told, "created_at": iso(one.created_at)}


# --- tokens ---


@keys.route("", methods=["GET"])
@needs("token.read")
@keys.arguments(Paging, location="query")
@keys.response(200, page_of(Token))
def list_tokens(args: dict[str, Any]) -> Any:
    """List the tokens, in the order they were made"""
    return _page(sorted(reading(tokens.everything), key=lambda t: t.id), args, _token)


@keys.route("", methods=["POST"])
@needs("token.write")
@once("token")
@keys.arguments(NewToken)
@keys.response(201, Token)
def make_token(body: dict[str, Any]) -> Any:
    """Make a token; this answer is the only one that shows it"""
    whose = inner_of(str(body["user"]), "user") if "user" in body else None
    ends = clock.to_us(body["expires_at"]) if "expires_at" in body else None
    with writing() as conn:
        if whose is not None and users.by_id(conn, whose) is None:
            refuse("user", "no such user", body["user"])
        where = _id_of(conn, connection, connection.c.name, body.get("connection"), "connection")
        id, secret = tokens.create(conn, by(), body["name"], body["role"], whose, where, ends)
        return {**_token(_made(conn, id)), "token": secret}, 201


@keys.route("/<token_id>", methods=["GET"])
@needs("token.read")
@keys.response(200, Token)
def get_token(token_id: int) -> Any:
    """Read what is known of a token"""
    return reading(lambda c: _token(_made(c, token_id)))


@keys.route("/<token_id>", methods=["DELETE"])
@needs("token.write")
@keys.response(204)
def revoke_token(token_id: int) -> Any:
    """End a token at once"""
    with writing() as conn:
        tokens.revoke(conn, by(), token_id)


def _made(conn: Connection, id: int) -> tokens.Token:
    for one in tokens.everything(conn):
        if one.id == id:
            return one
    raise NotFound("no such token", "token")


def _token(one: tokens.Token) -> dict[str, Any]:
    ids, now = runtime().ids, runtime().now()
    times = {name: when(getattr(one, name)) for name in ("created_at", "used_at", "expires_at", "revoked_at")}
    return {
        "id": ids.public(one.id),
        **{name: getattr(one, name) for name in ("name", "role", "connection")},
        "user": None if one.user_id is None else ids.public(one.user_id),
        "state": one.state(now),
        **times,
    }


# --- both ---


def _id_of(conn: Connection, table: Any, column: Any, name: str | None, field: str) -> int | None:
    if name is None:
        return None
    found = conn.scalar(select(table.c.id).where(column == name))
    if found is None:
        refuse(field, f"no such {field}", name)
    return int(found)


def _page(found: list[Any], args: dict[str, Any], told: Any) -> Any:
    after, limit = place(args) or 0, args["limit"]
    rest = [one for one in found if one.id > after]
    return paged([told(one) for one in rest[:limit]], rest[limit - 1].id if len(rest) > limit else None)
