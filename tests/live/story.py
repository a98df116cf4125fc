"""What happens on each ticket of the live tests, on both sides, and what has to be true on both sides afterwards.

A story is told by its number alone: what must stand at the end is known without asking either side. Ours are edits of
title, urgency, due date and assets; theirs are status, impact and owner: each side's last word must stand on both.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.live.provider import Paula
from tests.live.rig import Rig

TEAM_ONLY = "the-team-alone-may-read-this"
"""Stands in everything that nobody outside our team may see."""

LEVELS = ("low", "medium", "high")
STATUS = {"new": "new", "open": "in_progress", "stalled": "pending_requester", "resolved": "resolved"}
STATUS |= {"rejected": "cancelled"}
PRIORITY = {"P1": "100", "P2": "75", "P3": "50", "P4": "25", "P5": "0"}
WORDS = (
    "Zürich ☂",
    "naïve café",
    "日本語のメモ",
    "עברית",
    "emoji 🙂👩‍💻",
    "tabs\tand  spaces",
    '"quoted" <b>&amp;</b>',
)


@dataclass
class Story:
    """One ticket. ``id`` is ours, ``remote`` theirs, as soon as they are known."""

    number: int
    rig: Rig
    id: int = 0
    remote: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.number % len(WORDS)]

    def content(self, whose: str) -> bytes:
        """A file's bytes: anything at all."""
        size = self.number * 37 % 5000 + 1
        return random.Random(f"{whose}{self.number}").randbytes(size)

    # -- ours

    def begin(self) -> None:
        """A ticket with everything in it, handed to the provider."""
        fields: dict[str, Any] = {
            "title": f"#{self.number} VPN down, {self.word}",
            "description": f"Error 809 since this morning.\n\n  1. {self.word}\n  2. second line\n",
            "impact": LEVELS[self.number % 3],
            "urgency": LEVELS[self.number // 3 % 3],
            "assets": [f"LT-{self.number:03}", "FW-002"],
            "due": f"2031-05-{self.number % 28 + 1:02}T10:00:00Z",
        }
        if self.number % 2:
            fields["requester"] = {"email": f"user{self.number % 5}@customer.example", "name": "A user"}
        self.id = self.rig.create(**fields)
        self.rig.wish("comment", self.id, text=f"{TEAM_ONLY}: {self.word}", audience=["team"])
        self.rig.wish("escalate", self.id, connection=self.rig.name)

    def ours(self) -> None:
        """We talk, attach and change."""
        wish = self.rig.wish
        wish("comment", self.id, text=f"{TEAM_ONLY}, again {self.number}", audience=["team"])
        wish("comment", self.id, text=f"For your people alone #{self.number}: {self.word}", audience=["provider:acme"])
        wish("comment", self.id, text=f"For everyone #{self.number}:\n\n  {self.word}", audience=["everyone"])
        name, mime = self.our_file
        file = self.rig.file(name, self.content("ours"), mime)
        wish("attach", self.id, files=[file], audience=["everyone" if self.number % 2 else "provider:acme"])
        secret = self.rig.file(f"{TEAM_ONLY}.bin", TEAM_ONLY.encode(), "text/plain")
        wish("attach", self.id, files=[secret], audience=["team"])
        due = None if self.number % 3 == 0 else f"2032-01-{self.number % 28 + 1:02}T08:30:00Z"
        fields = {"title": self.title, "urgency": self.urgency, "due": due, "assets": self.assets}
        wish("edit", self.id, fields=fields)

    @property
    def title(self) -> str:
        return f"#{self.number} VPN still down, {self.word}"

    @property
    def urgency(self) -> str:
        return LEVELS[(self.number // 3 + 1) % 3]

    @property
    def assets(self) -> list[str]:
        return sorted({f"LT-{self.number:03}", "SW-007", f"ü-{self.number}"})

    @property
    def our_file(self) -> tuple[str, str]:
        endings = (("png", "image/png"), ("txt", "text/plain"), ("bin", "application/octet-stream"))
        ending, mime = endings[self.number % 3]
        return f"ours {self.number} größe ☂.{ending}", mime

    # -- hers

    def hers(self, paula: Paula) -> None:
        """She talks, books time, attaches, takes the ticket and changes what is hers to change."""
        paula.reply(self.remote, f"We are looking into it #{self.number}. {self.word}")
        paula.note(self.remote, f"Internal note #{self.number}: {self.word}", self.number % 3 * 5)
        text = f"see the file #{self.number}" if self.number % 4 == 0 else ""
        paula.attach(self.remote, self.her_file, self.content("hers"), "application/pdf", text, self.number % 2 == 0)
        custom = {"Impact": self.impact.capitalize()}
        paula.change(self.remote, custom, Status="stalled" if self.number % 4 == 0 else "open", Owner="paula")

    @property
    def her_file(self) -> str:
        return f"hers {self.number} Prüfbericht ✓.pdf"

    @property
    def impact(self) -> str:
        return LEVELS[(self.number + 1) % 3]

    def ends(self, paula: Paula) -> None:
        """She is done with it."""
        paula.change(self.remote, Status=self.end)

    @property
    def end(self) -> str:
        return "rejected" if self.number % 5 == 4 else "resolved"

    def thanks(self) -> None:
        """Some of us have a last word, which must not reopen what she has ended."""
        if self.speaks_last:
            self.rig.wish("comment", self.id, text=f"Thank you #{self.number}", audience=["everyone"])

    @property
    def speaks_last(self) -> bool:
        return self.number % 4 == 1


# --- what has to be true ---


def check(story: Story, paula: Paula, ended: bool = True) -> Counter[str]:
    """Everything of one story on both sides, compared without any code of ours. What was counted."""
    said = paula.said(story.remote)
    return fields_agree(story, paula, ended) + comments_agree(story, said) + files_agree(story, said)


def fields_agree(story: Story, paula: Paula, ended: bool) -> Counter[str]:
    theirs, ours = paula.fields(story.remote), story.rig.fields(story.id)
    about = f"#{story.number}: ours {ours}, theirs {theirs}"
    if ended:
        assert theirs["Status"] == story.end, about
    assert ours["status"] == STATUS[theirs["Status"]], about
    assert theirs["Subject"] == ours["title"] == story.title, about
    assert theirs["Impact"].lower() == ours["impact"] == story.impact, about
    assert theirs["Urgency"].lower() == ours["urgency"] == story.urgency, about
    assert theirs["Priority"] == PRIORITY[ours["priority"]], about
    assert theirs["Asset Tag"] == sorted(ours["assets"]) == story.assets, about
    assert theirs["Due"] == ours.get("due"), about
    assert (theirs["Due"] is None) == (story.number % 3 == 0), about
    assert theirs["Owner"] == ours["assignee"]["login"] == "paula", about
    return Counter(fields=9)


def comments_agree(story: Story, said: list[Any]) -> Counter[str]:
    """Each comment once on each side, with exactly the readers it may have."""
    rows = story.rig.rows("select id, author, author_name, body from comment where ticket_id = ?", story.id)
    parties: dict[int, set[str]] = {row[0]: set() for row in rows}
    for id, party in story.rig.rows("select comment_id, party from audience where comment_id INTS(?)", list(parties)):
        parties[id].add(party)
    here: Counter[tuple[str, str, str]] = Counter()
    for id, author, name, body in rows:
        if not parties[id]:
            assert TEAM_ONLY in body
            continue
        channel = "Correspond" if "requester" in parties[id] else "Comment"
        assert parties[id] - {"requester"} == {"provider:acme"}
        who, text = ("paula", body) if author == "provider:acme" else ("gateway", f"{name} wrote:\n\n{body}")
        here[who, channel, text.strip()] += 1
    spoken = [one for one in said if not one.name and one.text.strip()]
    names = {(one.id, one.name) for one in said if one.name}
    there = Counter((one.author, one.type, one.text.strip()) for one in spoken if (one.id, one.text) not in names)
    assert here == there, f"#{story.number}: only here {here - there}, only there {there - here}"
    wanted = {
        ("paula", "Correspond", f"We are looking into it #{story.number}. {story.word}"),
        ("paula", "Comment", f"Internal note #{story.number}: {story.word}"),
        ("gateway", "Comment", f"Ana wrote:\n\nFor your people alone #{story.number}: {story.word}"),
        ("gateway", "Correspond", f"Ana wrote:\n\nFor everyone #{story.number}:\n\n  {story.word}"),
    }
    assert all(here[one] == 1 for one in wanted), f"#{story.number}: {here}"
    assert sum(here.values()) == 4 + (story.number % 4 == 0) + (story.number % 4 == 1), here
    return Counter(comments=sum(here.values()))


def files_agree(story: Story, said: list[Any]) -> Counter[str]:
    """Each file once on each side, byte for byte, with the readers of its channel; and the time she booked."""
    columns = "author, name, sha256, audience, state"
    rows = story.rig.rows(f"select {columns} from attachment where ticket_id = ?", story.id)
    here = Counter(
        (
            "paula" if author == "provider:acme" else "gateway",
            "Correspond" if "requester" in parties else "Comment",
            name,
            sha,
        )
        for author, name, sha, parties, state in rows
        if parties != "[]"
    )
    there = Counter((one.author, one.type, one.name, one.sha256) for one in said if one.name)
    assert here == there, f"#{story.number}: only here {here - there}, only there {there - here}"
    assert {row[4] for row in rows} == {"stored"}
    hashes = {hashlib.sha256(story.content(whose)).hexdigest() for whose in ("ours", "hers")}
    assert {sha for _, _, _, sha in here} == hashes and sum(here.values()) == 2
    assert {name for _, _, name, _ in here} == {story.our_file[0], story.her_file}
    booked = story.rig.rows("select author_name, minutes from worklog where ticket_id = ?", story.id)
    assert booked == ([("Paula Provider", story.number % 3 * 5)] if story.number % 3 else [])
    return Counter(files=2, worklogs=len(booked))


def nothing_leaked(rig: Rig) -> None:
    """What the team alone may read stands nowhere in the provider's database, its mails included."""
    for path in (*rig.server.home.glob("db/*"), *(p for p in (rig.server.home / "var").rglob("*") if p.is_file())):
        assert TEAM_ONLY.encode() not in path.read_bytes(), path
