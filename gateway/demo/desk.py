"""The demo provider: a memory desk on loopback whose staff works by itself, and the connection to it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update

from gateway.config import Config
from gateway.journal.chain import Key
from gateway.providers import connection
from gateway.providers.vault import Vault
from gateway.store import tables
from gateway.store.db import Store
from gateway.workers.embedded import free_address, tandem
from gateway.workers.supervisor import Child

NAME = "northwind"
TITLE = "Northwind IT Services"
FIRST_PORT = 8090


@dataclass(frozen=True)
class DemoDesk:
    """Where the provider's desk listens and keeps its state."""

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
        return [Child("provider-desk", argv, rank=2), Child("demo", tandem("demo"), rank=2)]


def prepare(config: Config) -> DemoDesk:
    """Make the desk's secrets and the connection where they are missing; its port may be another than last time."""
    folder = config.home / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("token", "webhook"):
        if not (folder / name).exists():
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
    desk = DemoDesk(folder, free_address("127.0.0.1", FIRST_PORT)[1])
    _connect(config, desk)
    return desk


def _connect(config: Config, desk: DemoDesk) -> None:
    store = Store(config.database_url)
    c = tables.connection.c
    settings = {"url": desk.url}
    try:
        with store.write() as conn:
            known = conn.execute(select(c.id).where(c.name == NAME)).scalar()
            if known is not None:
                changed = {"settings": json.dumps(settings), "version": c.version + 1}
                conn.execute(update(tables.connection).where(c.id == known).values(changed))
                return
            d = tables.document.c
            newest = select(d.id).where(d.kind == "mapping", d.name == "memory").order_by(d.version.desc()).limit(1)
            doc = {
                "name": NAME, "kind": "memory", "provider": NAME, "provider_name": TITLE, "auth": "token",
                "verify": "signed", "settings": settings, "poll": 60,
                "secrets": {"token": desk.secret("token"), "webhook": desk.secret("webhook")},
            }  # fmt: skip
            vault, key = Vault.of(config.key("vault")), Key.of(config.key("audit"))
            connection.add(conn, key, vault, doc, "", int(conn.execute(newest).scalar_one()), "tandem")
    finally:
        store.close()
