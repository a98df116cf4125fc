"""The process tree: started in order, kept alive, ended whole, and a killed one's leftovers cleared away."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import TandemError
from gateway.workers import children, supervisor
from gateway.workers.supervisor import Child, Supervisor
from tests.workers.test_worker import ROOT, eventually


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def sleeper(folder: Path, name: str) -> Child:
    note = folder / f"{name}.pid"
    argv = [sys.executable, "-m", "tests.workers.program", "sleeper", str(note)]
    return Child(name, argv, lambda: note.exists() and bool(note.read_text()))


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def pid(folder: Path, name: str) -> int:
    return int((folder / f"{name}.pid").read_text())


def test_children_start_in_order_and_all_end_at_a_stop(tmp_path: Path) -> None:
    tree = Supervisor([sleeper(tmp_path, "a"), sleeper(tmp_path, "b")], environ(), tmp_path / "run.json", tmp_path)
    tree.start()
    pids = [pid(tmp_path, "a"), pid(tmp_path, "b")]
    assert (tmp_path / "a.pid").stat().st_mtime_ns < (tmp_path / "b.pid").stat().st_mtime_ns
    assert supervisor.running(tmp_path / "run.json") == os.getpid()
    tree.stop()
    assert [children.started_at(one) for one in pids] == [None, None]
    assert not (tmp_path / "run.json").exists()


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    tree = Supervisor([sleeper(tmp_path, "a")], environ())
    tree.start()
    first = pid(tmp_path, "a")
    os.kill(first, signal.SIGKILL)
    watching = threading.Timer(8.0, tree.stopping.set)
    threading.Thread(target=lambda: (eventually(lambda: pid(tmp_path, "a") != first), tree.stopping.set())).start()
    watching.start()
    tree.watch()
    watching.cancel()
    assert pid(tmp_path, "a") != first


def test_a_forked_child_is_kept_and_ended_like_any_other(tmp_path: Path) -> None:
    note = tmp_path / "note"

    def live() -> None:
        note.write_text(str(os.getpid()))
        time.sleep(60)

    tree = Supervisor([Child("fork", live, lambda: note.exists() and bool(note.read_text()))], environ())
    tree.start()
    first = int(note.read_text())
    assert first != os.getpid()
    os.kill(first, signal.SIGKILL)
    threading.Timer(2.0, tree.stopping.set).start()
    tree.watch()
    second = int(note.read_text())
    assert second != first
    assert [children.started_at(pid) for pid in (first, second)] == [None, None]


def test_what_a_fork_raises_ends_it_with_a_trace_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("in the fork")

    assert children.Forked(fail).wait(5) == 1
    assert "in the fork" in capfd.readouterr().err


def test_a_child_that_keeps_dying_is_not_started_in_a_frenzy(tmp_path: Path) -> None:
    note = tmp_path / "note"
    child = Child("crasher", [sys.executable, "-m", "tests.workers.program", "crasher", str(note)])
    tree = Supervisor([child], environ())
    begun = time.monotonic()
    tree.start()
    threading.Thread(
        target=lambda: (eventually(lambda: note.exists() and len(note.read_text()) >= 3, 60), tree.stopping.set())
    ).start()
    tree.watch()
    starts, lasted = len(note.read_text()), time.monotonic() - begun
    assert lasted >= 0.75
    assert starts <= math.log2(lasted / 0.25 + 1) + 2


def test_a_child_that_ends_at_once_ends_the_start_and_the_others(tmp_path: Path) -> None:
    crasher = [sys.executable, "-m", "tests.workers.program", "crasher", str(tmp_path / "note")]
    tree = Supervisor(
        [sleeper(tmp_path, "a"), Child("b", crasher, lambda: False)], environ(), tmp_path / "run.json", tmp_path
    )
    with pytest.raises(TandemError, match="b ended at once with status 3") as caught:
        tree.start()
    assert caught.value.fix == f"See {tmp_path / 'b'}.log."
    assert children.started_at(pid(tmp_path, "a")) is None


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.workers.test_supervisor import *\n"
        f"tree = Supervisor([sleeper(Path({str(tmp_path)!r}), 'a')], environ()); tree.start(); tree.watch()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    eventually(lambda: (tmp_path / "a.pid").exists() and (tmp_path / "a.pid").read_text())
    child = pid(tmp_path, "a")
    parent.kill()
    parent.wait()
    eventually(lambda: children.started_at(child) is None)


def test_leftovers_of_a_killed_tree_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    started = children.started_at(left.pid)
    run_file = tmp_path / "run.json"
    run_file.write_text(f'{{"processes": [[1, 1], [{left.pid}, {started}], [{stranger.pid}, 1]]}}')
    try:
        assert supervisor.running(run_file) is None
        supervisor.clear(run_file)
        assert children.started_at(left.pid) is None
        assert stranger.poll() is None
        assert not run_file.exists()
    finally:
        for process in (left, stranger):
            process.kill()
            process.wait()


def test_stop_kills_what_does_not_listen() -> None:
    deaf = children.spawn(["bash", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"])
    time.sleep(0.3)
    begun = time.monotonic()
    assert children.stop(deaf, grace=0.5) == -signal.SIGKILL
    assert time.monotonic() - begun < 3
