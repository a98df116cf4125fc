"""The processes that are to be killed: a worker that processes, delivers and ticks for ever, and the door.

They are forks of a process that has loaded everything, so that a new one is there at once.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from werkzeug.serving import make_server

from gateway import pipeline
from gateway.app import create_app
from gateway.config import Config
from gateway.decide.facts import Settled
from gateway.outbox import attempt
from gateway.outbox.steps import Step
from gateway.providers.desks import Desk
from gateway.runtime import Runtime
from gateway.workers import children

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__, "gateway.console.web"])


def start(part: str, config: Config, port: int, crash: str = "", blind: bool = False) -> BaseProcess:
    """``work`` or ``web`` (at ``port``) in a process of its own. ``crash``: where it dies; ``blind``: it never looks
    whether something without an answer has landed."""
    made = FORKS.Process(target=_run, args=(part, replace(config, crash_at=crash), port, blind), daemon=True)
    made.start()
    return made


def _run(part: str, config: Config, port: int, blind: bool) -> None:
    children.end_with_parent(os.getppid())
    said = os.open(config.home / f"{part}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(said, stream.fileno())
    rt = Runtime.open(config)
    if part == "web":
        make_server("127.0.0.1", port, create_app(rt), threaded=True).serve_forever()
    if blind:
        attempt._STEPS["look_up"] = _nobody_looks
    while True:
        if not (pipeline.process(rt) + pipeline.deliver(rt, 5) + pipeline.tick(rt)):
            time.sleep(0.02)


def _nobody_looks(step: Step, desk: Desk, tools: Any, began: int) -> Settled:
    """What was not answered is taken for not done."""
    return attempt._end(step, tools, began, "absent", said="nobody looked")
