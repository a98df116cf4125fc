"""A Redmine as a provider's desk: connected as its admin does it, Paula at work in it, and a story for every ticket.

What stands in Redmine is read here without any code of ours: notes with author and readers, files by their bytes,
custom fields by id.
"""

from __future__ import annotations

import hashlib
import html
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config import Config
from tests.commandline import runner
from tests.live.peers import Redmine
from tests.live.rig import Rig
from tests.live.story import LEVELS, TEAM_ONLY

CONNECTION = """
name: acme
provider: {{slug: acme, name: Acme Managed Services}}
kind: redmine
auth: api_key
settings: {{url: {url}, project: escalations, tracker: 1, reference_field: 1, activity: 9}}
secrets: {{key: {{env: ACME_KEY}}}}
intake: ignore
mapping: {mapping}
declared:                                 # Redmine tells its custom fields to administrators alone
  fields:
    custom:1: {{type: text, max: 80}}
    custom:2: {{type: choice, values: {{High: High, Medium: Medium, Low: Low}}}}
    custom:3: {{type: choice, values: {{High: High, Medium: Medium, Low: Low}}}}
    custom:4: {{type: text, max: 255}}
"""
OWN = """mapping: 1
name: acme-redmine
extends: redmine
fields:
  assignee: {values: {6: paula@provider.example.test}}   # whose e-mail Redmine hides
"""
STATUS = {1: "new", 2: "in_progress", 3: "resolved", 4: "pending_requester", 6: "cancelled"}
PRIORITY = {"P1": 5, "P2": 4, "P3": 3, "P4": 2, "P5": 1}
WORDS = ("Zürich ☂", "naïve café", "日本語のメモ", "עברית", "emoji 🙂👩‍💻", "принтер не печатает", "5 < 6 & 7 > 2")


class Agent:
    """Paula, with her own key."""

    def __init__(self, server: Redmine) -> None:
        self.server = server

    def ask(self, method: str, path: str, body: Any = None, who: str = "paula", **options: Any) -> Any:
        answer = self.server.call(method, path, body, who, **options)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.text.strip() else {}

    def change(self, id: str, **fields: Any) -> None:
        self.ask("PUT", f"/issues/{id}.json", {"issue": fields})

    def say(self, id: str, text: str, private: bool = False) -> None:
        self.change(id, notes=text, private_notes=private)

    def attach(self, id: str, name: str, content: bytes) -> None:
        kind = {"Content-Type": "application/octet-stream"}
        for _ in range(3):  # it has answered 500 once, its SQLite being busy most likely: a person uploads again
            answer = self.server.call("POST", "/uploads.json", who="paula", params={"filename": name}, data=content,
                                      headers=kind)  # fmt: skip
            if answer.status_code != 500:
                break
        assert answer.ok, f"upload of {name}: {answer.status_code} {answer.text[:300]}"
        sent = answer.json()
        upload = {"token": sent["upload"]["token"], "filename": name, "content_type": "application/pdf"}
        self.change(id, uploads=[upload])

    def issue(self, id: str) -> dict[str, Any]:
        """Everything of one issue, with eyes for private notes."""
        found: dict[str, Any] = self.ask(
            "GET", f"/issues/{id}.json", who="admin", params={"include": "journals,attachments"}
        )
        return dict(found["issue"])

    def content(self, url: str) -> bytes:
        answer = self.server.call("GET", url.removeprefix(self.server.url), who="admin")
        assert answer.ok, url
        return answer.content

    def references(self) -> list[str]:
        """What stands in the reference field of every issue there."""
        found: list[str] = []
        for offset in range(0, 10_000, 100):
            page = {"status_id": "*", "limit": 100, "offset": offset, "sort": "id"}
            rows = self.ask("GET", "/issues.json", who="admin", params=page)["issues"]
            found += [custom(row)[1] for row in rows]
            if len(rows) < 100:
                break
        return found


def custom(issue: dict[str, Any]) -> dict[int, str]:
    return {field["id"]: field["value"] or "" for field in issue["custom_fields"]}


