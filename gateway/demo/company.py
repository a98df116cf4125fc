"""The demo's company: two agents, a second team, the people who report trouble, and rules for who should have what.

Made at the first ``tandem up --demo`` and left alone afterwards: whoever plays with it may change everything.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from gateway.clock import now_us
from gateway.config import Config
from gateway.demo.story import PEOPLE, address
from gateway.desk import contacts
from gateway.errors import Conflict
from gateway.journal.chain import Key
from gateway.people import users
from gateway.people.users import By
from gateway.providers import versions
from gateway.providers.versions import New
from gateway.store import tables
from gateway.store.db import Store
from gateway.store.ids import mint

AGENTS = (("Ana Agent", "ana@tandem.example"), ("Ben Berger", "ben@tandem.example"))
BEN = AGENTS[1]
"""Works off what nobody has taken for a while."""

TEAM = ("workplace", "Workplace")

ROUTING = """\
policy: 1
name: routing
rules:
  - name: suspicious mail stays inside
    when: '"security" in tags'
    to: team:service-desk
    because: whatever smells of fraud is looked at by our own people first
  - name: outages of the network
    when: 'category == "network" && impact == "high"'
    to: provider:acme
    because: Acme runs the network, and many are waiting
  - name: servers and backups
    when: '"server" in tags || "backup" in tags'
    to: provider:acme
    because: servers and their backups are in Acme's contract
  - name: mail for many
    when: '"mail" in tags && impact != "low"'
    to: provider:acme
    because: Acme runs the mail system
  - name: new colleagues
    when: 'kind == "request" && "onboarding" in tags'
    to: team:workplace
    because: the workplace team prepares every first day
default: team:service-desk
"""


def seed(config: Config) -> list[tuple[str, str]]:
    """Found the company where it is not there yet; the new agents' addresses and passwords, to be shown once."""
    store = Store(config.database_url)
    try:
        with store.write() as conn:
            if users.by_email(conn, AGENTS[0][1]) is not None:
                return []
            by = By("tandem", Key.of(config.key("audit")), now_us())
            _contacts(conn, by)
            _team(conn, by)
            _routing(conn, by)
            return [_agent(conn, by, name, email) for name, email in AGENTS]
    finally:
        store.close()


def _agent(conn: Connection, by: By, name: str, email: str) -> tuple[str, str]:
    password = secrets.token_urlsafe(9)
    users.add(conn, by, email, name, "agent", password)
    return email, password


def _contacts(conn: Connection, by: By) -> None:
    for name, department in PEOPLE:
        try:
            contacts.add(conn, by, {"email": address(name), "name": name, "site": department})
        except Conflict:
            continue  # somebody wrote them down before


def _team(conn: Connection, by: By) -> None:
    slug, name = TEAM
    if conn.scalar(select(tables.team.c.id).where(tables.team.c.slug == slug)) is None:
        conn.execute(insert(tables.team).values(id=mint(), slug=slug, name=name, created_at=by.at))


def _routing(conn: Connection, by: By) -> None:
    """The demo's rules, in place of those that come with Tandem. Its provider has no connection yet."""
    versions.publish(conn, by, New("policy", "routing", ROUTING, "the demo's rules"))
