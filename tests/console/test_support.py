"""What a requester sees of the policies: help with the form, how a ticket stands, and the page of support, which says
what the configuration says and nothing else."""

from __future__ import annotations

from html import unescape

from gateway.console import due
from gateway.decide.hours.page import pages
from gateway.insight.saying import DAY, HOUR, day_start
from gateway.providers import policies
from tests.console.conftest import Client
from tests.console.scene import Scene
from tests.console.test_due import adopt
from tests.console.test_words import in_language
from tests.insight.world import Past, remember

CATALOGUE = policies.shipped()["triage"].replace("title: {en: E-mail,", "title: {en: Electronic post,")


def asked(desk: Scene, work: Client, **fields: str) -> str:
    grace = work("requester")
    answer = grace.post("/portal/new", {"title": "My mail is gone", **fields})
    assert answer.status_code == 303
    return str(answer.location.rpartition("/")[2])


def test_the_form_helps_to_tell_an_incident_from_a_request(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    guide = desk.rt.desks.policies.triage.guide("es")
    text = in_language(work("requester"), "es").get("/portal/new").text
    assert guide["help"] in text and all(one["told"] in text for one in guide["decided"])
    assert "Algo que funcionaba ha fallado" in text


def test_what_the_requester_says_it_is_counts(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    assert (
        desk.fields(asked(desk, work, kind="request", title="Something about the coffee machine"))["kind"] == "request"
    )
    assert desk.fields(asked(desk, work, kind="problem", title="A thing of its own"))["kind"] == "incident"


def test_a_grey_area_is_decided_whatever_is_chosen(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    assert desk.fields(asked(desk, work, kind="incident", title="Password reset please"))["kind"] == "request"


def test_a_ticket_says_who_has_it_and_when_there_is_support(desk: Scene, work: Client) -> None:
    adopt(desk, "calendars")
    number = asked(desk, work)
    hours = desk.rt.desks.policies.calendars.support_hours("team:service-desk", "en")
    text = work("requester").get(f"/portal/tickets/{number}").text
    assert "Service desk" in text and hours in text and "not enough data for a time" in text


def test_a_requester_says_that_it_is_stuck(desk: Scene, work: Client) -> None:
    number = asked(desk, work)
    grace = work("requester")
    assert "This is stuck" in grace.get(f"/portal/tickets/{number}").text
    assert grace.htmx(f"/portal/tickets/{number}/stuck", {"reason": "three weeks of silence"}).status_code == 204
    assert desk.world.value("select text from notice where kind = 'stuck'") == "three weeks of silence"
    desk.as_("agent", "edit", number, fields={"status": "resolved", "resolution_code": "solved"})
    assert "This is stuck" not in grace.get(f"/portal/tickets/{number}").text
    assert grace.htmx(f"/portal/tickets/{number}/stuck").status_code == 422


def test_somebody_elses_ticket_is_not_there_to_be_stuck(desk: Scene, work: Client) -> None:
    other = desk.as_("agent", "create", fields={"title": "x", "requester": {"email": "boris@company.example"}})
    assert work("requester").htmx(f"/portal/tickets/{other}/stuck").status_code == 404


def test_the_page_of_support_equals_the_configuration(desk: Scene, work: Client) -> None:
    adopt(desk, "triage", "calendars")
    for language in ("en", "es", "ru"):
        text = unescape(in_language(work("requester"), language).get("/portal/support").text)
        in_force = desk.rt.desks.policies
        for service in in_force.triage.services(language):
            assert service["title"] in text
        for page in pages(in_force.calendars, desk.rt.now(), language):
            assert page.week in text and page.text.splitlines()[0] in text
            assert all(day.reason in text for day in page.special)
    adopt(desk, triage=CATALOGUE)
    text = work("requester").get("/portal/support").text
    assert "Electronic post" in text and "/portal/support" in work("requester").get("/portal").text


def test_what_may_be_expected_is_what_history_says(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    long_ago = day_start(desk.rt.now()) - 60 * DAY
    remember(desk.rt.store, [Past(long_ago, solved=[n * HOUR], fields={"service": "e-mail"}) for n in range(1, 31)])
    known = desk.rt.histories.known(desk.rt.now()).service("e-mail")
    assert known.enough and known.finished == 30
    text = work("requester").get("/portal/support").text
    with work("requester").client.application.test_request_context():
        expected = due.expected(known)
    assert f"half within {expected['p50']}, 8 of 10 within {expected['p80']}" in text
    assert "From 30 solved tickets" in text and "not enough data for a time" in text


def test_without_policies_the_page_is_there(work: Client) -> None:
    text = work("requester").get("/portal/support").text
    assert "No list yet" in text
