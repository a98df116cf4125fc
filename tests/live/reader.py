"""An agent of ours who looks: at a ticket's page, at the list of what needs attention, and through the API."""

from __future__ import annotations

import html
import re
from typing import Any

from gateway.app import create_app
from gateway.console.web import COOKIE
from gateway.people import sessions, tokens, users
from gateway.people.users import By
from tests.live.rig import Rig


class Reader:
    """Signed in at the console of a rig's installation, and with a token for its API."""

    def __init__(self, rig: Rig) -> None:
        rt = self.rt = rig.rt
        by = By("test", rt.key, rt.now())
        with rt.store.write() as conn:
            user = users.add(conn, by, "ana@company.example", "Ana", "agent")
            cookie, _ = sessions.begin(conn, user, rt.now())
            self._token = tokens.create(conn, by, "an agent", "agent")[1]
        self._client = create_app(rt).test_client()
        self._client.set_cookie(COOKIE, cookie)

    def page(self, path: str) -> str:
        """The words of a page, as they are read."""
        answer = self._client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())

    def ask(self, path: str) -> Any:
        """What the API answers."""
        answer = self._client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {self._token}"})
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return answer.get_json()
