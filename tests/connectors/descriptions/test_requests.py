"""Requests of connectors and answers of simulators, judged by the vendors' own API descriptions where there are any."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connectors.simulators.loopback import Request, Response
from tests.connectors.descriptions import cut, files
from tests.connectors.descriptions.drive import CONTRACTS, answered, asked

UNSAID = {
    "zendesk": {"GET /api/v2/tickets/{ticket_id}/comments: query page[size]"},  # its text says it: cursor pagination
    "freshservice": {"PUT /api/v2/tickets/{id}: body resolution_notes"},  # named on the vendor's page, not in the file
}
"""What a description has no word for, though the vendor's other pages have."""

AGENTS = {"GET /api/v2/agents", "GET /api/v2/agents/me", "GET /api/v2/agents/{}", "GET /api/v2/groups"}
NOTES = {"POST /api/v2/tickets/{}/time_entries", "PUT /api/v2/conversations/{}"}
STORE = {"GET /data/helpdesk/attachments/production/{}/original/log.txt"}
SITE = {"GET /rest/api/3/user", "GET /rest/api/3/resolution", "GET /rest/api/3/project/OPS/statuses"}
FOREIGN = {
    "zendesk": {"GET /attachments/token/{}{}/", "GET /storage/{}/log.txt"},
    "freshdesk": AGENTS | NOTES | STORE | {"GET /api/v2/time_entries"},
    "freshservice": AGENTS | NOTES | STORE,
    "jira": SITE | {"GET /rest/api/3/project/OPS"},
    "jsm": SITE | {"GET /rest/servicedeskapi/servicedesk/{}/customer"},
}
"""Calls that no description covers: files lie elsewhere, those of Freshworks are small, those of Atlassian cut."""

LEAST = {"servicenow": 8, "zendesk": 13, "freshdesk": 9, "freshservice": 9, "jira": 18, "jsm": 18}
"""How many operations of a description are used."""


@pytest.mark.parametrize("kind", sorted(CONTRACTS))
def test_a_vendor_would_take_every_request(kind: str) -> None:
    found = files.judged(kind, asked(kind))
    assert sorted(set(found.refused)) == []
    assert found.unsaid == UNSAID.get(kind, set())
    assert found.foreign == FOREIGN.get(kind, set())
    assert len(found.judged) == LEAST[kind], found.judged


@pytest.mark.parametrize("kind", ["jira", "jsm", "servicenow", "zendesk"])
def test_a_simulator_answers_as_its_vendor_describes(kind: str) -> None:
    """Those of Freshworks describe no answers; Atlassian's own times are not what its description calls times."""
    told = files.answers(kind, answered(kind))
    assert [each for each in told if not each.endswith("is not a 'date-time'")] == []


def test_an_answer_that_is_not_as_described_is_told() -> None:
    headers = {"authorization": "Basic x"}
    exchanged = [(Request("GET", "/api/v2/tickets/1", {}, headers, b""), Response.of({"ticket": {"id": "one"}}))]
    (told,) = [each for each in files.description("zendesk").answers(exchanged) if "ticket.id" in each]
    assert told.startswith("GET /api/v2/tickets/{ticket_id} 200: ticket.id: 'one' is not of type")


def posted(path: str, body: object, method: str = "POST") -> Request:
    headers = {"content-type": "application/json", "authorization": "Basic x"}
    return Request(method, path, {}, headers, json.dumps(body).encode())


