"""Values that differ by another field, bodies that a hook writes, and the first comment that is a description."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry
from connectors.errors import Refused
from connectors.rest import Rest
from connectors.simulators.loopback import Request, Response
from tests.connectors.support import DESKLY, Scripted, context, deskly, ticket

PER = DESKLY.replace(
    "  partner_ref: {max: 80}\n",
    "  partner_ref: {max: 80}\n"
    "  queue: {type: choice, live: queues}\n"
    "  step:  {type: choice, per: queue, live: steps, values: {a: {1: One}, b: {2: Two}}}\n",
).replace(
    "limits: {in_flight: 2}\n",
    'limits: {in_flight: 2}\nlists:\n  queues: {send: GET /queues, items: "", id: id}\n'
    '  steps: {send: "GET /queues/{parent.id}/steps", items: "", id: id, label: name}\n',
)
STEPS = {"/api/queues/a/steps": [{"id": "1", "name": "One"}], "/api/queues/b/steps": [{"id": "2", "name": "Two"}]}


def steps(request: Request) -> Response:
    return Response.of(STEPS.get(request.path, [{"id": "a"}, {"id": "b"}]))


def test_a_list_that_differs_by_another_field_is_read_for_each_of_its_values() -> None:
    with Scripted(steps) as desk:
        made = deskly(desk.url, PER)
        lists = made.lists(context(desk.port))
    assert [(row["per"], row["id"]) for row in lists["steps"]] == [("a", "1"), ("b", "2")]
    assert made.catalogue(lists).doc["fields"]["step"]["values"] == {"a": {"1": "One"}, "b": {"2": "Two"}}
    assert made.catalogue({}).doc["fields"]["step"]["values"] == {"a": {"1": "One"}, "b": {"2": "Two"}}


def test_a_value_of_any_table_may_be_written_and_no_other() -> None:
    with Scripted(steps) as desk:
        lists = deskly(desk.url, PER).lists(context(desk.port))
        made = deskly(desk.url, PER, lists=lists)
        made.update(context(desk.port), "7", {"step": "2"}, "3")
        assert desk.asked[-1].json()["step"] == "2"
        with pytest.raises(Refused, match="no value"):
            made.update(context(desk.port), "7", {"step": "3"}, "3")


@pytest.mark.parametrize(
    "line", ["step: {type: choice, values: {a: {1: One}}}", "step: {per: status, values: {1: One}}"]
)
def test_tables_of_values_go_with_per_and_with_nothing_else(line: str) -> None:
    with pytest.raises(registry.BadManifest, match="one table for each value"):
        registry.load(DESKLY.replace("  partner_ref: {max: 80}\n", f"  partner_ref: {{max: 80}}\n  {line}\n"))


class Listing:
    """A hook that sends an update as a list of pairs."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def encode(self, document: Any) -> Any:
        return sorted(document.items())


def test_a_hook_writes_the_body_of_an_update_from_the_encoded_fields_and_leaves_a_create_alone() -> None:
    manifest = registry.load(DESKLY + "hooks: [encode]\n", hooks=Listing)
    with Scripted(lambda request: Response.of(ticket(partner_ref="TDM-1"))) as desk:
        settings, secrets = {"url": desk.url, "team": "network"}, {"token": "t"}
        made = registry.build(manifest, settings=settings, secrets=secrets)
        made.update(context(desk.port), "7", {"title": "x", "priority": "1"}, "3")
        assert desk.asked[-1].json() == [["priority", 1], ["title", "x"]]
        made.create(context(desk.port), {"title": "x"}, "TDM-1", "k")
        assert desk.asked[-1].json() == {"team": "network", "title": "x", "partner_ref": "TDM-1"}


@pytest.mark.parametrize(("said", "left"), [("20:00:01", []), ("20:00:30", ["what we found"])])
def test_a_first_comment_is_the_description_only_if_it_was_made_with_the_record(said: str, left: list[str]) -> None:
    text = DESKLY.replace("    text: text\n", "    text: text\n    first_is_description: true\n")
    message = {"id": 1, "text": "what we found", "internal": False, "created_at": f"2026-11-21T{said}Z"}

    def answer(request: Request) -> Response:
        return Response.of({"data": [message]} if "messages" in request.path else ticket())

    with Scripted(answer) as desk:
        record = deskly(desk.url, text).fetch(context(desk.port), "7")
    assert [each.text for each in record.comments] == left
