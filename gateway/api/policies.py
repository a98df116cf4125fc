"""``/policies``: what each provider may see, and how tickets are decided; proved, published, compared, rolled back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import marshmallow as ma
from marshmallow import fields

from gateway.api.base import Blueprint, Schema, by, needs, page_of, reading, runtime, text, writing
from gateway.api.documents import Back, Compare, Difference, Text, told
from gateway.api.idempotency import once
from gateway.api.problems import mistake
from gateway.errors import NotFound
from gateway.providers import policies, whatif
from gateway.providers.documents import Mistakes
from gateway.providers.versions import LONGEST


class Policy(ma.Schema):
    """One published version of a policy: ``share:<provider>``, or one that decides, as ``routing``."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    hash = fields.String()
    author = fields.String()
    reason = fields.String()
    created_at = fields.String(required=True)
    text = fields.String()
    notes = fields.List(fields.String(), metadata={"description": "What its author should know all the same."})


class NewPolicy(Schema):
    """A policy as it is written down, and why."""

    reason = text(500, required=True)
    text = text(LONGEST, required=True)


class Mistake(ma.Schema):
    """One thing wrong with a policy: where, what, and what would help."""

    field = fields.String(required=True)
    title = fields.String(required=True)
    value = fields.Raw()
    fix = fields.String()


class PolicyProof(ma.Schema):
    """Whether a policy can be published, and what it would change. ``errors``: where it cannot."""

    ok = fields.Boolean(required=True)
    name = fields.String(required=True)
    errors = fields.List(fields.Nested(Mistake), required=True)
    notes = fields.List(fields.String(), required=True)
    changes = fields.List(fields.String(), required=True)
    diff = fields.String(required=True)


blp = Blueprint("policies")


@blp.route("", methods=["GET"])
@needs("policy.read")
@blp.response(200, page_of(Policy))
def list_policies() -> Any:
    """List the policies, each in the version in force"""
    return {"items": [told(one) for one in reading(policies.history)], "next": None}


@blp.route("", methods=["POST"])
@needs("policy.write")
@once()
@blp.arguments(NewPolicy)
@blp.response(201, Policy)
def publish_policy(body: dict[str, Any]) -> Any:
    """Put a policy in force, for everything from now on"""
    with writing() as conn:
        draft = policies.read(conn, body["text"])
        made = policies.publish(conn, by(), draft, body["reason"])
    return {**told(made, whole=True), "notes": list(draft.notes)}, 201


@blp.route("/prove", methods=["POST"])
@needs("policy.write")
@blp.arguments(Text)
@blp.response(200, PolicyProof)
def prove_policy(body: dict[str, Any]) -> Any:
    """Say everything that is wrong with a policy, and what publishing it would change; nothing is written"""
    try:
        draft = reading(lambda c: policies.read(c, body["text"]))
        draft = replace(draft, notes=(*draft.notes, *whatif.doubts(runtime(), draft)))
    except Mistakes as no:
        errors = [mistake(one) for one in no.mistakes]
        return {"ok": False, "name": "", "errors": errors, "notes": [], "changes": [], "diff": ""}
    diff, changes = reading(lambda c: policies.compared(c, draft))
    return {"ok": True, "name": draft.name, "errors": [], "notes": draft.notes, "changes": changes, "diff": diff}


@blp.route("/<name>", methods=["GET"])
@needs("policy.read")
@blp.response(200, page_of(Policy))
def list_policy_versions(name: str) -> Any:
    """List the versions of a policy, newest first"""
    found = reading(lambda c: policies.history(c, name))
    if not found:
        raise NotFound("no such policy", "policy")
    return {"items": [told(one) for one in found], "next": None}


@blp.route("/<name>/<int:version>", methods=["GET"])
@needs("policy.read")
@blp.response(200, Policy)
def get_policy(name: str, version: int) -> Any:
    """Read one version of a policy, with its text"""
    return told(reading(lambda c: policies.version(c, name, version)), whole=True)


@blp.route("/<name>/diff", methods=["GET"])
@needs("policy.read")
@blp.arguments(Compare, location="query")
@blp.response(200, Difference)
def compare_policy(args: dict[str, Any], name: str) -> Any:
    """Compare two versions of a policy: the newest with the one before, where none are named"""

    def look(conn: Any) -> dict[str, Any]:
        after = policies.version(conn, name, args.get("version"))
        number = args.get("against", max(1, after.number - 1))
        before = policies.version(conn, name, number)
        diff, changes = policies.compared(conn, policies.read(conn, after.text, after.label), number)
        return {"name": name, "before": before.label, "after": after.label, "diff": diff, "changes": changes}

    return reading(look)


@blp.route("/<name>/rollback", methods=["POST"])
@needs("policy.write")
@once()
@blp.arguments(Back)
@blp.response(201, Policy)
def roll_policy_back(body: dict[str, Any], name: str) -> Any:
    """Put an earlier version of a policy in force again, as its next version"""
    with writing() as conn:
        before = policies.version(conn, name, body["version"])
        draft = policies.read(conn, before.text, before.label)
        made = policies.publish(conn, by(), draft, body["reason"])
    return {**told(made, whole=True), "notes": list(draft.notes)}, 201
