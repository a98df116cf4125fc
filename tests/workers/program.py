"""Processes for the worker tests: ``python -m tests.workers.program worker URL FOLDER`` works off files in a folder.

A file ``due/*`` is work; a look moves them all to ``done/`` and notes its process. ``sleeper`` and ``crasher`` are
children for the supervisor.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gateway.workers.worker import work


def look_in(folder: Path) -> bool:
    due = sorted((folder / "due").iterdir())
    for path in due:
        if path.name.startswith("slow"):
            time.sleep(1)
        path.rename(folder / "done" / path.name)
        (folder / "done" / f"{path.name}.by").write_text(str(os.getpid()))
    return bool(due)


def main(kind: str, *arguments: str) -> None:
    if kind == "worker":
        url, folder = arguments[0], Path(arguments[1])
        work(["process"], url, {"process": lambda: look_in(folder)}, lambda: None)
    elif kind == "sleeper":
        Path(arguments[0]).write_text(str(os.getpid()))
        time.sleep(60)
    elif kind == "crasher":
        with Path(arguments[0]).open("a") as file:
            file.write("x")
        sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
