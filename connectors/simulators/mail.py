"""Two mailboxes on the loopback, ours and a provider's, behind one SMTP and one IMAP server, with people who answer.

One signs in by password or, with ``signin="token"``, by XOAUTH2 with a token that ``POST /token`` gives for a refresh
token which is good once. Each mail that comes to us is also posted, raw and signed by Standard Webhooks, as services
for inbound mail do.

RFC 5321 and RFC 3501 as far as a client that sends and reads needs them. A fault meets a whole mail (``POST /smtp``, at
the dot that ends it) or one IMAP command (``GET /imap``).
"""

from __future__ import annotations

import base64
import hmac
import re
import socket
import socketserver
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cached_property
from typing import Any, Self
from urllib.parse import parse_qs

from connectors.simulators.desk import Kept, Said, Simulator
from connectors.simulators.faults import Wire
from connectors.simulators.loopback import Request, Response

OURS = "tandem@customer.example"
THEIRS = "support@provider.example"
PAULA = "paula@provider.example"
PASSWORD = "mailbox-password"  # noqa: S105  the loopback's
SECRET, REFRESH = "mail-client-secret", "mail-refresh-token"
WEBHOOK = "whsec_bWFpbC13ZWJob29rLXNlY3JldC1vZi10ZXN0"
DENIED = '{"status":"401","schemes":"bearer"}'
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+')


@dataclass(frozen=True)
class Stored:
    """A mail in a mailbox."""

    uid: int
    at: datetime
    raw: bytes

    @cached_property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)


class Box:
    """One mailbox: mails get ascending numbers, and none twice."""

    def __init__(self) -> None:
        self.validity = 1
        self.following = 1
        self.mails: list[Stored] = []

    def add(self, at: datetime, raw: bytes) -> None:
        self.mails.append(Stored(self.following, at, raw))
        self.following += 1

    def rebuild(self) -> None:
        """The server loses its numbers: all mails get others."""
        self.validity += 1
        for number, each in enumerate(self.mails):
            self.mails[number] = Stored(number + 1, each.at, each.raw)
        self.following = len(self.mails) + 1


