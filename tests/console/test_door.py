"""Coming in: sessions, tokens of forms, where a request comes from, where it leads to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.console.web import COOKIE
from gateway.people import users
from gateway.people.users import By
from tests.console.conftest import Browser, Client
from tests.console.scene import PASSWORD, PEOPLE, Scene

UNKNOWN = {"email": "nobody@company.example", "password": PASSWORD}
WRONG = {"email": PEOPLE["agent"][0], "password": "wrong horse battery"}
BODY = re.compile(r"<main.*</main>", re.DOTALL)


def said(text: str) -> str:
    """The page's visible part, without what the person typed and the form's token."""
    return re.sub(r'value="[^"]*"', "", BODY.search(text)[0])  # type: ignore[index]


def test_the_right_password_leads_home(work: Client) -> None:
    answer = work("").sign_in("agent")
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie


def test_over_tls_the_cookie_is_secure(at_work: tuple[Scene, Flask]) -> None:
    client = at_work[1].test_client()
    page = client.get("/sign-in", base_url="https://localhost")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]  # type: ignore[index]
    data = {"csrf": token, "email": PEOPLE["agent"][0], "password": PASSWORD}
    answer = client.post("/sign-in", data=data, base_url="https://localhost")
    assert all("Secure" in one for one in answer.headers.getlist("Set-Cookie"))


def test_unknown_and_wrong_read_the_same(work: Client) -> None:
    browser = work("")
    browser.get("/sign-in")
    unknown, wrong = browser.post("/sign-in", UNKNOWN), browser.post("/sign-in", WRONG)
    assert unknown.status_code == wrong.status_code == 401
    assert said(unknown.text) == said(wrong.text)
    assert "do not belong together" in said(wrong.text)


def test_too_many_tries_wait(work: Client) -> None:
    browser = work("")
    browser.get("/sign-in")
    codes = [browser.post("/sign-in", WRONG).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]


def test_a_planted_session_is_not_taken_over(at_work: tuple[Scene, Flask]) -> None:
    victim = Browser(at_work[1].test_client())
    victim.client.set_cookie(COOKIE, "planted")
    victim.sign_in("agent")
    given = victim.client.get_cookie(COOKIE)
    assert given is not None and given.value != "planted"
    thief = Browser(at_work[1].test_client())
    thief.client.set_cookie(COOKIE, "planted")
    assert thief.get("/tickets").status_code == 302


def test_signing_in_again_ends_the_session_before(at_work: tuple[Scene, Flask]) -> None:
    browser = Browser(at_work[1].test_client())
    browser.sign_in("agent")
    old = browser.client.get_cookie(COOKIE)
    assert old is not None
    browser.post("/sign-in", {"email": PEOPLE["admin"][0], "password": PASSWORD})
    thief = Browser(at_work[1].test_client())
    thief.client.set_cookie(COOKIE, old.value)
    assert thief.get("/tickets").status_code == 302


def test_a_signed_out_cookie_is_worth_nothing(at_work: tuple[Scene, Flask]) -> None:
    browser = Browser(at_work[1].test_client())
    browser.sign_in("agent")
    kept = browser.client.get_cookie(COOKIE)
    assert kept is not None
    assert browser.post("/sign-out").location == "/sign-in"
    browser.client.set_cookie(COOKIE, kept.value)
    assert browser.get("/tickets").status_code == 302


def test_who_is_disabled_is_out_at_once(desk: Scene, work: Client) -> None:
    browser = work("agent")
    with desk.rt.store.write() as conn:
        users.disable(conn, By("tandem", desk.rt.key, desk.rt.now()), desk.users["agent"])
    assert browser.get("/tickets").status_code == 302


def test_a_changed_role_counts_at_once(desk: Scene, work: Client) -> None:
    browser = work("agent")
    with desk.rt.store.write() as conn:
        users.set_role(conn, By("tandem", desk.rt.key, desk.rt.now()), desk.users["agent"], "requester")
    assert browser.get("/tickets").status_code == 403


ELSEWHERE = [
    *("//evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example", "https:evil.example"),
    *("javascript:alert(1)", "/\t/evil.example", "/\n/evil", " //evil.example", "data:text/html,x", "evil", ""),
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leads_elsewhere(work: Client, target: str) -> None:
    browser = work("")
    browser.get("/sign-in")
    data = {"email": PEOPLE["agent"][0], "password": PASSWORD, "next": target}
    assert browser.post("/sign-in", data).location == "/"
    assert browser.get("/sign-in", query_string={"next": target}).location == "/"


def test_next_leads_back_to_the_page(work: Client) -> None:
    browser = work("")
    turned = browser.get("/tickets?view=all&q=vpn")
    assert turned.location == "/sign-in?next=/tickets?view%3Dall%26q%3Dvpn"
    browser.get(turned.location)
    data = {"email": PEOPLE["agent"][0], "password": PASSWORD, "next": "/tickets?view=all&q=vpn"}
    assert browser.post("/sign-in", data).location == "/tickets?view=all&q=vpn"


# --- unsafe requests ---


def unsafe(app: Flask) -> list[str]:
    """Every address of the console that takes a POST, with something in its places."""
    fill = {"ref": "T-1", "id": "0", "name": "northwind", "what": "pause"}
    return sorted(
        re.sub(r"<(?:[^:>]*:)?(\w+)>", lambda m: fill[m[1]], rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("console.") and "POST" in (rule.methods or ())
    )


def test_no_form_without_its_token(at_work: tuple[Scene, Flask], work: Client) -> None:
    admin, other = work("admin"), work("agent")
    paths = unsafe(at_work[1])
    assert len(paths) > 12
    for path in paths:
        for token in ("", "x", other.token):  # the last is another session's
            answer = admin.client.post(path, data={"csrf": token})
            assert answer.status_code == 403, (path, token)


def test_nobody_but_the_desk_reaches_the_desks_forms(at_work: tuple[Scene, Flask], work: Client) -> None:
    for who in ("requester", "provider"):
        browser = work(who)
        for path in unsafe(at_work[1]):
            if not path.startswith(("/portal", "/sign", "/language")):
                assert browser.post(path, {"title": "x", "text": "x"}).status_code == 403, (who, path)


def test_no_sign_in_without_the_forms_token(at_work: tuple[Scene, Flask]) -> None:
    data: dict[str, Any] = {"email": PEOPLE["agent"][0], "password": PASSWORD}
    stranger = Browser(at_work[1].test_client())
    assert stranger.post("/sign-in", data).status_code == 403
    other = Browser(at_work[1].test_client())
    other.get("/sign-in")
    assert stranger.post("/sign-in", {**data, "csrf": other.token}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/page"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_request_from_elsewhere_is_refused(work: Client, headers: dict[str, str]) -> None:
    browser = work("admin")
    answer = browser.post("/tickets/new", {"title": "planted"}, headers=headers)
    assert answer.status_code == 403
    assert "planted" not in browser.get("/tickets").text


def test_a_request_from_here_is_not(work: Client) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert work("admin").post("/tickets/new", {"title": "mine"}, headers=headers).status_code == 303


def test_a_bearer_token_opens_no_page(at_work: tuple[Scene, Flask]) -> None:
    answer = at_work[1].test_client().get("/tickets", headers={"Authorization": "Bearer tdm_x"})
    assert answer.status_code == 302


def test_htmx_without_a_session_is_told_so(at_work: tuple[Scene, Flask]) -> None:
    answer = at_work[1].test_client().get("/tickets/live", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "/sign-in" in answer.text and "<html" not in answer.text


def test_static_files_are_served_and_nothing_else(at_work: tuple[Scene, Flask]) -> None:
    client = at_work[1].test_client()
    assert client.get("/static/console/console.js").status_code == 200
    for path in ("../web.py", "..%2fweb.py", "vendor/../../web.py", "..%252fweb.py"):
        assert client.get(f"/static/console/{path}").status_code == 404
    assert (Path(__file__).parents[2] / "gateway/console/web.py").is_file()
