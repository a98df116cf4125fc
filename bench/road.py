"""The whole road, measured: signed webhook in, verified, journalled, mapped, decided, audited, written at a remote.

Everything of Tandem (web, workers, scheduler, Valkey, and PostgreSQL where that is the database) runs on one processor,
load and remote on the other. Beside it, in the same run and on the same processor: Flask on granian doing nothing.

* acks/s: as many signed webhooks as the door takes, workers stopped; the ratio is against ``bench.hello``'s door just
  before it, the median of three rounds;
* synced/s: a burst with everything running, from the first request to the last write at the remote;
* propagation: from when an event was due to its write at the remote, at a steady rate, and with nothing else going on;
* CPU: user and system time of all of Tandem's processes and its database over the burst, per event, and by part.

Nothing may be lost or doubled: the remote tells what it got.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.postgres import postgres
from bench.seed import FIRST, SECRET, seed
from gateway.commands.worker import QUEUES
from gateway.config import Config

SYSTEM, REST = 0, 1
"""The processors: of what is measured, and of what measures."""

DIALECTS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Scale:
    """How much is sent. ``rate`` events a second for ``seconds`` in the steady part; ``idle`` events, two a second."""

    acks: int = 6_000
    burst: int = 8_000
    tickets: int = 4_000
    rate: int = 200
    seconds: int = 15
    idle: int = 20


def run(scale: Scale, dialects: tuple[str, ...] = DIALECTS) -> dict[str, Any]:
    """Measure; a JSON document."""
    return {dialect: _measure(dialect, scale) for dialect in dialects}


def _measure(dialect: str, scale: Scale) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    try:
        with _database(dialect, folder) as (url, server), _process("bench.remote", "--cpu", str(REST)) as remote:
            env = {**os.environ, "TANDEM_HOME": str(folder / "home"), "TANDEM_EGRESS_ALLOW": remote.split("//")[1]}
            env |= {"TANDEM_DATABASE_URL": url} if url else {}
            if url:
                env["TANDEM_SECRET_KEY"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
            seed(Config.load(env), remote, scale.tickets)
            return _phases(env, remote, scale, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _phases(env: dict[str, str], remote: str, scale: Scale, server: int | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    with _tandem(env, "web") as (url, _), _process("bench.hello", "--cpu", str(SYSTEM)) as hello:
        _answers(hello)
        out |= _acks(url, hello, scale)
    _forget(env)
    with _tandem(env, "up") as (url, process):
        sent = 500
        _load(f"{url}/hooks/acme", sent, scale.tickets)
        _settled(remote, scale.tickets, 0, sent)
        before, began = _cpu(process, server), time.monotonic_ns()
        _load(f"{url}/hooks/acme", scale.burst, scale.tickets, offset=sent)
        report = _settled(remote, scale.tickets, sent, scale.burst)
        took = (max(at for _, at in report["arrivals"]) - began) / 1e9
        spent = {part: (s - before.get(part, 0)) * 1000 / scale.burst for part, s in _cpu(process, server).items()}
        out["cpu_ms_per_event"] = round(sum(spent.values()), 3)
        out["cpu_ms_by_part"] = {part: round(ms, 3) for part, ms in spent.items()}
        out["synced_per_s"] = round(scale.burst / took)
        sent += scale.burst
        steady = scale.rate * scale.seconds
        detail = Path(env["TANDEM_HOME"]) / "detail.json"
        _load(f"{url}/hooks/acme", steady, scale.tickets, offset=sent, rate=scale.rate, detail=detail)
        report = _settled(remote, scale.tickets, sent, steady)
        out["propagation_ms"] = _propagation(report, json.loads(detail.read_text()), sent)
        sent += steady
        _load(f"{url}/hooks/acme", scale.idle, scale.tickets, offset=sent, rate=2, detail=detail)
        report = _settled(remote, scale.tickets, sent, scale.idle)
        out["idle_ms"] = _propagation(report, json.loads(detail.read_text()), sent)
        out["lost"] = _lost(report, scale.tickets, sent + scale.idle)
        out["doubled"] = report["repeated"] + report["misordered"] + len(report["doubled"])
    return out


def _acks(url: str, hello: str, scale: Scale) -> dict[str, Any]:
    """Three rounds, each after one of the door that does nothing."""
    _load(f"{url}/hooks/acme", 500, scale.tickets)
    rounds = []
    for number in range(1, 4):
        bare = _load(f"{hello}/hooks/acme", scale.acks)["acks_per_s"]
        own = _load(f"{url}/hooks/acme", scale.acks, scale.tickets, offset=number * 1_000_000)
        rounds.append((round(own["acks_per_s"] / bare, 3), own["acks_per_s"], own["ack_ms"]["p99"], bare))
    ratio, acks, p99, bare = sorted(rounds)[1]
    return {"acks_per_s": acks, "hello_per_s": bare, "acks_to_hello": ratio, "ack_p99_ms": p99}


def _lost(report: dict[str, Any], tickets: int, sent: int) -> int:
    """Tickets whose last event is not what the remote holds."""
    last = {str(FIRST + n % tickets): n for n in range(max(0, sent - tickets), sent)}
    return sum(report["last"].get(id) != number for id, number in last.items())


def _settled(remote: str, tickets: int, first: int, count: int) -> dict[str, Any]:
    """Wait until the remote holds the last event of every ticket touched; its report."""
    until = time.monotonic() + 120
    while True:
        report: dict[str, Any] = json.load(urllib.request.urlopen(f"{remote}/_report", timeout=10))
        last = {str(FIRST + n % tickets): n for n in range(max(first, first + count - tickets), first + count)}
        missing = [id for id, number in last.items() if report["last"].get(id, -1) < number]
        if not missing:
            return report
        if time.monotonic() > until:
            raise SystemExit(f"after two minutes {len(missing)} of {count} events have not arrived at the remote")
        time.sleep(0.05)


def _propagation(report: dict[str, Any], detail: list[list[int]], first: int) -> dict[str, float]:
    """Milliseconds from when an event was due to its write there; of joined events the last one counts."""
    due = {number: at for number, at, _ in detail}
    took = sorted((at - due[n]) / 1e6 for n, at in report["arrivals"] if n >= first)
    return {f"p{q}": round(took[min(len(took) - 1, int(len(took) * q / 100))], 2) for q in (50, 95, 99)}


# --- processes ---


@contextlib.contextmanager
def _process(module: str, *words: str) -> Iterator[str]:
    """A helper process that prints its URL first."""
    running = subprocess.Popen([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
    finally:
        running.terminate()
        running.wait(10)


@contextlib.contextmanager
def _tandem(env: dict[str, str], part: str) -> Iterator[tuple[str, psutil.Process]]:
    """Tandem, or its web process alone, on its own processor; its URL."""
    from bench.hello import free_port

    port = free_port()
    env = {**env, "TANDEM_BIND": f"127.0.0.1:{port}"}
    log = Path(env["TANDEM_HOME"]) / f"{part}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        words = [sys.executable, "-m", "gateway", part, *(["--port", str(port)] if part == "up" else [])]
        running = subprocess.Popen(
            words,
            env=env,
            stdout=out,
            stderr=out,
            preexec_fn=lambda: os.sched_setaffinity(0, {SYSTEM}),
        )
    try:
        _answers(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}", psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait(30)


@contextlib.contextmanager
def _database(dialect: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The database's URL ("" for the embedded default) and its server's process id."""
    if dialect == "sqlite":
        yield "", None
        return
    with postgres(shared_buffers="128MB", max_wal_size="1GB") as server:
        assert server.process is not None
        for one in [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.cpu_affinity([SYSTEM])
        yield server.create("bench"), server.process.pid


def _answers(url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2)
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing answers at {url}")


def _forget(env: dict[str, str]) -> None:
    """Drop what only the door's own measurement sent."""
    from gateway.store.db import Road, Store

    store = Store(Config.load(env).database_url)
    with store.write() as conn:
        Road(conn, store.dialect).run("delete from arrival")
    store.close()


def _load(
    url: str, events: int, tickets: int = 100, offset: int = 0, rate: int = 0, detail: Path | None = None
) -> dict[str, Any]:
    words = [
        "--url",
        url,
        "--secret",
        SECRET,
        "--events",
        str(events),
        "--tickets",
        str(tickets),
        "--first",
        str(FIRST),
    ]
    words += ["--offset", str(offset), "--connections", "32", "--cpu", str(REST)]
    words += ["--rate", str(rate)] if rate else []
    words += ["--detail", str(detail)] if detail else []
    done = subprocess.run([sys.executable, "-m", "bench.load", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the load ended badly: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    refused = {
        status: n for status, n in found.get("statuses", {}).items() if not re.fullmatch("20[02]|429", str(status))
    }
    if refused:
        raise SystemExit(f"the door refused: {refused}")
    return found


def _cpu(process: psutil.Process, server: int | None) -> dict[str, float]:
    """Seconds of processor time so far of each part of Tandem, and of the database."""
    spent = {"web": 0.0, **dict.fromkeys(QUEUES, 0.0), "rest": _time(process)}
    for child in process.children():
        words = child.cmdline()[-1]
        if words == "worker":
            spent["rest"] += _time(child)
            for name, drain in zip(QUEUES, sorted(child.children(), key=lambda one: one.pid), strict=True):
                spent[name] += _tree(drain)
        else:
            spent["web" if words == "web" else "rest"] += _tree(child)
    if server is not None:
        spent["database"] = _tree(psutil.Process(server))
    return spent


def _tree(root: psutil.Process) -> float:
    return sum(map(_time, [root, *root.children(recursive=True)]))


def _time(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


# --- the report ---

MILESTONE: dict[str, dict[str, tuple[str, float]]] = {
    "sqlite": {"acks_to_hello": (">=", 0.43), "cpu_ms_per_event": ("<=", 0.8)},
    "postgresql": {"acks_to_hello": (">=", 0.25), "cpu_ms_per_event": ("<=", 1.1)},
}
"""The first milestone: what a spike with everything kept reached on one core."""

FELT: dict[str, tuple[str, float]] = {"propagation_ms.p99": ("<=", 25.0), "idle_ms.p50": ("<=", 150.0)}
"""For both: what people would feel."""

PEERS = """Others doing the same work without keeping it, measured once elsewhere on one core: n8n 2.8 45-58 synced/s at
16-20 ms of processor time an event, Node-RED 4.1 1138 synced/s at 0.82 ms. Both lose and double events under faults."""


def told(found: dict[str, Any]) -> str:
    """The figures of each database beside their targets, where the time goes, and what others do."""
    lines = []
    for dialect, one in found.items():
        flat = {name: value for name, value in one.items() if not isinstance(value, dict)}
        for name in ("propagation_ms", "idle_ms", "cpu_ms_by_part"):
            flat |= {f"{name}.{part}": value for part, value in one[name].items()}
        targets = MILESTONE[dialect] | FELT
        lines.append(dialect)
        lines += [f"  {name:24} {value:>10}  {_aim(value, targets.get(name))}".rstrip() for name, value in flat.items()]
    return "\n".join([*lines, PEERS])


def _aim(value: float, target: tuple[str, float] | None) -> str:
    if target is None:
        return ""
    sign, aim = target
    reached = value >= aim if sign == ">=" else value <= aim
    return f"{sign} {aim} {'reached' if reached else 'missed'}"
