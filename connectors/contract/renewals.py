"""A4 A6 A7 A10: tokens that end, and addresses that move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from unittest import SkipTest

from connectors.contract.rehearsal import Rehearsal
from connectors.simulators.loopback import Request, Response


class Renewals(Rehearsal):
    def token(self, key: str = "send") -> Mapping[str, Any]:
        """The sign-in that gives a token, if it has ``key``."""
        choice = self.spec().choice("auth", self.auth)[1] if self.spec().part("auth") else {}
        if key not in choice.get("token", {}):
            raise SkipTest("its sign-in gives no token" if key == "send" else f"its sign-in has no {key}")
        found: Mapping[str, Any] = choice["token"]
        return found

    def signed_in(self, since: int = 0) -> list[int]:
        """Where, in all that was asked, another token was asked for."""
        method, _, url = str(self.token()["send"]).partition(" ")
        end = re.sub(r"^\{[^}]*\}|^https?://[^/]*", "", url).split("{")[0]
        asked = list(enumerate(self.sim.asked))[since:]
        return [at for at, each in asked if each.method == method and end in each.path]

    def test_a04_a_token_is_renewed_before_it_ends(self) -> None:
        self.token("lasts")
        id = self.new()
        refused: list[str] = []

        def going(request: Request, response: Response) -> Response:
            refused.extend([request.path] if response.status == 401 else [])
            return response

        self.sim.going = going
        since = len(self.sim.asked)
        for _ in range(48):
            self.clock.forward(1800)
            assert self.record(id).id == id
        assert refused == [] and self.signed_in(since)

    def test_a06_two_workers_renew_once(self) -> None:
        self.token()
        id, other = self.new(), self.connect(found=self.found, lists=self.lists)
        other.fetch(self.ctx(), id)
        with self.theirs():
            self.sim.expire()
        since = len(self.sim.asked)
        assert self.record(id).id == id == other.fetch(self.ctx(), id).id
        assert len(self.signed_in(since)) == 1

    def test_a07_what_a_sign_in_rotates_is_kept_before_it_is_used(self) -> None:
        rotated = set(self.token("rotate")["rotate"])
        id = self.new()
        with self.theirs():
            self.sim.expire()
        since = len(self.sim.asked)
        kept: dict[str, int] = {}

        class Noting(dict[str, str]):
            def __setitem__(held, name: str, value: str) -> None:
                kept.setdefault(name, len(self.sim.asked))
                super().__setitem__(name, value)

        self.kept = Noting(self.kept)
        assert self.record(id).id == id
        (at,) = self.signed_in(since)
        assert {kept.get(f"secret.{name}") for name in rotated} == {at + 1}

    def test_a10_an_address_that_moved_is_found_again(self) -> None:
        base = str(self.spec().doc.get("base", ""))
        names = re.findall(r"\{found\.(\w+)\}", base)
        if not names:
            raise SkipTest("its address is given, not found")
        id = self.new()
        old = {name: f"{self.sim.url}/old/" if "://" in self.found[name] else "old/" for name in names}
        assert self.connect(found={**self.found, **old}, lists=self.lists).fetch(self.ctx(), id).id == id
        assert {self.kept[f"found.{name}"] for name in names} == {self.found[name] for name in names}
