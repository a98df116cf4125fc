"""What is due, the portal's help, the word that it is stuck, and policies, in the browser; readable in every light."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from gateway.insight.saying import DAY, HOUR, day_start
from tests.browser.conftest import Site
from tests.browser.test_look import look
from tests.browser.test_mappings import press, write
from tests.console.scene import POLICY
from tests.console.test_best import history
from tests.console.test_due import adopt
from tests.insight.world import Past, remember

pytestmark = pytest.mark.browser
UMBRA = POLICY.replace('to: "provider:acme"', 'to: "provider:umbra"')
GRACE = {"email": "grace.lin@company.example", "name": "Grace Lin"}


def decided(site: Site) -> str:
    """Policies in force, a history to tell times from, and a ticket of today."""
    adopt(site.scene, "calendars", "triage", "targets", "escalation")
    history(site.scene, 40)
    long_ago = day_start(site.scene.rt.now()) - 60 * DAY
    mail = [Past(long_ago, solved=[n * HOUR], fields={"service": "e-mail"}) for n in range(1, 31)]
    remember(site.scene.rt.store, mail)
    fields = {"title": "The network is down", "category": "network", "requester": GRACE}
    return site.scene.as_("agent", "create", fields=fields)


def test_what_is_due_and_that_it_is_stuck(site: Site) -> None:
    number = decided(site)
    page = site.open("agent", f"/tickets/{number}")
    due = page.get_by_role("region", name="What is due")
    expect(due).to_contain_text("First useful reply")
    expect(due).to_contain_text("of working time left")
    expect(due).to_contain_text("8 of 10 within")
    page.get_by_role("link", name="This is stuck").click()
    page.get_by_label("What does not move on").fill("Everybody waits for everybody")
    page.locator("dialog").get_by_role("button", name="This is stuck").click()
    expect(page.locator(".story")).to_contain_text("said that this is stuck")
    expect(page.locator("dialog")).to_be_hidden()


def test_a_kind_is_changed_against_what_was_decided_with_a_reason(site: Site) -> None:
    adopt(site.scene, "triage")
    number = site.scene.as_("agent", "create", fields={"title": "Password reset please", "requester": GRACE})
    page = site.open("agent", f"/tickets/{number}")
    page.get_by_role("button", name="Edit Kind").click()
    page.locator("#field-kind").select_option("incident")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("it was decided")
    page.get_by_label("Why all the same").fill("The reset page itself is broken")
    press(page, "Save")
    expect(page.locator("#part-why")).to_contain_text("The reset page itself is broken")
    expect(page.locator("#edit-kind")).to_contain_text("Incident")


def test_a_requester_is_helped_and_says_that_it_is_stuck(site: Site) -> None:
    decided(site)
    page = site.open("requester", "/portal/new")
    expect(page.locator("form.card")).to_contain_text("it is an incident")
    page.get_by_label("In one line").fill("My mailbox is full of nonsense")
    page.get_by_label("I need something").check()
    press(page, "Send")
    page.wait_for_url("**/portal/tickets/**")
    how = page.get_by_role("region", name="How it stands")
    expect(how).to_contain_text("Service desk")
    expect(how).to_contain_text("8 of 10 within")
    page.locator("summary", has_text="This is stuck").click()
    page.get_by_label("What does not move on").fill("Nobody has answered")
    page.locator("details").get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Those responsible hear of it.")
    page.get_by_role("link", name="Our support").click()
    expect(page.get_by_role("region", name="Support hours").first).to_contain_text("Monday")


def test_a_policy_is_checked_tried_and_published(site: Site) -> None:
    site.scene.as_("agent", "create", fields={"title": "Core switch", "category": "network", "impact": "high"})
    page = site.open("admin", "/policies")
    page.get_by_role("link", name="Who gets a ticket").click()
    page.get_by_role("link", name="Edit").click()
    write(page, POLICY.replace("provider:acme", "provider:nowhere"))
    press(page, "Check")
    expect(page.locator("#outcome .verdict")).to_have_text("1 error", use_inner_text=True)
    expect(page.locator(".inline-complaint")).to_contain_text("nowhere")
    write(page, UMBRA)
    press(page, "Preview")
    expect(page.locator("#tried")).to_contain_text("Core switch")
    press(page, "Check")
    page.get_by_label("Why").fill("Umbra has won the contract")
    press(page, "Publish")
    expect(page.locator("#outcome")).to_contain_text("routing@2 is in force.")
    page.get_by_role("link", name="See its versions").click()
    expect(page.locator(".versions")).to_contain_text("Umbra has won the contract")
    page.locator("summary", has_text="Roll back to this").click()
    page.get_by_label("Why").fill("it was a mistake")
    press(page, "Roll back to version 1")
    expect(page.get_by_role("status")).to_contain_text("routing@3 is in force.")


def test_without_a_script_a_policy_is_published(site: Site) -> None:
    page = site.open("admin", "/policies/routing/edit", java_script_enabled=False)
    page.locator("#text").fill(UMBRA)
    press(page, "Check")
    page.get_by_label("Why").fill("no script here")
    press(page, "Publish")
    assert "routing@2 is in force." in page.locator("#outcome").inner_text()


def test_the_pages_are_readable_in_every_light(site: Site) -> None:
    number = decided(site)
    for scheme in ("light", "dark"):
        for width in (1360, 390):
            view = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
            page = site.open("admin", f"/tickets/{number}", **view)
            page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true })")
            look(page)
            for path in (f"/tickets/{number}/escalate", f"/tickets/{number}/stuck", "/policies", "/policies/routing",
                         "/policies/routing/1", "/policies/routing/edit", "/policies/targets/edit"):  # fmt: skip
                page.goto(site.url + path)
                look(page)
            page.goto(f"{site.url}/policies/routing/edit")
            press(page, "Check")
            expect(page.locator("#outcome .verdict")).to_be_visible()
            press(page, "Preview")
            expect(page.locator("#tried section")).to_be_visible()
            look(page)
            page = site.open("requester", "/portal/support", **view)
            for path in ("/portal/support", "/portal/new", f"/portal/tickets/{number}"):
                page.goto(site.url + path)
                look(page)
            site.close()
