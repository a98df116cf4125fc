"""``python -m connectors.memory``: a desk to connect to, with a page on which one plays the provider."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from connectors.memory.auto import Persona
from connectors.memory.server import DeskServer


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What it can be told."""
    parser = argparse.ArgumentParser(
        prog="python -m connectors.memory", description="Serve a memory desk on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", help="file that keeps the desk over restarts; without it, memory alone")
    parser.add_argument("--token", required=True, help="bearer token of the gateway's account; @FILE reads it")
    parser.add_argument("--webhook", help="where the desk reports what happens")
    parser.add_argument("--secret", default="", help="signs the webhooks; @FILE reads it")
    parser.add_argument("--name", default="Memory desk", help="what the page is called")
    parser.add_argument("--control", action="store_true", help="open /_control, for tests")
    parser.add_argument(
        "--auto", type=float, metavar="PACE", help="staff that works by itself; 1 is a human pace, 10 ten times it"
    )
    return parser.parse_args(argv)


def secret(text: str) -> str:
    """The text itself, or what is in the file behind an @."""
    return Path(text[1:]).read_text("utf-8").strip() if text.startswith("@") else text


def main(argv: list[str] | None = None) -> int:
    """Serves until it is told to end."""
    given = arguments(argv)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server = DeskServer(
        lambda: datetime.now(UTC),
        secret(given.token),
        port=given.port,
        state=given.state,
        webhook=given.webhook,
        secret=secret(given.secret),
        name=given.name,
        control=given.control,
    )
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        persona = Persona(server.desk, given.auto).start(stopping) if given.auto else None
        stopping.wait()
        if persona is not None:
            persona.join(5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
