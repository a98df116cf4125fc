"""What a call to a remote can end in, named by what the caller does next (CONNECTORS.md section 2).

``said`` is the vendor's own sentence, at most 500 characters, secrets already blanked. ``after`` is a wait in seconds.
"""

from __future__ import annotations

SAID_MAX = 500


class Outcome(Exception):
    """An end other than success. Never raised itself: one of the families below is."""

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.said = said[:SAID_MAX]
        self.after = after


class Retry(Outcome):
    """Nothing was done (or nothing was asked to be done): try again, ``after`` seconds from now if given."""


class Unknown(Outcome):
    """A write left and no usable answer came: look whether it landed before anything is repeated."""


class Refused(Outcome):
    """A business no: repeating it changes nothing. ``field`` is the catalogue field it is about, when known."""

    def __init__(self, said: str, after: float | None = None, field: str | None = None) -> None:
        super().__init__(said, after)
        self.field = field


class Stale(Outcome):
    """The remote moved on since the version this write was based on: fetch, merge, recompute."""


class Unauthorized(Outcome):
    """The credentials are not accepted (any more): pause the connection."""


class Gone(Outcome):
    """The record is not there (any more); believed only after ``check`` shows that others still are."""


class Unsupported(Outcome):
    """The remote cannot do this; the manifest's ``cannot`` says what happens instead."""


class Unverified(Exception):
    """A webhook whose signature, stamp or shape does not prove that it comes from the remote: a 401."""
