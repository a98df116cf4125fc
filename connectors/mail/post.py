"""The way to the mail servers: one mail handed over by SMTP, one mailbox read by IMAP, all on guarded connections.

What fails before a mail's last byte may be tried again; after it only the server's yes or its plain no is believed.
"""

from __future__ import annotations

import imaplib
import re
import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from connectors.base import Context
from connectors.egress import EgressRefused
from connectors.errors import Outcome, Refused, Retry, Unauthorized, Unknown
from connectors.mail.keys import Keys
from connectors.mail.letters import Letter
from connectors.transport import NotSent

T = TypeVar("T")
AT_ONCE = 100
UNAVAILABLE = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")
MOST = 64 * 1024 * 1024
"""Bytes of the mails that are read for one thread."""


@dataclass(frozen=True)
class Server:
    """Where one of the two servers is. ``security``: tls, starttls or plain (to this machine alone)."""

    host: str
    port: int
    security: str

    def dial(self, ctx: Context) -> Any:
        """A guarded connection, TLS where it begins with it. Raises ``Retry``, ``Refused``."""
        left = ctx.deadline - ctx.monotonic()
        try:
            return ctx.session.dial(
                self.host, self.port, seconds=left, tls=self.security == "tls", later=self.security == "starttls"
            )
        except NotSent as error:
            raise Retry(str(error)) from error
        except EgressRefused as error:
            raise Refused(str(error)) from error


@dataclass(frozen=True)
class _Verified:
    """What ``starttls`` of both protocols takes for an SSL context."""

    session: Any
    host: str

    def wrap_socket(self, sock: Any, **_: Any) -> Any:
        return self.session.secure(sock, self.host)


class _Smtp(smtplib.SMTP):
    def __init__(self, sock: Any, domain: str) -> None:
        self._given = sock
        super().__init__(local_hostname=domain)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return self._given


class _Imap(imaplib.IMAP4):
    def __init__(self, sock: Any, host: str) -> None:
        self._given = sock
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> Any:
        return self._given


