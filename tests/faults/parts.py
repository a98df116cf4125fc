"""Tandem's parts as they run on several machines: ``tandem web``, ``tandem worker`` and ``tandem scheduler``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.workers import children
from gateway.workers.embedded import serves, tandem
from gateway.workers.wake import Bell
from tests.databases import SECRET_KEY
from tests.faults.scene import Scene, eventually

ROOT = Path(__file__).parents[2]


class Parts:
    """The processes of a scene's installation, told of the Redis at ``url``."""

    def __init__(self, scene: Scene, url: str) -> None:
        self.scene = scene
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._environ = {
            **scene.config.child_environment(),
            "TANDEM_DATABASE_URL": scene.config.database_url,
            "TANDEM_SECRET_KEY": SECRET_KEY,
            "TANDEM_REDIS_URL": url,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        scene.world.rt.wake = Bell(url).ring

    def start(self, *names: str) -> None:
        for name in names:
            log = self.scene.config.home / f"{name}.log"
            self.running[name] = children.spawn(tandem(name), self._environ, log=log, cwd=ROOT)
        if "web" in names:
            eventually(lambda: serves("127.0.0.1", self.scene.port), why=self.scene.trace)

    def again(self, name: str) -> None:
        """Kill a part and start it anew."""
        children.kill(self.running[name])
        self.running[name].wait()
        self.start(name)

    def said(self, name: str) -> str:
        """What a part has written."""
        return (self.scene.config.home / f"{name}.log").read_text()

    def living(self) -> bool:
        """Whether all those that were started still run."""
        return all(process.poll() is None for process in self.running.values())


@contextmanager
def parts(scene: Scene, url: str) -> Iterator[Parts]:
    """They are ended in the end."""
    made = Parts(scene, url)
    try:
        yield made
    finally:
        for process in made.running.values():
            process.terminate()
        for process in made.running.values():
            children.stop(process, grace=15)
