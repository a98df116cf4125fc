"""An installation in the middle of a working day: three providers with desks of their own, tickets in every state."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import insert, select, update

from connectors.memory.desk import Desk
from connectors.memory.faults import Queue
from connectors.memory.inprocess import MemoryConnector
from gateway import pipeline
from gateway.config import Config
from gateway.decide.facts import Command
from gateway.journal.checkpoints import Keys, seal
from gateway.people import users
from gateway.people.passwords import make_hash
from gateway.people.users import By
from gateway.store import tables
from gateway.store.ids import mint
from tests.worlds import World, world

PASSWORD = "correct horse battery"
NAMES = {"northwind": "Northwind IT Services", "acme": "Acme Networks", "umbra": "Umbra Cloud"}
PEOPLE = {
    "admin": ("ines@company.example", "Inés Admin", "admin"),
    "agent": ("marta@company.example", "Marta Vidal", "agent"),
    "auditor": ("otto@company.example", "Otto Auditor", "auditor"),
    "requester": ("grace.lin@company.example", "Grace Lin", "requester"),
    "provider": ("paula@northwind.example", "Paula Provider", "provider"),
}
MINUTE = 60_000_000
DAY = 506 * MINUTE
"""From the first ticket of the day to now."""
POLICY = """policy: 1
name: routing
rules:
  - {name: security first, when: "'security' in tags", to: "team:service-desk", because: security stays inside}
  - {name: networks, when: "category == 'network' && impact == 'high'", to: "provider:acme",
     because: Acme runs the network}
default: team:service-desk
"""

TICKETS: tuple[tuple[str, str, str, str, str, str, tuple[str, ...], str], ...] = (
    ("vpn", "VPN drops every few minutes", "Since the update this morning it disconnects after three to five minutes."
     " Error 809.\nThree colleagues in the same office have it too.", "high", "high", "network", ("vpn",), "Grace Lin"),
    ("printer", "Printer on the second floor prints blank pages", "The big one beside the kitchen. Paper is full.",
     "low", "medium", "hardware", ("printer",), "Boris Petrov"),
    ("invoices", "Cannot open invoices in the accounting system", "November shows 'document not found'.",
     "medium", "high", "software", ("finance",), "Carla Mendes"),
    ("laptop", "New laptop for a colleague who starts on Monday", "Standard model, German keyboard. Desk 4.12.",
     "low", "medium", "hardware", ("onboarding",), "Dieter Braun"),
    ("mail", "Shared mailbox sales@ no longer receives mail", "Customers say that their messages come back.",
     "high", "high", "software", ("mail",), "Elena Popova"),
    ("wifi", "Wi-Fi in the warehouse is very slow", "It began when the new racks were put up.",
     "medium", "medium", "network", ("warehouse", "wifi"), "Farid Haddad"),
    ("password", "Password reset does not send a text message", "Tried three times. My number is right.",
     "low", "high", "inquiry", ("access",), "Grace Lin"),
    ("meeting", "Meeting room screen shows no picture", "Room Sevilla, with the cable and without.",
     "low", "high", "hardware", ("meeting room",), "Hugo Martin"),
    ("backup", "Backup of the file server failed for three nights", "The report says 'VSS writer timed out'.",
     "high", "medium", "software", ("backup", "server"), "Ana Ruiz"),
    ("access", "Access to the project folder 'Harbour'", "", "low", "low", "inquiry", ("access",), "Boris Petrov"),
    ("phones", "Telephones have no dial tone after the power cut", "All phones on the ground floor.",
     "high", "high", "network", ("telephony",), "Carla Mendes"),
    ("phishing", "Suspicious message that asks for my password", "It says it is from our own desk. I did not click.",
     "medium", "high", "inquiry", ("security",), "Dieter Braun"),
)  # fmt: skip


@dataclass
class Scene:
    """``world`` with its users; ``tickets``: the number of each of the day's. ``later`` moves the gateway's clock."""

    world: World
    scripts: dict[str, Queue] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    time: int = 0

    @property
    def rt(self) -> Any:
        return self.world.rt

    def later(self, minutes: float) -> None:
        """Time passes."""
        self.time += int(minutes * MINUTE)

    def as_(self, who: str, what: str, ticket: str | None = None, reason: str = "", **data: Any) -> str:
        """A person's command; the number of its ticket. Everything that follows from it happens, too."""
        name = PEOPLE[who][1]
        actor = f"requester:{PEOPLE[who][0]}" if who == "requester" else f"user:{self.users[who]}"
        done = pipeline.change(self.rt, Command(what, actor, data, reason, name), self.id(ticket) if ticket else None)
        made = done.named[-1].ticket
        assert made is not None
        return f"T-{made.number}"

    def say(self, ticket: str, text: str, to: str = "team", *files: dict[str, Any]) -> None:
        """The agent comments."""
        self.as_("agent", "comment", ticket, text=text, audience=[to], files=list(files))

    def escalate(self, ticket: str, connection: str, why: str, *notes: int) -> None:
        """The agent hands a ticket over."""
        self.as_("agent", "escalate", ticket, why, connection=connection, comments=list(notes), files=[])

    def id(self, number: str) -> int:
        return int(self.world.value("select id from ticket where number = ?", int(number[2:])))

    def record(self, number: str, provider: str) -> str:
        """Their record's id."""
        sql = "select remote_id from link where ticket_id = ? and connection_id = ?"
        return str(self.world.value(sql, self.id(number), self.rt.desks.id_of(provider)))

    def fields(self, number: str) -> dict[str, Any]:
        """The fields of a ticket."""
        found: dict[str, Any] = json.loads(self.world.value("select fields from ticket where id = ?", self.id(number)))
        return found

    def told(self, number: str, provider: str) -> list[str]:
        """What their record's comments say, without the line that names our author."""
        comments = self.world.desks[provider].get(self.record(number, provider)).comments
        return [one.text.split("wrote:", 1)[-1].strip() for one in comments]

    def settle(self) -> None:
        """Everything that is under way arrives, in both directions."""
        self.world.run()
        self.world.poll()
        self.world.run()

    def file(self, name: str, data: bytes, mime: str = "text/plain") -> dict[str, Any]:
        return {"name": name, "mime": mime, **self.rt.files.put([data])}


