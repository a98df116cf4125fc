"""Mails as values: what we write, which thread a mail belongs to, what its author wrote, and what no person wrote.

The Message-ID of each mail of ours says what it is: ``<token>.<kind><number>@<our domain>``, where the token is our
reference, or stands for the first mail of a thread that they began. Nothing here speaks to a server.
"""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cached_property
from html.parser import HTMLParser
from itertools import takewhile
from urllib.parse import quote_from_bytes

from connectors.base import File

MINTED = re.compile(
    r"(?P<token>[A-Za-z0-9_-]{1,80})\.(?P<kind>[tcfs])(?P<number>[0-9a-f]{20})@(?P<domain>[A-Za-z0-9.-]+)"
)
IDS = re.compile(r"<([!-;=?-~]{1,500})>")
TAG = re.compile(r"\[([A-Za-z0-9_-]{4,80})\]")
PLAIN = re.compile(r"(?:(?!=\?)[!-~]){1,60}")
"""A word that a subject may show as it is: short enough for a line, and nobody takes it for an encoded one."""
BESIDE = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()]*\)')
"""Quoted names and remarks around an address."""
ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
LOOP = "X-Tandem-Loop"
PARTS, DEPTH, WORDS = 5000, 100, 4000
"""Boundaries, and mentions of multipart, that a mail may have; letters of a header that are read as words."""
LONG = re.compile(rb"^content-[a-z-]+:(?:[^\n]|\n[ \t]){%d}" % WORDS, re.I | re.M)
"""A header of a part that nobody writes by hand or by program, and that takes minutes to read."""
SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
CHARSETS = {"iso-8859-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8"}
"""What is meant where a mail claims the charset on the left."""


@dataclass(frozen=True)
class Ends:
    """Both ends of a correspondence: our address, the provider's, and who besides may write for the provider."""

    us: str
    them: str
    senders: tuple[str, ...]
    machines: bool = False

    @property
    def domain(self) -> str:
        return self.us.partition("@")[2].lower()

    def theirs(self, address: str) -> bool:
        """Whether that address speaks for the provider."""
        return address.lower() in self.senders or address.lower().partition("@")[2] in self.senders

    def minted(self, id: str) -> re.Match[str] | None:
        """The parts of a Message-ID of ours; None for any other."""
        found = MINTED.fullmatch(id)
        return found if found and found["domain"].lower() == self.domain else None

    def ticket(self, token: str) -> str:
        """The Message-ID of the ticket that our reference names: always the same."""
        return f"{token}.t{_digest(f'{token} {self.us.lower()}')[:20]}@{self.domain}"

    def token(self, root: str) -> str:
        """What stands in the Message-IDs of ours in the thread of ``root``."""
        found = self.minted(root)
        return found["token"] if found else f"re-{_digest(root)[:24]}"


class Line(str):
    """A subject, written so that every reader of RFC 2047 gets it back letter by letter.

    Its first words stay plain as far as they can; all after them is one run of encoded words, with the blanks inside.
    (The library's own folding loses blanks between two of them.)
    """

    name = "Subject"

    def fold(self, *, policy: object) -> str:
        """Lines of 76 characters at most, each ended by CRLF. The library calls it where a header has a name."""
        words = self.split(" ")
        plain = list(takewhile(PLAIN.fullmatch, words))
        lines = textwrap.wrap(" ".join([f"{self.name}:", *plain]), 76, break_on_hyphens=False)
        pieces = _pieces(" ".join(words[len(plain) :]), 45)
        encoded = (f"=?utf-8?b?{base64.b64encode(each).decode()}?=" for each in pieces)
        return "\r\n ".join([*lines, *encoded]) + "\r\n"


