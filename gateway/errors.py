"""Errors that a person or an API client reads: what is wrong, where, with which value, and how to put it right.

The API answers them as problem+json (RFC 9457), the command line as one or two lines, the console as a message.
The subclasses are named by what the reader does next; ``status`` is the HTTP status each is answered with.
"""

from __future__ import annotations

from typing import ClassVar


class TandemError(Exception):
    """``title`` is a short sentence, ``field`` names the input, ``value`` what was given, ``fix`` what to do."""

    status: ClassVar[int] = 400

    def __init__(self, title: str, field: str | None = None, value: object = None, fix: str | None = None) -> None:
        super().__init__(title)
        self.title = title
        self.field = field
        self.value = value
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        given = f" (given: {self.value!r})" if self.value is not None else ""
        fix = f" {self.fix}" if self.fix else ""
        return f"{where}{self.title}{given}.{fix}"

    def problem(self) -> dict[str, object]:
        """The problem+json body; members that have nothing to say are left out."""
        said = {"field": self.field, "value": self.value, "fix": self.fix}
        return {"title": self.title, "status": self.status, **{k: v for k, v in said.items() if v is not None}}


class ConfigError(TandemError):
    """A setting is missing or refused: the operator corrects it and starts again."""

    status = 500


class Unauthenticated(TandemError):
    """No valid credentials: sign in or send a token."""

    status = 401


class Forbidden(TandemError):
    """Known, but not allowed to do this: ask for a role that may."""

    status = 403


class NotFound(TandemError):
    """There is no such thing, or not for this reader."""

    status = 404


class Conflict(TandemError):
    """The thing is in a state in which this cannot be done, or the name is taken: look at it again."""

    status = 409


class Changed(TandemError):
    """Someone changed it since the version this edit was based on: read it again and redo the edit."""

    status = 412


class TooLarge(TandemError):
    """More bytes than are taken here."""

    status = 413


class Invalid(TandemError):
    """A value that cannot be accepted: correct ``field`` and send it again."""

    status = 422


class Busy(TandemError):
    """Not now: the same request may be sent again ``after`` seconds later."""

    status = 429

    def __init__(self, title: str, after: float, fix: str | None = None) -> None:
        super().__init__(title, fix=fix)
        self.after = after


class Unavailable(TandemError):
    """A part that this needs is not there at the moment: try again later."""

    status = 503
