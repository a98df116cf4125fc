"""A worker in a process of its own, to be killed: ``python -m tests.faults.worker work|web PORT``.

``work`` processes, delivers and ticks for ever; ``web`` is the door.
"""

from __future__ import annotations

import sys
import time

from werkzeug.serving import make_server

from gateway import pipeline
from gateway.app import create_app
from gateway.config import Config
from gateway.runtime import Runtime


def main() -> None:
    rt = Runtime.open(Config.load(create=False))
    if sys.argv[1] == "web":
        make_server("127.0.0.1", int(sys.argv[2]), create_app(rt), threaded=True).serve_forever()
    while True:
        if not (pipeline.process(rt) + pipeline.deliver(rt, 5) + pipeline.tick(rt)):
            time.sleep(0.02)


if __name__ == "__main__":
    main()