@dataclass(frozen=True)
class Post:
    """Both servers, and how we sign in to them."""

    outgoing: Server
    incoming: Server
    keys: Keys = field(repr=False)

    def send(self, ctx: Context, sender: str, recipients: Sequence[str], mail: bytes) -> str:
        """Hands one mail over for all ``recipients`` or for none; the server's words. Raises an ``Outcome``:
        ``Unknown`` where it left and no clear answer came."""
        with self._smtp(ctx, sender) as smtp:
            self._yes(smtp.mail(sender))
            for recipient in recipients:
                self._yes(smtp.rcpt(recipient))
            self._yes(smtp.docmd("DATA"), 354)
            words = self._handed_over(smtp, mail)
            with suppress(smtplib.SMTPException, OSError):  # it has its mail: nothing may spoil that any more
                smtp.docmd("QUIT")
            return words

    def _handed_over(self, smtp: smtplib.SMTP, mail: bytes) -> str:
        """The moment after which nobody knows, until the server has answered."""
        try:
            smtp.send(re.sub(rb"(?m)^\.", b"..", mail).rstrip(b"\r\n") + b"\r\n.\r\n")
            code, said = smtp.getreply()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Unknown(f"no answer after the mail: {error}") from error
        words = self._said(said)
        if code == 250:
            return words
        raise Refused(words) if 500 <= code < 600 else Unknown(words)

    @contextmanager
    def _smtp(self, ctx: Context, sender: str) -> Iterator[smtplib.SMTP]:
        """Signed in; what goes wrong has left nothing."""
        smtp = self._twice(ctx, partial(self._smtp_for, ctx, sender))
        try:
            with self._as_outcomes():
                yield smtp
        finally:
            smtp.close()

    def _smtp_for(self, ctx: Context, sender: str, word: str) -> smtplib.SMTP:
        smtp = _Smtp(self.outgoing.dial(ctx), sender.partition("@")[2])
        try:
            with self._as_outcomes():
                self._yes(smtp.connect(self.outgoing.host, self.outgoing.port), 220)
                smtp.ehlo_or_helo_if_needed()
                if self.outgoing.security == "starttls":
                    verified: Any = _Verified(ctx.session, self.outgoing.host)
                    self._yes(smtp.starttls(context=verified), 220)
                    smtp.ehlo()
                if self.keys.tokens:
                    smtp.auth("XOAUTH2", lambda said=None: "" if said else _bearer(self.keys.login, word))
                elif smtp.has_extn("auth"):
                    smtp.login(self.keys.login, word)
        except Outcome:
            smtp.close()
            raise
        return smtp

    def _twice(self, ctx: Context, connect: Callable[[str], T]) -> T:
        """A connection that is signed in; with another token where the one we have is refused, once."""
        word = self.keys.word(ctx)
        try:
            return connect(word)
        except Unauthorized:
            if not self.keys.renew(ctx, word):
                raise
        return connect(self.keys.word(ctx))

    @contextmanager
    def _as_outcomes(self) -> Iterator[None]:
        """Whatever goes wrong on a connection before anything was handed over is an ``Outcome``."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            kind = Unauthorized if error.smtp_code >= 500 else Retry
            raise kind(self._said(error.smtp_error)) from error
        except NotSent as error:
            raise Retry(str(error)) from error
        except (smtplib.SMTPException, imaplib.IMAP4.error, OSError, ValueError) as error:
            raise Retry(self._said(f"{type(error).__name__}: {error}")) from error

    def _yes(self, answer: tuple[int, Any], wanted: int = 250) -> None:
        """Raises what another answer than ``wanted`` means before anything was handed over."""
        code, said = answer
        if code == wanted or (wanted == 250 and code == 251):
            return
        kinds: dict[int, type[Outcome]] = {530: Unauthorized, 535: Unauthorized}
        raise kinds.get(code, Refused if 500 <= code < 600 else Retry)(self._said(said))

    def _said(self, words: Any) -> str:
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return self.keys.clean(text) or "no word why"

    def check(self, ctx: Context, sender: str) -> None:
        """Signs in to the outgoing server. Raises an ``Outcome``."""
        with self._smtp(ctx, sender) as smtp:
            self._yes(smtp.noop())

    @contextmanager
    def mailbox(self, ctx: Context) -> Iterator[Mailbox]:
        """The mailbox, signed in. Whatever goes wrong with it is an ``Outcome`` of a read."""
        imap = self._twice(ctx, partial(self._imap_for, ctx))
        try:
            with self._as_outcomes():
                yield Mailbox(imap, self._said)
                with suppress(imaplib.IMAP4.error, OSError):
                    imap.logout()
        finally:
            imap.sock.close()

    def _imap_for(self, ctx: Context, word: str) -> imaplib.IMAP4:
        sock = self.incoming.dial(ctx)
        try:
            with self._as_outcomes():
                imap = _Imap(sock, self.incoming.host)
                if self.incoming.security == "starttls":
                    verified: Any = _Verified(ctx.session, self.incoming.host)
                    imap.starttls(verified)
                self._sign_in(imap, word)
                return imap
        except Outcome:
            sock.close()
            raise

    def _sign_in(self, imap: imaplib.IMAP4, word: str) -> None:
        login = self.keys.login
        try:
            if self.keys.tokens:
                imap.authenticate("XOAUTH2", lambda said: b"" if said else _bearer(login, word).encode())
            elif "AUTH=PLAIN" in imap.capabilities:
                imap.authenticate("PLAIN", lambda _: f"\0{login}\0{word}".encode())
            else:
                imap.login(login, word)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = self._said(error)
            raise (Retry if any(each in said for each in UNAVAILABLE) else Unauthorized)(said) from error


def _bearer(login: str, token: str) -> str:
    """What XOAUTH2 shows."""
    return f"user={login}\x01auth=Bearer {token}\x01\x01"


@dataclass(frozen=True)
class Mailbox:
    """An open mailbox; nothing in it is changed, not even what was read."""

    imap: imaplib.IMAP4
    said: Callable[[Any], str]

    def look_into(self, folder: str) -> tuple[int, int]:
        """Opens a folder; its UIDVALIDITY and the uid that its next mail gets."""
        self._ok(self.imap.select(quoted(folder), readonly=True))
        validity, following = (self._told(name) for name in ("UIDVALIDITY", "UIDNEXT"))
        return validity, following or max(self.search("ALL"), default=0) + 1

    def _told(self, name: str) -> int:
        found = self.imap.response(name)[1]
        return int(found[-1]) if found and found[-1] else 0

    def search(self, criteria: str) -> list[int]:
        """The uids of the mails in the open folder that fit, ascending."""
        found = self._ok(self.imap.uid("SEARCH", criteria))
        return sorted({int(each) for line in found if line for each in line.split()})

    def letters(self, uids: Sequence[int], head: bool = False) -> list[Letter]:
        """These mails of the open folder, whole or their heads alone; one that is gone meanwhile is left out."""
        what = f"(UID INTERNALDATE BODY.PEEK[{'HEADER' if head else ''}])"
        found: list[Letter] = []
        size = 0
        for at in range(0, len(uids), AT_ONCE):
            told = self._ok(self.imap.uid("FETCH", ",".join(map(str, uids[at : at + AT_ONCE])), what))
            for number, row in enumerate(told):
                if isinstance(row, tuple):
                    rest = told[number + 1] if number + 1 < len(told) else b""
                    found.append(_letter(row[0] + (rest if isinstance(rest, bytes) else b""), row[1]))
                    size += len(row[1])
            if size > MOST:
                raise Refused(f"the mails of this thread are larger than {MOST} bytes together")
        return sorted(found, key=lambda each: each.uid)

    def _ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        status, found = answer
        if status != "OK":
            raise Retry(self.said(found[0] if found else status))
        return found


def _letter(told: bytes, raw: bytes) -> Letter:
    uid, at = re.search(rb"UID (\d+)", told), re.search(rb'INTERNALDATE "([^"]+)"', told)
    if uid is None or at is None:
        raise ValueError("a mail without its uid or its time")
    return Letter(int(uid[1]), datetime.strptime(at[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z"), raw)


def having(name: str, text: str) -> str:
    """The criterion that a header contains ``text``. Raises ``Refused`` for what no search can carry."""
    return f"HEADER {name} {quoted(text)}"


def either(criteria: Sequence[str]) -> str:
    """The criterion that one of them holds."""
    *first, last = criteria
    for each in reversed(first):
        last = f"OR ({each}) ({last})"
    return last


def quoted(text: str) -> str:
    """A text as a mailbox takes it. Raises ``Refused`` for what it cannot."""
    if not re.fullmatch(r"[ -~]{1,900}", text):
        raise Refused("a name that no mailbox can be searched for")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def over(server: str, settings: Any) -> Server:
    """The server of that name in the settings."""
    return Server(*(settings[f"{server}_{part}"] for part in ("host", "port", "security")))
