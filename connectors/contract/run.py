"""Runs a contract without pytest: for ``tandem connector check``, for the table of what each desk can do, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from unittest import SkipTest

from connectors.contract.rehearsal import Rehearsal

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
        yield _one(contract, name)


def _one(contract: type[Rehearsal], name: str) -> Result:
    held = contract()
    try:
        held.setup_method()
        getattr(held, name)()
    except SkipTest as lack:
        return Result(name, "skipped", str(lack))
    except Exception as error:  # noqa: BLE001 - whatever a connector of somebody's raises is its failure, and is told
        return Result(name, "failed", f"{type(error).__name__}: {error}".strip(": "))
    finally:
        held.teardown_method()
    return Result(name, "passed")
