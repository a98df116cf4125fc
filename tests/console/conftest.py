"""A scene on SQLite, and signed-in clients of its application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.console.web import COOKIE
from gateway.people import sessions
from tests.console.scene import PASSWORD, PEOPLE, Scene, scene
from tests.databases import Maker, settings

Client = Callable[[str], "Browser"]


class Browser:
    """A client as a browser uses it: it knows the token of the page it is on."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = ""

    def get(self, path: str, **more: Any) -> Any:
        answer = self.client.get(path, headers={"Accept": "text/html", **more.pop("headers", {})}, **more)
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text) if answer.mimetype == "text/html" else None
        if found:
            self.token = found[1]
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        headers = {"Accept": "text/html", **more.pop("headers", {})}
        return self.client.post(path, data={"csrf": self.token, **(data or {})}, headers=headers, **more)

    def htmx(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """A post as htmx sends it: the token as a header."""
        return self.client.post(path, data=data or {}, headers={"HX-Request": "true", "X-CSRF-Token": self.token})

    def sign_in(self, who: str, password: str = PASSWORD) -> Any:
        self.get("/sign-in")
        answer = self.post("/sign-in", {"email": PEOPLE[who][0], "password": password})
        if answer.status_code == 303:
            self.get(answer.location, follow_redirects=True)
        return answer


def application(folder: Path, quiet: bool = False, maker: Maker | None = None) -> tuple[Scene, Flask]:
    """A scene of its own in ``folder``, and the application on it; on SQLite unless another ``maker`` is given."""
    maker = maker or Maker("sqlite", folder, None)
    home = folder / "home"
    home.mkdir()
    made = scene(settings(home, maker.prepared(home).url), quiet)
    return made, create_app(made.rt)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, Flask]]:
    """The day, for tests that only look: it is shared."""
    made, app = application(tmp_path_factory.mktemp("shown"))
    yield made, app
    made.rt.close()


@pytest.fixture
def own_day(tmp_path: Path) -> Iterator[tuple[Scene, Flask]]:
    """A day that a test may change."""
    made, app = application(tmp_path)
    yield made, app
    made.rt.close()


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[tuple[Scene, Flask]]:
    """An installation without tickets, for tests that change something."""
    made, app = application(tmp_path, quiet=True)
    yield made, app
    made.rt.close()


@pytest.fixture
def day(shown: tuple[Scene, Flask]) -> Scene:
    return shown[0]


@pytest.fixture
def look(shown: tuple[Scene, Flask]) -> Client:
    """Signs somebody in at the day's console."""
    return signing_in(*shown)


@pytest.fixture
def desk(at_work: tuple[Scene, Flask]) -> Scene:
    return at_work[0]


@pytest.fixture
def work(at_work: tuple[Scene, Flask]) -> Client:
    """Signs somebody in at the empty console."""
    return signing_in(*at_work)


def signing_in(scene: Scene, app: Flask) -> Client:
    def sign_in(who: str) -> Browser:
        """A browser with a session of this person, without the time that a password takes."""
        browser = Browser(app.test_client())
        if who:
            with scene.rt.store.write() as conn:
                cookie, browser.token = sessions.begin(conn, scene.users[who], scene.rt.now())
            browser.client.set_cookie(COOKIE, cookie)
        return browser

    return sign_in
