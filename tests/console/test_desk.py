"""The list's filters and pages, what needs a person, connections, the audit trail, the portal."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from gateway.people.users import By
from gateway.providers import policies
from gateway.store.db import Road
from tests.console.conftest import Client, signing_in
from tests.console.scene import PEOPLE, Scene

ROWS = re.compile(r'data-first href="/tickets/(T-\d+)"')


def listed(text: str) -> list[str]:
    return ROWS.findall(text)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("view=away", ["phones", "backup", "wifi", "vpn"]),
        ("view=mine", ["laptop"]),
        ("view=all&status=closed", ["password"]),
        ("provider=acme", ["phones", "vpn"]),
        ("holder=provider:umbra", ["backup"]),
        ("priority=P1", ["phones"]),
        ("q=wi-fi", ["wifi"]),
        ("q=mailbox", ["mail"]),
        ("q=T-1002", ["printer"]),
        ("q=100%25", []),
        ("q=%5F%5F", []),
    ],
)
def test_the_list_shows_what_was_asked_for(day: Scene, look: Client, query: str, keys: list[str]) -> None:
    who = "agent" if "mine" in query else "admin"
    assert listed(look(who).get(f"/tickets?{query}").text) == [day.tickets[key] for key in keys]


def test_our_desk_and_the_providers_make_up_the_open_ones(look: Client) -> None:
    admin = look("admin")
    desk, away, every = (set(listed(admin.get(f"/tickets?view={view}").text)) for view in ("desk", "away", "open"))
    assert desk | away == every and not desk & away
    unassigned = set(listed(admin.get("/tickets?view=unassigned").text))
    assert unassigned < every


def test_the_list_is_paged_by_key(desk: Scene, work: Client) -> None:
    numbers = [desk.as_("agent", "create", fields={"title": f"Number {n}"}) for n in range(95)]
    agent, found, path = work("agent"), [], "/tickets?view=all"
    while path:
        text = agent.get(path).text
        found += listed(text)
        older = re.search(r'href="([^"]*after=[^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
        if len(found) == 40:
            desk.as_("agent", "create", fields={"title": "came meanwhile"})
    assert found == numbers[::-1]


def test_a_made_up_key_is_not_found(look: Client) -> None:
    assert look("admin").get("/tickets?after=00000000-0000-7000-8000-000000000000").status_code == 404


def test_what_was_refused_is_sent_again(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = desk.as_("agent", "create", fields={"title": "Wi-Fi"})
    desk.escalate(number, "northwind", "theirs")
    desk.settle()
    desk.scripts["northwind"].plan("refuse", "comment", said="not during the freeze")
    desk.say(number, "Which channel?", "provider:northwind")
    desk.settle()
    page = agent.get("/dead-letters").text
    assert "not during the freeze" in page and 'class="count"' in page
    action = re.search(r"/dead-letters/deliveries/[^\"]+", page)[0]  # type: ignore[index]
    assert agent.htmx(action).status_code == 204
    desk.settle()
    assert "No dead letters" in agent.get("/dead-letters").text
    assert desk.told(number, "northwind") == ["Which channel?"]
    assert agent.htmx(action).status_code == 409


def test_an_arrival_is_worked_on_again(own_day: tuple[Scene, Flask]) -> None:
    day, agent = own_day[0], signing_in(*own_day)("agent")
    action = re.search(r"/dead-letters/arrivals/[^\"]+", agent.get("/dead-letters").text)[0]  # type: ignore[index]
    assert agent.htmx(action).status_code == 204
    assert day.world.value("select count(*) from arrival where state = 0") == 1
    assert agent.htmx("/dead-letters/arrivals/0/replay").status_code == 404


def test_a_connection_is_checked_polled_paused(desk: Scene, work: Client) -> None:
    admin, rung = work("admin"), []
    desk.rt.wake = rung.append
    assert "we are gateway" in admin.htmx("/connections/umbra/check").headers["HX-Trigger"]
    assert admin.htmx("/connections/umbra/poll").status_code == 204 and rung == ["tick"]
    assert admin.htmx("/connections/umbra/pause", {"reason": "their window"}).status_code == 204
    text = admin.get("/connections").text
    assert "Paused" in text and "their window" in text
    refused = admin.htmx("/connections/umbra/poll")
    assert refused.status_code == 409 and "Resume it first" in refused.text
    assert admin.htmx("/connections/umbra/resume").status_code == 204
    assert admin.htmx("/connections/none/pause").status_code == 404
    assert admin.htmx("/connections/umbra/delete").status_code == 404
    verbs = [row[0] for row in desk.world.rows("select payload from audit where subject = 'connection:umbra'")]
    assert sum('"before"' in one for one in verbs) == 2


def test_a_check_that_fails_says_why(desk: Scene, work: Client) -> None:
    desk.scripts["umbra"].plan("retry", "check")
    answer = work("admin").htmx("/connections/umbra/check")
    assert answer.status_code in (409, 422, 503) and 'role="alert"' in answer.text


def test_the_audit_trail_is_shown_by_subject_and_verified(day: Scene, look: Client) -> None:
    auditor = look("auditor")
    number = day.tickets["mail"]
    text = auditor.get(f"/audit?subject={number}").text
    assert "Mail is theirs" in text and text.count(f">{number}</a>") > 4
    assert "Every chain, seal and checkpoint is right." in auditor.post("/audit/verify").text
    assert auditor.get("/audit?subject=zebra").status_code == 200


def test_a_tampered_trail_is_seen(desk: Scene, work: Client) -> None:
    with desk.rt.store.write() as conn:
        conn.exec_driver_sql("drop trigger audit_update")
        conn.exec_driver_sql("update audit set payload = '{}' where subject like 'user:%'")
    text = work("admin").post("/audit/verify").text
    assert "The trail is not what it was:" in text


# --- the portal ---


def test_the_rule_of_thumb_stands_beside_the_form_in_the_readers_language(desk: Scene, work: Client) -> None:
    requester, agent = work("requester"), work("agent")
    assert "it is an incident" not in requester.get("/portal/new").text, "no policy says so"
    with desk.rt.store.write() as conn:
        policies.adopt(conn, By("tandem", desk.rt.key, desk.time), "the first start")
    said = {"en": "it is an incident", "es": "Una contraseña olvidada", "ru": "это запрос на обслуживание"}
    for language, words in said.items():
        headers = {"Accept-Language": language}
        assert words in requester.get("/portal/new", headers=headers).text
        assert words in agent.get("/tickets/new", headers=headers).text
    form = {"title": "Password reset", "requester": PEOPLE["requester"][0], "kind": ""}
    assert agent.post("/tickets/new", form).status_code == 303
    assert desk.world.rows("select kind from ticket") == [("request",)]


def test_a_requester_asks_reads_and_answers(desk: Scene, work: Client) -> None:
    requester, agent = work("requester"), work("agent")
    answer = requester.post("/portal/new", {"title": "My screen is black", "description": "Since noon."})
    number = answer.location.rpartition("/")[2]
    assert desk.world.rows("select requester, channel from ticket")[0][:2] == (PEOPLE["requester"][0], "portal")
    desk.say(number, "Between us")
    desk.say(number, "Is the cable in?", "requester")
    page = requester.get(f"/portal/tickets/{number}").text
    assert "Is the cable in?" in page and "Between us" not in page and "Team only" not in page
    assert requester.htmx(f"/portal/tickets/{number}/comments", {"text": "It was not!"}).status_code == 204
    row = desk.world.rows("select c.author, a.party from comment c join audience a on a.comment_id = c.id")[-1]
    assert tuple(row) == (f"requester:{PEOPLE['requester'][0]}", "requester")
    assert "It was not!" in agent.get(f"/tickets/{number}").text


def test_a_requester_sees_no_other_ticket(day: Scene, look: Client) -> None:
    requester = look("requester")
    other = day.tickets["wifi"]
    for path in (f"/portal/tickets/{other}", f"/portal/tickets/{other}/live"):
        assert requester.get(path).status_code == 404
    assert requester.htmx(f"/portal/tickets/{other}/comments", {"text": "x"}).status_code == 404
    text = requester.get("/portal").text
    assert re.findall(r"/portal/tickets/(T-\d+)", text)[::2] == [day.tickets["password"], day.tickets["vpn"]]


def test_a_requester_learns_of_no_provider(day: Scene, look: Client) -> None:
    text = look("requester").get(f"/portal/tickets/{day.tickets['vpn']}").text
    for word in ("Northwind", "northwind", "Acme", "Paula", "Omar", "DHCP", "concentrator"):
        assert word not in text


def test_a_refusals_words_are_text(desk: Scene, work: Client) -> None:
    desk.scripts["umbra"].plan("refuse", "check", said="<img src=x onerror=alert(1)> at 100%s")
    answer = work("admin").htmx("/connections/umbra/check")
    assert "&lt;img src=x onerror=alert(1)&gt; at 100%s" in answer.text and "<img" not in answer.text


def test_a_notice_is_ticked_off_where_it_stands(desk: Scene, work: Client) -> None:
    agent, number = work("agent"), desk.as_("agent", "create", fields={"title": "Wi-Fi"})
    desk.escalate(number, "northwind", "theirs")
    desk.settle()
    for text, path in (("Which channel?", f"/tickets/{number}"), ("Which room?", "/notices")):
        desk.scripts["northwind"].plan("refuse", "comment", said="not during the freeze")
        desk.say(number, text, "provider:northwind")
        desk.settle()
        assert "/notices/" not in work("auditor").get(path).text.replace("/notices/live", "")
        page = agent.get(path).text
        assert "not during the freeze" in page
        action = re.search(r"/notices/[^/\"]+/close", page)[0]  # type: ignore[index]
        assert agent.htmx(action).status_code == 204
        assert "/close" not in agent.get(path).text
        assert agent.htmx(action).status_code == 409
    assert "ticked off a notice" in agent.get(f"/tickets/{number}").text
    assert work("auditor").htmx(action).status_code == 403


def test_a_held_lane_is_let_go_on(desk: Scene, work: Client) -> None:
    agent, number = work("agent"), desk.as_("agent", "create", fields={"title": "Wi-Fi"})
    desk.escalate(number, "northwind", "theirs")
    desk.settle()
    rt = desk.world.rt
    for path in (f"/tickets/{number}", "/dead-letters"):
        with rt.store.write() as conn:
            Road(conn, rt.store.dialect).run("update lane set held = 'this looks like a loop', due_at = null")
        assert 'class="count"' in agent.get("/dead-letters").text
        page = agent.get(path).text
        assert "this looks like a loop" in page
        assert "/release" not in work("auditor").get(path).text
        action = re.search(r"/dead-letters/lanes/[^/\"]+/release", page)[0]  # type: ignore[index]
        assert work("auditor").htmx(action).status_code == 403
        assert agent.htmx(action).status_code == 204
        assert agent.htmx(action).status_code == 409
        assert "looks like a loop" not in agent.get("/dead-letters").text
    assert "let the deliveries go on" in agent.get(f"/tickets/{number}").text
