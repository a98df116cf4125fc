"""Two real mailboxes as a desk of the contract: the provider's people write and read there, and between us and the real
servers stand the simulator's two ports with their fault script. Each desk begins with empty mailboxes."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from connectors.simulators.mail import OURS, PAULA, THEIRS, Box, Imap, Mail, Smtp, Stored, Talk
from tests.live.mailserver import PASSWORD, MailServer

WAIT = 30.0


class Mailboxes(MailServer):
    """A mail server with our mailbox and the provider's. ``home`` and ``template``: it makes its own."""

    name = "mail"

    def __init__(self, home: Path | None = None, template: Path | None = None) -> None:
        super().__init__(tuple(each.partition("@")[0] for each in (OURS, THEIRS)))


class Real(Box):
    """A mailbox as the real server shows it now: nothing is ever taken out of it."""

    def __init__(self, server: MailServer, user: str) -> None:
        self.server, self.user = server, user
        self._seen: list[Stored] = []

    @property
    def mails(self) -> list[Stored]:
        after = self._seen[-1].uid if self._seen else 0
        self._seen += [Stored(uid, at, raw) for uid, at, raw in self.server.lying(self.user, after)]
        return self._seen


class RealMail(Mail):
    """dovecot and aiosmtpd as they are."""

    kind = "mail"
    verify = ""

    def __init__(self, clock: Callable[[], datetime], server: MailServer, **more: Any) -> None:
        self.server = server
        super().__init__(clock, **more)
        self.boxes = {each: Real(server, each.partition("@")[0]) for each in (OURS, THEIRS)}
        self.secrets = {"password": PASSWORD}

    def talks(self) -> tuple[type[Talk], type[Talk]]:
        return _Smtp, _Imap

    def start(self) -> RealMail:
        for box in self.boxes.values():
            self.server.empty(cast(Real, box).user)
        return super().start()

    def stop(self) -> None:
        self.server.passwords(PASSWORD)
        super().stop()

    def deliver(self, recipients: list[str], raw: bytes) -> None:
        self.server.hand_over(PAULA, recipients, raw)

    def set_back(self) -> None:
        self._cannot("backup at hand")

    def revoke(self) -> None:
        self.server.passwords("another-password")


class _Behind:
    """The connection to the real server of one talk."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self.lines = self.socket.makefile("rb")

    def line(self) -> bytes:
        found = self.lines.readline()
        if not found:
            raise ConnectionError
        return found

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


class _Smtp(Smtp):
    def greet(self) -> None:
        self.recipients = []
        self.behind = _Behind(cast(RealMail, self.desk).server.smtp_port)
        self.say(self.answer())

    def finish(self) -> None:
        self.behind.close()
        super().finish()

    def answer(self) -> str:
        """All lines of a reply."""
        lines = [self.behind.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.behind.line())
        return b"".join(lines).decode().rstrip("\r\n")

    def hear(self, line: str) -> None:
        self.behind.send(f"{line}\r\n".encode())
        said = self.answer()
        self.say(said)
        if line.upper() == "DATA" and said.startswith("354"):
            self.end(self.whole())

    def commit(self, raw: bytes) -> str:
        self.behind.send(re.sub(rb"(?m)^\.", b"..", raw) + b".\r\n")
        return self.answer()


class _Imap(Imap):
    def greet(self) -> None:
        self.behind = _Behind(cast(RealMail, self.desk).server.imap_port)
        self.wire.send(self.behind.line())

    def finish(self) -> None:
        self.behind.close()
        super().finish()

    def told(self, tag: str, command: str, rest: str) -> Iterator[bytes]:
        self.behind.send(f"{tag} {rest}\r\n".encode())
        while True:
            line = self.behind.line()
            while literal := re.search(rb"\{(\d+)\}\r\n$", line):
                line += self.behind.lines.read(int(literal[1])) + self.behind.line()
            if line.startswith(b"+"):
                self.wire.send(line)
                self.behind.send(self.rfile.readline())
                continue
            yield line
            if line.startswith(f"{tag} ".encode()):
                return
