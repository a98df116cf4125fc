"""Whatever the OpenAPI document allows is taken, whatever it forbids is refused, and nothing is ever a 500."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_wsgi
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.api.support import Asking

FEW, MANY = 4, 100
"""Requests of each kind for each operation, in ``make test`` and in ``make campaign``."""

MEANING = re.compile(
    "not an id of this installation|no such (provider|team|connection|user|ticket|draft)|not of this ticket"
    "|not a party of this ticket|no provider has this ticket|acme has this ticket already|the ticket is closed"
    "|a provider has exactly one connection.*|a requester's token belongs to a user|used with another body"
    "|a connection goes with the role of a provider|the ticket was changed meanwhile|.* is kept by acme while it .*"
    "|not a name Tandem can use|is needed|there is no such (key|setting|secret)|no such kind of system"
    "|acme is paused.*|not a policy|M00[123] .*|an? (provider|requester) is in no team of ours"
    "|either a text or a name is expected|a file or the text itself is expected|no such choice"
    "|a mapping needs a name|no such mapping|.* has edited the draft of .*|the draft was published or thrown away .*"
    "|files of this machine are not read from here"
)
"""Why a request that the document allows may be refused all the same: what it names is not there, or not now."""

CONFIG = """
[generation]
allow-x00 = false
"""


def operations(api: Asking) -> list[Any]:
    schema = from_wsgi("/api/v1/openapi.json", api.app, config=SchemathesisConfig.from_str(CONFIG))
    return [found.ok() for found in schema.get_all_operations()]


def things(api: Asking) -> dict[str, str]:
    """Things that are there, for the URLs of every second run."""
    ticket = api.ticket(to="acme")
    contact = api.post("agent", "contacts", {"email": "zoe@example.org", "name": "Zoë"})["id"]
    return {
        "ticket": ticket,
        "contact_id": contact,
        "connection": "acme",
        "kind": "memory",
        "slug": "acme",
        "name": "memory",
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_api_does_what_its_document_says(api: Asking, full: bool, mode: GenerationMode) -> None:
    known = things(api)
    headers = {"Authorization": f"Bearer {api.tokens['admin']}"}
    wrong: dict[str, str] = {}
    for operation in operations(api):
        names = {p.name for p in operation.path_parameters}
        given_path = {name: known[name] for name in names if name in known} if names <= set(known) else {}

        found = tried(operation, mode, given_path, headers, MANY if full else FEW)
        if found:
            wrong[operation.label] = found
    assert not wrong, "\n\n".join(f"{label}\n{text}" for label, text in wrong.items())


def tried(operation: Any, mode: GenerationMode, known: dict[str, str], headers: dict[str, str], examples: int) -> str:
    """What is wrong with an operation, "" when nothing is."""
    last = ""

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known or None))
    def run(case: schemathesis.Case) -> None:
        nonlocal last
        answer = case.call(headers=headers)
        last = f"{answer.status_code} {answer.text[:600]}"
        skipped = (
            [positive_data_acceptance] if answer.status_code in (412, 422) and refused_for_its_meaning(answer) else []
        )
        case.validate_response(answer, headers=headers, excluded_checks=skipped)

    try:
        run()
    except BaseExceptionGroup as error:
        return f"{last}\n" + "\n".join(str(one) for one in error.exceptions)[:2500]
    return ""


def refused_for_its_meaning(answer: Any) -> bool:
    said = answer.json()
    titles = [one["title"] for one in said.get("errors", [])] or [said["title"]]
    return all(MEANING.fullmatch(title) for title in titles)
