"""Replies of a desk that is not there, by ``responses`` in place of the transport: what is asked, what follows."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator

import pytest
import requests
import responses

from connectors import errors
from connectors.base import Connector, Context
from connectors.egress import Egress
from connectors.registry import build
from connectors.session import Session
from tests.connectors.support import NOW

URL = "https://desk.example"
TICKET = f"{URL}/api/tickets/1001"
RECORD = {"id": "1001", "title": "VPN down", "status": "open", "revision": 4, "tags": [], "updated_by": "gateway"}


@pytest.fixture
def desk() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(target="connectors.transport.Adapter.send") as mock:
        yield mock


@pytest.fixture
def connector() -> Connector:
    return build("memory", settings={"url": URL}, secrets={"token": "a token", "webhook": "s"})


@pytest.fixture
def ctx() -> Context:
    deadline = time.monotonic() + 20
    return Context(
        NOW, time.monotonic, Session(Egress()), logging.getLogger("test"), deadline, lambda name, value: None
    )


def test_an_update_says_what_it_writes_and_reads_the_record_back(
    desk: responses.RequestsMock, connector: Connector, ctx: Context
) -> None:
    asked = responses.matchers.header_matcher({"Authorization": "Bearer a token"})
    desk.add("PATCH", TICKET, json=RECORD, match=[asked], headers={"Content-Type": "application/json"})
    receipt = connector.update(ctx, "1001", {"title": "VPN down"}, "3")
    assert json.loads(desk.calls[0].request.body) == {"title": "VPN down"}
    assert receipt.record is not None
    assert (receipt.record.id, receipt.record.fields["status"]) == ("1001", "open")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, errors.Unauthorized), (404, errors.Gone), (409, errors.Stale), (412, errors.Stale), (422, errors.Refused),
        (429, errors.Retry), (500, errors.Unknown), (502, errors.Unknown), (503, errors.Unknown),
    ],
)  # fmt: skip
def test_what_a_status_means_for_an_update(
    desk: responses.RequestsMock, connector: Connector, ctx: Context, status: int, outcome: type[errors.Outcome]
) -> None:
    desk.add("PATCH", TICKET, json={"error": "the desk's own words"}, status=status)
    with pytest.raises(outcome, match="the desk's own words"):
        connector.update(ctx, "1001", {"title": "x"}, "3")


def test_a_wait_that_the_desk_asks_for_is_kept(
    desk: responses.RequestsMock, connector: Connector, ctx: Context
) -> None:
    desk.add("PATCH", TICKET, status=429, headers={"Retry-After": "17"})
    with pytest.raises(errors.Retry) as caught:
        connector.update(ctx, "1001", {"title": "x"}, "3")
    assert caught.value.after == 17


@pytest.mark.parametrize(("verb", "outcome"), [("update", errors.Unknown), ("fetch", errors.Retry)])
def test_a_connection_that_breaks_leaves_a_write_in_doubt_and_a_read_to_be_repeated(
    desk: responses.RequestsMock, connector: Connector, ctx: Context, verb: str, outcome: type[errors.Outcome]
) -> None:
    desk.add("PATCH" if verb == "update" else "GET", TICKET, body=requests.ConnectionError("reset by peer"))
    with pytest.raises(outcome, match="reset by peer"):
        if verb == "update":
            connector.update(ctx, "1001", {"title": "x"}, "3")
        else:
            connector.fetch(ctx, "1001", False)