class Mail(Simulator):
    """``boxes`` by address. A mail to anybody else is refused."""

    def __init__(self, clock: Callable[[], datetime], *, signin: str = "password", **more: Any) -> None:
        super().__init__(clock, **more)
        self.signin = signin
        self.access: dict[str, datetime] = {}
        self.refresh = REFRESH
        self.boxes = {OURS: Box(), THEIRS: Box()}
        self.password = PASSWORD
        self.began: list[str] = []
        self._smtp, self._imap = (_Server(self, talk) for talk in self.talks())
        self.settings = {
            "address": OURS,
            "provider": THEIRS,
            "smtp_host": "127.0.0.1",
            "smtp_port": self._smtp.port,
            "smtp_security": "plain",
            "imap_port": self._imap.port,
            "imap_security": "plain",
        }
        self.secrets = {"password": PASSWORD, "webhook": WEBHOOK}
        if signin == "token":
            self.settings |= {"client_id": "tandem", "token_url": f"{self.url}/token"}
            self.secrets = {"client_secret": SECRET, "refresh_token": REFRESH, "webhook": WEBHOOK}

    def talks(self) -> tuple[type[Talk], type[Talk]]:
        """Who speaks SMTP and IMAP."""
        return Smtp, Imap

    @property
    def ports(self) -> tuple[int, ...]:
        return (self._smtp.port, self._imap.port, *([self.port] if self.signin == "token" else []))

    def start(self) -> Self:
        self._smtp.begin()
        self._imap.begin()
        return super().start()

    def stop(self) -> None:
        self._smtp.end()
        self._imap.end()
        super().stop()

    def answer(self, request: Request) -> Response:
        if request.path != "/token" or request.method != "POST":
            return Response(404)
        given = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wanted = {"client_id": "tandem", "client_secret": SECRET, "refresh_token": self.refresh}
        if any(given.get(name) != value for name, value in wanted.items()):
            return Response.of({"error": "invalid_grant", "error_description": "The refresh token is not good."}, 400)
        access, self.refresh = uuid.uuid4().hex, uuid.uuid4().hex
        self.access[access] = self.clock() + timedelta(seconds=3600)
        return Response.of({"access_token": access, "expires_in": 3600, "refresh_token": self.refresh})

    def lets_in(self, shown: str) -> bool:
        """Whether what XOAUTH2 showed is good."""
        until = self.access.get(shown.removeprefix(f"user={OURS}\x01auth=Bearer ").removesuffix("\x01\x01"))
        return until is not None and self.clock() < until

    def sign(self, body: bytes, delivery: str) -> Mapping[str, str]:
        stamp = str(int(self.clock().timestamp()))
        key = base64.b64decode(WEBHOOK.removeprefix("whsec_"))
        made = hmac.new(key, f"{delivery}.{stamp}.".encode() + body, "sha256").digest()
        return {
            "Content-Type": "message/rfc822",
            "webhook-id": delivery,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
        }

    def deliver(self, recipients: list[str], raw: bytes) -> None:
        """A mail arrives."""
        with self.lock:
            for each in dict.fromkeys(recipients):
                self.boxes[each].add(self.clock(), raw)
            if OURS in recipients:
                self.announce(raw)

    # people at work there

    def write(self, text: str, subject: str, root: str = "", headers: Mapping[str, str] | None = None) -> EmailMessage:
        """A mail of Paula's, not sent yet."""
        mail = EmailMessage(policy=policy.SMTP)
        sender = (headers or {}).get("From", f"Paula Provider <{PAULA}>")
        if sender:
            mail["From"] = sender
        mail["To"], mail["Subject"] = OURS, subject
        mail["Date"], mail["Message-ID"] = format_datetime(self.clock()), f"<{uuid.uuid4().hex}@provider.example>"
        if root:
            mail["In-Reply-To"] = mail["References"] = f"<{root}>"
        for name, value in (headers or {}).items():
            if name != "From":
                mail[name] = value
        mail.set_content(text, cte="quoted-printable")
        return mail

    def post(self, mail: EmailMessage) -> str:
        """Sends it to us; its id."""
        self.deliver([OURS], mail.as_bytes())
        return _id(mail)

    def open_record(self, title: str) -> str:
        with self.lock:
            self.began.append(self.post(self.write(f"About {title}.", title)))
            return self.began[-1]

    def change(self, id: str, values: Mapping[str, Any]) -> None:
        self._cannot("fields that change")

    def shows(self, id: str) -> Mapping[str, Any]:
        mail = next(each for each in self._thread(id) if _id(each) == id)
        return {name: str(value) for name, value in mail.items()}

    def ids(self) -> list[str]:
        with self.lock:
            mails = [each.mail for each in self.boxes[THEIRS].mails]
        return [*self.began, *(_id(mail) for mail in mails if not mail["References"])]

    def say(self, id: str, text: str, public: bool) -> str:
        first = self._thread(id)[0]
        quoted = "\n".join(f"> {line}" for line in _text(first).splitlines())
        whole = f"{text}\n\nOn Sat, 21 Nov 2026 at 10:00, Tandem <{OURS}> wrote:\n{quoted}\n"
        return self.post(self.write(whole, f"Re: {first['Subject']}", root=id))

    def said(self, id: str) -> list[Said]:
        talk = [mail for mail in self._thread(id) if _id(mail) != id and not list(mail.iter_attachments())]
        return [Said(_id(mail), str(mail["From"]), _text(mail).rstrip("\n"), False) for mail in talk]

    def upload(self, id: str, name: str, data: bytes, public: bool) -> str:
        mail = self.write("Here it is.", "Re: a file", root=id)
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        return self.post(mail)

    def kept(self, id: str) -> list[Kept]:
        return [
            Kept(_id(mail), part.get_filename() or "", part.get_payload(decode=True), False)  # type: ignore[arg-type]
            for mail in self._thread(id)
            for part in mail.iter_attachments()
        ]

    def bounce(self, id: str, status: str = "5.1.1", action: str = "failed") -> str:
        """A mail server gives the mail ``id`` back (RFC 3464)."""
        text = (
            f"From: MAILER-DAEMON@provider.example\nTo: {OURS}\nSubject: Undelivered Mail Returned to Sender\n"
            f"Date: {format_datetime(self.clock())}\n"
            f"Message-ID: <{uuid.uuid4().hex}@provider.example>\nMIME-Version: 1.0\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nYour mail could not be delivered.\n\n"
            f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.provider.example\n\n"
            f"Final-Recipient: rfc822; {THEIRS}\nAction: {action}\nStatus: {status}\n\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id}>\nFrom: {OURS}\n\n--b--\n"
        )
        self.deliver([OURS], text.replace("\n", "\r\n").encode())
        return id

    def set_back(self) -> None:
        """Our mailbox is restored from a backup of before its first mail."""
        self.boxes[OURS].mails.clear()
        self.boxes[OURS].following = 1

    def revoke(self) -> None:
        self.password = "another-password"  # noqa: S105  the loopback's
        self.access.clear()
        self.refresh = uuid.uuid4().hex

    def expire(self) -> None:
        if self.signin != "token":
            self._cannot("sign-in that expires")
        self.access.clear()

    def _thread(self, id: str) -> list[EmailMessage]:
        """What is in the provider's mailbox of a thread; of one that they began, the first mail from ours."""
        with self.lock:
            mails = [each.mail for box in (THEIRS, OURS) for each in self.boxes[box].mails]
            theirs = len(self.boxes[THEIRS].mails)
        found = [mail for mail in mails[:theirs] if id in (_id(mail), str(mail["References"] or "").strip("<> \r\n"))]
        own = [mail for mail in mails[theirs:] if _id(mail) == id and not any(_id(each) == id for each in found)]
        if not own and not found:
            raise KeyError(id)
        return [*own, *found]


