"""Pages update themselves while somebody looks, and leave alone what somebody is doing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def test_news_arrive_and_what_is_typed_stays(site: Site) -> None:
    scene = site.scene
    number = scene.as_("agent", "create", fields={"title": "VPN"})
    page = site.open("agent", f"/tickets/{number}")
    page.locator("#composer-text").fill("I am in the middle of a sen")
    page.locator(".decision summary").first.click()
    scene.escalate(number, "northwind", "theirs")
    scene.settle()
    there = scene.world.desks["northwind"]
    there.comment("paula", scene.record(number, "northwind"), "We are on it", True)
    there.update("paula", scene.record(number, "northwind"), {"status": "working"})
    scene.settle()
    expect(page.locator(".said-theirs .said-text")).to_have_text("We are on it")
    expect(page.locator(".facts .status-pill")).to_have_text("In progress")
    expect(page.locator(".reach")).to_contain_text("Northwind IT Services")
    expect(page.locator("#composer-text")).to_have_value("I am in the middle of a sen")
    page.reload()
    expect(page.locator("#composer-text")).to_have_value("I am in the middle of a sen")


def test_a_chosen_reader_stays_chosen(site: Site) -> None:
    scene = site.scene
    number = scene.as_("agent", "create", fields={"title": "VPN"})
    scene.escalate(number, "northwind", "theirs")
    page = site.open("agent", f"/tickets/{number}")
    page.get_by_role("checkbox", name="Northwind IT Services").check()
    page.locator("#composer-text").click()
    scene.as_("agent", "escalate", number, "helps", connection="umbra", comments=[], files=[], role="helper")
    expect(page.get_by_role("checkbox", name="Umbra Cloud")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Northwind IT Services")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Umbra Cloud")).not_to_be_checked()
    expect(page.locator("[data-readers]")).to_have_text("Northwind IT Services and our team will read this.")


def test_nothing_new_swaps_nothing(site: Site) -> None:
    number = site.scene.as_("agent", "create", fields={"title": "VPN"})
    page = site.open("agent", f"/tickets/{number}")
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status) if "/live" in response.url else None)
    page.evaluate("document.querySelector('.story').dataset.mine = 'yes'")
    page.wait_for_timeout(5600)
    assert len(answers) >= 2 and set(answers) == {204}
    assert page.evaluate("document.querySelector('.story').dataset.mine") == "yes"


def test_the_list_grows_by_itself(site: Site) -> None:
    page = site.open("agent", "/tickets")
    expect(page.get_by_text("No tickets here")).to_be_visible()
    site.scene.as_("agent", "create", fields={"title": "Brand new"})
    expect(page.get_by_role("link", name="Brand new")).to_be_visible()


def test_a_connections_health_shows_by_itself(site: Site) -> None:
    page = site.open("admin", "/connections")
    card = page.locator(".conn", has_text="Umbra Cloud")
    card.get_by_role("button", name="Pause").click()
    expect(card.locator(".badge-plain")).to_have_text("Paused")
    card.get_by_role("button", name="Resume").click()
    expect(card.locator(".badge-plain")).to_have_text("Active")


def test_being_signed_out_is_said_and_loses_nothing(site: Site) -> None:
    number = site.scene.as_("agent", "create", fields={"title": "VPN"})
    page = site.open("agent", f"/tickets/{number}")
    page.locator("#composer-text").fill("Not lost")
    page.context.clear_cookies()
    page.locator("[data-send]").click()
    expect(page.locator("[data-composer] [role=alert]")).to_contain_text("You are signed out")
    expect(page.locator("#composer-text")).to_have_value("Not lost")
    expect(page.locator("#live")).to_have_attribute("data-on", "false")


def test_times_are_the_viewers(site: Site) -> None:
    number = site.scene.as_("agent", "create", fields={"title": "VPN"})
    page = site.open("agent", f"/tickets/{number}")
    moment = page.locator(".fact time").first
    expect(moment).to_have_text("now")
    title = moment.get_attribute("title") or ""
    assert "CE" in title or "GMT+" in title
