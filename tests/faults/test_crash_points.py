"""A worker and a door killed with -9 at each crash point, four of ten requests lost: nothing is lost, nothing twice."""

from __future__ import annotations

import pytest

from tests.faults.scene import Scene

TICKETS = 3
POINTS = ("K1:1", "K2:3", "K3:2", "K4:1", "K5:1", "K6:1")
MORE = ("K3:7", "K4:5", "K5:4")


@pytest.mark.parametrize("point", (*POINTS, *MORE))
def test_a_worker_killed_anywhere_loses_and_doubles_nothing(scene: Scene, point: str, full: bool) -> None:
    if point in MORE and not full:
        pytest.skip("a second visit to this crash point belongs to the campaign")
    for _ in range(TICKETS * (8 if full else 1)):
        scene.escalate()
    with scene.process("web"):
        scene.trouble()
        with scene.process("work", point) as worker:
            scene.dies(worker)
        scene.server.faults.clear()
        scene.bury()
        scene.answer()
        with scene.process("work"):
            scene.quiet()
    scene.check()


def test_a_worker_killed_in_a_poll_reads_the_page_again(scene: Scene) -> None:
    """K8: the page is stored and its cursor not yet. Nobody else tells what it says."""
    prepared(scene)
    scene.world.poll()
    scene.world.run()
    scene.answer()
    scene.poll_now()
    stored = "select count(*) from arrival where kind = 'poll'"
    before = scene.world.value(stored)
    with scene.process("work", "K8:1") as worker:
        scene.dies(worker)
    assert scene.world.value(stored) == before
    scene.bury()
    with scene.process("work"):
        scene.quiet()
    assert scene.world.value(stored) > before
    scene.check()


@pytest.mark.parametrize("healed_by", ("redelivery", "polling"))
def test_a_door_killed_before_its_answer_loses_and_doubles_nothing(scene: Scene, healed_by: str) -> None:
    """K7. The first webhook is stored and answered, the second is stored and the door dies, the others meet nobody."""
    sender = scene.server.sender
    assert sender is not None
    prepared(scene)
    sender.mood.never = False
    offered = sender.tally.offered
    with scene.process("web", "K7:2") as door:
        scene.answer()
        scene.dies(door)
    stored = "select delivery_key from arrival where kind = 'webhook'"
    assert len(scene.world.rows(stored)) == 2
    assert sender.tally.sent == 1
    told = sender.tally.offered - offered
    if healed_by == "polling":
        sender.close()  # it gives up
        scene.server.sender = None
        scene.poll_now()
    with scene.process("web"), scene.process("work"):
        scene.quiet()
    assert len(scene.world.rows(stored)) == (told if healed_by == "redelivery" else 2)
    assert sender.tally.sent == (told if healed_by == "redelivery" else 1)
    scene.check()


def prepared(scene: Scene) -> None:
    """Two tickets are at the desk, and both sides rest."""
    scene.fall_silent()
    for _ in range(2):
        scene.escalate()
    scene.world.run()
    assert len(scene.server.desk.tickets) == 2
