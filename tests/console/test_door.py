"""Coming in: sessions, tokens of forms, where a request comes from, where it leads to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.app import create_app
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


def behind(scene: Scene, proxies: int) -> Flask:
    """The same installation, with so many proxies before it."""
    rt = replace(scene.rt, config=replace(scene.rt.config, trusted_proxies=proxies))
    return create_app(rt)


def tries(app: Flask, chain: str, times: int, path: str = "/sign-in") -> list[int]:
    """Sign in wrongly, as a proxy on this machine passes it on."""
    client = app.test_client()
    base = {"base_url": "http://localhost", "headers": {"X-Forwarded-For": chain, "X-Forwarded-Proto": "https"}}
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(path, **base).text)[1]  # type: ignore[index, arg-type]
    return [client.post(path, data={**WRONG, "csrf": token}, **base).status_code for _ in range(times)]  # type: ignore[arg-type]


def test_a_trusted_proxy_says_that_it_came_over_tls(at_work: tuple[Scene, Flask]) -> None:
    data = {"email": PEOPLE["agent"][0], "password": PASSWORD}
    for proxies, proto, secure in ((1, "https", True), (1, "http", False), (0, "https", False)):
        client = behind(at_work[0], proxies).test_client()
        headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": proto}
        page = client.get("/sign-in", headers=headers)
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        answer = client.post("/sign-in", data={**data, "csrf": token}, headers=headers)
        assert answer.status_code == 303
        assert [("Secure" in one) for one in answer.headers.getlist("Set-Cookie")] == [secure]
        assert ("Strict-Transport-Security" in answer.headers) is secure


def test_tries_are_counted_by_who_stands_behind_the_proxy(at_work: tuple[Scene, Flask]) -> None:
    app = behind(at_work[0], 1)
    assert tries(app, "192.0.2.7", 11)[-1] == 429
    assert tries(app, "192.0.2.8", 1) == [401], "somebody else"
    assert tries(app, "192.0.2.8, 192.0.2.7", 1) == [429], "what stands before the proxy's word is anybody's"
    two = behind(at_work[0], 2)
    assert tries(two, "192.0.2.7, 10.0.0.1", 11)[-1] == 429
    assert tries(two, "192.0.2.8, 10.0.0.1", 1) == [401]


def test_without_a_trusted_proxy_nobody_believes_the_header(at_work: tuple[Scene, Flask]) -> None:
    app = behind(at_work[0], 0)
    codes = [code for n in range(11) for code in tries(app, f"192.0.2.{n}", 1)]
    assert codes[-1] == 429, "one address, whatever it says"


def test_metrics_are_not_open_through_a_trusted_proxy(at_work: tuple[Scene, Flask]) -> None:
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "192.0.2.7"}):
        assert behind(at_work[0], 1).test_client().get("/metrics", headers=headers).status_code == 401
    assert behind(at_work[0], 0).test_client().get("/metrics").status_code == 200
