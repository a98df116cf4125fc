"""The pages of mappings: begun, edited under an ETag, checked, tried, published, compared, rolled back; and by whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from bench.postgres import Postgres
from gateway.console import mapped
from gateway.people.users import By
from gateway.providers import versions
from tests.console.conftest import Browser, Client, application, signing_in
from tests.console.scene import Scene
from tests.console.test_pages import Page
from tests.console.test_words import in_language
from tests.databases import Maker

TOWN = "mapping: 1\nname: town\nextends: memory\n"
LOSSY = TOWN + (
    "fields:\n  status:\n    values: {vendor: in_progress}\n"
    "    write: {in_progress: working, pending_provider: waiting, pending_problem: waiting}\n"
)
SAME = TOWN + "fields: {tags: tags}\n"
EVIL = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
EDIT = "/mappings/town/edit"


def begun(browser: Browser, name: str = "town") -> str:
    """A draft of this name, by the page; its ETag."""
    assert browser.post("/new-mapping", {"name": name, "extends": "memory"}).status_code == 303
    return etag(browser.get(f"/mappings/{name}/edit").text)


def etag(text: str) -> str:
    return hidden(text, "etag")


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" id="{name}" value="([^"]*)"', text)
    assert found is not None
    return found[1]


def do(browser: Browser, what: str, text: str, **more: Any) -> Any:
    """Press a button of the editor of town."""
    return browser.post(EDIT, {"do": what, "text": text, **more})


def published(browser: Browser, text: str = TOWN, reason: str = "a beginning", **more: Any) -> Any:
    data = {"reason": reason, "percent": "100", "expect": hidden(browser.get(EDIT).text, "expect"), **more}
    return do(browser, "publish", text, etag=etag(browser.get(EDIT).text), **data)


def in_force(scene: Scene, connection: str) -> str:
    sql = "select name, version from document where id = (select mapping_id from connection where name = ?)"
    ((name, version),) = scene.world.rows(sql, connection)
    return f"{name}@{version}"


def draft_text(scene: Scene, name: str = "town") -> str | None:
    with scene.rt.store.read() as conn:
        found = versions.draft(conn, "mapping", name)
    return found.text if found is not None else None


def said(text: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


# --- who may ---


@pytest.mark.parametrize("who", ["admin", "agent", "auditor", "requester", "provider"])
def test_the_desk_reads_and_an_admin_writes(work: Client, who: str) -> None:
    begun(work("admin"))
    browser = work(who)
    reads = 200 if who in ("admin", "agent", "auditor") else 403
    for path in ("/mappings", "/mappings/memory", "/mappings/memory/1", "/mappings/town"):
        assert browser.get(path).status_code == reads, path
    writes = 200 if who == "admin" else 403
    for path in ("/new-mapping", EDIT):
        assert browser.get(path).status_code == writes, path
    if who == "admin":
        return
    for path, data in (
        (EDIT, {"do": "save", "text": SAME}), (EDIT, {"do": "check", "text": SAME}),
        (EDIT, {"do": "publish", "text": TOWN, "reason": "x"}), (EDIT, {"do": "discard"}),
        ("/new-mapping", {"name": "other", "extends": "memory"}),
        ("/mappings/town/rollback", {"version": "1", "reason": "x"}),
        ("/mappings/town/canary", {"percent": "50", "reason": "x"}),
    ):  # fmt: skip
        assert browser.post(path, data).status_code == 403, (path, data)


def test_readers_are_offered_nothing_to_change(work: Client) -> None:
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"])
    published(admin, SAME, accept=["M006:tags"])
    for path in ("/mappings", "/mappings/town", "/mappings/memory"):
        text = work("auditor").get(path).text
        for word in ("/edit", "/new-mapping", "rollback", "canary"):
            assert word not in text, (path, word)


def test_an_unsafe_request_needs_the_pages_token(work: Client, desk: Scene) -> None:
    admin = work("admin")
    begun(admin)
    admin.token = "of another page"
    for path, data in (
        (EDIT, {"do": "save", "text": "gone"}), (EDIT, {"do": "discard"}), ("/new-mapping", {"name": "b"}),
        ("/mappings/town/rollback", {"version": "1", "reason": "x"}), ("/mappings/town/canary", {"percent": "1"}),
    ):  # fmt: skip
        assert admin.post(path, data).status_code == 403
        assert admin.htmx(path, data).status_code == 403
    assert draft_text(desk) == TOWN


# --- the pages ---


def test_every_page_is_well_made(work: Client) -> None:
    admin = work("admin")
    begun(admin)
    published(admin, LOSSY, connections=["acme"], accept=["M041:status"])
    first = begun(admin, "village")
    pages = [admin.get(path) for path in ("/mappings", "/mappings/town", "/mappings/town/1", "/new-mapping", EDIT)]
    pages += [do(admin, "check", text) for text in ("a: [", TOWN + "feilds: {}\n", LOSSY)]
    pages += [do(admin, "preview", LOSSY, connection="acme"), do(admin, "publish", LOSSY, reason="x")]
    pages += [do(admin, "save", SAME, etag=first), admin.post("/new-mapping", {"name": "No", "extends": "memory"})]
    for answer in pages:
        page = Page(answer.text)
        assert (page.faults, page.unlabelled(), page.open) == ([], [], []), said(answer.text)[:200]
        assert [id for id, n in page.ids.items() if n > 1] == []


def test_the_list_says_what_is_in_force_and_who_has_it(own_day: tuple[Scene, Flask]) -> None:
    admin = signing_in(*own_day)("admin")
    begun(admin)
    published(admin, connections=["northwind"], reason="their own words")
    do(admin, "save", SAME)
    text = said(admin.get("/mappings").text)
    assert "version 1 northwind" in text and "their own words" in text and "Inés Admin" in text
    there = own_day[0].world.value(
        "select count(*) from link where role in ('holder', 'helper') and ticket_id is not null and connection_id = ?",
        own_day[0].rt.desks.id_of("northwind"),
    )
    assert there > 1 and f"{there} with version 1" in text
    assert re.search(r"town Draft memory", text)


def test_what_is_not_there_is_said(work: Client) -> None:
    admin = work("admin")
    for path in ("/mappings/none", "/mappings/none/edit", "/mappings/memory/9"):
        assert admin.get(path).status_code == 404, path
    assert admin.post("/mappings/none/edit", {"do": "save", "text": TOWN}).status_code == 404
    assert admin.post("/mappings/none/rollback", {"version": "1", "reason": "x"}).status_code == 404


@pytest.mark.parametrize(("language", "word"), [("es", "Correspondencias"), ("ru", "Соответствия")])
def test_they_speak_the_readers_language(work: Client, language: str, word: str) -> None:
    admin = in_language(work("admin"), language)
    begun(admin)
    for path in ("/mappings", "/mappings/town", "/new-mapping", EDIT):
        assert word in admin.get(path).text, path
    text = said(do(admin, "check", LOSSY).text)
    assert "Warnings you accept" not in text and "line 7" not in text


# --- begun ---


def test_a_child_of_a_shipped_mapping_is_begun_once(work: Client, desk: Scene) -> None:
    admin = work("admin")
    assert "selected>memory" in admin.get("/new-mapping?extends=memory").text
    begun(admin)
    assert draft_text(desk) == TOWN
    for name, parent, status in (
        ("town", "memory", 412), ("memory", "memory", 409), ("Big", "memory", 422), ("x", "none", 404), ("", "rt", 422),
    ):  # fmt: skip
        answer = admin.post("/new-mapping", {"name": name, "extends": parent})
        assert answer.status_code == status and "alert-danger" in answer.text, name


def test_a_shipped_mapping_is_not_edited_itself(work: Client) -> None:
    admin = work("admin")
    assert admin.get("/mappings/memory/edit").location == "/new-mapping?extends=memory"
    answer = admin.post("/mappings/memory/edit", {"do": "save", "text": TOWN})
    assert answer.status_code == 409 and "shipped with Tandem" in answer.text
    assert admin.post("/mappings/memory/rollback", {"version": "1", "reason": "x"}).status_code == 409


# --- the draft ---


def test_a_draft_is_saved_as_it_was_typed(work: Client, desk: Scene) -> None:
    admin = work("admin")
    first = begun(admin)
    typed = "\n# a line before\r\n" + TOWN.replace("\n", "\r\n") + "\r\n"
    answer = do(admin, "save", typed, etag=first)
    assert (answer.status_code, answer.location) == (303, EDIT)
    assert draft_text(desk) == "\n# a line before\n" + TOWN + "\n"
    page = admin.get(EDIT).text
    assert "data-editor>\n\n# a line before\n" in page  # a browser drops the first line break of a textarea
    assert etag(page) not in ("", first) and "Draft saved." in page


def test_a_stale_save_loses_nothing_and_says_who(work: Client, desk: Scene) -> None:
    admin = work("admin")
    first = begun(admin)
    with desk.rt.store.write() as conn:
        theirs = TOWN + "# Marta was here\n"
        by = By(f"user:{desk.users['agent']}", desk.rt.key, desk.rt.now())
        there = versions.save(conn, by, "mapping", "town", theirs, first)
    answer = do(admin, "save", TOWN + "# mine\n", etag=first)
    text = answer.text
    assert answer.status_code == 412 and "Marta Vidal has edited the draft of town" in text
    assert "# Marta was here" in text and "data-editor>\n" + TOWN + "# mine\n</textarea>" in text
    assert draft_text(desk) == theirs and etag(text) == first
    for what in ("save", "publish"):
        assert do(admin, what, TOWN + "# mine\n", etag=first, reason="x").status_code == 412
    assert draft_text(desk) == theirs
    over = re.search(r'name="over" value="([^"]+)"', text)
    assert over is not None and over[1] == there.etag
    assert do(admin, "over", TOWN + "# mine\n", etag=first, over=over[1]).status_code == 303
    assert draft_text(desk) == TOWN + "# mine\n"


def test_a_draft_is_thrown_away_only_as_it_was_seen(work: Client, desk: Scene) -> None:
    admin = work("admin")
    first = begun(admin)
    do(admin, "save", SAME, etag=first)
    assert do(admin, "discard", TOWN, etag=first).status_code == 412
    assert draft_text(desk) == SAME
    assert do(admin, "discard", TOWN, etag=etag(admin.get(EDIT).text)).location == "/mappings"
    assert draft_text(desk) is None


def test_a_text_that_is_too_long_is_refused(work: Client, desk: Scene) -> None:
    admin = work("admin")
    begun(admin)
    assert do(admin, "save", "#" * (versions.LONGEST + 1)).status_code == 422
    assert draft_text(desk) == TOWN


# --- checked ---


def test_a_check_says_line_code_cause_example_and_fix(work: Client, desk: Scene) -> None:
    admin = work("admin")
    begun(admin)
    answer = do(admin, "check", TOWN + "feilds: {}\n")
    told = re.search(r'<li class="complaint complaint-E" data-line="4" data-col="1">(.*?)</li>', answer.text, re.S)
    assert told is not None
    for word in (
        "M002",
        "line 4",
        "feilds: {}",
        "no key `feilds` here",
        "for example",
        "did you mean &#39;fields&#39;?",
    ):
        assert word in told[1], word
    assert 'value="publish"' not in answer.text and "feilds" not in (draft_text(desk) or "")
    assert "M001" in do(admin, "check", "a: [").text
    assert "no such mapping" in do(admin, "check", TOWN.replace("extends: memory", "extends: nobody")).text


def test_a_check_is_against_everyone_who_shall_use_it(work: Client) -> None:
    admin = work("admin")
    begun(admin)
    assert "checked against what the manifest says" in said(do(admin, "check", TOWN).text)
    text = do(admin, "check", LOSSY, connections=["acme", "umbra"]).text
    assert "checked against acme, umbra" in said(text) and 'value="acme" checked' in text
    assert 'name="accept" value="M041:status"' in text and 'value="publish"' in text
    other = do(admin, "check", TOWN.replace("town", "city")).text
    assert "The text calls itself city" in said(other) and 'value="publish"' not in other


def test_what_is_in_a_text_is_shown_and_never_run(work: Client) -> None:
    admin = work("admin")
    first = begun(admin)
    wicked = TOWN + f"# {EVIL}\nunsupported:\n  kind: {EVIL!r}\nfields:\n  title: {{field: {EVIL!r}}}\n"
    for what in ("check", "preview", "publish"):
        answer = do(admin, what, wicked, connection="acme", reason=EVIL, percent="100")
        assert "<script>alert" not in answer.text and "<img" not in answer.text.replace('<img src="/static', "")
        assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text, what
        assert Page(answer.text).faults == []
    do(admin, "save", wicked, etag=first)
    published(admin, TOWN + f"# {EVIL}\n", reason=EVIL, connections=["acme"])
    published(admin, TOWN + f"# {EVIL} again\n", reason=EVIL)
    for path in ("/mappings", "/mappings/town", "/mappings/town?before=1&after=2", "/mappings/town/2", EDIT):
        text = admin.get(path).text
        assert "&lt;script&gt;" in text and "<script>alert" not in text, path
        assert Page(text).faults == [], path
    assert do(admin, "save", wicked, etag="stale").status_code == 412


# --- published ---


def test_nothing_is_published_with_errors_or_unaccepted(work: Client, desk: Scene) -> None:
    admin = work("admin")
    begun(admin)
    wrong = LOSSY.replace("in_progress: working", "in_progress: wroking")
    answer = published(admin, wrong, accept=["M041:status"], connections=["acme"])
    assert answer.status_code == 422 and "M013" in answer.text
    answer = published(admin, LOSSY, connections=["acme"], reason="a state was renamed")
    assert answer.status_code == 422 and "Mend these, or accept them by name: M041:status" in said(answer.text)
    assert 'value="a state was renamed"' in answer.text
    answer = published(admin, TOWN, connections=["acme"], reason="")
    assert answer.status_code == 422 and "say why" in answer.text.lower()
    assert published(admin, TOWN, connections=["acme"], percent="101").status_code == 422
    assert published(admin, TOWN, connections=["nobody"]).status_code == 404
    assert in_force(desk, "acme") == "memory@1" and draft_text(desk) == TOWN
    answer = published(admin, LOSSY, accept=["M041:status"], connections=["acme"])
    assert answer.status_code == 200 and "town@1 is in force at acme." in said(answer.text)
    assert in_force(desk, "acme") == "town@1" and draft_text(desk) is None
    assert (hidden(answer.text, "etag"), hidden(answer.text, "expect")) == ("", "1")
    assert "M041:status" in admin.get("/mappings/town").text


def test_who_did_not_see_the_newest_version_is_told_first(work: Client, desk: Scene) -> None:
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"])
    data = {"reason": "y", "accept": ["M006:tags"], "expect": "0"}
    answer = do(admin, "publish", SAME, **data)
    assert answer.status_code == 409 and "Inés Admin has published town@1 meanwhile: a beginning" in said(answer.text)
    assert in_force(desk, "acme") == "town@1" and draft_text(desk) == SAME
    data["expect"] = hidden(answer.text, "expect")
    answer = do(admin, "publish", SAME, **data, etag=etag(answer.text))
    assert answer.status_code == 200 and in_force(desk, "acme") == "town@2"


def test_a_trial_is_widened_and_rolled_back(work: Client, desk: Scene) -> None:
    for number in range(6):
        desk.escalate(desk.as_("agent", "create", fields={"title": f"T {number}"}), "acme", "theirs")
    desk.settle()
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"])
    answer = published(admin, LOSSY, accept=["M041:status"], percent="50", reason="try")
    assert "town@2 is tried on 50 % of the tickets at acme." in said(answer.text)
    assert in_force(desk, "acme") == "town@1"
    page = admin.get("/mappings/town").text
    assert "/mappings/town/canary" in page and "version 1 in force" in said(page)
    answer = admin.post("/mappings/town/canary", {"percent": "100", "reason": "it is good"})
    assert answer.status_code == 303 and in_force(desk, "acme") == "town@2"
    assert "town@2 is in force" in said(admin.get(answer.location).text)
    assert admin.post("/mappings/town/canary", {"percent": "10", "reason": "x"}).status_code == 409
    assert admin.post("/mappings/town/canary", {"percent": "x", "reason": "x"}).status_code == 422
    assert "6 tickets have it" in said(admin.get("/mappings/town").text)
    assert admin.post("/mappings/town/rollback", {"version": "1", "reason": ""}).status_code == 422
    assert admin.post("/mappings/town/rollback", {"version": "x", "reason": "x"}).status_code == 422
    assert admin.post("/mappings/town/rollback", {"version": "1", "reason": "it is not"}).status_code == 303
    assert in_force(desk, "acme") == "town@3"
    text = said(admin.get("/mappings/town").text)
    assert "it is not" in text and "6 tickets have it" in text
    assert "it is not" in work("auditor").get("/audit?subject=mapping:town").text


def test_a_trial_at_a_desk_with_another_mapping_can_be_widened_there(work: Client, desk: Scene) -> None:
    for number in range(6):
        desk.escalate(desk.as_("agent", "create", fields={"title": f"T {number}"}), "acme", "theirs")
    desk.settle()
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"], percent="99")
    page = admin.get("/mappings/town").text
    assert re.search(r'name="connections" value="acme" checked', page)
    assert re.search(r'name="connections" value="umbra">', page) and "Widen the trial" in page
    data = {"percent": "100", "reason": "good", "connections": ["acme"]}
    assert admin.post("/mappings/town/canary", data).status_code == 303
    assert (in_force(desk, "acme"), in_force(desk, "umbra")) == ("town@1", "memory@1")


def test_tickets_that_could_not_be_moved_are_named_and_tried_again(
    work: Client, desk: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = desk.as_("agent", "create", fields={"title": "T"})
    desk.escalate(number, "acme", "theirs")
    desk.settle()
    for module in ("mappings", "mapping_editor"):
        monkeypatch.setattr(f"gateway.console.views.{module}.PATIENCE", 0.0)
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"])
    with desk.rt.store.road(write=True) as road:
        road.run("update attempt set outcome = null, vals = ? where kind = 'create'", '{"impact": ["low", "low"]}')
    swapped = TOWN + "fields: {impact: {field: urgency}, urgency: {field: impact}}\n"
    answers = [published(admin, swapped, accept=["M006:impact", "M006:urgency"])]
    data = {"percent": "100", "reason": "again"}
    assert "/mappings/town/canary" in admin.get("/mappings/town").text
    answers.append(admin.post("/mappings/town/canary", data))
    for answer in answers:
        assert answer.status_code == 200 and f'href="/tickets/{number}"' in answer.text
        assert re.search("Not moved; the same again tries them once more:.* is being written at", said(answer.text))
    with desk.rt.store.road(write=True) as road:
        road.run("update attempt set outcome = 'ok'")
    assert admin.post("/mappings/town/canary", data).status_code == 303
    assert "1 ticket has it" in said(admin.get("/mappings/town").text)
    assert "Widen the trial" not in admin.get("/mappings/town").text


# --- compared ---


def test_any_two_texts_are_compared(work: Client) -> None:
    admin = work("admin")
    begun(admin)
    published(admin, connections=["acme"])
    published(admin, LOSSY, accept=["M041:status"])
    do(admin, "save", SAME)
    text = admin.get("/mappings/town?before=1&after=2").text
    assert "status: values, write" in text
    assert 'class="diff-in"><td class="diff-n"></td><td class="diff-n">4</td>' in text
    back = admin.get("/mappings/town?before=2&after=1").text
    assert 'class="diff-out"><td class="diff-n">4</td><td class="diff-n"></td>' in back
    assert 'value="draft" selected' in admin.get("/mappings/town").text
    assert "No difference" in admin.get("/mappings/town?before=2&after=2").text
    assert 'class="diff-in"' in admin.get("/mappings/town?before=&after=1").text
    assert 'class="diff-out"' in admin.get("/mappings/town?before=draft&after=1").text
    assert admin.get("/mappings/town?before=99&after=x").status_code == 200
    do(admin, "save", "a: [", etag=etag(admin.get(EDIT).text))
    assert 'class="diff-out"' in admin.get("/mappings/town").text


def test_a_difference_keeps_both_counts() -> None:
    told = list(mapped.lines(versions.diff("a\nb\nc\n", "a\nx\nc\nd\n")))
    assert [(one.kind, one.before, one.after, one.text) for one in told] == [
        ("skip", None, None, "⋯"), ("same", 1, 1, "a"), ("out", 2, None, "b"), ("in", None, 2, "x"),
        ("same", 3, 3, "c"), ("in", None, 4, "d"),
    ]  # fmt: skip
    assert list(mapped.lines("")) == []


# --- tried ---

BOLD = TOWN + (
    "fields:\n  status: {values: {working: resolved}}\n  tags: {field: tags, direction: in}\n"
    "comments: {inward: {note: provider+requester}}\n"
)


def test_a_preview_shows_counts_and_what_would_differ(day: Scene, look: Client) -> None:
    admin = look("admin")
    begun(admin, "town")
    before = day.world.rows("select count(*) from delivery"), day.world.rows("select count(*) from audit")
    answer = do(admin, "preview", BOLD, connection="northwind", days="30")
    text = said(answer.text)
    assert answer.status_code == 200 and "in place of memory@1 at northwind, on the last 30 days" in text
    for words in (
        "More people would read something", "Requester", "The ticket would be closed", "Northwind IT Services",
        "Tickets resolved 0 1", "cannot be planned again",
    ):  # fmt: skip
        assert words in text, words
    assert re.search(r"Status\s+In progress\s+→ Resolved", text)
    assert f'href="/tickets/{day.tickets["vpn"]}"' in answer.text
    assert "data-editor>\n" + BOLD.replace("'", "&#39;") in answer.text
    assert (day.world.rows("select count(*) from delivery"), day.world.rows("select count(*) from audit")) == before
    assert Page(answer.text).faults == []


def test_a_preview_needs_a_desk_and_a_text_that_can_be_read(work: Client) -> None:
    admin = work("admin")
    begun(admin)
    assert do(admin, "preview", TOWN, connection="nobody").status_code == 422
    answer = do(admin, "preview", "a: [", connection="acme")
    assert answer.status_code == 422 and "M001" in answer.text
    assert "on the last 30 days" in said(do(admin, "preview", TOWN, connection="acme", days="400").text)
    assert "on the last 7 days" in said(do(admin, "preview", TOWN, connection="acme", days="x").text)


# --- with a script ---


def test_htmx_gets_the_answer_alone_and_where_it_belongs(work: Client) -> None:
    admin = work("admin")
    first = begun(admin)
    for data, where, word in (
        ({"do": "check", "text": LOSSY}, "#outcome", "M041"),
        ({"do": "preview", "text": TOWN, "connection": "acme"}, "#tried", "memory@1"),
        ({"do": "save", "text": SAME, "etag": first}, "#outcome", "Draft saved."),
        ({"do": "save", "text": TOWN, "etag": first}, "#clash", "Take theirs"),
        ({"do": "publish", "text": TOWN, "etag": first}, "#outcome", "say why"),
    ):  # fmt: skip
        answer = admin.htmx(EDIT, data)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (200, where), data
        assert word in answer.text and "<html" not in answer.text
        assert 'id="etag"' in answer.text and 'hx-swap-oob="true"' in answer.text
    answer = admin.htmx(EDIT, {"do": "discard", "etag": etag(admin.get(EDIT).text)})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/mappings")
    assert "The draft was thrown away." in admin.get("/mappings").text


def test_the_pages_work_on_postgresql(tmp_path: Path, postgres_server: Postgres) -> None:
    scene, app = application(tmp_path, quiet=True, maker=Maker("postgresql", tmp_path, postgres_server))
    admin = signing_in(scene, app)("admin")
    begun(admin)
    assert published(admin, connections=["acme"]).status_code == 200
    for path in ("/mappings", "/mappings/town", "/mappings/town/1", EDIT):
        assert admin.get(path).status_code == 200, path
    assert do(admin, "preview", LOSSY, connection="acme").status_code == 200
    scene.rt.close()
