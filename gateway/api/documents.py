"""What the resources of versioned documents share: how a version is told, what a difference looks like."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway.api.base import Schema, Whole, reading, runtime, text
from gateway.clock import iso
from gateway.desk.actors import names
from gateway.providers.versions import LONGEST, Version

LARGEST = 1_000_000
"""No document has as many versions."""


class Compare(Schema):
    """Which two versions; by default the newest text and what is in force before it."""

    version = fields.Integer(validate=validate.Range(1, LARGEST))
    against = fields.Integer(validate=validate.Range(1, LARGEST))


class Difference(ma.Schema):
    """What differs: a unified diff of the texts, and in short what changed. ``before`` is null where there is none."""

    name = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True)
    diff = fields.String(required=True)
    changes = fields.List(fields.String(), required=True)


class Back(Schema):
    """To which version, and why."""

    version = Whole(required=True, validate=validate.Range(1, LARGEST))
    reason = text(500, required=True)


class Text(Schema):
    """A document as it is written down."""

    text = text(LONGEST, required=True)


def who(author: str) -> str:
    """An author by name."""
    return str(reading(lambda c: names(c, [author]))[author]) if ":" in author else author


def told(one: Version, whole: bool = False) -> dict[str, Any]:
    """What is said of a version; ``whole``: with its text."""
    said = {"id": runtime().ids.public(one.id), "author": who(one.author), "created_at": iso(one.created_at)}
    return {**one.told(), **said, **({"text": one.text, "effective": one.effective} if whole else {})}
