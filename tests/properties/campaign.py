"""Many seeded runs of the machine over several processes: ``python -m tests.properties.campaign --runs 1000``.

Each seed decides everything about its run, so a failure is repeated with ``--only SEED``.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.databases import Maker
from tests.properties.machine import Setting, random_run, setting_of

MEMORY = Path("/dev/shm")
_makers: dict[str, Maker] = {}


@dataclass(frozen=True)
class Failure:
    """A run that broke an invariant. ``said``: the first line of what was wrong."""

    seed: int
    setting: Setting
    said: str


def folder() -> contextlib.AbstractContextManager[str]:
    """A folder in memory, where there is one: the runs wait for no disk."""
    return tempfile.TemporaryDirectory(prefix="tandem-run-", dir=MEMORY if MEMORY.is_dir() else None)


def run(seed: int, setting: Setting | None = None) -> Failure | None:
    """One run on SQLite; what it broke, or None."""
    chosen = setting or setting_of(seed)
    if "sqlite" not in _makers:
        _makers["sqlite"] = Maker("sqlite", Path(tempfile.mkdtemp(prefix="tandem-run-")), None)
    with folder() as place:
        try:
            random_run(_makers["sqlite"], Path(place), seed, chosen)
        except Exception as error:
            return Failure(seed, chosen, f"{type(error).__name__}: {error}"[:4000])
    return None


def runs(start: int, count: int, processes: int) -> Iterator[Failure]:
    """The failures of ``count`` runs, as they come."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for failure in pool.imap_unordered(run, range(start, start + count), chunksize=8):
            if failure is not None:
                yield failure


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.properties.campaign", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="this seed alone, with all that is known of its end")
    parser.add_argument("--width", type=int, default=200, help="characters of each failure to show")
    given = parser.parse_args(argv)
    if given.only is not None:
        failure = run(given.only)
        sys.stdout.write(f"{failure}\n")
        return int(failure is not None)
    failed = 0
    for failure in runs(given.start, given.runs, given.processes):
        failed += 1
        sys.stdout.write(f"seed {failure.seed} {failure.setting}: {failure.said[: given.width]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{given.runs} runs, {failed} failed\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
