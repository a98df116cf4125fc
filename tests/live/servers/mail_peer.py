"""For Debian's aiosmtpd: x@anything is delivered to the Maildir of x, an unknown name is refused. Where there is a file
``drop`` beside the Maildirs, the next mail is delivered and its answer never sent."""

from __future__ import annotations

import mailbox
import pathlib
from typing import Any


class Maildirs:
    def __init__(self, root: str) -> None:
        self.root = pathlib.Path(root)

    @classmethod
    def from_cli(cls, parser: Any, *args: str) -> Maildirs:
        return cls(args[0])

    def box(self, address: str) -> pathlib.Path:
        return self.root / address.split("@")[0].split("+")[0].lower()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not self.box(address).is_dir():
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        back = f"Return-Path: <{envelope.mail_from}>\r\n".encode()
        for box in sorted({self.box(each) for each in envelope.rcpt_tos}):
            mailbox.Maildir(box).add(back + envelope.original_content)
        drop = self.root / "drop"
        if drop.exists():
            drop.unlink()
            server.transport.abort()
        return "250 2.0.0 delivered"
