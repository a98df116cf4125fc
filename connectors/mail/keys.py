"""How we sign in to the mail servers: by password, or by a token (XOAUTH2) that is renewed as for every other desk.

One renewal per connection among all processes, what it rotates is kept before the new token is used (``signin``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.base import Context
from connectors.calls import Desk, token
from connectors.pace import Pace
from connectors.prepare import Places
from connectors.signin import Renewal, SignIn

BEARER = "Bearer "


class Keys:
    """``spec`` is the chosen auth of the manifest; ``settings`` and ``secrets`` by plain name. No network at first."""

    def __init__(
        self, spec: Mapping[str, Any], settings: Mapping[str, Any], secrets: Mapping[str, str], renewal: Renewal | None
    ) -> None:
        self.tokens = "token" in spec
        self.login = str(settings["login"])
        self._secrets = {f"secret.{name}": value for name, value in secrets.items()}
        self._settings = {f"settings.{name}": value for name, value in settings.items()}
        self._signin = SignIn(spec, self._secrets, renewal)
        given = str(settings.get("token_url", ""))
        places = Places("", urls=frozenset({"settings.token_url"}), given=(given,))
        says = {"says": ["error_description", "error"]}
        desk = Desk(lambda: places, self._names, {}, self._signin, says, Pace({}))
        self._ask = partial(token, desk)

    def _names(self) -> dict[str, Any]:
        return {**self._settings, **self._secrets}

    def word(self, ctx: Context) -> str:
        """The password, or a token that is good for now. Raises what the sign-in ends in."""
        if not self.tokens:
            return self._secrets["secret.password"]
        return self._signin.headers(ctx, self._ask, self._names())["Authorization"].removeprefix(BEARER)

    def renew(self, ctx: Context, used: str) -> bool:
        """Whether there is another word to try, after ``used`` was refused."""
        return self._signin.renew(ctx, self._ask, self._names(), {"Authorization": BEARER + used})

    def clean(self, text: str) -> str:
        """``text`` without our secrets."""
        for secret in self._signin.blanked():
            if len(secret) >= 4:
                text = text.replace(secret, "***")
        return text
