"""What people do on a ticket's page, and that it is decided, stored and sent on as they were told."""

from __future__ import annotations

import io
import re

from flask import Flask

from tests.console.conftest import Browser, Client, signing_in
from tests.console.scene import Scene


def made(browser: Browser, **fields: str) -> str:
    """A new ticket by form; its number."""
    answer = browser.post("/tickets/new", {"title": "VPN down", "requester": "grace.lin@company.example", **fields})
    assert answer.status_code == 303
    return str(answer.location.rpartition("/")[2])


def public(page: str, name: str) -> list[str]:
    """The ids that a form offers under this name."""
    return re.findall(rf'name="{name}" value="([^"]+)"', page)


def test_a_ticket_is_opened_and_routed(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent, impact="high", urgency="high", category="network", tags="vpn, vip , vpn")
    text = agent.get(f"/tickets/{number}").text
    assert "Acme Networks" in text and "Acme runs the network" in text and "security first" in text
    assert desk.world.value("select priority from ticket") == "P1"
    assert desk.fields(number)["tags"] == ["vip", "vpn"]


def test_a_chosen_team_beats_the_rules(desk: Scene, work: Client) -> None:
    made(work("agent"), impact="high", category="network", holder="team:networks")
    assert desk.world.value("select holder from ticket") == "team:networks"


def test_a_holder_that_is_no_team_is_not_believed(desk: Scene, work: Client) -> None:
    made(work("agent"), holder="provider:umbra")
    assert desk.world.value("select holder from ticket") == "team:service-desk"


def test_values_that_are_none_are_refused(work: Client) -> None:
    agent = work("agent")
    for bad in ({"impact": "extreme"}, {"requester": "nobody"}, {"title": "x" * 251}, {"title": " "}):
        answer = agent.post("/tickets/new", {"title": "VPN", **bad})
        assert answer.status_code == 422, bad