class Named(str):
    """The name of a file, written as every reader of RFC 2231 gets it back, whatever it looks like."""

    name = "Content-Disposition"

    def fold(self, *, policy: object) -> str:
        """A line for some letters at a time. The library calls it where a header has a name."""
        pieces = [quote_from_bytes(each, safe="") for each in _pieces(self, 19)]
        lines = [f"filename*{number}*={each}" for number, each in enumerate(["utf-8''", *pieces])]
        return f"{self.name}: attachment;\r\n " + ";\r\n ".join(lines) + "\r\n"


def _pieces(text: str, most: int) -> Iterator[bytes]:
    """The text in UTF-8, at most so many bytes at a time, cut between characters."""
    piece = b""
    for each in text:
        letter = each.encode("utf-8", "replace")
        if len(piece) + len(letter) > most:
            yield piece
            piece = b""
        piece += letter
    if piece:
        yield piece


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def compose(
    ends: Ends, now: datetime, subject: str, text: str, *, id: str, root: str = "", file: File | None = None
) -> EmailMessage:
    """A mail of ours. Raises ValueError for a subject that would be more than one header line.

    It is a person's word that we pass on, so it is not marked ``Auto-Submitted``: their desk would drop it.
    """
    mail = EmailMessage(policy=policy.SMTP)
    if len(subject.strip().splitlines()) > 1:
        raise ValueError("a subject is one line")
    mail["From"], mail["To"], mail["Subject"] = ends.us, ends.them, Line(subject.strip())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{id}>"
    if root:
        mail["In-Reply-To"] = mail["References"] = f"<{root}>"
    mail[LOOP] = ends.us
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(text, cte="quoted-printable")
    if file is not None:
        main, _, sub = (file.mime if re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.mime) else "").partition("/")
        if main in ("", "message", "multipart"):
            main, sub = "application", "octet-stream"
        with file.open() as stream:
            mail.add_attachment(stream.read(), maintype=main, subtype=sub, filename=file.name)
        if not re.fullmatch(r"[\w.-]{1,60}", file.name, re.ASCII):
            [*_, part] = mail.iter_attachments()
            part.replace_header("Content-Disposition", Named(file.name))
    return mail


def fresh(ends: Ends, root: str, kind: str, saying: str = "") -> str:
    """A Message-ID for another mail of ours in a thread, the same for the same ``saying``, if there is one. ``kind``: c
    for a comment, f for a file, s for a status."""
    number = _digest(saying) if saying else uuid.uuid4().hex
    return f"{ends.token(root)}.{kind}{number[:20]}@{ends.domain}"


