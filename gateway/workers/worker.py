"""An RQ worker process: takes jobs from its queues, forks for each, and is back soon after Redis is.

Jobs are JSON, so nobody who can write to Redis can make us run code of theirs. A stop reaches the running job: its
drain ends after the pass it is at.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from gateway.workers import children, jobs
from gateway.workers.drain import Look
from gateway.workers.wake import Bell

RETURN_WITHIN = 2.0
"""Seconds between two tries to reach a Redis that is away."""

log = logging.getLogger(__name__)


class DrainWorker(Worker):
    """RQ's worker with a prompt, gentle stop and a short wait for Redis."""

    max_connection_wait_time = RETURN_WITHIN
    forked: Callable[[], None]
    stopped: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopped.set()
        super().request_stop(signum, frame)

    def handle_warm_shutdown_request(self) -> None:
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        self.forked()
        super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        try:
            return super().perform_job(job, queue, execution)
        except Exception:
            log.exception("job %s could not be ended", job.id)  # RQ leaves without a word after this
            raise

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        jobs.stop_gently()
        children.end_with_parent(self.pid or os.getppid())


def work(queues: Sequence[str], redis_url: str, looks: dict[str, Look], forked: Callable[[], None]) -> None:
    """Take jobs from ``queues`` until SIGTERM. ``forked`` runs first in every job's process: connections that the
    parent opened must be forgotten there. Returns after the running job's drain has ended its pass."""
    stopped = threading.Event()
    jobs.ready(looks, Bell(redis_url))
    logging.getLogger("rq").setLevel(logging.WARNING)
    while not stopped.is_set():
        _stop_by(stopped)
        try:
            worker = DrainWorker(list(queues), connection=Redis.from_url(redis_url), serializer=JSONSerializer)
            worker.forked, worker.stopped = forked, stopped
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("redis is away: %s", type(error).__name__)
        _stop_by(stopped)
        stopped.wait(RETURN_WITHIN)


def _stop_by(stopped: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
