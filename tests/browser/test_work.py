"""A working day in the browser: sign in, find, comment, escalate, take back, send again, ask through the portal."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.console.scene import PASSWORD, PEOPLE

pytestmark = pytest.mark.browser


def ticket(site: Site, title: str = "VPN drops every few minutes") -> str:
    person = {"email": "grace.lin@company.example", "name": "Grace Lin"}
    return site.scene.as_("agent", "create", fields={"title": title, "requester": person})


def composer(page: Page) -> None:
    expect(page.locator("[data-composer]")).to_be_visible()


def test_a_person_signs_in_and_out(site: Site) -> None:
    number = ticket(site)
    page = site.open("", f"/tickets/{number}")
    page.get_by_label("E-mail address").fill(PEOPLE["agent"][0])
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{number}")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(f"{site.url}/tickets")
    assert "/sign-in" in page.url


def test_a_ticket_is_found_and_opened_by_keys(site: Site) -> None:
    for title in ("Printer prints blank pages", "Wi-Fi is slow"):
        ticket(site, title)
    page = site.open("agent", "/tickets")
    page.keyboard.press("/")
    page.keyboard.type("printer")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=printer**")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Printer prints blank pages")


def test_a_row_opens_its_ticket(site: Site) -> None:
    number = ticket(site)
    page = site.open("agent", "/tickets")
    page.locator("tbody tr .t-status").click()
    page.wait_for_url(f"**/tickets/{number}")


def test_a_comment_says_who_will_read_it_before_it_is_sent(site: Site) -> None:
    number = ticket(site)
    site.scene.escalate(number, "northwind", "theirs")
    site.scene.settle()
    page = site.open("agent", f"/tickets/{number}")
    form = page.locator("[data-composer]")
    expect(form.locator("[data-readers]")).to_have_text("Only our team will read this. It never leaves Tandem.")
    page.keyboard.press("c")
    page.keyboard.type("Between us")
    form.get_by_role("button", name="Add a note for the team").click()
    expect(page.locator(".said-team .said-text")).to_have_text("Between us")
    expect(page.locator(".said-team .audience-team")).to_have_text("Team only")
    expect(page.get_by_role("status")).to_contain_text("Note added.")
    expect(page.locator("#composer-text")).to_have_value("")
    form.get_by_label("Northwind IT Services").check()
    form.get_by_label(re.compile("Requester")).check()
    expect(form.locator("[data-readers]")).to_have_text(
        "Northwind IT Services and Grace Lin and our team will read this."
    )
    page.locator("#composer-text").fill("For you both")
    page.keyboard.press("Control+Enter")
    box = page.locator(".said-box", has_text="For you both")
    expect(box.locator(".audience-provider")).to_have_text("Northwind IT Services")
    expect(box.locator(".audience-requester")).to_have_text("Requester")
    expect(form.locator("[data-readers]")).to_contain_text("Only our team")
    expect(box.locator(".delivery")).to_contain_text("waiting for northwind")
    site.scene.settle()
    expect(box.locator(".delivery")).to_contain_text("sent to northwind")


def test_a_file_is_attached_and_comes_back(site: Site) -> None:
    number = ticket(site)
    page = site.open("agent", f"/tickets/{number}")
    page.locator("input[type=file]").set_input_files(
        {"name": "trace 1.txt", "mimeType": "text/plain", "buffer": b"one"}
    )
    expect(page.locator("[data-chosen]")).to_have_text("trace 1.txt")
    page.locator("#composer-text").fill("See this")
    page.locator("[data-send]").click()
    link = page.get_by_role("link", name="trace 1.txt")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "trace 1.txt"
    assert download.value.path().read_bytes() == b"one"
    expect(page.locator("[data-chosen]")).to_have_text("")


def test_a_ticket_goes_to_a_provider_and_comes_back(site: Site) -> None:
    number = ticket(site)
    site.scene.say(number, "Tell them this")
    site.scene.say(number, "But not this")
    page = site.open("agent", f"/tickets/{number}")
    expect(page.get_by_text("No provider has this")).to_be_visible()
    page.keyboard.press("e")
    dialog = page.locator("dialog")
    expect(dialog.get_by_role("heading", name=f"Escalate {number}")).to_be_visible()
    dialog.get_by_label("Why").fill("They look after it")
    dialog.get_by_label("To whom").select_option("umbra")
    expect(dialog.get_by_text("Umbra Cloud will see")).to_be_visible()
    expect(dialog.get_by_label("Why")).to_have_value("They look after it")
    boxes = dialog.locator("input[type=checkbox]")
    expect(boxes).to_have_count(2)
    assert [box.is_checked() for box in boxes.all()] == [False, False]
    dialog.locator(".pick", has_text="Tell them this").click()
    dialog.get_by_role("button", name="Escalate").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".facts .who-out")).to_have_text("Umbra Cloud")
    expect(page.locator(".leg")).to_contain_text("not made yet")
    site.scene.settle()
    expect(page.locator(".leg")).to_contain_text("nothing: both sides agree")
    assert site.scene.told(number, "umbra") == ["Tell them this"]
    page.get_by_role("link", name="Take back").click()
    dialog.get_by_role("button", name="Take back").click()
    expect(dialog).to_be_visible()  # a reason is missing
    dialog.get_by_label("Why").fill("No answer")
    dialog.get_by_role("button", name="Take back").click()
    expect(page.locator(".facts .who-in")).to_have_text("Service desk")
    expect(page.locator(".leg-ended")).to_be_visible()


def test_a_refused_comment_is_sent_again(site: Site) -> None:
    number = ticket(site)
    site.scene.escalate(number, "northwind", "theirs")
    site.scene.settle()
    site.scene.scripts["northwind"].plan("refuse", "comment", said="not during the freeze")
    page = site.open("agent", "/dead-letters")
    expect(page.get_by_text("No dead letters")).to_be_visible()
    site.scene.say(number, "Which channel?", "provider:northwind")
    site.scene.settle()
    expect(page.locator(".letter-said")).to_have_text("not during the freeze")
    expect(page.locator(".menu-bar .count")).to_contain_text("1")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("No dead letters")).to_be_visible()
    site.scene.settle()
    assert site.scene.told(number, "northwind") == ["Which channel?"]


def test_a_field_is_edited_in_place_on_what_it_was(site: Site) -> None:
    number = ticket(site)
    page = site.open("agent", f"/tickets/{number}")
    page.get_by_role("button", name="Edit Urgency").click()
    page.get_by_role("combobox", name="Urgency").select_option("high")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#edit-urgency")).to_contain_text("High")
    page.get_by_role("button", name="Edit Title").click()
    editor = page.locator("#field-title")
    editor.fill("Mine")
    site.scene.as_("admin", "edit", number, fields={"title": "Theirs"})
    page.wait_for_timeout(3000)
    expect(editor).to_have_value("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".edit [role=alert]")).to_contain_text("changed meanwhile")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Theirs")


def test_a_requester_asks_and_is_answered(site: Site) -> None:
    page = site.open("requester", "/")
    page.get_by_role("link", name="Ask for help").first.click()
    page.get_by_label("In one line").fill("My screen is black")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My screen is black")
    number = page.url.rpartition("/")[2]
    site.scene.say(number, "Between us")
    site.scene.say(number, "Is the cable in?", "requester")
    expect(page.locator(".said-text", has_text="Is the cable in?")).to_be_visible()
    assert page.get_by_text("Between us").count() == 0
    page.locator("#composer-text").fill("It was not!")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".said-text", has_text="It was not!")).to_be_visible()
