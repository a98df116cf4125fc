"""A mapping is edited, checked, tried and published in the browser; by keys alone, and where there is no script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from gateway.people.users import By
from gateway.providers import versions
from tests.browser.conftest import Site
from tests.browser.test_look import look
from tests.console.scene import Scene

pytestmark = pytest.mark.browser
TOWN = "mapping: 1\nname: town\nextends: memory\n"
WRONG = TOWN + "fields:\n  status:\n    write: {in_progress: wroking}\n"
LOSSY = TOWN + (
    "fields:\n  status:\n    values: {working: resolved, vendor: in_progress}\n"
    "    write: {in_progress: vendor, resolved: done, pending_provider: waiting, pending_problem: waiting}\n"
)
WICKED = TOWN + 'feilds: "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>"\n'


def drafted(scene: Scene, name: str = "town", text: str = TOWN) -> None:
    with scene.rt.store.write() as conn:
        by = By(f"user:{scene.users['admin']}", scene.rt.key, scene.rt.now())
        versions.save(conn, by, "mapping", name, text, None)


PASTE = """(element, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


def write(page: Page, text: str) -> None:
    """Paste a whole text over that of the editor."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.locator(".cm-content").evaluate(PASTE, text)
    expect(page.locator("[data-editor]")).to_have_value(text)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_edit_check_preview_publish(site: Site) -> None:
    number = site.scene.as_("agent", "create", fields={"title": "VPN"})
    site.scene.escalate(number, "northwind", "theirs")
    site.scene.settle()
    there = site.scene.world.desks["northwind"]
    there.update("paula", site.scene.record(number, "northwind"), {"status": "working"})
    site.scene.settle()
    page = site.open("admin", "/mappings")
    page.get_by_role("link", name="New mapping").click()
    page.get_by_label("Name").fill("town")
    page.get_by_label("Goes on from").select_option("memory")
    press(page, "Begin the draft")
    page.wait_for_url("**/mappings/town/edit")
    write(page, WRONG)
    expect(page.locator("#unsaved")).to_be_visible()
    press(page, "Check")
    inline = page.locator(".inline-error")
    expect(inline).to_have_count(1)
    expect(inline).to_contain_text("M013")
    expect(inline).to_contain_text("status has no value 'wroking'")
    assert page.locator(".line-error").inner_text().strip() == "write: {in_progress: wroking}"
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    press(page, "line 6")
    expect(page.locator(".cm-activeLine")).to_contain_text("wroking")
    page.get_by_role("checkbox", name="northwind").check()
    write(page, LOSSY)
    press(page, "Check")
    expect(page.locator(".inline-error")).to_have_count(0)
    expect(page.locator(".inline-warning").first).to_contain_text("M041")
    page.get_by_label("Connection to try it on").select_option("northwind")
    press(page, "Preview")
    surprise = page.locator(".surprise", has_text="In progress").first
    expect(surprise).to_contain_text(number)
    expect(surprise.locator("ins")).to_contain_text("Resolved")
    expect(page.locator(".counts-moved")).to_contain_text("Tickets resolved")
    page.get_by_label("Why").fill("They say it otherwise")
    press(page, "Publish")
    expect(page.locator("#outcome")).to_contain_text("Mend these, or accept them by name:")
    for box in page.locator("input[name=accept]").all():
        box.check()
    press(page, "Publish")
    expect(page.locator("#outcome")).to_contain_text("town@1 is in force at northwind.")
    expect(page.locator("#unsaved")).to_be_hidden()
    page.get_by_role("link", name="See its versions").click()
    expect(page.locator(".versions")).to_contain_text("They say it otherwise")
    expect(page.locator(".versions")).to_contain_text("1 ticket has it")


def test_a_stale_save_shows_both_texts_and_loses_none(site: Site) -> None:
    drafted(site.scene)
    first, second = site.open("admin", "/mappings/town/edit"), site.open("admin", "/mappings/town/edit")
    write(first, TOWN + "# first\n")
    press(first, "Save draft")
    expect(first.locator("#unsaved")).to_be_hidden()
    write(second, TOWN + "# second\n")
    press(second, "Save draft")
    clash = second.locator("#clash")
    expect(clash).to_contain_text("Inés Admin has edited the draft of town")
    expect(clash.locator(".diff-out")).to_contain_text("# first")
    expect(clash.locator(".diff-in")).to_contain_text("# second")
    expect(second.locator(".cm-content")).to_contain_text("# second")
    press(second, "Save mine over it")
    expect(clash).to_be_empty()
    second.reload()
    expect(second.locator(".cm-content")).to_contain_text("# second")
    write(first, TOWN + "# third\n")
    press(first, "Save draft")
    first.get_by_role("link", name="Take theirs").click()
    expect(first.locator(".cm-content")).to_contain_text("# second")


def test_the_editor_is_worked_by_keys(site: Site) -> None:
    drafted(site.scene)
    page = site.open("admin", "/mappings/town/edit")
    page.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type("feilds: 1")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator(".inline-error")).to_contain_text("did you mean 'fields'?")
    page.keyboard.press("ControlOrMeta+s")
    expect(page.locator("#outcome")).to_contain_text("Draft saved.")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # the editor keeps nobody in
    assert page.evaluate("!document.activeElement.closest('.cm-editor')")


def test_without_a_script_it_is_a_form(site: Site) -> None:
    drafted(site.scene)
    page = site.open("admin", "/mappings/town/edit", java_script_enabled=False)
    area = page.get_by_label("Text of the mapping, in YAML")
    area.fill(WRONG)
    press(page, "Check")
    told = page.locator(".complaint")
    expect(told).to_contain_text("line 6")
    expect(told.locator(".c-source")).to_contain_text("wroking")
    expect(told).to_contain_text("did you mean 'working'?")
    expect(area).to_have_value(WRONG)
    area.fill(LOSSY)
    page.get_by_role("checkbox", name="northwind").check()
    press(page, "Preview")
    expect(page.locator(".tried")).to_contain_text("in place of memory@1")
    press(page, "Check")
    for box in page.locator("input[name=accept]").all():
        box.check()
    page.get_by_label("Why").fill("no script")
    press(page, "Publish")
    expect(page.locator("#outcome")).to_contain_text("town@1 is in force at northwind.")


def test_nothing_in_a_text_runs(site: Site) -> None:
    drafted(site.scene, text=WICKED)
    page = site.open("admin", "/mappings/town/edit")
    expect(page.locator(".cm-content")).to_contain_text("<script>alert(1)</script>")
    press(page, "Check")
    expect(page.locator(".inline-error")).to_contain_text("feilds")
    press(page, "Preview")
    expect(page.get_by_role("alert")).to_contain_text("M002")
    page.goto(f"{site.url}/mappings/town")
    expect(page.locator(".diff")).to_contain_text("onerror=alert(2)")
    assert page.locator("main img, main .diff script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_the_pages_fit_and_are_readable(day_site: Site, width: int, scheme: str) -> None:
    name = f"look-{width}-{scheme}"
    drafted(day_site.scene, name, LOSSY.replace("town", name))
    page = day_site.open("admin", "/mappings", viewport={"width": width, "height": 900}, color_scheme=scheme)
    look(page)
    for path in (
        "/mappings/memory",
        f"/mappings/{name}",
        "/mappings/memory/1",
        "/new-mapping",
        f"/mappings/{name}/edit",
    ):
        page.goto(day_site.url + path)
        look(page)
    page.get_by_label("Connection to try it on").select_option("northwind")
    for button, shown in (("Check", "[data-checked]"), ("Preview", ".tried")):
        press(page, button)
        page.wait_for_selector(shown)
        look(page)
    write(page, WRONG.replace("town", name))
    press(page, "Check")
    expect(page.locator(".inline-error")).to_have_count(1)
    look(page)
    assert re.search(r"\bM013\b", page.locator("#outcome").inner_text())
