"""The bell: one token and one job however often it rings, no payload in it, and no harm when Redis is away."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rq import Queue
from rq.serializers import JSONSerializer

from gateway.config import SOCKET_PATH_MAX, embedded_redis_url
from gateway.workers import valkey
from gateway.workers.wake import JOB, Bell
from tests.workers.conftest import Server


def queued(server: Server, name: str) -> list[str]:
    return Queue(name, connection=server.redis, serializer=JSONSerializer).job_ids


def test_many_rings_are_one_token_and_one_job(server: Server) -> None:
    bell = Bell(server.url)
    assert all(bell.wake("process") for _ in range(20))
    assert server.redis.llen("wake:process") == 1
    assert len(queued(server, "process")) == 1


def test_a_job_carries_a_name_and_nothing_else(server: Server) -> None:
    Bell(server.url).wake("seal")
    [job] = Queue("upkeep", connection=server.redis, serializer=JSONSerializer).jobs
    assert (job.func_name, job.args, job.kwargs) == (JOB, ["seal"], {})
    assert json.loads(job.serializer.dumps(job.args)) == ["seal"]
    assert job.result_ttl == 0


def test_a_living_drain_gets_a_token_and_no_job(server: Server) -> None:
    bell = Bell(server.url)
    assert not bell.arrive("process")
    bell.wake("process")
    assert queued(server, "process") == []
    assert bell.wait("process", 0.5)
    assert not bell.wait("process", 0.05)


def test_a_drain_that_arrives_takes_the_mark_away_and_sees_another(server: Server) -> None:
    bell = Bell(server.url)
    bell.wake("deliver")
    assert server.redis.exists("mark:deliver")
    assert not bell.arrive("deliver")
    assert not server.redis.exists("mark:deliver")
    assert bell.arrive("deliver")


def test_after_a_drain_has_left_the_next_ring_makes_a_new_job_at_once(server: Server) -> None:
    bell = Bell(server.url)
    bell.wake("process")
    bell.arrive("process")
    bell.leave("process")
    bell.wake("process")
    assert len(queued(server, "process")) == 2


def test_a_wiped_redis_only_needs_the_next_ring(server: Server) -> None:
    bell = Bell(server.url)
    bell.wake("process")
    server.redis.flushall()
    assert bell.wake("process")
    assert len(queued(server, "process")) == 1


def test_ringing_is_false_and_quick_while_redis_is_away_and_works_again_after(server: Server) -> None:
    bell = Bell(server.url)
    server.stop()
    begun = time.monotonic()
    assert not any(bell.wake("process") for _ in range(1000))
    assert time.monotonic() - begun < 0.5
    bell.stay("process")
    bell.leave("process")
    assert not bell.wait("process", 0.01)
    server.start()
    time.sleep(0.6)
    assert bell.wake("process")


def test_a_bell_without_a_redis_never_rings() -> None:
    assert not Bell("").wake("process")


def test_rings_survive_a_restart_of_valkey(server: Server) -> None:
    Bell(server.url).wake("process")
    server.stop()
    server.start()
    assert len(queued(server, "process")) == 1


def test_a_state_folder_with_a_long_path_gets_a_port_and_a_password(tmp_path: Path) -> None:
    home = tmp_path / ("x" * SOCKET_PATH_MAX)
    home.mkdir()
    long = Server(home)
    long.start()
    try:
        assert embedded_redis_url(home).startswith("redis://:")
        assert Bell(long.url).wake("process")
        assert not valkey.answers(
            long.url.partition("@")[0].rpartition(":")[0] + ":wrong@" + long.url.partition("@")[2]
        )
        assert (home / "valkey.url").stat().st_mode & 0o077 == 0
    finally:
        long.stop()