@dataclass(frozen=True)
class Letter:
    """A mail as it lies in a folder. ``at``: when the server took it; ``raw`` is whole, or its head alone."""

    uid: int
    at: datetime
    raw: bytes = field(repr=False)

    @cached_property
    def mail(self) -> EmailMessage:
        """It with its parts; of one that is made to be nobody's mail, the head and a word about it."""
        few = self.raw.count(b"\n--") <= PARTS and self.raw.lower().count(b"multipart/") <= DEPTH
        if few and not LONG.search(self.raw):
            return message_from_bytes(self.raw, policy=policy.default)
        lines = re.split(rb"\r?\n\r?\n", self.raw, maxsplit=1)[0]
        mail = message_from_bytes(lines + b"\n\n", policy=policy.default)
        for name in ("Content-Type", "Content-Transfer-Encoding"):
            del mail[name]
        mail.set_payload("This mail is made so that it cannot be read. It lies in the mailbox as it came.")
        return mail

    def header(self, name: str) -> str:
        """A header as it was sent, unfolded, the first of its name; "" for none."""
        found = next((str(value) for key, value in self.mail.raw_items() if key.lower() == name.lower()), "")
        text = found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return re.sub(r"\r?\n", "", text).strip()

    def said(self, name: str) -> str:
        """A header as words, in one line."""
        try:
            text = str(make_header(decode_header(self.header(name)[:WORDS])))
        except (ValueError, LookupError, HeaderParseError):
            text = self.header(name)[:WORDS]
        text = text.encode("utf-8", "replace").decode()
        return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()

    @cached_property
    def id(self) -> str:
        """Its Message-ID, or one made of its bytes where it has none."""
        found = IDS.search(self.header("Message-ID"))
        head = self.raw.split(b"\r\n\r\n")[0].decode("latin-1")
        return found[1] if found else f"{_digest(head)[:40]}@no-id.invalid"

    @cached_property
    def references(self) -> list[str]:
        """What it answers to, oldest first."""
        return list(dict.fromkeys(IDS.findall(self.header("References")) + IDS.findall(self.header("In-Reply-To"))))

    @cached_property
    def sender(self) -> str:
        """The one address in ``From``, in small letters: what stands in angle brackets, whatever else looks like one
        beside it. "" where there is none, or more than one."""
        said = self.header("From")
        bare = BESIDE.sub(" ", said).strip().lower() if len(said) <= WORDS else ""
        inside = re.fullmatch(r"[^<>]*<([^<>]*)>[^<>]*", bare)
        found = ADDRESS.fullmatch((inside[1] if inside else bare).strip())
        return found[0] if found else ""

    def proved(self, server: str) -> bool:
        """Whether ``server`` vouches for the domain of its sender: the topmost Authentication-Results of that server
        says that DMARC passed, or a DKIM signature of that domain."""
        domain = self.sender.partition("@")[2]
        for name, value in self.mail.raw_items():
            who, _, results = re.sub(r"\([^()]*\)", " ", str(value)).partition(";")
            if name.lower() == "authentication-results" and who.split()[:1] == [server]:
                return any(_vouches(each.lower().split(), domain) for each in results.split(";"))
        return False

    @property
    def report(self) -> bool:
        """Whether a mail server tells of another mail: a bounce, a receipt."""
        return "multipart/report" in self.header("Content-Type").lower()

    def answered(self) -> str:
        """Why it is an automatic answer, which nobody wrote and nothing may follow from; "" where it is none."""
        auto = self.header("Auto-Submitted").partition(";")[0].strip().lower()
        if auto == "auto-replied":
            return "Auto-Submitted: auto-replied"
        if self.report or self.header("Return-Path") == "<>":
            return "the report of a mail server"
        if not self.sender or self.sender.partition("@")[0] in ("mailer-daemon", "postmaster"):
            return f"from {self.sender or 'nobody'}"
        for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"):
            if self.header(name):
                return name
        return "Precedence: auto_reply" if self.header("Precedence").lower() == "auto_reply" else ""

    def automatic(self) -> str:
        """Why no person sent it (RFC 3834 and what desks go by); "" where one did."""
        auto = self.header("Auto-Submitted").partition(";")[0].strip().lower()
        if auto not in ("", "no", "auto-forwarded"):  # forwarded: a person's words all the same
            return f"Auto-Submitted: {auto}"
        if self.header("Precedence").lower() in ("bulk", "junk", "list"):
            return f"Precedence: {self.header('Precedence')}"
        if "all" in re.split(r"[,\s]+", self.header("X-Auto-Response-Suppress").lower()):
            return "X-Auto-Response-Suppress: All"
        for name in ("X-Loop", "X-No-Loop", "X-OTRS-Loop", "X-FC-Machinegenerated"):
            if self.header(name).lower() in ("yes", "true"):
                return name
        return next((name for name in ("Mailing-List", "List-Unsubscribe") if self.header(name)), self.answered())

    def returned(self, ends: Ends) -> bool:
        """Whether it is a mail of ours that somebody sent on under another name."""
        return self.header(LOOP).lower() == ends.us.lower() and not self.ours(ends)

    def ours(self, ends: Ends) -> bool:
        """Whether it is our own copy of a mail of ours."""
        return self.sender == ends.us.lower() and ends.minted(self.id) is not None

    def tokens(self, ends: Ends) -> list[str]:
        """The tokens of ours that it names, by what it answers to, then by its subject."""
        found = [match["token"] for each in reversed(self.references) if (match := ends.minted(each))]
        return list(dict.fromkeys([*found, *TAG.findall(self.said("Subject"))]))

    def failed(self) -> bool:
        """Whether this report says that a mail did not arrive and never will."""
        return re.search(rb"^Action:[ \t]*failed", self.raw, re.I | re.M) is not None

    def words(self) -> tuple[str, str]:
        """What it says with all its quotes, and the format (``mail``, ``html_mail``)."""
        plain, html = self._bodies
        text = _text(plain) if plain is not None else ""
        if not text.strip() and html is not None:
            return _text(html), "html_mail"
        return text, "mail"

    def plainly(self) -> str:
        """What it says, without markup."""
        text, form = self.words()
        if form == "mail":
            return text
        return _Words().read(text)

    def own(self) -> str:
        """What it says without markup and without what is marked up as quoted; lines quoted by ``>`` are in it."""
        text, form = self.words()
        return text if form == "mail" else _Words("blockquote").read(text)

    @cached_property
    def _bodies(self) -> tuple[EmailMessage | None, EmailMessage | None]:
        bodies = (self.mail.get_body((kind,)) for kind in ("plain", "html"))
        plain, html = bodies
        return plain, html  # type: ignore[return-value]

    @cached_property
    def files(self) -> list[tuple[str, str, bytes]]:
        """Name, type and bytes of whatever is no text of its own."""
        found = []
        for number, part in enumerate(each for each in _leaves(self.mail) if each not in self._bodies):
            mime = part.get_content_type()
            if mime not in SIGNATURES:
                name = re.sub(r"[\x00-\x1f/\\]", "_", _name(part)) or f"part-{number + 1}"
                found.append((name, mime, _bytes(part)))
        return found


