"""The pages of policies: what is in force, edited under an ETag, proved at its lines, tried, published, rolled back."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.providers import policies, versions
from tests.console.conftest import Browser, Client
from tests.console.scene import POLICY, Scene
from tests.console.test_due import adopt
from tests.console.test_mappings import etag, hidden
from tests.console.test_ticket import made
from tests.console.test_words import in_language

EDIT = "/policies/routing/edit"
UMBRA = POLICY.replace('to: "provider:acme"', 'to: "provider:umbra"').replace("Acme runs", "Umbra runs")
WRONG = POLICY.replace("provider:acme", "provider:nowhere")


def do(browser: Browser, what: str, text: str, **more: Any) -> Any:
    page = browser.get(EDIT).text
    return browser.post(EDIT, {"do": what, "text": text, "etag": etag(page), "expect": hidden(page, "expect"), **more})


def number(scene: Scene, name: str = "routing") -> int:
    with scene.rt.store.read() as conn:
        return policies.version(conn, name).number


def test_the_list_says_what_is_in_force_and_who_put_it_there(desk: Scene, work: Client) -> None:
    adopt(desk, "calendars")
    text = work("admin").get("/policies").text
    for name in ("Calendars and on-call", "Who gets a ticket", "Escalation matrix", "Times promised"):
        assert name in text
    assert "Inés Admin" in text and "as shipped" in text and "not published yet" in text


def test_a_policy_is_published_with_a_reason_and_decides_from_then_on(desk: Scene, work: Client) -> None:
    admin = work("admin")
    before = made(admin, impact="high", category="network")
    answer = do(admin, "publish", UMBRA, reason="Umbra has won the contract")
    assert answer.status_code == 200 and "routing@2 is in force." in answer.text
    after = made(admin, impact="high", category="network")
    assert "routing@1" in admin.get(f"/tickets/{before}").text and "Umbra runs" in admin.get(f"/tickets/{after}").text
    page = admin.get("/policies/routing").text
    assert "Umbra has won the contract" in page and 'class="diff-in"' in page
    assert "provider:acme" in admin.get("/policies/routing/1").text


def test_without_a_reason_nothing_is_published(desk: Scene, work: Client) -> None:
    assert do(work("admin"), "publish", UMBRA).status_code == 422
    assert number(desk) == 1


def test_complaints_stand_at_their_lines(desk: Scene, work: Client) -> None:
    text = do(work("admin"), "check", WRONG).text
    assert 'data-line="5"' in text and "rules[1].to" in text and "(line" not in text and "nowhere" in text
    assert "It cannot be published like this." in text
    text = do(work("admin"), "publish", "policy: 1\nname: routing\nrules: [", reason="so").text
    assert 'class="complaint complaint-E"' in text and number(desk) == 1


def test_another_policys_text_is_refused(desk: Scene, work: Client) -> None:
    text = do(work("admin"), "publish", policies.shipped()["calendars"], reason="so").text
    assert "this text is another policy" in text and number(desk) == 1


def test_a_check_says_what_would_change(work: Client) -> None:
    text = do(work("admin"), "check", UMBRA).text
    assert "networks: changed, to provider:umbra" in text and "Nothing is wrong" in text


def test_a_draft_is_kept_and_thrown_away(desk: Scene, work: Client) -> None:
    admin = work("admin")
    assert do(admin, "save", UMBRA).status_code == 303
    assert "Umbra runs" in admin.get(EDIT).text and "Draft" in admin.get("/policies").text
    assert do(admin, "discard", UMBRA).status_code == 303
    assert "Umbra runs" not in admin.get(EDIT).text and number(desk) == 1


def test_who_was_slower_loses_nothing(desk: Scene, work: Client) -> None:
    first, second = work("admin"), work("admin")
    do(first, "save", UMBRA)
    based = etag(first.get(EDIT).text)
    do(second, "save", UMBRA + "# theirs\n")
    answer = first.post(EDIT, {"do": "save", "text": UMBRA + "# mine\n", "etag": based})
    assert "has edited the draft" in answer.text and "# mine" in answer.text and EDIT in answer.text
    with desk.rt.store.read() as conn:
        draft = versions.draft(conn, "policy", "routing")
    assert draft is not None and draft.text.endswith("# theirs\n")


def test_who_compared_with_an_older_version_is_told(desk: Scene, work: Client) -> None:
    admin = work("admin")
    do(admin, "publish", UMBRA, reason="first")
    answer = admin.post(EDIT, {"do": "publish", "text": POLICY + "# x\n", "reason": "second", "expect": "1"})
    assert answer.status_code == 409 and "meanwhile" in answer.text and number(desk) == 2


def test_a_draft_is_tried_on_what_was_decided(desk: Scene, work: Client) -> None:
    admin = work("admin")
    there = made(admin, title="The core switch", impact="high", category="network")
    before = desk.world.value("select count(*) from decision")
    text = do(admin, "preview", UMBRA, days="30").text
    assert there in text and "Umbra Cloud" in text and "Acme Networks" in text and "The core switch" in text
    assert desk.world.value("select count(*) from decision") == before and number(desk) == 1
    page = "/policies/targets/edit"
    assert 'value="preview"' not in admin.get(page).text


def test_an_earlier_version_comes_back(desk: Scene, work: Client) -> None:
    admin = work("admin")
    do(admin, "publish", UMBRA, reason="a try")
    answer = admin.post("/policies/routing/rollback", {"version": "1", "reason": "it was wrong"})
    assert answer.status_code == 303 and number(desk) == 3
    with desk.rt.store.read() as conn:
        assert policies.version(conn, "routing").text == POLICY
    assert admin.post("/policies/routing/rollback", {"version": "2"}).status_code == 422


def test_a_policy_that_was_never_published_begins_with_the_shipped_one(work: Client) -> None:
    admin = work("admin")
    assert "name: targets" in admin.get("/policies/targets/edit").text
    assert admin.get("/policies/targets").status_code == 200
    assert admin.get("/policies/nonsense").status_code == admin.get("/policies/nonsense/edit").status_code == 404


@pytest.mark.parametrize("who", ["agent", "auditor"])
def test_only_admins_write(desk: Scene, work: Client, who: str) -> None:
    browser = work(who)
    assert browser.get("/policies").status_code == browser.get("/policies/routing").status_code == 200
    assert 'href="/policies"' not in browser.get("/tickets").text
    assert browser.get(EDIT).status_code == 403
    assert browser.post(EDIT, {"do": "publish", "text": UMBRA, "reason": "so"}).status_code == 403
    assert browser.post("/policies/routing/rollback", {"version": "1", "reason": "so"}).status_code == 403
    assert number(desk) == 1


def test_the_pages_speak_the_readers_language(work: Client) -> None:
    text = in_language(work("admin"), "es").get("/policies").text
    assert "Políticas" in text and "Matriz de escalado" in text
