"""A mapping at work: compiled once per version into closures over plain dicts, then pure and quick on every record.

The pipeline calls ``observe`` and ``read`` on what came in, ``write`` on what goes out, ``channel_out`` and
``audience_in`` for comments. Nothing here reads a clock, a file or a network.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from mappings.model import Attachments, Audience, MappingError, Outward, Reading, Rule, Value, Wire

__all__ = ["Attachments", "Mapping", "MappingError", "Outward", "Reading", "Rule", "compile_mapping"]

Record = Table[str, Any]
"""Catalogue name -> value as a connector decodes it; a person is an id or ``{id, email, login, name}``."""


@dataclass(frozen=True)
class Mapping:
    """One compiled document. ``hash`` is the SHA-256 of its effective canonical JSON; ``reference`` a catalogue field."""

    name: str
    hash: str
    reference: str
    fields: Table[str, Rule]
    unsupported: Table[str, str]
    attachments: Attachments
    worklogs: str

    def observe(self, record: Record) -> dict[str, Wire]:
        """Theirs in normal form, per canonical field whose (first) remote field is present in the record."""
        raise NotImplementedError

    def read(self, field: str, wire: Wire, record: Record) -> Reading:
        """What one observed wire means to us; ``record`` gives the context (``per``) and a person's attributes."""
        raise NotImplementedError

    def write(self, changes: Table[str, Value], on: Record, create: bool, ticket: Table[str, Value] | None = None) -> Outward:
        """What to write for the owed ``changes``, with the record as last seen in ``on``; ``ticket`` gives all our
        values to expressions (default: the changes alone)."""
        raise NotImplementedError

    def inward(self, record: Record) -> tuple[dict[str, Value], list[tuple[str, str]], list[tuple[str, str]]]:
        """``observe`` and ``read`` of every inward field: values, held (field, reason), notes (field, said)."""
        raise NotImplementedError

    def channel_out(self, audience: Audience) -> str | None:
        """The channel for exactly this audience; None: not sent. Never one that reaches anyone outside it."""
        raise NotImplementedError

    def audience_in(self, channel: str) -> Audience | None:
        """Who may read what comes in on a channel; None: ignored. An unknown channel reads as the provider alone."""
        raise NotImplementedError


def compile_mapping(
    text: str, catalogue: Table[str, Any], vocabulary: Table[str, Any], parent_text: str | None = None, name: str = "mapping"
) -> Mapping:
    """Compile a mapping against the remote's catalogue and our vocabulary; raises ``MappingError``."""
    raise NotImplementedError
