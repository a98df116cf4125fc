"""Text of others in every place where the pages show it: nothing runs, nothing loads, no element is ours."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page
from sqlalchemy import update

from gateway.store import tables
from tests.browser.conftest import Site
from tests.console.test_text import ATTACKS

pytestmark = pytest.mark.browser
COUNT = """() => ['script:not([nonce])', 'iframe', 'object', 'embed', 'base', 'meta[http-equiv]', 'style', 'math',
 '[onerror]', '[onload]', '[onclick]', '[ontoggle]', '[style]', '.said-text [hx-get]', '.said-text [data-poll]',
 '.said-text form', '.said-text img', 'a[href^="javascript:" i]', 'a[href^="data:" i]', '[planted]']
 .map(each => [each, document.querySelectorAll(each).length]).filter(([, n]) => n)"""


def planted(site: Site) -> str:
    """A ticket that carries the whole corpus wherever others may write."""
    scene, all_of_it = site.scene, " ".join(ATTACKS) + "<b planted>\"'><i planted>"
    person = {"email": "grace.lin@company.example", "name": '"><img src=x onerror=alert(1) planted>'}
    fields = {
        "title": ('"><script>alert(1)</script><b planted>' + ATTACKS[1])[:200], "description": all_of_it,
        "requester": person, "tags": ["<img src=x onerror=alert(1)>", '" planted x="'],
        "service": "<svg onload=alert(1)>", "category": "network", "impact": "high",
    }  # fmt: skip
    number = scene.as_("agent", "create", fields=fields)
    with scene.rt.store.write() as conn:
        evil = "<img src=x onerror=alert(1) planted>\"'>"
        conn.execute(update(tables.provider).values(name=evil))
        conn.execute(update(tables.team).values(name=evil))
        conn.execute(update(tables.user).values(name=evil))
    scene.rt.desks.load()
    scene.escalate(number, "northwind", all_of_it[:1000])
    scene.settle()
    scene.as_(
        "agent", "comment", number, text=all_of_it, audience=["provider:northwind", "requester"],
        files=[scene.file('"><img src=x onerror=alert(1)>.html', b"<script>alert(1)</script>", "text/html")],
    )  # fmt: skip
    scene.scripts["northwind"].plan("refuse", "comment", said=all_of_it[:300])
    scene.settle()
    there, record = scene.world.desks["northwind"], scene.record(number, "northwind")
    there.comment("paula", record, all_of_it, True)
    there.upload("paula", record, "<svg onload=alert(1)>.svg", "image/svg+xml", b"<svg onload='alert(1)'/>", True)
    there.log("paula", record, 5, all_of_it[:200], there.clock())
    scene.settle()
    with scene.rt.store.write() as conn:
        conn.execute(update(tables.comment).values(format="html", author_name='"><img src=x onerror=alert(1)>'))
        conn.execute(update(tables.link).values(remote_number='"><b planted>', remote_page="javascript:alert(1)"))
        conn.execute(update(tables.notice).values(text=all_of_it, state="open"))
        conn.execute(
            update(tables.decision).values(reason=all_of_it, rule=all_of_it, lost=json.dumps([[all_of_it] * 2]))
        )
        conn.execute(update(tables.connection).values(state_reason=all_of_it))
        conn.execute(update(tables.health).values(last_error=all_of_it, last_error_at=1, breaker="open"))
        conn.execute(update(tables.delivery).where(tables.delivery.c.state == 2).values(said=all_of_it))
    return number


def clean(page: Page) -> list[object]:
    page.wait_for_timeout(150)
    found: list[object] = page.evaluate(COUNT)
    return found


def test_nothing_of_others_runs_on_any_page(site: Site) -> None:
    number = planted(site)
    page = site.open("admin", "/tickets")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in (
        "/tickets?view=all", f"/tickets/{number}", f"/tickets/{number}/escalate?connection=umbra",
        f"/tickets/{number}/take-back", f"/tickets/{number}/fields/tags", "/tickets/new", "/dead-letters",
        "/conflicts", "/notices", "/connections", "/connections/northwind", "/audit", f"/audit?subject={number}",
        "/tickets?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/audit?subject=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ):  # fmt: skip
        page.goto(site.url + path)
        assert clean(page) == [], path
    assert all(url.startswith(site.url) for url in asked)
    assert "alert(1)" in page.goto(f"{site.url}/tickets/{number}").text()  # it was there, and shown as text


def test_nothing_of_others_runs_when_a_page_updates_itself(site: Site) -> None:
    number = site.scene.as_("agent", "create", fields={"title": "VPN"})
    page = site.open("agent", f"/tickets/{number}")
    site.scene.as_("agent", "comment", number, text=" ".join(ATTACKS), format="html", audience=["team"])
    page.locator(".said-team").wait_for()
    assert clean(page) == []
    page.locator(".btn-primary[data-key=e]").click()
    page.locator("dialog .pick").wait_for()
    assert clean(page) == []


def test_nothing_of_others_runs_in_the_portal(site: Site) -> None:
    number = planted(site)
    page = site.open("requester", "/portal")
    for path in ("/portal", f"/portal/tickets/{number}"):
        page.goto(site.url + path)
        assert clean(page) == [], path


def test_a_file_is_never_a_page(site: Site) -> None:
    number = planted(site)
    page = site.open("admin", f"/tickets/{number}")
    links = page.locator(".file a").all()
    assert links
    for link in links:
        with page.expect_download() as download:
            link.click()
        assert download.value.path().read_bytes()


def test_another_site_cannot_post_here(site: Site) -> None:
    page = site.open("admin", "/tickets")
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    page.route("http://evil.example/", lambda route: route.fulfill(
        content_type="text/html",
        body=f'<form method=post action="{site.url}/tickets/new"><input name=title value=planted>'
        f'<input name=csrf value="{token}"></form>',
    ))  # fmt: skip
    page.goto("http://evil.example/")
    with page.expect_response("**/tickets/new") as answer:
        page.evaluate("document.forms[0].submit()")
    assert answer.value.status in (302, 401, 403)
    page.wait_for_url("**/*tickets/new*")
    page.goto(f"{site.url}/tickets?view=all")
    assert page.get_by_text("planted").count() == 0


def test_no_page_may_be_framed(site: Site) -> None:
    page = site.open("admin", "/tickets")
    page.route("https://evil.example/", lambda route: route.fulfill(
        content_type="text/html", body=f'<iframe src="{site.url}/tickets"></iframe>',
    ))  # fmt: skip
    page.goto("https://evil.example/")
    page.wait_for_timeout(500)
    assert not any("Tandem" in (frame.content() or "") for frame in page.frames[1:])
    site.faults.clear()  # the browser says that it refused the frame
