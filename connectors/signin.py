"""How calls prove who we are: the chosen auth of a manifest as headers, and the life of a sign-in token.

A token is renewed shortly before it ends and once after a 401, one renewal at a time: ``renewal`` is a lock that
reaches over processes and gives what was kept last, so a second worker takes the first one's token instead of signing
in again. What the sign-in rotates is saved before the new token is used.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Context
from connectors.errors import Unauthorized
from connectors.paths import parse as path
from connectors.paths import plain
from connectors.schema import DURATION, seconds
from connectors.templates import Missing, Names, parse

Renewal = Callable[[], AbstractContextManager[Mapping[str, str]]]
Ask = Callable[[Context, Mapping[str, Any], Names, Mapping[str, str]], Any]
"""Asks for a token: (ctx, call, names, headers) to the reply's document."""

MARGIN = 60.0
"""Seconds before its end at which a token is renewed (a tenth of its life, if that is less)."""


def alone() -> AbstractContextManager[Mapping[str, str]]:
    """The renewal lock of a connector that no other process shares."""
    return nullcontext({})


@dataclass(frozen=True)
class Token:
    """An access token and the moment from which it is renewed."""

    access: str
    until: datetime | None

    def fresh(self, now: datetime) -> bool:
        return self.until is None or now < self.until


class SignIn:
    """``secrets`` is the connector's own mutable mapping of ``secret.<name>``: a rotation replaces values in it."""

    def __init__(self, spec: Mapping[str, Any], secrets: dict[str, str], renewal: Renewal | None) -> None:
        self._spec = spec
        self._secrets = secrets
        self._renewal = renewal or alone
        self._lock = threading.Lock()
        self._token: Token | None = None

    def headers(self, ctx: Context, ask: Ask, names: Names) -> dict[str, str]:
        """The headers of a call, with a fresh token where tokens are used. Raises what the sign-in ends in."""
        try:
            if "basic" in self._spec:
                return basic(self._spec["basic"], names)
            if "token" in self._spec:
                names = {**names, "token": self._fresh(ctx, ask, names, None).access}
            return {key: parse(value).text(names) for key, value in self._spec.get("headers", {}).items()}
        except Missing as gap:
            raise Unauthorized(f"the connection has no {gap}") from gap

    def renew(self, ctx: Context, ask: Ask, names: Names, used: Mapping[str, str]) -> bool:
        """After a 401 with the headers ``used``: another token, if there can be one."""
        if "token" not in self._spec:
            return False
        failed = self._token
        if failed is None or failed.access not in " ".join(used.values()):
            return True
        self._fresh(ctx, ask, names, failed.access)
        return True

    def blanked(self) -> tuple[str, ...]:
        """The texts that must not show in what the vendor says."""
        return (*self._secrets.values(), *([self._token.access] if self._token else []))

    def _fresh(self, ctx: Context, ask: Ask, names: Names, failed: str | None) -> Token:
        token = self._token
        if token and token.access != failed and token.fresh(ctx.now):
            return token
        with self._lock:
            token = self._token
            if token and token.access != failed and token.fresh(ctx.now):
                return token
            with self._renewal() as kept:
                self._token = self._kept(kept, ctx.now, failed) or self._sign_in(ctx, ask, names)
            return self._token

    def _kept(self, kept: Mapping[str, str], now: datetime, failed: str | None) -> Token | None:
        """What another process kept, if it is newer than what failed; its rotated secrets are ours in any case."""
        for name in self._spec["token"].get("rotate", {}):
            if f"secret.{name}" in kept:
                self._secrets[f"secret.{name}"] = kept[f"secret.{name}"]
        access, until = kept.get("token.access"), kept.get("token.until")
        if not access or access == failed:
            return None
        token = Token(access, datetime.fromisoformat(until) if until else None)
        return token if token.fresh(now) else None

    def _sign_in(self, ctx: Context, ask: Ask, names: Names) -> Token:
        spec = self._spec["token"]
        names = {**names, **self._secrets}
        doc = ask(ctx, spec, names, basic(spec["basic"], names) if "basic" in spec else {})
        access = plain(path(spec["access"]).read(doc))
        if not access:
            raise Unauthorized("the sign-in gave no token")
        for name, where in spec.get("rotate", {}).items():
            if new := plain(path(where).read(doc)):
                ctx.keep(f"secret.{name}", new)
                self._secrets[f"secret.{name}"] = new
        until = _until(spec.get("lasts"), doc, ctx.now)
        ctx.keep("token.access", access)
        ctx.keep("token.until", until.isoformat() if until else "")
        return Token(access, until)


def basic(pair: list[str], names: Names) -> dict[str, str]:
    user, password = (parse(text).text(names) for text in pair)
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")}


def _until(lasts: str | None, doc: Any, now: datetime) -> datetime | None:
    if lasts is None:
        return None
    if DURATION.fullmatch(str(lasts)):
        life = seconds(lasts)
    else:
        told = plain(path(lasts).read(doc))
        if told is None or not told.replace(".", "", 1).isdigit():
            return None
        life = float(told)
    return now + timedelta(seconds=life - min(MARGIN, life / 10))