class Desk(Rig):
    """A world whose desk is a Redmine."""

    def __init__(self, config: Config, server: Redmine) -> None:
        super().__init__(config, server, "acme")  # type: ignore[arg-type]  # its start and stop are all that is used
        self.agent = Agent(server)

    @classmethod
    def at(cls, config: Config, server: Redmine, own: str = "") -> Desk:
        """Connected from a document; ``own``: a mapping beside it, else the one that is shipped."""
        (config.home / "own.yaml").write_text(own)
        document = config.home / "acme.yaml"
        document.write_text(CONNECTION.format(url=server.url, mapping="{file: own.yaml}" if own else "redmine"))
        allowed = ",".join(config.egress_allow)
        command = runner(config)
        done = command(
            "connection", "add", str(document), TANDEM_EGRESS_ALLOW=allowed, ACME_KEY=server.secrets["gateway"]
        )
        assert done.exit_code == 0, f"{done.output} {done.exception}"
        return cls(config, server)


@dataclass
class Tale:
    """One ticket: what both sides do with it is known by its number alone."""

    number: int
    desk: Desk
    id: int = 0
    remote: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.number % len(WORDS)]

    def content(self, whose: str) -> bytes:
        return random.Random(f"{whose}{self.number}").randbytes(self.number * 37 % 5000 + 1)

    def begin(self) -> None:
        fields: dict[str, Any] = {
            "title": f"#{self.number} VPN down, {self.word}",
            "description": f"Error 809 since this morning.\n\n{self.word}\nsecond line",
            "impact": LEVELS[self.number % 3],
            "urgency": LEVELS[self.number // 3 % 3],
            "assets": [f"LT-{self.number:03}", "FW-002"],
            "due": f"2031-05-{self.number % 28 + 1:02}T10:00:00Z",
            "category": ("network", "hardware")[self.number % 2],
        }
        self.id = self.desk.create(**fields)
        self.desk.wish("comment", self.id, text=f"{TEAM_ONLY}: {self.word}", audience=["team"])
        self.desk.wish("escalate", self.id, connection="acme")

    def ours(self) -> None:
        wish = self.desk.wish
        wish("comment", self.id, text=f"For your people alone #{self.number}: {self.word}", audience=["provider:acme"])
        wish("comment", self.id, text=f"For everyone #{self.number}: {self.word}", audience=["everyone"])
        file = self.desk.file(self.our_file, self.content("ours"), "application/octet-stream")
        wish("attach", self.id, files=[file], audience=["everyone"])
        if self.number % 5 == 0:
            narrow = self.desk.file(f"narrow {self.number}.bin", self.content("narrow"), "application/octet-stream")
            wish("attach", self.id, files=[narrow], audience=["provider:acme"])
        due = None if self.number % 3 == 0 else f"2032-01-{self.number % 28 + 1:02}T17:00:00Z"
        fields = {"title": self.title, "urgency": self.urgency, "due": due, "assets": self.assets}
        wish("edit", self.id, fields=fields)

    def hers(self) -> None:
        agent = self.desk.agent
        agent.say(self.remote, f"We are looking into it #{self.number}. {self.word}")
        agent.say(self.remote, f"Internal note #{self.number}: {self.word}", private=True)
        agent.attach(self.remote, self.her_file, self.content("hers"))
        status = 4 if self.number % 4 == 0 else 2
        impact = [{"id": 2, "value": self.impact.capitalize()}]
        agent.change(self.remote, status_id=status, assigned_to_id=6, custom_fields=impact)

    def ends(self) -> None:
        self.desk.agent.change(self.remote, status_id=self.end)

    @property
    def end(self) -> int:
        return 6 if self.number % 5 == 4 else 3

    @property
    def title(self) -> str:
        return f"#{self.number} VPN still down, {self.word}"

    @property
    def urgency(self) -> str:
        return LEVELS[(self.number // 3 + 1) % 3]

    @property
    def impact(self) -> str:
        return LEVELS[(self.number + 1) % 3]

    @property
    def assets(self) -> list[str]:
        return sorted({f"LT-{self.number:03}", "SW-007", f"ü-{self.number}"})

    @property
    def our_file(self) -> str:
        return f"ours {self.number} größe.bin"

    @property
    def her_file(self) -> str:
        return f"hers {self.number} Prüfbericht.pdf"


def check(tale: Tale) -> Counter[str]:
    """Everything of one ticket on both sides. What was counted."""
    issue = tale.desk.agent.issue(tale.remote)
    return fields_agree(tale, issue) + notes_agree(tale, issue) + files_agree(tale, issue)


def fields_agree(tale: Tale, issue: dict[str, Any]) -> Counter[str]:
    ours, theirs = tale.desk.fields(tale.id), custom(issue)
    about = f"#{tale.number}: ours {ours}, theirs {issue}"
    assert issue["status"]["id"] == tale.end and ours["status"] == STATUS[tale.end], about
    assert issue["subject"] == ours["title"] == tale.title, about
    assert theirs[2].lower() == ours["impact"] == tale.impact, about
    assert theirs[3].lower() == ours["urgency"] == tale.urgency, about
    assert issue["priority"]["id"] == PRIORITY[ours["priority"]], about
    assert issue["category"]["name"].lower() == ours["category"], about
    assert sorted(theirs[4].split(", ")) == sorted(ours["assets"]) == tale.assets, about
    assert (issue["due_date"] is None) == (tale.number % 3 == 0) == (ours.get("due") is None), about
    if ours.get("due"):
        assert ours["due"] == f"{issue['due_date']}T17:00:00Z", about
    assert issue["assigned_to"]["id"] == 6, about
    return Counter(fields=9)


def notes_agree(tale: Tale, issue: dict[str, Any]) -> Counter[str]:
    """Each comment once on each side, with exactly the readers it may have."""
    there = Counter(
        (journal["user"]["id"], journal["private_notes"], shown(journal["notes"]))
        for journal in issue["journals"]
        if journal["notes"]
    )
    wanted = Counter(
        {
            (6, False, f"We are looking into it #{tale.number}. {tale.word}"): 1,
            (6, True, f"Internal note #{tale.number}: {tale.word}"): 1,
            (5, True, f"Ana wrote:\n\nFor your people alone #{tale.number}: {tale.word}"): 1,
            (5, False, f"Ana wrote:\n\nFor everyone #{tale.number}: {tale.word}"): 1,
        }
    )
    missing = wanted - there
    assert not missing, f"#{tale.number}: {missing} not in {there}"
    others = there - wanted
    assert all(who == 5 and private and "narrow" in text for who, private, text in others), others
    assert others.total() == (tale.number % 5 == 0), others
    rows = tale.desk.rows("select id, author, body from comment where ticket_id = ?", tale.id)
    heard = {row[0]: set[str]() for row in rows}
    for id, party in tale.desk.rows("select comment_id, party from audience where comment_id INTS(?)", list(heard)):
        heard[id].add(party)
    here = Counter((body, frozenset(heard[id])) for id, author, body in rows if author == "provider:acme")
    assert here == Counter(
        {
            (f"We are looking into it #{tale.number}. {tale.word}", frozenset({"provider:acme", "requester"})): 1,
            (f"Internal note #{tale.number}: {tale.word}", frozenset({"provider:acme"})): 1,
        }
    ), here
    return Counter(comments=there.total())


def shown(notes: str) -> str:
    """A note as it reads there: Textile writes ``<`` as an entity."""
    return html.unescape(notes.replace("\r\n", "\n")).strip()


def files_agree(tale: Tale, issue: dict[str, Any]) -> Counter[str]:
    """Each file once on each side, byte for byte; what the provider alone may see stays here, for files there reach
    everybody who sees the issue."""
    content = tale.desk.agent.content
    there = Counter(
        (file["author"]["id"], file["filename"], hashlib.sha256(content(file["content_url"])).hexdigest())
        for file in issue["attachments"]
    )
    wanted = {(5, tale.our_file, "ours"), (6, tale.her_file, "hers")}
    assert there == Counter((w, n, hashlib.sha256(tale.content(s)).hexdigest()) for w, n, s in wanted), there
    rows = tale.desk.rows("select author, name, sha256, state from attachment where ticket_id = ?", tale.id)
    assert {state for *_, state in rows} == {"stored"}
    here = Counter((author == "provider:acme", name, sha) for author, name, sha, _ in rows if "narrow" not in name)
    assert here == Counter((who == 6, name, sha) for who, name, sha in there), here
    return Counter(files=there.total())


def nothing_leaked(server: Redmine) -> None:
    """What the team alone may read stands nowhere in the provider's database or files."""
    for folder in ("db", "files", "log"):
        for path in (server.home / folder).rglob("*"):
            assert not path.is_file() or TEAM_ONLY.encode() not in Path(path).read_bytes(), path