def test_a_comment_is_for_the_team_unless_said_otherwise(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    assert agent.htmx(f"/tickets/{number}/comments", {"text": "Between us."}).status_code == 204
    assert desk.world.value("select count(*) from audience") == 0
    text = agent.get(f"/tickets/{number}").text
    assert "Team only" in text and "Between us." in text


def test_a_comment_goes_to_whom_it_was_written(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    desk.escalate(number, "northwind", "theirs")
    desk.settle()
    page = agent.get(f"/tickets/{number}").text
    assert public(page, "audience") == ["provider:northwind", "requester"]
    assert not re.search(r'name="audience"[^>]* checked', page)
    agent.htmx(f"/tickets/{number}/comments", {"text": "For you.", "audience": "provider:northwind"})
    desk.settle()
    record = desk.world.desks["northwind"].get(desk.record(number, "northwind"))
    assert desk.told(number, "northwind") == ["For you."] and not record.comments[0].public
    assert "sent to" in agent.get(f"/tickets/{number}").text


def test_a_party_that_does_not_take_part_is_refused(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    answer = agent.htmx(f"/tickets/{number}/comments", {"text": "x", "audience": "provider:umbra"})
    assert answer.status_code == 422 and "not a party of this ticket" in answer.text
    assert desk.world.value("select count(*) from comment") == 0


def test_files_come_with_a_comment_or_alone(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    url = f"/tickets/{number}/comments"
    with_text = {"csrf": agent.token, "text": "See this.", "files": (io.BytesIO(b"one"), "../../etc/one.txt")}
    alone = {"csrf": agent.token, "text": " ", "files": (io.BytesIO(b"<script>"), "two.html")}
    assert agent.client.post(url, data=with_text).status_code == 303
    assert agent.client.post(url, data=alone).status_code == 303
    rows = desk.world.rows("select name, size, comment_id is null, state from attachment order by id")
    assert [tuple(row) for row in rows] == [("one.txt", 3, 0, "stored"), ("two.html", 8, 1, "stored")]
    page = agent.get(f"/tickets/{number}").text
    href = re.findall(rf'href="(/tickets/{number}/files/[^"]+)"', page)
    answer = agent.get(href[0])
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.mimetype == "application/octet-stream" and "sandbox" in answer.headers["Content-Security-Policy"]
    assert sorted(agent.get(one).data for one in href) == [b"<script>", b"one"]


def test_a_file_belongs_to_its_ticket(desk: Scene, work: Client) -> None:
    agent = work("agent")
    first, second = made(agent), made(agent)
    desk.say(first, "x", "team", desk.file("secret.txt", b"secret"))
    href = re.findall(r"/files/([^\"]+)", agent.get(f"/tickets/{first}").text)[0]
    assert agent.get(f"/tickets/{first}/files/{href}").status_code == 200
    assert agent.get(f"/tickets/{second}/files/{href}").status_code == 404
    assert work("requester").get(f"/tickets/{first}/files/{href}").status_code == 404


def test_what_no_database_takes_is_left_out(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent, title="VPN\0 down")
    agent.htmx(f"/tickets/{number}/comments", {"text": "one\0\r\ntwo\rthree"})
    assert desk.world.rows("select title, body from ticket, comment")[0][:2] == ("VPN down", "one\ntwo\nthree")


def test_nothing_to_say_is_said(work: Client) -> None:
    agent = work("agent")
    answer = agent.htmx(f"/tickets/{made(agent)}/comments", {"text": "  "})
    assert answer.status_code == 422 and "nothing to say" in answer.text


def test_time_is_logged(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    assert agent.htmx(f"/tickets/{number}/worklogs", {"minutes": "20", "text": "Trace"}).status_code == 204
    assert agent.htmx(f"/tickets/{number}/worklogs", {"minutes": "-1"}).status_code == 422
    assert desk.world.rows("select minutes, text from worklog")[0][:2] == (20, "Trace")


# --- fields ---


def edit(browser: Browser, number: str, name: str, value: str, **more: str) -> tuple[int, str]:
    """Open a field's editor and save this value."""
    page = browser.get(f"/tickets/{number}/fields/{name}").text
    was = {
        found[1]: found[2].replace("&#34;", '"') for found in re.finditer(r'name="(was\.[^"]+)" value="([^"]*)"', page)
    }
    answer = browser.htmx(f"/tickets/{number}/fields", {**was, name: value, **more})
    return answer.status_code, answer.text


def test_a_field_is_edited_where_it_stands(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    assert edit(agent, number, "urgency", "high") == (204, "")
    assert edit(agent, number, "tags", "b, a") == (204, "")
    assert edit(agent, number, "due", "2026-12-01T10:00+01:00") == (204, "")
    expected = {"urgency": "high", "priority": "P2", "tags": ["a", "b"], "due": "2026-12-01T09:00:00Z"}
    assert expected.items() <= desk.fields(number).items()


def test_the_description_is_rewritten(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent, description="Since noon.")
    assert edit(agent, number, "description", "Since noon.\r\n<b>Everywhere</b>")[0] == 204
    assert desk.world.value("select description from ticket") == "Since noon.\n<b>Everywhere</b>"
    assert "&lt;b&gt;Everywhere&lt;/b&gt;" in agent.get(f"/tickets/{number}").text


def test_resolving_says_how(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    how = {"resolution_code": "workaround", "resolution_text": "Restarted it."}
    assert edit(agent, number, "status", "resolved", **how)[0] == 204
    assert {"status": "resolved", **how}.items() <= desk.fields(number).items()


def test_an_edit_on_an_old_value_is_refused(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    page = agent.get(f"/tickets/{number}/fields/title").text
    was = re.search(r'name="was.title" value="([^"]*)"', page)[1].replace("&#34;", '"')  # type: ignore[index]
    desk.as_("admin", "edit", number, fields={"title": "VPN up and down"})
    answer = agent.htmx(f"/tickets/{number}/fields", {"was.title": was, "title": "Mine"})
    assert answer.status_code == 409 and "changed meanwhile" in answer.text and "VPN up and down" in answer.text
    assert desk.world.value("select title from ticket") == "VPN up and down"


def test_the_same_value_changes_nothing(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    version = desk.world.value("select version from ticket")
    assert edit(agent, number, "title", "VPN down")[0] == 204
    assert desk.world.value("select version from ticket") == version


def test_what_is_no_field_has_no_editor(work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    for name in ("priority", "holder", "nothing", "custom.provider_group"):
        assert agent.get(f"/tickets/{number}/fields/{name}").status_code == 404


# --- handing over ---


def test_nothing_is_chosen_for_a_provider_beforehand(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    desk.say(number, "Private", "team", desk.file("private.txt", b"x"))
    page = agent.get(f"/tickets/{number}/escalate?connection=umbra").text
    assert len(public(page, "note")) == 1 and len(public(page, "file")) == 1
    assert not re.search(r'name="(note|file)"[^>]* checked', page)
    assert "Umbra Cloud will see" in page


def test_escalating_takes_along_what_was_ticked(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number, other = made(agent), made(agent)
    desk.say(number, "Tell them")
    desk.say(number, "Do not tell them")
    desk.say(other, "Of another ticket")
    foreign = public(agent.get(f"/tickets/{other}/escalate").text, "note")
    page = agent.get(f"/tickets/{number}/escalate?connection=umbra").text
    notes = dict(re.findall(r'name="note" value="([^"]+)".*?pick-text">([^<]+)', page))
    ticked = [id for id, text in notes.items() if text == "Tell them"]
    data = {"connection": "umbra", "reason": "Theirs", "note": ticked + foreign}
    assert agent.htmx(f"/tickets/{number}/escalate", data).status_code == 204
    desk.settle()
    assert desk.told(number, "umbra") == ["Tell them"]
    assert desk.world.value("select holder from ticket order by id") == "provider:umbra"


def test_handing_over_needs_a_reason(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    answer = agent.htmx(f"/tickets/{number}/escalate", {"connection": "umbra", "reason": " "})
    assert answer.status_code == 422 and "Say why" in answer.text
    desk.escalate(number, "umbra", "theirs")
    assert agent.htmx(f"/tickets/{number}/take-back", {"reason": ""}).status_code == 422
    assert desk.world.value("select holder from ticket") == "provider:umbra"


def test_taking_back_to_a_team(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = made(agent)
    desk.escalate(number, "umbra", "theirs")
    desk.settle()
    data = {"to": "networks", "reason": "No answer"}
    assert agent.htmx(f"/tickets/{number}/take-back", data).status_code == 204
    desk.settle()
    assert desk.world.value("select holder from ticket") == "team:networks"
    assert desk.told(number, "umbra") == ["Taken back: No answer"]
    again = agent.htmx(f"/tickets/{number}/take-back", data)
    assert again.status_code == 422 and "no provider has this ticket" in again.text


def test_a_paused_connection_is_not_offered(desk: Scene, work: Client) -> None:
    admin = work("admin")
    number = made(admin)
    for name in ("acme", "northwind", "umbra"):
        assert admin.post(f"/connections/{name}/pause").status_code == 303
    desk.rt.desks.load()
    assert "No connection is active" in admin.get(f"/tickets/{number}/escalate").text
    assert desk.world.value("select count(*) from connection where state = 'paused'") == 3
    admin.post("/connections/umbra/resume")
    assert "Umbra Cloud will see" in admin.get(f"/tickets/{number}/escalate").text


def test_a_conflict_is_decided_by_a_click(own_day: tuple[Scene, Flask]) -> None:
    day, agent = own_day[0], signing_in(*own_day)("agent")
    number = day.tickets["backup"]
    page = agent.get(f"/tickets/{number}").text
    action = re.search(rf"/tickets/{number}/conflicts/[^\"]+", page)[0]  # type: ignore[index]
    assert "Keep ours" in page and "Take theirs" in page
    assert agent.htmx(action, {"keep": "both"}).status_code == 422
    assert agent.htmx(action.replace(number, day.tickets["vpn"]), {"keep": "ours"}).status_code == 404
    assert agent.htmx(action, {"keep": "theirs"}).status_code == 204
    row = day.world.rows("select state, resolution from conflict")[0]
    assert tuple(row) == ("closed", "theirs")
    assert agent.htmx(action, {"keep": "ours"}).status_code == 409
