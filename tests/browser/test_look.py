"""Every page at a desk's and a phone's width, light and dark: nothing sticks out, all words are readable."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
KEYS = ("vpn", "backup", "wifi", "phones", "access")

# Contrast of every visible text with the nearest background (WCAG 2.2, 1.4.3: 4.5, or 3 for large text).
FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colour, below) => {
    canvas.fillStyle = `rgb(${below.join(' ')})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(getComputedStyle(one).backgroundColor);
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const left = '.leg-ended, .visually-hidden, .visually-hidden-focusable, [disabled], option';
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join('').trim();
    if (!own || !element.checkVisibility() || element.closest(left)) continue;
    const style = getComputedStyle(element);
    const below = behind(element);
    const [a, b] = [light(over(style.color, below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const enough = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < enough) found.push(`${own.slice(0, 30)}: ${ratio.toFixed(2)} ${style.color} ${element.className}`);
  }
  return [...new Set(found)];
}"""
NAME = """() => { const it = document.activeElement;
  return it === document.body ? '' : it.textContent.trim() || it.getAttribute('aria-label') || it.name || it.id }"""


def look(page: Page) -> None:
    page.wait_for_timeout(100)
    sticks_out = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (sticks_out <= 0, page.evaluate(FAINT)) == (True, []), page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_pages_fit_and_are_readable(day_site: Site, width: int, scheme: str) -> None:
    numbers = [day_site.scene.tickets[key] for key in KEYS]
    page = day_site.open("admin", "/tickets", viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in (
        "/tickets", "/tickets?view=mine", *(f"/tickets/{number}" for number in numbers), "/tickets/new",
        f"/tickets/{numbers[0]}/escalate", f"/tickets/{numbers[0]}/take-back", "/connections",
        "/connections/northwind", "/dead-letters", "/conflicts", "/notices", "/audit", "/nowhere",
    ):  # fmt: skip
        page.goto(day_site.url + path)
        look(page)
    look(day_site.open("", "/sign-in", viewport={"width": width, "height": 900}, color_scheme=scheme))
    page = day_site.open("requester", "/portal", viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("/portal", "/portal/new", f"/portal/tickets/{numbers[0]}"):
        page.goto(day_site.url + path)
        look(page)


def test_a_page_is_worked_by_keys_alone(day_site: Site) -> None:
    page = day_site.open("agent", f"/tickets/{day_site.scene.tickets['vpn']}")
    reached: list[str] = []
    page.keyboard.press("Tab")
    while name := page.evaluate(NAME):
        assert page.evaluate("document.activeElement.matches(':focus-visible')"), name
        reached.append(name)
        page.keyboard.press("Tab")
    for name in ("Skip to content", "Escalate", "Take back", "text", "Add a note for the team", "Edit Urgency"):
        assert name in reached, name


def test_pages_work_without_a_script(day_site: Site) -> None:
    number = day_site.scene.tickets["access"]
    page = day_site.open("agent", f"/tickets/{number}", java_script_enabled=False)
    page.locator("#composer-text").fill("Without a script")
    page.locator("[data-send]").click()
    assert "Without a script" in page.locator(".said-team").inner_text()
    assert page.locator("time").first.inner_text().endswith("UTC")
    page.get_by_role("link", name="Escalate").click()
    page.get_by_label("Why").fill("No script here")
    page.get_by_role("button", name="Escalate").click()
    assert "No script here" in page.locator(".story").inner_text()
