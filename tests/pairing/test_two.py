"""A company and its provider, a Tandem each: what travels, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pairing.two import Side, pair, quiet, sides


@pytest.fixture
def two() -> Iterator[tuple[Side, Side]]:
    with sides("alpha", "beta") as (alpha, beta):
        joined = pair(alpha, beta)
        assert (joined.state, joined.their_state, joined.said) == ("active", "active", "")
        yield alpha, beta


def test_a_ticket_goes_there_is_worked_on_and_comes_back_solved(two: tuple[Side, Side]) -> None:
    alpha, beta = two
    ours = alpha.ticket(description="Error 809.", impact="high", requester={"email": "bob@alpha.example"})
    alpha.say(ours, "PRIVATE of alpha")
    alpha.escalate(ours, "beta")
    quiet(alpha, beta)
    (theirs,) = beta.all()
    shown = beta.shows(theirs)
    assert (shown["title"], shown["description"], shown["impact"]) == ("VPN down", "Error 809.", "high")
    assert shown["requester"] == {"email": "bob@alpha.example"} and shown["holder"] == "team:service-desk"

    beta.say(theirs, "PRIVATE of beta")
    beta.say(theirs, "dear Bob", "provider:alpha", "requester")
    beta.say(theirs, "dear alpha", "provider:alpha")
    beta.upload(theirs, "log ü.txt", b"\x00log\xff", "provider:alpha")
    beta.upload(theirs, "inside.txt", b"inside")
    beta.edit(theirs, status="resolved", resolution_code="solved", resolution_text="Rebooted.")
    quiet(alpha, beta)
    there = alpha.shows(ours)
    assert (there["status"], there["resolution_code"], there["resolution_text"]) == ("resolved", "solved", "Rebooted.")
    assert alpha.texts(ours) == ["PRIVATE of alpha", "dear Bob", "dear alpha"]
    assert alpha.files(ours) == {"log ü.txt": b"\x00log\xff"}
    heard = {one["text"]: one["audience"] for one in alpha.done("GET", f"tickets/{ours}/comments")["items"]}
    assert heard["dear Bob"] == ["provider:beta", "requester"] and heard["dear alpha"] == ["provider:beta"]

    alpha.say(ours, "thank you", "provider:beta")
    alpha.upload(ours, "ours.txt", b"ours", "provider:beta", "requester")
    alpha.edit(ours, status="closed")
    quiet(alpha, beta)
    assert [text.splitlines()[-1] for text in beta.texts(theirs)] == [
        "PRIVATE of beta", "dear Bob", "dear alpha", "thank you",
    ]  # fmt: skip
    assert beta.files(theirs)["ours.txt"] == b"ours" and beta.shows(theirs)["status"] == "closed"
    everything = b"".join(request.body for request in (*alpha.asked, *beta.asked))
    assert b"PRIVATE" not in everything and b"inside" not in everything
