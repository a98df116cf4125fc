"""Pages that update themselves: only what changed is sent, and nothing when nothing did."""

from __future__ import annotations

import re
from typing import Any

from tests.console.conftest import Browser, Client
from tests.console.scene import Scene

PART = re.compile(r'id="(part-[a-z]+)" data-part="([^"]+)"')


def seen(text: str) -> dict[str, str]:
    return dict(PART.findall(text))


def look_again(browser: Browser, path: str, known: dict[str, str]) -> Any:
    headers = {"HX-Request": "true", "X-Seen": " ".join(f"{k}={v}" for k, v in known.items())}
    return browser.client.get(path, headers=headers)


def test_nothing_new_is_204(day: Scene, look: Client) -> None:
    agent = look("agent")
    for page, live in (
        ("/tickets", "/tickets/live"),
        (f"/tickets/{day.tickets['vpn']}", f"/tickets/{day.tickets['vpn']}/live"),
        ("/connections", "/connections/live"),
        ("/connections/acme", "/connections/acme/live"),
        ("/dead-letters", "/dead-letters/live"),
        ("/conflicts", "/conflicts/live"),
        ("/notices", "/notices/live"),
    ):
        known = seen(agent.get(page).text)
        assert known and "part-count" in known
        answer = look_again(agent, live, known)
        assert (answer.status_code, answer.data) == (204, b""), page


def test_only_what_changed_is_sent(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = desk.as_("agent", "create", fields={"title": "VPN"})
    known = seen(agent.get(f"/tickets/{number}").text)
    desk.say(number, "News")
    answer = look_again(agent, f"/tickets/{number}/live", known)
    assert set(seen(answer.text)) == {"part-story", "part-stamp"}
    assert answer.text.count('hx-swap-oob="true"') == 2 and "News" in answer.text
    desk.escalate(number, "umbra", "theirs")
    answer = look_again(agent, f"/tickets/{number}/live", {**known, **seen(answer.text)})
    everything = {"part-head", "part-due", "part-links", "part-audience", "part-story", "part-why", "part-stamp"}
    assert set(seen(answer.text)) == everything


def test_the_list_shows_a_new_ticket(desk: Scene, work: Client) -> None:
    agent = work("agent")
    known = seen(agent.get("/tickets").text)
    desk.as_("agent", "create", fields={"title": "Brand new"})
    answer = look_again(agent, "/tickets/live", known)
    assert "Brand new" in answer.text and set(seen(answer.text)) == {"part-rows"}
    assert look_again(agent, "/tickets/live?q=zebra", seen(agent.get("/tickets?q=zebra").text)).status_code == 204


def test_the_portal_hears_what_is_for_it_alone(desk: Scene, work: Client) -> None:
    requester = work("requester")
    mine = desk.as_("agent", "create", fields={"title": "VPN", "requester": {"email": "grace.lin@company.example"}})
    known = seen(requester.get(f"/portal/tickets/{mine}").text)
    desk.say(mine, "Between us")
    assert look_again(requester, f"/portal/tickets/{mine}/live", known).status_code == 204
    desk.say(mine, "Dear Grace", "requester")
    answer = look_again(requester, f"/portal/tickets/{mine}/live", known)
    assert "Dear Grace" in answer.text and "Between us" not in answer.text


def test_a_page_whose_parts_all_differ_is_sent_whole(day: Scene, look: Client) -> None:
    agent = look("agent")
    path = f"/tickets/{day.tickets['vpn']}/live"
    known = dict.fromkeys(seen(agent.get(path[:-5]).text), "0")
    assert set(seen(look_again(agent, path, known).text)) == set(known)


def test_every_kind_of_news_changes_the_stamp(desk: Scene, work: Client) -> None:
    agent = work("agent")
    number = desk.as_("agent", "create", fields={"title": "VPN"})
    stamps = [seen(agent.get(f"/tickets/{number}").text)["part-stamp"]]

    def looked() -> None:
        stamps.append(seen(agent.get(f"/tickets/{number}").text)["part-stamp"])

    desk.escalate(number, "northwind", "theirs")
    looked()
    desk.scripts["northwind"].plan("retry", "create")
    desk.world.run(1)
    looked()
    desk.later(5)
    desk.settle()
    looked()
    desk.scripts["northwind"].plan("refuse", "comment")
    desk.say(number, "x", "provider:northwind")
    looked()
    desk.settle()
    looked()
    desk.world.desks["northwind"].comment("paula", desk.record(number, "northwind"), "y", True)
    desk.settle()
    looked()
    assert len(set(stamps)) == len(stamps)