@cache
def _hash() -> str:
    """Everybody's password; it takes its time once."""
    return make_hash(PASSWORD)


def scene(config: Config, quiet: bool = False) -> Scene:
    """Users, providers and (unless ``quiet``) the day's tickets."""
    scripts: dict[str, Queue] = {}
    waiting = iter(NAMES)

    def make(desk: Desk) -> MemoryConnector:
        script = scripts[next(waiting)] = Queue()
        return MemoryConnector(desk, script=script)

    made = Scene(world(config, tuple(NAMES), make), scripts)
    rt = made.rt
    made.time = rt.now() - (0 if quiet else DAY)
    rt.now = lambda: made.time
    with rt.store.write() as conn:
        for slug, name in NAMES.items():
            conn.execute(update(tables.provider).where(tables.provider.c.slug == slug).values(name=name))
        conn.execute(insert(tables.team).values(id=mint(), slug="networks", name="Network team", created_at=made.time))
        text = hashlib.sha256(POLICY.encode()).hexdigest()
        conn.execute(
            insert(tables.document).values(
                id=mint(), kind="policy", name="routing", version=1, text=POLICY, hash=text, created_at=made.time
            )
        )
        team = conn.execute(select(tables.team.c.id).where(tables.team.c.slug == "service-desk")).scalar_one()
        by = By("tandem", rt.key, made.time)
        for who, (email, name, role) in PEOPLE.items():
            at = rt.desks.id_of("northwind") if role == "provider" else None
            id = made.users[who] = users.add(conn, by, email, name, role, None, team if at is None else None, at)
            conn.execute(update(tables.user).where(tables.user.c.id == id).values(password=_hash()))
    rt.desks.load()
    if not quiet:
        day(made)
    seal(rt.store, Keys.of(config), made.time)
    return made


def day(s: Scene) -> None:
    """A day at the desk, told twice: here and on the pages."""
    for key, title, description, impact, urgency, category, tags, name in TICKETS:
        email = name.lower().replace(" ", ".") + "@company.example"
        fields = {"title": title, "description": description, "impact": impact, "urgency": urgency}
        fields |= {"category": category, "tags": list(tags), "requester": {"name": name, "email": email}}
        s.tickets[key] = s.as_("agent", "create", fields=fields, channel="portal")
        s.later(7)
    s.settle()
    _worked_on(s)
    _solved(s)
    _in_dispute(s)
    _refused(s)
    _waiting(s)
    marta = {"email": PEOPLE["agent"][0], "name": PEOPLE["agent"][1]}
    s.as_("agent", "edit", s.tickets["laptop"], fields={"assignee": marta})
    s.later(30)
    s.settle()
    s.as_("agent", "edit", s.tickets["meeting"], fields={"status": "pending_requester"})
    s.as_("agent", "edit", s.tickets["password"], fields={"status": "closed", "resolution_code": "user_error"})
    s.later(3)


