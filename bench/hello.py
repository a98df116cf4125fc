"""Flask that does nothing, on granian as Tandem's own web tier runs: the yardstick on the same machine in the same run.

    python -m bench.hello [--port N] [--threads 16]

``GET /`` and ``POST /hooks/<name>`` answer at once; the latter reads the body, as any door must.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from flask import Flask, request


def create_app() -> Flask:
    """Two views."""
    app = Flask(__name__)

    @app.get("/")
    def hello() -> str:
        return "hello"

    @app.post("/hooks/<name>")
    def hook(name: str) -> tuple[str, int]:
        request.get_data(cache=False)
        return "", 202

    return app


application = create_app()


def main() -> int:
    """Becomes granian; prints the URL first."""
    parser = argparse.ArgumentParser(prog="python -m bench.hello")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--cpu", type=int, help="the one processor to run on")
    given = parser.parse_args()
    if given.cpu is not None:
        os.sched_setaffinity(0, {given.cpu})
    port = given.port or free_port()
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    os.chdir(Path(__file__).parents[1])
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", str(given.threads), "--no-ws", "--no-log"]
    os.execv(sys.executable, [*command, "bench.hello:application"])


def free_port() -> int:
    """One that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
