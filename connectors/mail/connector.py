"""A mailbox as a desk: a ticket is a thread of mails with the provider, and what they answer comes back as comments.

A record's id is the Message-ID of its first mail. Each mail of ours also goes to our own mailbox (or lies in the
server's folder of sent mail): what is there has left, so a lost answer is looked up and nothing is sent twice.

Mails come in from the mailbox, or a mail service posts them (``parse``): beside the mailbox that is a hint and no more;
without one a mail says all that is known, nothing can be looked up, and a person decides what a lost answer means.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cached_property
from typing import Any, Literal, cast

from connectors import signing
from connectors.base import (
    Arrival,
    Catalogue,
    Change,
    Context,
    Event,
    Feed,
    File,
    Found,
    Hit,
    Item,
    Json,
    Page,
    Person,
    Receipt,
    Record,
    Reply,
    Value,
    Verified,
)  # fmt: skip
from connectors.catalogue import build_catalogue
from connectors.errors import Gone, Refused, Retry, Unknown, Unsupported
from connectors.mail import inbound, statuses
from connectors.mail.keys import Keys
from connectors.mail.letters import MINTED, Ends, Letter, compose, fresh
from connectors.mail.post import AT_ONCE, Mailbox, Post, either, having, over, quoted
from connectors.manifest import Manifest
from connectors.signin import Renewal
from connectors.signing import SECRET
from connectors.traits import Traits

FEED = "mails"
UNSEEN = frozenset({"changed", "fetch", "find"})
NO_MAILBOX = "There is no mailbox to look into: mails are posted to us."
INSIDE = "data:application/octet-stream;base64,"
"""How the address of a file begins that holds the file itself."""
AGAIN = timedelta(days=14)
"""How far back is read once more when a server has numbered its mails anew."""


class Connector(Traits):
    """One mailbox and one provider. No network until a verb is called."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        auth: Mapping[str, Any],
        verify: Mapping[str, Any],
        renewal: Renewal | None,
        declared: Mapping[str, Json],
    ) -> None:
        super().__init__(manifest, {f"settings.{name}": value for name, value in settings.items()})
        us, them = settings["address"], settings["provider"]
        senders = settings.get("senders") or them.partition("@")[2]
        named = (each.strip().removeprefix("@").lower() for each in senders.split(","))
        self._ends = Ends(us, them, (*filter(None, named), them.lower()), settings["machines"])
        keys = Keys(auth, settings, secrets, renewal)
        self._post = Post(over("smtp", settings), over("imap", settings), keys)
        self._folders = [settings["folder"], *([settings["sent"]] if settings.get("sent") else [])]
        listed = self.catalogue(declared=declared).doc["fields"]
        self._words = statuses.table(cast(Mapping[str, Any], listed)[self.status]["values"])
        self._voucher = settings.get("voucher", "")
        self._posted = settings["incoming"] == "webhook"
        self._verify = verify
        self._proofs = {name: text for name, text in secrets.items() if name.partition(".")[0] == SECRET}
        self._names = manifest.part("webhook").get("message", ())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._ends.us})"

    visible_after = 120.0  # seconds that our own copy takes at most

    @cached_property
    def verbs(self) -> frozenset[str]:
        return (super().verbs | {"fetch"}) - (UNSEEN if self._posted else frozenset())

    @cached_property
    def cannot(self) -> Mapping[str, str]:
        told = super().cannot
        return {**told, **dict.fromkeys(UNSEEN, NO_MAILBOX)} if self._posted else told

    @cached_property
    def feeds(self) -> Mapping[str, Feed]:
        return {} if self._posted else super().feeds

    @cached_property
    def record_version_order(self) -> Literal["time", "integer", "opaque"] | None:
        return "time" if self._posted else None

    def read_back(self, verb: str) -> str:
        return "next_poll"

    def slow_until(self) -> float:
        return 0.0

    def catalogue(
        self, lists: Mapping[str, Json] | None = None, declared: Mapping[str, Json] | None = None
    ) -> Catalogue:
        """The words for statuses that an admin declares come to those of the manifest."""
        told = build_catalogue(self._manifest, self._settings, lists or {}, declared or {})
        fields = cast(dict[str, dict[str, Any]], told.doc["fields"])
        fields[self.status]["values"] = {
            **self._manifest.part("fields", self.status)["values"],
            **fields[self.status]["values"],
        }
        return told

    def lists(self, ctx: Context) -> Mapping[str, Json]:
        return {}

    def describe(self, ctx: Context) -> Catalogue:
        return self.catalogue()

    # reading

    def check(self, ctx: Context) -> Found:
        if self._posted:
            if SECRET not in self._proofs:
                raise Refused("without a mailbox mails come by webhook, and that needs the secret webhook")
            self._post.check(ctx, self._ends.us)
            return Found(frozenset({self._ends.us.lower()}), {"me": self._ends.us.lower()})
        with self._post.mailbox(ctx) as box:
            for folder in self._folders:
                box.look_into(folder)
        self._post.check(ctx, self._ends.us)
        return Found(frozenset({self._ends.us.lower()}), {"me": self._ends.us.lower()})

    def fetch(self, ctx: Context, id: str, items: bool = True) -> Record:
        if self._posted:  # what came has been told; there is nowhere to look
            return Record(id)
        letters = self._thread(ctx, id)
        root = next((each for each in letters if each.id == id), None)
        if root is None and self._ends.minted(id) is None:
            raise Gone("there is no such mail in the mailbox")
        if not any(not each.report for each in letters):
            raise Retry("our own copy of this mail is not in the mailbox yet")
        talk = [each for each in letters if not each.report]
        came_back = root is not None and any(each.report for each in letters)
        heard = any(not each.ours(self._ends) for each in talk)
        last = statuses.last(talk, self._ends, self._words)
        return Record(
            id=id,
            created=root.at if root else talk[0].at,
            author=last[0].sender if last else root.sender if root else None,
            fields={**(self._fields(root) if root else {}), **({self.status: last[1]} if last else {})},
            raw={"message-id": id, "mails": [each.id for each in talk]},
            state="gone" if came_back and not heard else "live",
            comments=tuple(self._comments(id, talk)) if items else (),
            files=tuple(item for each in talk for item in _files(id, each)) if items else (),
            complete=items and root is not None,
        )

    def _fields(self, root: Letter) -> dict[str, Value]:
        mark = self._ends.minted(root.id) if root.ours(self._ends) else None
        subject = root.said("Subject")
        if mark:
            subject = subject.removeprefix(f"[{mark['token']}]").strip()
        return {
            "subject": subject or "(no subject)",
            "description": root.plainly().strip("\n") or None,
            "reference": mark["token"] if mark else None,
        }

    def _comments(self, id: str, talk: list[Letter]) -> Iterator[Item]:
        for each in talk:
            mark = self._ends.minted(each.id) if each.ours(self._ends) else None
            text, form = each.words()
            if each.id != id and text.strip() and (mark is None or mark["kind"] == "c"):
                shown = ("plain", text.rstrip("\n")) if mark else (form, text)
                at = None if each.at == inbound.NO_DATE else each.at
                yield Item(each.id, id, each.sender, at, "mail", shown[1], shown[0])

    def _thread(self, ctx: Context, id: str) -> list[Letter]:
        """All mails of a thread, by when they came, each once; automatic answers and strangers' mails are left out,
        reports stay where they say that its first mail did not arrive."""
        token = self._ends.token(id)
        wanted = [having("Message-ID", id), having("References", id), having("In-Reply-To", id)]
        wanted += [having(name, f"{token}.") for name in ("Message-ID", "References", "In-Reply-To")]
        wanted += [having("Subject", f"[{token}]"), f"FROM mailer-daemon BODY {quoted(id)}"]
        found: dict[str, Letter] = {}
        with self._post.mailbox(ctx) as box:
            for folder in self._folders:
                box.look_into(folder)
                for each in box.letters(box.search(either(wanted))):
                    if each.id not in found and self._belongs(each, id, token):
                        found[each.id] = each
        return sorted(found.values(), key=lambda each: (each.at, each.uid))

    def _belongs(self, letter: Letter, id: str, token: str) -> bool:
        if letter.report:
            return letter.failed() and f"<{id}>".encode() in letter.raw
        named = letter.id == id or id in letter.references or token in letter.tokens(self._ends)
        mark = self._ends.minted(letter.id)
        return (named or (mark is not None and mark["token"] == token)) and not self._unwanted(letter)

    def _unwanted(self, letter: Letter) -> str:
        """Why a mail is not taken; "" where it is ours or theirs."""
        if letter.ours(self._ends):
            return ""
        if letter.returned(self._ends):
            return "a mail of ours that came back"
        if not self._ends.theirs(letter.sender):
            return f"{letter.sender or 'nobody'} does not speak for the provider"
        if self._voucher and not letter.proved(self._voucher):
            return f"{self._voucher} does not vouch for {letter.sender}"
        return letter.answered() or ("" if self._ends.machines else letter.automatic())

    def changed(self, ctx: Context, feed: str, cursor: str | None) -> Page:
        if feed != FEED:
            raise Refused(f"there is no feed {feed}")
        with self._post.mailbox(ctx) as box:
            validity, following = box.look_into(self._folders[0])
            if cursor is None:
                return Page((), _cursor(validity, following - 1), True)
            before = json.loads(cursor)
            if before["validity"] == validity:
                uids = [uid for uid in box.search(f"UID {before['uid'] + 1}:*") if uid > before["uid"]]
            else:
                ctx.log.warning("%s numbers its mails anew: the last days are read again", self._ends.us)
                uids = box.search(f"SINCE {(ctx.now - AGAIN):%d-%b-%Y}")
            now, more = uids[:AT_ONCE], len(uids) > AT_ONCE
            changes = [
                change for each in box.letters(now, head=True) if (change := self._change(ctx, box, each, validity))
            ]
        last = now[-1] if now else before["uid"] if before["validity"] == validity else following - 1
        regressed = before["validity"] == validity and following <= before["uid"]
        return Page(tuple(changes), _cursor(validity, last), not more, regressed)

    def _change(self, ctx: Context, box: Mailbox, letter: Letter, validity: int) -> Change | None:
        """The hint that a mail gives, or None; why none is told to the log."""
        why = "" if letter.report else self._unwanted(letter)
        root = None if why else self._root(box, letter)
        if letter.report and root:
            ctx.log.warning("a mail server reports to %s about a mail of <%s>", self._ends.us, root)
        if root is None and not why:
            why = letter.automatic() or "it belongs to no ticket"
        if root is None:
            ctx.log.warning("a mail to %s was not taken: %s (<%s>)", self._ends.us, why, letter.id)
            return None
        return Change(root, None, None, f"{validity:010}.{letter.uid:010}", letter.sender)

    def _root(self, box: Mailbox, letter: Letter) -> str | None:
        """The first mail of the thread that a mail belongs to; a mail of theirs that belongs to none begins one."""
        if letter.report:
            whole = box.letters([letter.uid])
            found = [m for each in whole for m in MINTED.finditer(each.raw.decode("latin-1"))]
            mark = next((m for m in found if self._ends.minted(m[0]) and m["kind"] == "t"), None)
            return mark[0] if mark else None
        mark = self._ends.minted(letter.id)
        tokens = [mark["token"]] if mark else letter.tokens(self._ends)
        roots = (self._of_token(box, token) for token in tokens)
        known = next((root for root in roots if root), None) or next(
            (each for each in letter.references if self._is_here(box, each)), None
        )
        if known or mark:
            return known or (letter.id if mark and mark["kind"] == "t" else None)
        return None if letter.automatic() else letter.id

    def _of_token(self, box: Mailbox, token: str) -> str | None:
        """The first mail of the thread in which mails of ours carry that token."""
        for each in box.letters(box.search(having("Message-ID", f"{token}."))[:1], head=True):
            mark = self._ends.minted(each.id)
            if mark and each.ours(self._ends) and mark["token"] == token:
                return each.id if mark["kind"] == "t" else next(iter(each.references), None)
        return None

    def _is_here(self, box: Mailbox, id: str) -> bool:
        """Whether a mail of theirs that began a thread is in the folder."""
        return any(
            each.id == id and not each.references and not self._unwanted(each)
            for each in box.letters(box.search(having("Message-ID", id))[:1], head=True)
        )

    def find(self, ctx: Context, ref: str) -> list[Hit]:
        if self._posted:
            raise Unsupported(NO_MAILBOX)
        root = self._ends.ticket(ref)
        with self._post.mailbox(ctx) as box:
            for folder in self._folders:
                box.look_into(folder)
                for each in box.letters(box.search(having("Message-ID", root)), head=True):
                    if each.id == root and each.ours(self._ends):
                        return [Hit(root, each.at)]
        return []

    def person(self, ctx: Context, *, id: str | None = None, email: str | None = None) -> Person | None:
        raise Unsupported(self.cannot["person"])

    def file(self, ctx: Context, item: Item) -> Iterator[bytes]:
        if (item.url or "").startswith(INSIDE):
            return iter((base64.b64decode(str(item.url).removeprefix(INSIDE)),))
        id, _, number = (item.url or item.id).rpartition("#")
        with self._post.mailbox(ctx) as box:
            for folder in self._folders:
                box.look_into(folder)
                for each in box.letters(box.search(having("Message-ID", id))[:1]):
                    if each.id == id and int(number) < len(each.files):
                        return iter((each.files[int(number)][2],))
        raise Gone("the mail with this file is not in the mailbox")

    # writing

    def create(self, ctx: Context, fields: Mapping[str, Value], ref: str, key: str) -> Receipt:
        root = self._ends.ticket(ref)
        if self._ends.minted(root) is None:
            raise Refused("a reference that no Message-ID can carry")
        title, text = str(fields.get("subject") or ""), str(fields.get("description") or "")
        status = self._status(fields[self.status]) if fields.get(self.status) else ""
        mail = self._written(ctx, f"[{ref}] {title}", text, id=root)
        if status:
            mail[statuses.HEADER] = status
        return self._send(ctx, mail)

    def update(self, ctx: Context, id: str, fields: Mapping[str, Value], version: str | None) -> Receipt:
        """A mail that tells the status. One that the thread tells already is not told again, and one that is sent again
        for want of an answer is the same mail: its Message-ID follows from the status and from what was told last."""
        for name in fields:
            if name != self.status:
                raise Refused(f"{name} cannot be changed in a mail that was sent", field=name)
        status = self._status(fields.get(self.status))
        last = None if self._posted else statuses.last(self._talk(ctx, id), self._ends, self._words)
        if last is not None and last[1] == status:
            return Receipt(id, read_back="next_poll")
        made = fresh(self._ends, id, "s", f"{id} {status} {last[0].id}" if last else "")
        mail = self._written(ctx, self._subject(ctx, id), f"Status: {status}\n", id=made, root=id)
        mail[statuses.HEADER] = status
        return replace(self._send(ctx, mail), id=id)

    def _talk(self, ctx: Context, id: str) -> list[Letter]:
        return [each for each in self._thread(ctx, id) if not each.report]

    def _status(self, value: Value) -> str:
        """A status of the catalogue, in one line. Raises ``Refused``."""
        word = self._words.get(statuses.plain(str(value)))
        if word is None or word != value:
            raise Refused(f"{value!r} is no status of the connection", field=self.status)
        return word

    def comment(
        self, ctx: Context, id: str, channel: str, text: str, reaches: Sequence[str], replaces: str | None = None
    ) -> Receipt:
        self.check_reach(channel, reaches)
        if replaces is not None:
            raise Unsupported(self.cannot["edit_comment"])
        made = fresh(self._ends, id, "c")
        return self._send(ctx, self._written(ctx, self._subject(ctx, id), text, id=made, root=id))

    def attach(self, ctx: Context, id: str, channel: str, file: File, reaches: Sequence[str]) -> Receipt:
        self.check_reach(channel, reaches)
        most = self._manifest.part("attachments")["max"]
        if file.size > most:
            raise Refused(f"a file may have {most} bytes, not {file.size}")
        mail = self._written(ctx, self._subject(ctx, id), file.name, id=fresh(self._ends, id, "f"), root=id, file=file)
        sent = self._send(ctx, mail)
        return replace(sent, id=f"{sent.id}#0")

    def worklog(self, ctx: Context, id: str, minutes: int, text: str, started: datetime) -> Receipt:
        raise Unsupported(self.cannot["worklog"])

    def _subject(self, ctx: Context, id: str) -> str:
        """That of the thread, so that their desk and their eyes keep it together."""
        if self._posted:
            return f"Re: [{self._ends.token(id)}]"
        with self._post.mailbox(ctx) as box:
            for folder in self._folders:
                box.look_into(folder)
                for each in box.letters(box.search(having("Message-ID", id))[:1], head=True):
                    if each.id == id:
                        subject = each.said("Subject")
                        return subject if subject[:3].lower() == "re:" else f"Re: {subject}"
        if self._ends.minted(id) is None:
            raise Gone("there is no such mail in the mailbox")
        return f"Re: [{self._ends.token(id)}]"

    def _written(self, ctx: Context, subject: str, text: str, **more: Any) -> EmailMessage:
        try:
            return compose(self._ends, ctx.now, subject, text, **more)
        except ValueError as error:
            raise Refused(f"this cannot stand in a mail: {error}") from error

    def _send(self, ctx: Context, mail: EmailMessage) -> Receipt:
        id = str(mail["Message-ID"])[1:-1]
        begins = self._ends.minted(id) is not None and not mail["References"]
        copies = [] if len(self._folders) > 1 or (self._posted and not begins) else [self._ends.us]
        try:
            said = self._post.send(ctx, self._ends.us, [self._ends.them, *copies], mail.as_bytes())
        except Unknown as error:
            if self._posted:
                raise Refused(f"it may have arrived, look before it is sent again: {error.said}") from error
            raise
        return Receipt(id, said=(said,), read_back="next_poll")

    # webhooks: a mail that was posted to us

    def verify(self, arrival: Arrival, now: datetime) -> Verified:
        proved = signing.verify(self._verify, arrival, now, self._proofs)
        return replace(proved, delivery=inbound.delivery(arrival, self._names))

    def challenge(self, arrival: Arrival) -> Reply | None:
        return None

    def parse(self, arrival: Arrival) -> list[Event]:
        """Raises ValueError where there is no mail in it: nobody else would ever tell of it."""
        letter = inbound.received(arrival, self._names)
        why = "" if letter.report else self._unwanted(letter)
        if why:
            return [Event("ignored", reason=why)]
        root = inbound.root_of(letter, self._ends, by_subject=self._posted)
        if letter.report:
            why = "" if root else "it belongs to no ticket"
        elif root in (None, letter.id) and not letter.ours(self._ends):
            why = letter.automatic()
        if why:
            return [Event("ignored", root, why)]
        if not self._posted:
            told = Event("changed", root, "a mail was posted", letter.sender)
            return [told if root else Event("ignored", reason="the mailbox tells which ticket it belongs to")]
        return self._told(letter, root or letter.references[0])

    def _told(self, letter: Letter, root: str) -> list[Event]:
        """What a mail says where there is no mailbox to look into."""
        at = None if letter.at == inbound.NO_DATE else letter.at
        version = at.isoformat() if at and not letter.ours(self._ends) else None  # by their clock alone
        if letter.report:
            first = f"Message-ID: <{root}>".encode()
            if not letter.failed() or first not in letter.raw:
                return [Event("ignored", root, "the report of a mail server")]
            return [Event("changed", root, "it did not arrive", None, Record(root, version=version, state="gone"))]
        status = statuses.told(letter, self._ends, self._words)
        shown = zip(_files(root, letter), letter.files, strict=True)
        files = tuple(_inside(item, data) for item, (_, _, data) in shown)
        if letter.id == root:
            fields = {**self._fields(letter), **({self.status: status} if status else {})}
            told = Record(root, version=version, created=at, author=letter.sender, fields=fields)
            return [Event("created", root, "a mail was posted", letter.sender, replace(told, files=files))]
        if letter.ours(self._ends):
            return [Event("ignored", root, "our own copy")]
        said = Record(root, comments=tuple(self._comments(root, [letter])), files=files)
        moved = Record(root, version=version, author=letter.sender, fields={self.status: status})
        records = [said, moved] if status else [said]
        return [Event("changed", root, "a mail was posted", letter.sender, each) for each in records]


def _cursor(validity: int, uid: int) -> str:
    return json.dumps({"validity": validity, "uid": uid})


def _inside(item: Item, data: bytes) -> Item:
    """A file that is told with all that is in it."""
    return replace(item, url=INSIDE + base64.b64encode(data).decode())


def _files(id: str, letter: Letter) -> Iterator[Item]:
    at = None if letter.at == inbound.NO_DATE else letter.at
    for number, (name, mime, data) in enumerate(letter.files):
        key = f"{letter.id}#{number}"
        yield Item(key, id, letter.sender, at, "mail", name=name, mime=mime, size=len(data), url=key)