def _vouches(result: list[str], domain: str) -> bool:
    """Whether one result is that of a method which proves the domain in ``From``."""
    told = dict(each.split("=", 1) for each in result if "=" in each)
    if told.get("dmarc") == "pass":
        return told.get("header.from", domain) == domain
    signer = told.get("header.d", "")
    return told.get("dkim") == "pass" and bool(signer) and f".{domain}".endswith(f".{signer}")


def _leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    if not part.is_multipart() or part.get_content_maintype() == "message":
        yield part
        return
    for each in part.iter_parts():
        yield from _leaves(each)  # type: ignore[arg-type]


def _name(part: EmailMessage) -> str:
    """The name of a file as it was written; the library's own way takes ``<`` and quotes off it."""
    for header, name in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        found = getattr(part[header], "params", {}).get(name, "").strip()
        if found:
            return str(found)
    return ""


def _bytes(part: EmailMessage) -> bytes:
    if part.is_multipart():  # a mail inside the mail
        return part.get_payload(0).as_bytes()  # type: ignore[union-attr]
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _text(part: EmailMessage) -> str:
    """The text of a part in the charset that it claims, or else in UTF-8; what is neither shows as such."""
    data = _bytes(part)
    claimed = (part.get_content_charset() or "utf-8").lower()
    for charset in (CHARSETS.get(claimed, claimed), "utf-8"):
        try:
            return data.decode(charset).replace("\r\n", "\n")
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


class _Words(HTMLParser):
    """The text of a page of HTML, line by line, ``without`` another element besides those that show none."""

    def __init__(self, without: str = "") -> None:
        super().__init__()
        self.found: list[str] = []
        self._without = ("style", "script", "head", without)
        self._hidden = 0

    def read(self, page: str) -> str:
        self.feed(page)
        return re.sub(r"\n{3,}", "\n\n", "".join(self.found)).strip()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in self._without
        if tag in ("br", "p", "div", "tr", "li", "h1", "h2", "h3"):
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self._without

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(re.sub(r"\s+", " ", data))
