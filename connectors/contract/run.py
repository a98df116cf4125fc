"""Runs a contract without pytest: for ``tandem connector check``, for the table of what each desk can do, for tests."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from unittest import SkipTest

from connectors.contract.reasons import reason, slipped
from connectors.contract.rehearsal import LOG, Rehearsal
from connectors.manifest import Manifest

FIRST = "test_"


@dataclass(frozen=True)
class Result:
    """How one test ended. ``why``: what failed, or what the desk lacks."""

    test: str
    ended: Literal["passed", "failed", "skipped"]
    why: str = ""

    @property
    def number(self) -> str:
        """As in docs/connector-guide.md: M2, W10 ..."""
        word = self.test.removeprefix(FIRST).split("_")[0]
        return word[0].upper() + word[1:].lstrip("0")

    @property
    def sentence(self) -> str:
        """What the test says, in words."""
        words = self.test.removeprefix(FIRST).split("_")
        return " ".join(word for word in words if not (word[0] in "mawruifh" and word[1:].isdecimal()))


def names(contract: type[Rehearsal]) -> list[str]:
    """The names of its tests, in order of their numbers."""
    return sorted(name for name in dir(contract) if name.startswith(FIRST))


def run(contract: type[Rehearsal], only: Iterable[str] | None = None) -> Iterator[Result]:
    """Each test on a fresh desk, as pytest would."""
    for name in names(contract) if only is None else only:
        with _quiet():
            result = _one(contract, name)
        yield result


def _one(contract: type[Rehearsal], name: str) -> Result:
    held = contract()
    try:
        held.setup_method()
        try:
            getattr(held, name)()
        finally:
            held.teardown_method()
    except SkipTest as lack:
        return Result(name, "skipped", str(lack))
    except Exception as error:  # noqa: BLE001 - whatever a connector of somebody's raises is its failure, and is told
        slip = getattr(getattr(held, "sim", None), "slip", None)
        return Result(name, "failed", reason(error, contract.folder) + (f"; {slipped(slip)}" if slip else ""))
    return Result(name, "passed")


@contextmanager
def _quiet() -> Iterator[None]:
    """What a connector notes of a desk that a test has confused is no news."""
    log = logging.getLogger(LOG)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def unfit(contract: type[Rehearsal], spec: Manifest) -> list[str]:
    """What of the class itself does not fit the manifest, a sentence each: no test could say anything then."""
    there = ", ".join(spec.part("fields"))
    simulator = getattr(contract, "simulator", None)
    lacks = ", ".join(sorted(getattr(simulator, "__abstractmethods__", ())))
    status, *values = contract.status
    field = spec.part("fields").get(status, {})
    listed = () if "live" in field or "per" in field else field.get("values", ())
    told = [
        "there is no simulator: write simulator = and your desk's class" if simulator is None else "",
        f"the simulator lacks {lacks}" if lacks else "",
        *(
            f"{key} is {name!r}, and the manifest has no such field; it has {there}"
            for key, name in (("title", contract.title), ("body", contract.body), ("status", status))
            if name and not _known(spec, name) and (key != "status" or any(values))
        ),
        *(
            f"status goes to {value!r}, and {status} has {', '.join(map(str, listed))}"
            for value in values
            if value and listed and value not in map(str, listed)
        ),
    ]
    return [sentence for sentence in told if sentence]


def _known(spec: Manifest, name: str) -> bool:
    return name in spec.part("fields") or name.partition(":")[0] in spec.part("families")
