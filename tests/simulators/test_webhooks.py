"""The sender's moods: twice, shuffled, dropped, never; in order otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.simulators.loopback import Loopback, Request, Response
from connectors.simulators.webhooks import Mood, Sender


class Hook:
    def __init__(self) -> None:
        self.came: list[tuple[str, int]] = []

    def __call__(self, request: Request) -> Response:
        self.came.append((request.headers["x-id"], int(request.body)))
        return Response(202)


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def url(hook: Hook) -> Iterator[str]:
    with Loopback(hook) as server:
        yield server.url


def send(url: str, mood: Mood, count: int = 100) -> Sender:
    sender = Sender(f"{url}/hooks/x", lambda body, delivery: {"X-Id": delivery}, "d", mood, seed=3)
    for number in range(count):
        sender.offer(str(number).encode())
    assert sender.flush()
    sender.close()
    return sender


def test_in_order_and_once(url: str, hook: Hook) -> None:
    send(url, Mood())
    assert [number for _, number in hook.came] == list(range(100))
    assert len({delivery for delivery, _ in hook.came}) == 100


def test_twice_means_the_same_delivery_again(url: str, hook: Hook) -> None:
    sender = send(url, Mood(twice=0.3))
    assert len(hook.came) == 100 + sender.tally.doubled > 110
    assert len(set(hook.came)) == 100


def test_shuffled_means_all_of_them_in_another_order(url: str, hook: Hook) -> None:
    send(url, Mood(shuffle=10))
    numbers = [number for _, number in hook.came]
    assert sorted(numbers) == list(range(100)) != numbers


def test_dropped_ones_never_come(url: str, hook: Hook) -> None:
    sender = send(url, Mood(drop=0.3))
    assert len(hook.came) == 100 - sender.tally.dropped
    assert 15 < sender.tally.dropped < 45


def test_never(url: str, hook: Hook) -> None:
    assert send(url, Mood(never=True)).tally.dropped == 100
    assert hook.came == []