def _worked_on(s: Scene) -> None:
    """The long story: escalated with one chosen note, answered, a file each way, time logged, helped by another."""
    vpn = s.tickets["vpn"]
    s.say(vpn, "The user is the CFO's assistant. Please no calls before ten.")
    s.say(vpn, "Reproduced. It drops when the lease is renewed:\nhttps://wiki.company.example/vpn?id=809")
    s.later(12)
    note = s.world.value("select id from comment where body like 'Reproduced%'")
    s.escalate(vpn, "northwind", "They look after the VPN concentrator", note)
    s.settle()
    s.later(25)
    there = s.world.desks["northwind"]
    record = s.record(vpn, "northwind")
    there.update("paula", record, {"status": "working", "assignee": "paula@desk.example"})
    there.comment("paula", record, "We see the drops in our log, too. Can you send us the client's trace?", True)
    s.settle()
    s.later(18)
    trace = s.file("trace of 21 November.txt", b"14:02:11 lease renewed\n14:02:11 tunnel down\n")
    s.say(vpn, "Here it is, taken at 14:02. The second laptop shows the same.", "provider:northwind", trace)
    s.settle()
    s.later(40)
    there.comment("omar", record, "Internal: looks like the DHCP relay again, see our problem 77.", False)
    there.upload("paula", record, "relay-config.pdf", "application/pdf", b"%PDF-1.4 relay", True)
    there.log("paula", record, 35, "Compared the relay's configuration with the backup", there.clock())
    s.settle()
    s.later(9)
    s.say(vpn, "Dear Grace, our provider has found the cause. We expect it to be solved today.", "requester")
    s.as_("agent", "worklog", vpn, minutes=20, text="Trace with the user", started=None)
    s.as_("agent", "edit", vpn, fields={"urgency": "medium"}, based_on={"urgency": "high"})
    s.settle()
    s.later(4)


def _solved(s: Scene) -> None:
    """A provider took it over and solved it; the requester has read so."""
    mail = s.tickets["mail"]
    s.escalate(mail, "umbra", "Mail is theirs")
    s.settle()
    s.later(33)
    there, record = s.world.desks["umbra"], s.record(mail, "umbra")
    there.update("robin", record, {"status": "working"})
    s.settle()
    s.later(51)
    there.comment("robin", record, "The archive was full. We have doubled it and delivered what had waited.", True)
    there.update("robin", record, {"status": "done"})
    s.settle()
    s.later(6)


def _in_dispute(s: Scene) -> None:
    """Taken back once, given to another, and both sides changed the urgency."""
    files = s.tickets["backup"]
    s.escalate(files, "northwind", "The server is in their rack")
    s.settle()
    s.later(90)
    s.as_("agent", "take_back", files, "No answer for an hour and a half", to="team:service-desk")
    s.settle()
    s.escalate(files, "umbra", "Umbra has a spare server")
    s.settle()
    s.later(15)
    with s.rt.store.write() as conn:
        link = conn.execute(
            select(tables.link).where(tables.link.c.ticket_id == s.id(files), tables.link.c.role == "holder")
        ).one()
        values = {"id": mint(), "ticket_id": link.ticket_id, "link_id": link.id, "opened_at": s.time}
        conn.execute(insert(tables.conflict).values(field="urgency", ours='"medium"', theirs='"high"', **values))
        pairs, seen = json.loads(link.pairs), json.loads(link.seen)
        pairs["urgency"] = ["medium", "high", 1, "ask", *pairs["urgency"][4:]]
        seen["urgency"] = "high"
        changed = {"pairs": json.dumps(pairs), "seen": json.dumps(seen)}
        conn.execute(update(tables.link).where(tables.link.c.id == link.id).values(changed))


def _refused(s: Scene) -> None:
    """Their desk says no to a comment, and somebody sent us a webhook nobody can read."""
    wifi = s.tickets["wifi"]
    s.escalate(wifi, "northwind", "The access points are theirs")
    s.settle()
    s.scripts["northwind"].plan("refuse", "comment", said="comments are closed during the change freeze")
    s.say(wifi, "Which channel do the access points use?", "provider:northwind")
    s.settle()
    with s.rt.store.write() as conn:
        conn.execute(
            insert(tables.arrival).values(
                id=mint(), connection_id=s.rt.desks.id_of("umbra"), kind="webhook", body=b'{"event": "exploded"}',
                received_at=s.time, state=tables.DEAD, said="ValueError: no field ticket in the body",
            )
        )  # fmt: skip
        conn.execute(
            insert(tables.notice).values(
                id=mint(), ticket_id=s.id(wifi), connection_id=s.rt.desks.id_of("northwind"), kind="altered",
                field="category", text="Northwind IT Services made something else of category", count=2,
                created_at=s.time,
            )
        )  # fmt: skip


def _waiting(s: Scene) -> None:
    """Acme's desk does not answer: what is owed waits, and the breaker is open."""
    s.scripts["acme"].plan("retry", None, 6, said="503 Service Unavailable", after=None)
    phones = s.tickets["phones"]
    s.say(phones, "The switch blinks orange since 8:40.", "provider:acme")
    s.world.run(3)
    s.scripts["acme"].plan("retry", None, 40, said="503 Service Unavailable", after=None)


__all__ = ["PASSWORD", "PEOPLE", "Scene", "scene"]
