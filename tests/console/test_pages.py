"""Every page for every role; and what each keeps: no inline script, one meaning per id, a label for each input."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask

from bench.postgres import Postgres
from gateway.app import create_app
from tests.console.conftest import Client, application, signing_in
from tests.console.scene import Scene
from tests.databases import Maker

CONSOLE = [
    *("/tickets", "/tickets?view=all", "/tickets?view=mine", "/tickets?view=desk", "/tickets?view=away"),
    *("/tickets?view=unassigned", "/tickets?q=vpn", "/tickets?status=new&priority=P2&provider=umbra", "/connections"),
    *("/connections/northwind", "/connections/acme", "/dead-letters", "/conflicts", "/notices"),
]
ADMIN = ["/audit", "/audit?subject=T-1001", "/tickets/new"]
KEYS = ("vpn", "mail", "backup", "wifi", "phones", "access", "meeting")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.faults: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self.labels: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        self.faults += [f"<{tag} {name}>" for name in given if name.startswith("on") or name in ("style", "hx-on")]
        if tag == "script" and (not given.get("src") or not given.get("nonce")):
            self.faults.append(f"script {given}")
        if tag == "style":
            self.faults.append("style element")
        if str(given.get("href") or "").lower().startswith(("javascript:", "data:")):
            self.faults.append(f"href {given['href']}")
        if tag == "label" and given.get("for"):
            self.labels.add(str(given["for"]))
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden" and "label" not in self.open:
            self.inputs.append(given)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not self.open:
            return
        if self.open[-1] != tag:
            self.faults.append(f"</{tag}> where {self.open[-1]} is open")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def unlabelled(self) -> list[dict[str, str | None]]:
        return [one for one in self.inputs if "aria-label" not in one and one.get("id") not in self.labels]


def paths(day: Scene) -> list[str]:
    numbers = [day.tickets[key] for key in KEYS]
    tickets = [f"/tickets/{number}{tail}" for number in numbers for tail in ("", "/escalate", "/take-back")]
    return [*CONSOLE, *ADMIN, *tickets, *(f"/tickets/{numbers[0]}/fields/{name}" for name in ("status", "due", "tags"))]


def test_every_page_is_well_made(day: Scene, look: Client) -> None:
    admin = look("admin")
    for path in paths(day):
        answer = admin.get(path)
        assert answer.status_code == 200, path
        page = Page(answer.text)
        assert page.faults == [], path
        assert [id for id, n in page.ids.items() if n > 1] == [], path
        assert page.unlabelled() == [], path
        assert page.open == [], path


def test_every_page_says_what_browsers_may_do(look: Client) -> None:
    answer = look("admin").get("/tickets")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'nonce="{nonce}"' in answer.text


@pytest.mark.parametrize(
    ("who", "sees"), [("admin", ""), ("agent", "audit"), ("auditor", "new"), ("requester", "*"), ("provider", "*")]
)
def test_each_role_reaches_its_pages(day: Scene, look: Client, who: str, sees: str) -> None:
    browser = look(who)
    hidden = {"": (), "audit": ("/audit",), "new": ("/tickets/new", "/escalate", "/take-back", "/fields/")}
    for path in paths(day):
        forbidden = sees == "*" or any(part in path for part in hidden[sees])
        assert browser.get(path).status_code == (403 if forbidden else 200), (who, path)


def test_the_portal_is_the_requesters_alone(day: Scene, look: Client) -> None:
    for path in ("/portal", "/portal/new", f"/portal/tickets/{day.tickets['vpn']}"):
        answer = look("requester").get(path)
        assert answer.status_code == 200, path
        page = Page(answer.text)
        assert (page.faults, page.unlabelled(), page.open) == ([], [], []), path
        for who in ("admin", "agent", "auditor", "provider"):
            assert look(who).get(path).status_code == 403, (who, path)


def test_home_is_where_a_role_begins(look: Client) -> None:
    assert look("agent").get("/").location == "/tickets"
    assert look("requester").get("/").location == "/portal"
    refused = look("provider").get("/")
    assert refused.status_code == 403 and "API" in refused.text


def test_an_auditor_is_offered_nothing_to_change(day: Scene, look: Client) -> None:
    auditor = look("auditor")
    for path in (f"/tickets/{day.tickets['vpn']}", f"/tickets/{day.tickets['backup']}", "/dead-letters", "/conflicts"):
        text = auditor.get(path).text
        for word in ("composer-text", "btn-edit", "Send again", "Keep ours", "/escalate", "/replay"):
            assert word not in text, (path, word)
    for path in (f"/tickets/{day.tickets['vpn']}/comments", "/connections/northwind/pause", "/tickets/new"):
        assert auditor.post(path, {"text": "x", "title": "x"}).status_code == 403


def test_an_agent_may_poll_but_not_pause(look: Client) -> None:
    text = look("agent").get("/connections/northwind").text
    assert "Poll now" in text and "/pause" not in text and "/check" not in text
    assert look("agent").post("/connections/northwind/pause").status_code == 403


@pytest.mark.parametrize(
    "path", ["/tickets/T-9", "/tickets/x", "/tickets/T-1001/files/0", "/connections/none", "/nowhere"]
)
def test_what_is_not_there_is_said_on_a_page(look: Client, path: str) -> None:
    answer = look("admin").get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert Page(answer.text).faults == []


def test_the_api_keeps_its_own_errors(look: Client) -> None:
    answer = look("admin").get("/api/v1/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_empty_pages_say_what_will_be_there(work: Client) -> None:
    admin, requester = work("admin"), work("requester")
    for path, word in (
        ("/tickets", "No tickets here"),
        ("/tickets?view=away", "No provider has a ticket"),
        ("/tickets?q=zebra", "No ticket fits this"),
        ("/dead-letters", "No dead letters"),
        ("/conflicts", "No conflicts"),
        ("/notices", "No notices"),
        ("/audit?subject=none", "No entries"),
        ("/connections/umbra", "Nothing was sent yet"),
    ):
        assert word in admin.get(path).text, path
    assert "You have no tickets" in requester.get("/portal").text


def test_an_address_says_only_what_it_may(look: Client) -> None:
    odd = "endpoint=x&_external=1&_scheme=javascript&_anchor=x&_method=GET&view=all&q=vpn&ref=x&self=x&values=x"
    for path in ("/tickets", "/tickets/live", "/notices", "/dead-letters", "/audit", "/connections", "/conflicts"):
        answer = look("admin").get(f"{path}?{odd}")
        assert answer.status_code == 200, path
        hrefs = re.findall(r'(?:href|hx-get|action)="([^"]*)"', answer.text)
        assert not [href for href in hrefs if "javascript" in href or "_scheme" in href], path


def test_files_of_a_version_may_be_kept(look: Client) -> None:
    admin = look("admin")
    src = admin.get("/tickets").text.partition('src="/static/console/console.js')[2].partition('"')[0]
    kept = admin.get(f"/static/console/console.js{src}").headers["Cache-Control"]
    assert "immutable" in kept
    assert "immutable" not in admin.get("/static/console/console.js").headers["Cache-Control"]


def test_what_fails_says_so_on_a_page(at_work: tuple[Scene, Flask], work: Client) -> None:
    admin = work("admin")
    with at_work[0].rt.store.write() as conn:
        conn.exec_driver_sql("alter table notice rename to elsewhere")
    answer = admin.get("/notices")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "Nothing that was accepted is lost" in answer.text and "elsewhere" not in answer.text
    assert Page(answer.text).faults == []
    piece = admin.client.get("/notices/live", headers={"HX-Request": "true"})
    assert piece.status_code == 503 and "<html" not in piece.text


def test_every_page_works_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    day, app = application(tmp_path, maker=Maker("postgresql", tmp_path, postgres_server))
    admin, agent, requester = (signing_in(day, app)(who) for who in ("admin", "agent", "requester"))
    for path in (*paths(day), f"/tickets/{day.tickets['vpn']}/live", "/tickets?view=mine&q=50%25"):
        assert admin.get(path).status_code == 200, path
    assert day.tickets["laptop"] in agent.get("/tickets?view=mine").text
    assert day.tickets["laptop"] not in agent.get("/tickets?view=unassigned").text
    assert requester.get(f"/portal/tickets/{day.tickets['vpn']}").status_code == 200
    assert "Every chain, seal and checkpoint is right." in admin.post("/audit/verify").text
    day.rt.close()


def test_an_address_that_is_not_there_needs_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_HOME", str(tmp_path / "nowhere"))
    answer = create_app().test_client().get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "es"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "No encontrado" in answer.text and "'nonce-" in answer.headers["Content-Security-Policy"]
    assert not (tmp_path / "nowhere").exists()
