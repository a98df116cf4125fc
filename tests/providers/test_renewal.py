"""Sign-ins by token: one for all processes, kept sealed, and taken anew only when it has to be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Retry
from connectors.simulators.loopback import Loopback, Request, Response
from gateway.config import Config
from gateway.people.users import By
from gateway.providers import admission, documents, renewal
from gateway.providers.documents import Draft
from gateway.runtime import Runtime
from gateway.store.db import Store
from gateway.store.leases import take

ROOT = Path(__file__).parents[2]
PLAIN = 'token: {headers: {Authorization: "Bearer {secret.token}"}}'
OAUTH = (
    'oauth: {headers: {Authorization: "Bearer {token}"}, token: {send: POST /token, '
    'form: {client_secret: "{secret.client}", refresh: "{secret.refresh}"}, '
    "access: access, rotate: {refresh: refresh}}}"
)


class SignIn:
    """A Deskly that wants a sign-in, and whose refresh token is good once."""

    def __init__(self) -> None:
        self.signed_in = 0
        self.revoked = False
        self.loopback = Loopback(self._answer)

    def _answer(self, request: Request) -> Response:
        if request.path == "/api/token":
            if f"refresh=r{self.signed_in}".encode() not in request.body:
                return Response.of({"message": "used up"}, 400)
            self.signed_in, self.revoked = self.signed_in + 1, False
            return Response.of({"access": f"a{self.signed_in}", "refresh": f"r{self.signed_in}"})
        good = not self.revoked and request.headers.get("authorization") == f"Bearer a{self.signed_in}"
        return Response.of({"id": "gateway"} if good else {"message": "no"}, 200 if good else 401)


@pytest.fixture
def desk() -> Iterator[SignIn]:
    made = SignIn()
    with made.loopback:
        yield made


@pytest.fixture
def draft(desk: SignIn) -> Draft:
    def example(name: str) -> str:
        return (ROOT / "docs/examples" / name).read_text("utf-8")

    files = {"deskly.yaml": example("deskly.yaml").replace(PLAIN, OAUTH), "map": example("deskly-mapping.yaml")}
    text = (
        "name: harbour\nprovider: harbour\nmanifest: deskly.yaml\nmapping: {file: map}\n"
        f"settings: {{url: '{desk.loopback.url}', team: gateway}}\nsecrets: {{client: c, refresh: r0}}\n"
    )
    return documents.read(text, "harbour.yaml", documents.Outside(file=files.__getitem__))


@pytest.fixture
def processes(store: Store, config: Config, desk: SignIn) -> Iterator[list[Runtime]]:
    """Two processes of one installation."""
    made = [Runtime.open(config.allowing(f"127.0.0.1:{desk.loopback.port}")) for _ in range(2)]
    yield made
    for rt in made:
        rt.close()


def check(rt: Runtime, id: int) -> Any:
    desk = rt.desks.desk(id)
    return desk.connector.check(rt.context(desk)).me


def test_one_sign_in_serves_every_process_and_outlives_them(
    processes: list[Runtime], config: Config, desk: SignIn, draft: Draft
) -> None:
    one, other = processes
    id, _ = admission.add(one, By("test", one.key, one.now()), draft)
    other.desks.load()
    for _ in range(3):
        for rt in processes:
            rt.desks.load()
            assert check(rt, id) == {"gateway"}
    assert desk.signed_in == 1
    later = Runtime.open(one.config)
    assert check(later, id) == {"gateway"}
    later.close()
    assert desk.signed_in == 1


def test_many_at_once_sign_in_once_and_the_rotated_secret_is_kept(
    processes: list[Runtime], desk: SignIn, draft: Draft
) -> None:
    one, other = processes
    id, _ = admission.add(one, By("test", one.key, one.now()), draft)
    other.desks.load()
    desk.revoked = True  # what both may hold is no longer good, all of a sudden
    threads = [threading.Thread(target=check, args=(rt, id)) for rt in processes for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.signed_in == 2
    with renewal.renewal(one.store, one.vault, id) as kept:
        assert kept == {"secret.client": "c", "secret.refresh": "r2", "token.access": "a2", "token.until": ""}


def test_whoever_does_not_get_the_turn_comes_again(
    processes: list[Runtime], desk: SignIn, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = processes[0]
    id, _ = admission.add(one, By("test", one.key, one.now()), draft)
    assert take(one.store, f"signin:{id}", "another process", 30.0)
    monkeypatch.setattr(renewal, "WAIT", 0.2)
    with pytest.raises(Retry), renewal.renewal(one.store, one.vault, id):
        pytest.fail("two at once")
