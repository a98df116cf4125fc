"""Who asks the API in tests: an application over a small world, and a bearer token per role."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.config import Config
from gateway.people import tokens, users
from gateway.people.users import By
from gateway.providers.connection import set_state
from tests.worlds import World, world

ROLES = ("admin", "agent", "auditor", "provider", "requester")
BOB, EVE = "bob@example.org", "eve@example.org"


@dataclass
class Asking:
    """``provider`` is acme's token, ``other`` bolt's; ``requester`` is Bob's, ``stranger`` Eve's."""

    world: World
    app: Flask
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    def __call__(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        """One request; ``who`` "" sends no token. ``body`` is JSON, bytes go as they are."""
        headers = {**({"Authorization": f"Bearer {self.tokens[who]}"} if who else {}), **more.pop("headers", {})}
        if isinstance(body, bytes):
            more |= {"data": body, "content_type": more.get("content_type", "application/json")}
        elif body is not None:
            more["json"] = body
        where = path if path.startswith("/") else f"/api/v1/{path}"
        return self.app.test_client().open(where, method=method, headers=headers, **more)

    def get(self, who: str, path: str, **more: Any) -> Any:
        """The JSON of a GET that has to go well."""
        response = self(who, "GET", path, **more)
        assert response.status_code == 200, (path, response.status_code, response.get_data(as_text=True))
        return json.loads(response.get_data())

    def post(self, who: str, path: str, body: Any = None, status: int = 201, **more: Any) -> Any:
        """The JSON of a POST that has to go well."""
        response = self(who, "POST", path, body, **more)
        assert response.status_code == status, (path, response.status_code, response.get_data(as_text=True))
        return json.loads(response.get_data()) if response.get_data() else None

    def ticket(self, title: str = "VPN down", to: str = "", **fields: Any) -> str:
        """A ticket of Bob's, escalated to a provider where one is named; its public id."""
        id = self.post("agent", "tickets", {"title": title, "requester": {"email": BOB, "name": "Bob"}, **fields})["id"]
        if to:
            self.post("agent", f"tickets/{id}/escalate", {"connection": to, "reason": "theirs"}, 200)
            self.world.run()
        return str(id)

    def inner(self, public: str) -> int:
        found = self.world.rt.ids.inner(public)
        assert found is not None
        return found


def asking(config: Config, names: tuple[str, ...] = ("acme", "bolt")) -> Asking:
    made = world(config, names)
    rt = made.rt
    asks = Asking(made, create_app(rt))
    by = By("test", rt.key, rt.now())
    with rt.store.write() as conn:
        asks.ids = {mail: users.add(conn, by, mail, mail[:3].title(), "requester") for mail in (BOB, EVE)}
        for who in ("admin", "agent", "auditor"):
            asks.tokens[who] = tokens.create(conn, by, f"the {who}", who)[1]
        for who, mail in (("requester", BOB), ("stranger", EVE)):
            asks.tokens[who] = tokens.create(conn, by, who, "requester", user_id=asks.ids[mail])[1]
        for who, name in zip(("provider", "other"), names, strict=False):
            asks.tokens[who] = tokens.create(conn, by, who, "provider", connection_id=rt.desks.id_of(name))[1]
    return asks


def pause(asks: Asking, name: str) -> None:
    """Stop a connection, so that what is owed waits."""
    rt = asks.world.rt
    with rt.store.write() as conn:
        set_state(conn, rt.key, rt.desks.id_of(name) or 0, "paused", "test")
    rt.desks.load()
