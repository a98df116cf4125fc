"""What people see of times and decisions: clocks, what comes next, what was told; the word that nothing moves."""

from __future__ import annotations

from typing import Any

from gateway.console import labels
from gateway.decide import escalation
from gateway.people.users import By
from gateway.providers import policies
from tests.console.conftest import Browser, Client
from tests.console.scene import Scene
from tests.console.test_ticket import made
from tests.console.test_words import in_language


def adopt(scene: Scene, *names: str, **texts: str) -> None:
    """The shipped policies of these names in force, or texts of one's own."""
    shipped = policies.shipped()
    given = {**{name: shipped[name] for name in names}, **texts}
    with scene.rt.store.write() as conn:
        for name, text in given.items():
            by = By(f"user:{scene.users['admin']}", scene.rt.key, scene.rt.now())
            policies.publish(conn, by, policies.read(conn, text, name), "as shipped")
    scene.rt.desks.load()


def due_of(browser: Browser, number: str) -> str:
    text: str = browser.get(f"/tickets/{number}").text
    return text.split('id="part-due"')[1].split('id="part-links"')[0]


def test_each_clock_is_told_with_its_standing(desk: Scene, work: Client) -> None:
    adopt(desk, "targets")
    agent = work("agent")
    number = made(agent, impact="high", urgency="high")
    text = due_of(agent, number)
    assert "Acknowledgement" in text and "Solution" in text and "running" in text
    assert "of working time left" in text and "not enough data" in text
    agent.htmx(f"/tickets/{number}/fields", {"status": "pending_requester", "was.status": '"new"'})
    text = due_of(agent, number)
    assert "rests" in text and "the requester&#39;s answer" in text


def test_clocks_speak_the_readers_language(desk: Scene, work: Client) -> None:
    adopt(desk, "targets")
    number = made(work("agent"))
    text = due_of(in_language(work("agent"), "ru"), number)
    assert "Подтверждение" in text and "рабочего времени" in text and ">running<" not in text


def test_a_clock_whose_time_is_over_is_missed(desk: Scene, work: Client) -> None:
    adopt(desk, "targets")
    number = made(work("agent"), impact="high", urgency="high")
    desk.later(60 * 24 * 30)
    text = due_of(work("agent"), number)
    assert "missed" in text and "it was due" in text


def test_a_kind_decided_otherwise_asks_for_the_reason(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    agent = work("agent")
    number = made(agent, title="Password reset please")
    assert desk.fields(number)["kind"] == "request"
    change: dict[str, Any] = {"kind": "incident", "was.kind": '"request"'}
    refused = agent.htmx(f"/tickets/{number}/fields", change)
    assert refused.status_code == 422 and 'name="reason"' in refused.text and "it was decided" in refused.text
    done = agent.htmx(f"/tickets/{number}/fields", {**change, "reason": "the reset page itself is down"})
    assert done.status_code == 204 and desk.fields(number)["kind"] == "incident"
    text = agent.get(f"/tickets/{number}").text
    assert "Decided otherwise" in text and "the reset page itself is down" in text


def test_a_second_contact_is_opened_again_with_a_reason(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    agent = work("agent")
    about = {"title": "Printer on the second floor jams", "requester": "ana.ruiz@company.example"}
    made(agent, **about)
    number = made(agent, **about)
    assert desk.fields(number)["resolution_code"] == "duplicate"
    change = {"status": "in_progress", "was.status": '"closed"'}
    refused = agent.htmx(f"/tickets/{number}/fields", change)
    assert refused.status_code == 422 and 'name="reason"' in refused.text and "another matter" in refused.text
    done = agent.htmx(f"/tickets/{number}/fields", {**change, "reason": "the other printer"})
    assert done.status_code == 204 and "the other printer" in agent.get(f"/tickets/{number}").text


def test_what_is_no_holder_is_not_told_as_one(desk: Scene, work: Client) -> None:
    adopt(desk, "triage")
    agent = work("agent")
    text = agent.get(f"/tickets/{made(agent, title='Outlook is broken')}").text
    assert "Triage → an incident" in text


def test_an_agent_says_that_it_is_stuck(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    assert 'name="reason"' in agent.get(f"/tickets/{number}/stuck").text
    assert agent.htmx(f"/tickets/{number}/stuck", {"reason": "back and forth for days"}).status_code == 204
    text = agent.get(f"/tickets/{number}").text
    assert "said that this is stuck" in text and "back and forth for days" in text
    auditor = work("auditor")
    assert auditor.get(f"/tickets/{number}").text.count("This is stuck") == 0
    assert auditor.post(f"/tickets/{number}/stuck").status_code == 403


def test_what_happens_by_itself_speaks_the_readers_language(desk: Scene, work: Client) -> None:
    adopt(desk, "calendars", "escalation")
    number = made(work("agent"), impact="high", urgency="high", category="network")
    assert "will know" in due_of(work("agent"), number)
    text = due_of(in_language(work("agent"), "es"), number)
    assert "se enterará" in text and "will know" not in text.split("due-only-if")[0]


def test_every_sentence_of_the_path_has_its_translation() -> None:
    said = {getattr(escalation, name) for name in ("ASKED", "GIVEN", "INFORMED", "SILENT", "UNTAKEN")}
    assert said == set(labels.NEXT)


def test_the_list_says_what_is_due_next(desk: Scene, work: Client) -> None:
    adopt(desk, "targets")
    made(work("agent"), impact="high", urgency="high")
    text = work("agent").get("/tickets").text
    assert "Acknowledgement by" in text and "overdue" not in text
    desk.later(60 * 24 * 30)
    assert "Acknowledgement overdue since" in work("agent").get("/tickets").text
