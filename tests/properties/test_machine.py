"""The state machine over memory desks, by hypothesis and by seeds, and two rules that it must catch.

50 runs by hypothesis as a rule, thousands with ``--full``; ``python -m tests.properties.campaign`` runs seeds alone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.databases import Maker
from tests.properties import naive
from tests.properties.campaign import MEMORY
from tests.properties.machine import FAULTS, LOCAL, QUIRKS, REMOTE, VERBS, Setting, Sim, random_run, setting_of

ALTERING = ("trims", "lossy", "ignores")
AUDIENCES = (["team"], ["provider:acme"], ["provider:acme", "requester"], ["everyone"])


def pairs(values: dict[str, list[Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.sampled_from([(field, value) for field, those in values.items() for value in those])


class Town(RuleBasedStateMachine):
    """One ticket, one or two providers, and everything that may happen between them."""

    def __init__(self, maker: Maker) -> None:
        super().__init__()
        self.maker = maker
        self.folder = Path(tempfile.mkdtemp(prefix="tandem-town-", dir=MEMORY if MEMORY.is_dir() else None))
        self.sim: Any = None

    @initialize(
        side=st.sampled_from(["ours", "theirs", "both"]),
        quirk=st.sampled_from(sorted(QUIRKS)),
        names=st.sampled_from([("acme",), ("acme", "globex")]),
        locking=st.booleans(),
    )
    def begin(self, side: str, quirk: str, names: tuple[str, ...], locking: bool) -> None:
        self.setting = Setting(side, quirk, names, locking, editor=names[-1])
        self.sim = Sim(self.maker, self.folder, names, quirk, locking)
        self.sim.escalate("acme")

    def name(self, second: bool) -> str:
        return self.setting.names[-1 if second else 0]

    @precondition(lambda self: self.setting.side != "theirs")
    @rule(change=pairs(LOCAL))
    def we_edit(self, change: tuple[str, Any]) -> None:
        self.sim.edit_field(*change)

    @precondition(lambda self: self.setting.side != "ours")
    @rule(change=pairs(REMOTE), second=st.booleans())
    def they_edit(self, change: tuple[str, Any], second: bool) -> None:
        name = self.name(second) if self.setting.side == "both" else self.setting.editor
        self.sim.edit_field_there(name, *change)

    @rule(audience=st.sampled_from(AUDIENCES), what=st.sampled_from(["comment", "comment", "attach"]))
    def we_say(self, audience: list[str], what: str) -> None:
        getattr(self.sim, what)(audience)

    @rule()
    def we_log_time(self) -> None:
        self.sim.worklog()

    @precondition(lambda self: self.setting.side != "ours" or self.setting.quirk not in ALTERING)
    @rule(what=st.sampled_from(["comment", "comment", "file", "worklog"]), public=st.booleans(), second=st.booleans())
    def they_say(self, what: str, public: bool, second: bool) -> None:
        name = self.name(second) if self.setting.side != "theirs" else self.setting.editor
        self.sim.speak_there(name, what, public)

    @rule(what=st.sampled_from(FAULTS), verb=st.sampled_from(VERBS), steps=st.integers(1, 12), second=st.booleans())
    def something_goes_wrong(self, what: str, verb: str | None, steps: int, second: bool) -> None:
        self.sim.trouble(self.name(second), what, verb, steps)

    @precondition(lambda self: self.sim.hooks)
    @rule(index=st.integers(0, 20), keep=st.booleans())
    def a_webhook_comes(self, index: int, keep: bool) -> None:
        assert self.sim.hook(index, keep) in (200, 202)

    @rule(sent=st.booleans())
    def a_worker_dies(self, sent: bool) -> None:
        self.sim.crash(sent)

    @rule(seconds=st.sampled_from([1, 3, 10, 100]))
    def time_goes_by(self, seconds: int) -> None:
        self.sim.wait(seconds)

    @rule()
    def we_poll(self) -> None:
        self.sim.poll()

    @rule()
    def a_worker_works(self) -> None:
        self.sim.work()

    @precondition(lambda self: len(self.setting.names) > 1)
    @rule()
    def a_second_provider_helps(self) -> None:
        self.sim.escalate("globex", "helper")

    @precondition(lambda self: self.setting.side == "both")
    @rule(back=st.booleans(), second=st.booleans())
    def the_ticket_changes_hands(self, back: bool, second: bool) -> None:
        (self.sim.take_back if back else self.sim.escalate)(self.name(second))

    @precondition(lambda self: self.setting.quirk == "asks")
    @rule(keep=st.sampled_from(["ours", "theirs"]))
    def a_person_decides(self, keep: str) -> None:
        self.sim.resolve(keep)

    def teardown(self) -> None:
        try:
            if self.sim is not None:
                self.sim.finish()
                if self.setting.side != "both":
                    self.sim.one_side_stands(self.setting.side)
        finally:
            if self.sim is not None:
                self.sim.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def test_everything_may_happen_and_both_sides_agree(maker: Maker, full: bool) -> None:
    usual, many = (50, 5000) if maker.dialect == "sqlite" else (10, 500)
    how = settings(
        max_examples=many if full else usual,
        stateful_step_count=30,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(partial(Town, maker), settings=how)


@pytest.mark.parametrize("shard", range(4))
def test_seeded_runs(maker: Maker, tmp_path: Path, full: bool, shard: int) -> None:
    usual, many = (12, 1250) if maker.dialect == "sqlite" else (2, 50)
    for seed in range(shard * many, shard * many + (many if full else usual)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        random_run(maker, folder, seed)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        (naive.one_agreed_copy, Setting("ours", "lossy")),
        (naive.one_agreed_copy, Setting("ours", "plain")),
        (
            naive.forgotten_attempts,
            Setting(
                "ours", "plain", locking=False, steps=60, faults=("late",), verbs=("update",), waits=(1, 3), eager=True
            ),
        ),
    ],
    ids=["agreed copy, lossy desk", "agreed copy, plain desk", "forgotten attempts"],
)
def test_the_machine_notices_a_merge_that_loses_data(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rule: Callable[[pytest.MonkeyPatch], None],
    setting: Setting,
) -> None:
    """One-sided runs, of which the real merge loses none, lose the only editor's last value within a few seeds."""
    made = Maker("sqlite", tmp_path, None)
    failed = None
    for naively in (True, False):
        with monkeypatch.context() as patch:
            if naively:
                rule(patch)
            for seed in range(40) if failed is None else [failed]:
                folder = tmp_path / f"{seed}{naively}"
                folder.mkdir()
                try:
                    random_run(made, folder, seed, setting)
                except AssertionError:
                    failed = seed
                    break
            else:
                assert not naively, "40 runs, and nobody noticed"
                return
    raise AssertionError(f"seed {failed} fails with the real merge, too")


def test_every_combination_has_its_seeds() -> None:
    found = {(s.side, s.quirk, len(s.names), s.locking) for s in map(setting_of, range(3 * len(QUIRKS) * 2 * 2))}
    assert len(found) == 3 * len(QUIRKS) * 2 * 2