def _id(mail: EmailMessage) -> str:
    return str(mail["Message-ID"]).strip("<> ")


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, desk: Mail, talk: type[Talk]) -> None:
        self.desk = desk
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", 0), talk)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.005,), daemon=True, name="mail")

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.stopping.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()


class Talk(socketserver.StreamRequestHandler):
    """One connection, line by line."""

    disable_nagle_algorithm = True
    server: _Server
    connection: socket.socket

    def setup(self) -> None:
        super().setup()
        self.desk = self.server.desk
        self.wire = Wire(self.connection, self.server.stopping)

    def handle(self) -> None:
        try:
            self.greet()
            while self.wire.keep and not self.server.stopping.is_set() and (line := self.rfile.readline()):
                self.hear(line.rstrip(b"\r\n").decode("utf-8", "replace"))
        except (OSError, ValueError):
            return  # the other side went away

    def greet(self) -> None:
        raise ConnectionError

    def hear(self, line: str) -> None:
        raise ConnectionError

    def noted(self, method: str, path: str, body: bytes = b"") -> None:
        with self.desk.lock:
            self.desk.asked.append(Request(method, path, {}, {}, body))


class Smtp(Talk):
    """One SMTP session; it takes no mail before it knows who is there."""

    def greet(self) -> None:
        self.known = False
        self.recipients: list[str] = []
        self.say("220 mail.provider.example ESMTP")

    def say(self, line: str) -> None:
        self.wire.send(f"{line}\r\n".encode())

    def hear(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                way = "XOAUTH2" if self.desk.signin == "token" else "PLAIN"
                self.say(f"250-mail.provider.example\r\n250-8BITMIME\r\n250 AUTH {way}")
            case "AUTH":
                self.authenticate(*rest.partition(" ")[::2])
            case "MAIL":
                self.recipients = []
                self.say("250 2.1.0 ok" if self.known else "530 5.7.0 authentication required")
            case "RCPT":
                self.take(rest)
            case "DATA":
                self.say("354 go on")
                self.end(self.whole())
            case "QUIT":
                self.say("221 2.0.0 bye")
                self.wire.close()
            case "NOOP" | "RSET":
                self.say("250 2.0.0 ok")
            case _:
                self.say("502 5.5.1 what?")

    def authenticate(self, way: str, shown: str) -> None:
        if self.desk.signin == "token":
            self.known = way == "XOAUTH2" and self.desk.lets_in(base64.b64decode(shown).decode())
            if not self.known:
                self.say(f"334 {_base64(DENIED)}")
                self.rfile.readline()
        else:
            self.known = way == "PLAIN" and shown == _base64(f"\0{OURS}\0{self.desk.password}")
        self.say("235 2.7.0 ok" if self.known else "535 5.7.8 authentication failed")

    def take(self, rest: str) -> None:
        address = rest.partition("<")[2].partition(">")[0].lower()
        if address in self.desk.boxes:
            self.recipients.append(address)
            self.say("250 2.1.5 ok")
        else:
            self.say("550 5.1.1 no such mailbox")

    def whole(self) -> bytes:
        """The mail up to the dot."""
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def end(self, raw: bytes) -> None:
        """The dot was read: whatever happens now decides what the sender believes."""
        fault = self.desk.faults.next("POST", "/smtp")
        self.noted("POST", "/smtp", raw)
        if fault.what == "drop_before_commit":
            return self.wire.reset()
        if fault.what == "status":
            return self.say("554 5.6.0 refused" if fault.status in (400, 403) else "451 4.3.0 try again later")
        fault.before(self.wire)
        said = self.commit(raw)
        match fault.what:
            case "commit_then_drop":
                self.wire.reset()
            case "commit_then_status":
                self.say("451 4.4.2 timeout")
            case "truncate_head":
                self.wire.send(b"25")
                self.wire.close()
            case _:
                self.wire.wait(fault.seconds if fault.what == "commit_then_delay" else 0)
                self.say(said)

    def commit(self, raw: bytes) -> str:
        """The mail is taken; what is said to it."""
        self.desk.deliver(self.recipients, raw)
        return "250 2.0.0 queued"


class Imap(Talk):
    """One IMAP session of our mailbox."""

    def greet(self) -> None:
        self.known, self.box = False, Box()
        self.wire.send(b"* OK ready\r\n")

    def hear(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        command = rest.split(" ", 1)[0].upper()
        fault = self.desk.faults.next("GET", "/imap")
        self.noted("GET", f"/imap/{command}")
        if fault.what in ("drop_before_commit", "commit_then_drop", "truncate_head", "truncate_body"):
            return self.wire.reset()
        fault.before(self.wire)
        if fault.what == "status":
            told = [f"{tag} NO [UNAVAILABLE] try again later\r\n".encode()]
        elif fault.what == "html_login_page":
            told = [b"<html>Sign in</html>\r\n"]
        else:
            with self.desk.lock:
                told = list(self.told(tag, command, rest))
        data = b"".join(told)
        if fault.what == "slowloris":
            for at in range(len(data)):
                self.wire.send(data[at : at + 1])
                self.wire.wait(fault.seconds)
        else:
            self.wire.send(data)

    def told(self, tag: str, command: str, rest: str) -> Iterator[bytes]:
        words = rest.split(" ", 2)
        good = f"{tag} OK done\r\n".encode()
        if command == "CAPABILITY":
            way = b" AUTH=XOAUTH2" if self.desk.signin == "token" else b""
            yield b"* CAPABILITY IMAP4rev1" + way + b"\r\n" + good
        elif command == "AUTHENTICATE":
            self.known = self.shown_token(rest)
            yield good if self.known else f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
        elif command == "LOGIN" and self.desk.signin != "token":
            self.known = [_bare(each) for each in TOKEN.findall(rest)[1:]] == [OURS, self.desk.password]
            yield good if self.known else f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
        elif command == "LOGOUT":
            self.wire.close()
            yield b"* BYE\r\n" + good
        elif not self.known:
            yield f"{tag} NO sign in first\r\n".encode()
        elif command == "EXAMINE":
            yield from self.examined(tag, _bare(words[1]))
        elif command == "UID" and words[1].upper() == "SEARCH":
            found = [str(each.uid) for each in self.box.mails if _fits(each, TOKEN.findall(words[2]))]
            yield f"* SEARCH {' '.join(found)}\r\n".encode() + good
        elif command == "UID" and words[1].upper() == "FETCH":
            yield from self.fetched(*words[2].split(" ", 1))
            yield good
        else:
            yield f"{tag} BAD what?\r\n".encode()

    def shown_token(self, rest: str) -> bool:
        if rest.upper() != "AUTHENTICATE XOAUTH2" or self.desk.signin != "token":
            return False
        self.wire.send(b"+ \r\n")
        good = self.desk.lets_in(base64.b64decode(self.rfile.readline()).decode())
        if not good:
            self.wire.send(f"+ {_base64(DENIED)}\r\n".encode())
            self.rfile.readline()
        return good

    def examined(self, tag: str, name: str) -> Iterator[bytes]:
        if name.upper() != "INBOX":
            yield f"{tag} NO [NONEXISTENT] no such folder\r\n".encode()
            return
        self.box = self.desk.boxes[OURS]
        yield f"* {len(self.box.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.box.validity}] ok\r\n".encode()
        yield f"* OK [UIDNEXT {self.box.following}] ok\r\n{tag} OK [READ-ONLY] done\r\n".encode()

    def fetched(self, uids: str, what: str) -> Iterator[bytes]:
        wanted = {int(each) for each in uids.split(",")}
        for number, each in enumerate(self.box.mails, 1):
            if each.uid in wanted:
                head = "HEADER" in what
                raw = each.raw.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if head else each.raw
                at = each.at.strftime("%d-%b-%Y %H:%M:%S +0000")
                name = "BODY[HEADER]" if head else "BODY[]"
                yield f'* {number} FETCH (UID {each.uid} INTERNALDATE "{at}" {name} {{{len(raw)}}}\r\n'.encode()
                yield raw + b")\r\n"


def _fits(mail: Stored, tokens: list[str]) -> bool:
    """Whether every criterion holds (RFC 3501 section 6.4.4, as far as it is used)."""
    rest = list(tokens)
    held = True
    while rest:
        held = _key(mail, rest) and held
    return held


def _key(mail: Stored, rest: list[str]) -> bool:
    word = rest.pop(0)
    match word.upper():
        case "(":
            held = True
            while rest[0] != ")":
                held = _key(mail, rest) and held
            rest.pop(0)
            return held
        case "OR":
            one, other = _key(mail, rest), _key(mail, rest)
            return one or other
        case "HEADER":
            name, text = _bare(rest.pop(0)), _bare(rest.pop(0)).lower()
            return any(text in value for value in _values(mail.raw, name))
        case "FROM":
            text = _bare(rest.pop(0)).lower()
            return any(text in value for value in _values(mail.raw, "From"))
        case "BODY":
            return _bare(rest.pop(0)).encode() in mail.raw.partition(b"\r\n\r\n")[2]
        case "UID":
            first = int(rest.pop(0).partition(":")[0])
            return mail.uid >= first
        case "SINCE":
            return mail.at.date() >= datetime.strptime(rest.pop(0), "%d-%b-%Y").date()  # noqa: DTZ007
        case "ALL":
            return True
    raise ValueError(word)


def _values(raw: bytes, name: str) -> list[str]:
    """The values of a header, unfolded, in small letters."""
    head = re.sub(rb"\r\n(?=[ \t])", b"", raw.partition(b"\r\n\r\n")[0]).decode("utf-8", "replace")
    lines = (line.partition(":") for line in head.split("\r\n"))
    return [value.strip().lower() for key, _, value in lines if key.lower() == name.lower()]


def _bare(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
