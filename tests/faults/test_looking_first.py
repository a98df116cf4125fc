"""The control: what has no answer is looked for before it is repeated. Who does not look doubles, and is found out."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.scene import Scene


@pytest.fixture(params=(False, True), ids=("looks", "blind"))
def blind(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_answers_that_were_lost_double_only_what_nobody_looks_for(scene: Scene, blind: bool) -> None:
    """The answers to the create, the first comment and the file are lost, once each; nobody else tells of them."""
    scene.fall_silent()
    scene.escalate()
    for path in ("/api/tickets", "/comments", "/files"):
        scene.server.faults.plan("commit_then_drop", method="POST", path=path)
    with scene.process("work", blind=blind):
        scene.quiet()
    assert scene.server.faults.met == {"commit_then_drop": 3}
    assert doubled(scene) == (["comment", "record", "upload"] if blind else [])
    judged(scene, blind)


def test_a_worker_that_dies_unanswered_doubles_only_what_nobody_looks_for(scene: Scene, blind: bool) -> None:
    """It dies between the desk's answer to its create and the next commit."""
    scene.fall_silent()
    scene.escalate()
    with scene.process("work", "K4:1") as worker:
        scene.dies(worker)
    assert len(scene.server.desk.tickets) == 1
    scene.bury()
    with scene.process("work", blind=blind):
        scene.quiet()
    assert doubled(scene) == (["record"] if blind else [])
    judged(scene, blind)


def doubled(scene: Scene) -> list[str]:
    """What of ours stands more than once at the desk."""
    effects = scene.server.desk.effects()
    kinds: dict[str, Counter[str]] = {"record": effects.created}
    for kind, found in (("comment", effects.comments), ("upload", effects.uploads)):
        kinds[kind] = Counter()
        for (_, _, said), times in found.items():
            kinds[kind][said] += times
    return sorted(kind for kind, counts in kinds.items() if max(counts.values()) > 1)


def judged(scene: Scene, blind: bool) -> None:
    """All stands, or the judge sees that it does not."""
    if not blind:
        scene.check()
        return
    with pytest.raises(AssertionError, match="nobody looked"):
        scene.judge.everything_arrived_once()
