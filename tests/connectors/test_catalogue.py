"""The catalogue: words change here and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry
from connectors.base import Catalogue
from tests.connectors.support import DESKLY

FIELDS = """  status:   {type: choice, values: {open: Open, done: Done}, read_only: [done]}
  who:      {type: person}
  flag:     {type: boolean}
  text:     {type: rich, max: 90, required_when: {status: [done]}}
  count:    {type: integer}
  tags:     {type: set}
  group:    {type: ref, live: groups}
  place:    {type: ref}
  start:    {only_on: create, required: true}
  total:    {write: none, derived: true}
  hidden:   {read: none}
  partner_ref: {max: 80}
families:
  custom: {at: "custom.{key}", live: customs}
  multi:  {at: "multi.{key}", type: set, live: customs}
"""
TEXT = DESKLY[: DESKLY.index("fields:")] + "fields:\n" + FIELDS + DESKLY[DESKLY.index("reference: partner_ref") :]
LISTED = """limits: {in_flight: 2}
lists:
  groups:  {send: GET /g, items: "", id: id}
  customs: {send: GET /c, items: "", id: id}
"""
TEXT = TEXT.replace("limits: {in_flight: 2}\n", LISTED).replace("{format: plain}", "{format: markdown, max: 500}")
LISTS = {
    "groups": [{"id": "4", "label": "Network", "type": "", "values": []}],
    "customs": [
        {"id": "Impact", "label": "The impact", "type": "list", "values": ["High", "Low"]},
        {"id": "When", "label": "When", "type": "datetime", "values": []},
        {"id": "Empty", "label": "Empty", "type": "list", "values": []},
        {"id": "Many", "label": "Many", "type": "SelectMultiple", "values": ["A", "B"]},
        {"id": "One", "label": "One", "type": "FreeformSingle", "values": []},
    ],
}


def catalogue(lists: Any = None, declared: Any = None) -> Catalogue:
    secrets, settings = {"token": "t"}, {"url": "https://desk.example", "team": "x"}
    return registry.build(registry.load(TEXT), settings=settings, secrets=secrets).catalogue(lists, declared)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("status", {"type": "choice", "values": {"open": "Open", "done": "Done"}, "read_only": ["done"]}),
        ("who", {"type": "user", "gives": []}),
        ("flag", {"type": "bool"}),
        ("text", {"type": "text", "max": 90, "format": "markdown", "required": ["done"]}),
        ("count", {"type": "number"}),
        ("tags", {"type": "set", "of": "text"}),
        ("group", {"type": "text"}),
        ("place", {"type": "text"}),
        ("start", {"type": "text", "write": "create", "required": ["create"]}),
        ("total", {"type": "text", "write": "never", "derived": True}),
        ("hidden", {"type": "text", "read": False}),
    ],
)
def test_words_of_the_manifest(name: str, entry: dict[str, Any]) -> None:
    made = catalogue()
    assert made.doc["fields"][name] == entry
    assert made.sources[name] == "manifest"


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("group", {"type": "choice", "values": {"4": "Network"}}),
        ("custom:Impact", {"type": "choice", "label": "The impact", "values": {"High": "High", "Low": "Low"}}),
        ("custom:When", {"type": "datetime", "label": "When"}),
        ("custom:Empty", {"type": "choice", "label": "Empty"}),
        ("multi:Many", {"type": "set", "of": "text", "label": "Many", "values": {"A": "A", "B": "B"}}),
        ("custom:One", {"type": "text", "label": "One"}),
    ],
)
def test_words_of_the_desk(name: str, entry: dict[str, Any]) -> None:
    made = catalogue(LISTS)
    assert made.doc["fields"][name] == entry and made.sources[name] == "live"


def test_a_listed_field_is_one_or_many() -> None:
    fields = catalogue(LISTS).doc["fields"]
    assert "custom:Many" not in fields and "multi:One" not in fields


def test_the_rest_of_the_document() -> None:
    doc = catalogue().doc
    assert doc["connector"] == "deskly" and doc["status"] == "status"
    assert doc["channels"] == {
        "reply": {"format": "markdown", "max": 500, "reaches": ["provider", "requester"]},
        "note": {"format": "markdown", "max": 500, "reaches": ["provider"], "internal": True},
    }
    assert doc["reference_searchable"] == ["partner_ref"]
    assert doc["attachments"]["shown_with"] == "channel"


def test_an_admin_has_the_last_word_key_by_key() -> None:
    declared = {
        "fields": {"custom:9": {"type": "date"}, "text": {"max": 40}},
        "workflow": {"start": "open", "edges": "any"},
    }
    made = catalogue(LISTS, declared)
    assert made.doc["fields"]["custom:9"] == {"type": "date"}
    assert made.doc["fields"]["text"]["max"] == 40 and made.doc["fields"]["text"]["format"] == "markdown"
    assert made.doc["workflow"] == {"start": "open", "edges": "any"}
    assert (made.sources["custom:9"], made.sources["text"], made.sources["who"]) == ("declared", "declared", "manifest")