UPLOAD = Request("POST", "/api/v2/uploads", {}, {"content-type": "text/plain", "authorization": "Basic x"}, b"x")
WRONG = {
    "a status that is a word": ("freshdesk", posted("/api/v2/tickets/1", {"status": "open"}, "PUT")),
    "a priority that is none": ("freshdesk", posted("/api/v2/tickets/1", {"priority": 5}, "PUT")),
    "an impact that is none": ("freshservice", posted("/api/v2/tickets/1", {"impact": 4}, "PUT")),
    "a note without a text": ("freshdesk", posted("/api/v2/tickets/1/notes", {"private": True})),
    "a filter without a query": (
        "freshservice",
        Request("GET", "/api/v2/tickets/filter", {}, {"authorization": "Basic x"}, b""),
    ),
    "a page that is too long": (
        "freshdesk",
        Request("GET", "/api/v2/tickets", {"per_page": "500"}, {"authorization": "Basic x"}, b""),
    ),
    "an upload without a name": ("zendesk", UPLOAD),
    "fields that are a list": ("jira", posted("/rest/api/3/issue/10001", {"fields": ["summary"]}, "PUT")),
    "a transition without its braces": ("jira", posted("/rest/api/3/issue/10001/transitions", {"transition": "5"})),
    "a page that is a word": ("jira", Request("GET", "/rest/api/3/search/jql", {"maxResults": "all"}, {}, b"")),
    "a comment whose reach is a word": (
        "jsm",
        posted("/rest/servicedeskapi/request/10001/comment", {"body": "x", "public": "no"}),
    ),
    "a request with a list for a customer": (
        "jsm",
        posted("/rest/servicedeskapi/request", {"serviceDeskId": "10", "raiseOnBehalfOf": ["x"]}),
    ),
    "a requester that is no number": ("zendesk", posted("/api/v2/tickets", {"ticket": {"requester_id": "bob"}})),
    "a call that is not signed in": (
        "zendesk",
        replace(UPLOAD, query={"filename": "x"}, headers={"content-type": "text/plain"}),
    ),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_what_a_vendor_would_refuse_is_refused(what: str) -> None:
    kind, request = WRONG[what]
    assert files.description(kind).judge([request]).refused, what


@pytest.mark.parametrize(
    ("kind", "request_", "word"),
    [
        ("freshdesk", posted("/api/v2/tickets/1", {"surprise": 1}, "PUT"), "PUT /api/v2/tickets/{id}: body surprise"),
        ("zendesk", replace(UPLOAD, query={"filename": "x", "name": "x"}), "POST /api/v2/uploads: query name"),
        (
            "zendesk",
            posted("/api/v2/tickets/1", {"ticket": {"comment": {"text": "x"}}}, "PUT"),
            "PUT /api/v2/tickets/{ticket_id}: body ticket.comment.text",
        ),
    ],
)
def test_what_a_vendor_has_no_word_for_is_told(kind: str, request_: Request, word: str) -> None:
    assert word in files.description(kind).judge([request_]).unsaid


def test_what_is_not_described_is_told() -> None:
    found = files.description("zendesk").judge([Request("GET", "/api/v2/nowhere/12345", {}, {}, b"")])
    assert found.foreign == {"GET /api/v2/nowhere/{}"} and not found.judged


DOCUMENT = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://desk.example.test"}],
    "paths": {
        "/things": {"get": {"summary": "All.", "responses": {"200": {"description": "Them."}}}, "post": {}},
        "/others": {"post": {"requestBody": {"$ref": "#/components/requestBodies/Other"}, "x-note": 1}},
    },
    "components": {
        "requestBodies": {
            "Other": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Other"}}}}
        },
        "schemas": {
            "Other": {"properties": {"description": {"type": "string", "description": "What it is."}}},
            "Unused": {"type": "string"},
        },
    },
}


def test_a_cut_has_the_facts_of_what_is_used_and_no_prose() -> None:
    found = cut.cut(DOCUMENT, ["GET /things", "POST /others"])
    assert cut.operations(found) == {"GET /things", "POST /others"}
    assert found["paths"]["/things"] == {"get": {"responses": {"200": {}}}}
    assert found["paths"]["/others"]["post"] == {"requestBody": {"$ref": "#/components/requestBodies/Other"}}
    assert found["components"]["schemas"] == {"Other": {"properties": {"description": {"type": "string"}}}}
