"""Chromium, and the console served on loopback by a server of this process."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from gateway.console.web import COOKIE
from gateway.people import sessions
from tests.console.conftest import application
from tests.console.scene import Scene

VENDOR = Path(__file__).parents[2] / "gateway" / "console" / "static" / "vendor"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        pass


@dataclass
class Site:
    """A served installation. ``faults`` are what a page should never do: dialogs, script errors, refused loads."""

    scene: Scene
    url: str
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, who: str, path: str, **more: Any) -> Page:
        """A page of its own context, seen by this person; "" is nobody."""
        context = self.browser.new_context(locale="en-GB", timezone_id="Europe/Madrid", **more)
        self.contexts.append(context)
        if who:
            with self.scene.rt.store.write() as conn:
                cookie, _ = sessions.begin(conn, self.scene.users[who], self.scene.rt.now())
            context.add_cookies([{"name": COOKIE, "value": cookie, "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._said)
        page.goto(self.url + path)
        return page

    def _said(self, message: Any) -> None:
        if message.type == "error" and not re.search(r"(status of|Error Code) (4\d\d|503)", message.text):
            self.faults.append(f"console: {message.text}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser per test process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine")
    if not VENDOR.is_dir():
        pytest.skip("the front end was not made: run make setup")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def site(chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """An installation without tickets, served; at the end nothing went wrong in any page."""
    yield from _served(chromium, tmp_path, quiet=True)


@pytest.fixture(scope="module")
def day_site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The day, served to a whole module."""
    yield from _served(chromium, tmp_path_factory.mktemp("day"), quiet=False)


def _served(chromium: Browser, folder: Path, quiet: bool) -> Iterator[Site]:
    scene, app = application(folder, quiet)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(scene, f"http://127.0.0.1:{server.port}", chromium)
    yield made
    made.close()
    server.shutdown()
    thread.join(5)
    server.server_close()
    scene.rt.close()
    assert made.faults == []
