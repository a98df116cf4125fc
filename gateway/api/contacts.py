"""``/contacts``: the people who ask for help."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from gateway.api.base import (
    Blueprint,
    Paging,
    Schema,
    by,
    needs,
    page_of,
    paged,
    place,
    reading,
    runtime,
    text,
    writing,
)
from gateway.api.idempotency import once
from gateway.desk import contacts
from gateway.tickets.vocabulary import CLIENTELES


class Contact(ma.Schema):
    """Somebody who asks for help."""

    id = fields.String(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    clientele = fields.String(required=True, validate=validate.OneOf(CLIENTELES))
    site = fields.String(required=True)
    language = fields.String(required=True)
    created_at = fields.String(required=True)


class ContactChange(Schema):
    """What to change."""

    email = fields.Email(validate=validate.Length(3, 254))
    name = text(200)
    clientele = fields.String(validate=validate.OneOf(CLIENTELES))
    site = fields.String(validate=validate.Length(max=100))
    language = fields.String(validate=validate.OneOf(("", "en", "es", "ru")))


class NewContact(ContactChange):
    """Somebody new."""

    email = fields.Email(required=True, validate=validate.Length(3, 254))
    name = text(200, required=True)


class Wanted(Paging):
    """Which contacts, the newest first."""

    q = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "Part of name or address."}
    )


blp = Blueprint("contacts")


@blp.route("", methods=["GET"])
@needs("contact.read")
@blp.arguments(Wanted, location="query")
@blp.response(200, page_of(Contact))
def list_contacts(args: dict[str, Any]) -> Any:
    """List contacts, the newest first"""
    return paged(*reading(lambda c: contacts.everybody(c, runtime(), args["q"], place(args), args["limit"])))


@blp.route("", methods=["POST"])
@needs("contact.write")
@once()
@blp.arguments(NewContact)
@blp.response(201, Contact)
def add_contact(body: dict[str, Any]) -> Any:
    """Add a contact"""
    with writing() as conn:
        id = contacts.add(conn, by(), body)
        return contacts.one(conn, runtime(), id), 201


@blp.route("/<contact_id>", methods=["GET"])
@needs("contact.read")
@blp.response(200, Contact)
def get_contact(contact_id: int) -> Any:
    """Read one contact"""
    return reading(lambda c: contacts.one(c, runtime(), contact_id))


@blp.route("/<contact_id>", methods=["PATCH"])
@needs("contact.write")
@once()
@blp.arguments(ContactChange)
@blp.response(200, Contact)
def change_contact(body: dict[str, Any], contact_id: int) -> Any:
    """Change a contact"""
    with writing() as conn:
        contacts.change(conn, by(), contact_id, body)
        return contacts.one(conn, runtime(), contact_id)
