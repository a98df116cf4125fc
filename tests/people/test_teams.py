"""Our own teams: made, renamed, joined and left, by command and through the functions; every change audited."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from gateway.errors import Conflict, Invalid, NotFound
from gateway.people import teams, users
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint
from tests.commandline import Run
from tests.people.support import add, by, connection
from tests.people.test_users import told


def payloads(store: Store, subject: str) -> list[tuple[str, dict[str, object]]]:
    with store.read() as conn:
        a = tables.audit.c
        rows = conn.execute(tables.audit.select().where(a.subject == subject).order_by(a.seq))
        return [(json.loads(row.canon)["verb"], json.loads(row.payload)) for row in rows]


def test_a_team_is_made_renamed_and_told(store: Store) -> None:
    with store.write() as conn:
        made = teams.add(conn, by(), "network", " Network ")
        assert (made.slug, made.name, made.tickets, made.members) == ("network", "Network", 0, ())
        assert teams.rename(conn, by(), "network", "Networks").name == "Networks"
        teams.rename(conn, by(), "network", "Networks")
        assert [one.slug for one in teams.everything(conn)] == ["network", "service-desk"]
    assert payloads(store, "team:network") == [
        ("added", {"name": "Network"}),
        ("renamed", {"name": ["Network", "Networks"]}),
    ]


def test_people_join_and_leave(store: Store) -> None:
    ana = add(store)
    with store.write() as conn:
        teams.add(conn, by(), "network", "Network")
        teams.move(conn, by(), ana, "service-desk")
        teams.move(conn, by(), ana, "network")
        teams.move(conn, by(), ana, "network")
        assert [who.email for who in teams.by_slug(conn, "network").members] == ["ana@example.org"]
        assert teams.by_slug(conn, "service-desk").members == ()
        found = users.principal(conn, ana)
        assert found is not None and found.team == "network"
        teams.move(conn, by(), ana, None)
        assert teams.by_slug(conn, "network").members == ()
    moves = [said for verb, said in told(store, ana) if verb == "moved"]
    assert moves == [{"team": ["", "service-desk"]}, {"team": ["service-desk", "network"]}, {"team": ["network", ""]}]


def test_those_who_are_disabled_are_not_counted(store: Store) -> None:
    ana = add(store)
    with store.write() as conn:
        teams.move(conn, by(), ana, "service-desk")
        users.disable(conn, by(), ana)
        assert teams.by_slug(conn, "service-desk").members == ()


def test_what_a_team_holds_is_counted_while_it_is_open(store: Store) -> None:
    with store.write() as conn:
        for number, (holder, status) in enumerate([("team:service-desk", "new"), ("team:service-desk", "closed")]):
            row = {"kind": "incident", "status": status, "priority": "P3", "holder": holder, "title": "x"}
            more = {"fields": "{}", "number": number, "version": 1, "created_at": 1, "updated_at": 1, "audit_mac": b""}
            conn.execute(insert(tables.ticket).values(id=mint(), **row, **more))
        assert teams.by_slug(conn, "service-desk").tickets == 1


def test_what_cannot_be_is_refused(store: Store) -> None:
    rita = add(store, "rita@example.org", "requester")
    pete = add(store, "pete@example.org", "provider", connection_id=connection(store))
    with store.write() as conn:
        for slug in ("X", "two words", "ünit", ""):
            with pytest.raises(Invalid, match="not a name"):
                teams.add(conn, by(), slug, "x")
        with pytest.raises(Conflict, match="exists"):
            teams.add(conn, by(), "service-desk", "x")
        with pytest.raises(Invalid, match="has a name"):
            teams.add(conn, by(), "empty", "  ")
        with pytest.raises(NotFound, match="no such team"):
            teams.rename(conn, by(), "nobody", "x")
        for who in (rita, pete):
            with pytest.raises(Invalid, match="no team of ours"):
                teams.move(conn, by(), who, "service-desk")
        with pytest.raises(NotFound, match="no such user"):
            teams.move(conn, by(), 1, "service-desk")
        assert [one.slug for one in teams.everything(conn)] == ["service-desk"]


def test_the_commands(tandem: Run, store: Store) -> None:
    add(store)
    add(store, "ben@example.org")
    assert tandem("team", "add", "network", "--name", "Network").output == "team:network: added as Network\n"
    assert tandem("team", "join", "network", "ANA@example.org", "ben@example.org").exit_code == 0
    listed = json.loads(tandem("team", "list", "--json").output)
    assert [(one["slug"], one["members"]) for one in listed] == [
        ("network", ["ana@example.org", "ben@example.org"]),
        ("service-desk", []),
    ]
    assert tandem("team", "leave", "ben@example.org").exit_code == 0
    assert tandem("team", "rename", "network", "--name", "Nets").output == "team:network: Nets\n"
    assert "ana@example.org" in tandem("team", "list").output and "ben@" not in tandem("team", "list").output
    refused = tandem("team", "join", "service-desk", "ben@example.org", "nobody@example.org")
    assert isinstance(refused.exception, NotFound)
    assert "ben@" not in tandem("team", "list").output


def test_a_ticket_is_given_to_a_team_that_there_is(tandem: Run, store: Store) -> None:
    tandem("team", "add", "network", "--name", "Network")
    assert "with team:network" in tandem("ticket", "create", "--title", "x", "--holder", "team:network").output
    refused = tandem("ticket", "create", "--title", "x", "--holder", "team:netwrok")
    assert isinstance(refused.exception, NotFound) and "service-desk" in str(refused.exception)
    assert isinstance(tandem("ticket", "create", "--title", "x", "--holder", "network").exception, Invalid)
    for to in ("team:nobody", "network"):
        assert tandem("ticket", "take-back", "T-1001", "--reason", "x", "--to", to).exit_code == 1
