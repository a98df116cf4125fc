"""The demo provider: a memory desk on loopback whose staff works by itself, and the connection to it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from gateway.people.users import By
from gateway.providers import admission, documents
from gateway.runtime import Runtime
from gateway.workers.embedded import free_address, tandem
from gateway.workers.supervisor import Child

NAME = "acme"
TITLE = "Acme Managed Services"
FIRST_PORT = 8090


@dataclass(frozen=True)
class DemoDesk:
    """Where the provider's desk listens, and the folder of its state and secrets."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def destination(self) -> str:
        """What the egress guard must let through."""
        return f"127.0.0.1:{self.port}"

    def secret(self, name: str) -> str:
        return (self.folder / name).read_text()

    def children(self, config: Config) -> list[Child]:
        """The desk, with its webhook to our door, and the people who keep reporting trouble."""
        host, port = config.bind
        hook = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/hooks/{NAME}"  # noqa: S104
        argv = [sys.executable, "-m", "connectors.memory", "--port", str(self.port), "--name", TITLE, "--auto", "1"]
        argv += ["--state", str(self.folder / "desk.json"), "--webhook", hook]
        argv += ["--token", f"@{self.folder / 'token'}", "--secret", f"@{self.folder / 'webhook'}"]
        report = tandem("demo", "--port", str(self.port))
        return [Child("provider-desk", argv, rank=2), Child("demo", report, rank=2)]


def of(config: Config, port: int) -> DemoDesk:
    return DemoDesk(config.home / "demo", port)


def prepare(config: Config, first: int = FIRST_PORT) -> DemoDesk:
    """Make the desk's secrets where they are missing, and find it a port from ``first`` on (0: any); it may be another
    than last time."""
    desk = of(config, free_address("127.0.0.1", first)[1])
    desk.folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("token", "webhook"):
        if not (desk.folder / name).exists():
            with os.fdopen(os.open(desk.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
    return desk


def connect(rt: Runtime, desk: DemoDesk) -> None:
    """Add the connection as an admin would, or tell it the desk's new address. Raises Unavailable while the desk is
    not up yet."""
    document = {
        "name": NAME,
        "provider": {"slug": NAME, "name": TITLE},
        "kind": "memory",
        "auth": "token",
        "verify": "signed",
        "settings": {"url": desk.url},
        "secrets": {"token": desk.secret("token"), "webhook": desk.secret("webhook")},
    }
    draft = documents.read(json.dumps(document), NAME)
    known = next((row for row in rt.desks.rows() if row.name == NAME), None)
    by = By("tandem", rt.key, rt.now())
    if known is None:
        admission.add(rt, by, draft)
    elif known.settings != draft.settings:
        admission.change(rt, by, draft)
