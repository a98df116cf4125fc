"""The editor of one mapping: its draft saved under an ETag, checked, tried on the last days, and published.

One form holds all of it and says what to do by its button. Without a script every answer is the whole page with what
was typed still in it; with one, htmx puts the answer beside the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway import preview as previews
from gateway.console import mapped
from gateway.console.fields import typed
from gateway.console.views.mappings import PATIENCE, percent, reason
from gateway.console.web import SAID_COOKIE, by, done, htmx, needs, pages, runtime, set_cookie
from gateway.console.words import gettext
from gateway.errors import Changed, Invalid, NotFound, TandemError
from gateway.preview import Span
from gateway.preview.report import COUNTED
from gateway.providers import publishing, versions
from gateway.providers.documents import Mistakes
from gateway.providers.publishing import Wish

LOOKED_AT = 2_000
"""Items that a preview on a page looks at, at most: a person waits for it."""

EMPTY: dict[str, Any] = {"outcome": "", "tried": None, "stale": None, "problem": None}


@dataclass(frozen=True)
class Form:
    """What the page's form holds. ``etag``: of the draft it was made from; ``expect``: the newest version then."""

    text: str
    etag: str = ""
    expect: int = 0
    connections: Sequence[str] = ()
    accept: Sequence[str] = ()
    connection: str = ""
    days: int = previews.DAYS
    reason: str = ""
    percent: str = "100"


def given() -> Form:
    """The form as it was sent. Raises Invalid."""
    text = request.form.get("text", "").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if len(text) > versions.LONGEST:
        raise Invalid("the text is too long", "text", fix=f"At most {versions.LONGEST} characters.")
    days, expect = typed("days", 4), typed("expect", 9)
    return Form(
        text=text,
        etag=typed("over" if request.form.get("do") == "over" else "etag", 64),
        expect=int(expect) if expect.isdecimal() else 0,
        connections=request.form.getlist("connections")[:50],
        accept=request.form.getlist("accept")[:200],
        connection=typed("connection", 40),
        days=min(max(int(days), 1), previews.MOST_DAYS) if days.isdecimal() else previews.DAYS,
        reason=typed("reason", 500),
        percent=typed("percent", 4),
    )


@pages.get("/mappings/<name>/edit")
@needs("mapping.write")
def edit_mapping(name: str) -> Answer | str:
    """The draft of a mapping, or its newest version where nobody is writing one."""
    with runtime().store.read() as conn:
        found, draft = versions.history(conn, "mapping", name), versions.draft(conn, "mapping", name)
        if not found and draft is None:
            raise NotFound("no such mapping", "mapping", name)
        if found and found[0].author == mapped.SHIPPED:
            return redirect(url_for("console.new_mapping", extends=name))
    text = draft.text if draft is not None else found[0].text
    return _page(name, Form(text, draft.etag if draft else "", found[0].number if found else 0))


@pages.post("/mappings/<name>/edit")
@needs("mapping.write")
def work_on_mapping(name: str) -> Answer | str:
    """Save, check, try or publish what was typed; or throw the draft away."""
    form = given()
    try:
        return _ACTS.get(request.form.get("do", ""), _check)(name, form)
    except Changed as faster:
        return _answer(name, form, faster.status, stale=clash("mapping", name, form, faster))
    except Mistakes as wrong:
        problem = {**wrong.problem(), "mistakes": [str(one) for one in wrong.mistakes]}
        return _answer(name, form, wrong.status, problem=problem)
    except TandemError as refused:
        return _answer(name, form, refused.status, problem={**refused.problem(), "value": refused.value})


# --- what the buttons do ---


def _save(name: str, form: Form) -> Answer | str:
    kept = _kept(name, form)
    if not htmx():
        return done(gettext("Draft saved."), url_for("console.edit_mapping", name=name))
    return _answer(name, kept, outcome="mappings/_saved.html")


def _kept(name: str, form: Form) -> Form:
    """The draft as it is typed. Raises Changed where somebody was faster, Conflict on a shipped name."""
    rt = runtime()
    with rt.store.write() as conn:
        there, found = versions.draft(conn, "mapping", name), versions.history(conn, "mapping", name)
        if there is None and not found:
            raise NotFound("no such mapping", "mapping", name)
        publishing.own(found, name)
        if there is not None and there.text == form.text:
            return replace(form, etag=there.etag)
        made = versions.save(conn, by(), "mapping", name, form.text, form.etag or None)
    return replace(form, etag=made.etag)


def _discard(name: str, form: Form) -> Answer | str:
    with runtime().store.write() as conn:
        versions.discard(conn, "mapping", name, form.etag or None)
        left = versions.history(conn, "mapping", name)
    back = url_for("console.mapping", name=name) if left else url_for("console.mappings")
    return go(gettext("The draft was thrown away."), back)


def go(say: str, back: str) -> Answer:
    """To another page, which says this first."""
    if not htmx():
        return done(say, back)
    answer = Response("", 204, {"HX-Redirect": back})
    set_cookie(answer, SAID_COOKIE, quote(say), 20)
    return answer


def _check(name: str, form: Form) -> Answer | str:
    return _answer(name, form, outcome="mappings/_checked.html", checked=_checked(name, form))


def _checked(name: str, form: Form) -> dict[str, Any]:
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        proof = publishing.proof(rt, conn, form.text, name, form.connections)
    return mapped.checked(proof, name, form.text)


def _preview(name: str, form: Form) -> Answer | str:
    rt = runtime()
    rt.desks.load()
    connection = rt.desks.id_of(form.connection)
    if connection is None:
        raise Invalid("choose a connection to try it on", "connection", form.connection or None)
    with rt.store.read() as conn:
        draft = previews.read(conn, rt.desks, connection, form.text, f"{name}@draft")
    report = previews.preview(rt, draft, Span(form.days, LOOKED_AT))
    return _answer(name, form, tried={**report, "counted": COUNTED})


def _publish(name: str, form: Form) -> Answer | str:
    why, share = reason(), percent()
    checked = _checked(name, form)
    open_ = [one["name"] for one in checked["warnings"] if one["name"] not in form.accept]
    if not checked["holds"] or checked["other_name"] or open_:
        return _answer(name, form, 422, outcome="mappings/_checked.html", checked=checked, unaccepted=open_)
    kept = _kept(name, form)
    wish = Wish(form.text, why, form.accept, share, form.connections, form.expect, name, name)
    _, moved = publishing.publish(runtime(), by(), wish, PATIENCE)
    after = replace(kept, etag="", expect=moved.version.number, connections=(), accept=(), reason="", percent="100")
    return _answer(name, after, outcome="mappings/_published.html", moved=mapped.moved(moved))


_ACTS: dict[str, Callable[[str, Form], Answer | str]] = {
    "save": _save, "over": _save, "check": _check, "preview": _preview, "publish": _publish, "discard": _discard,
}  # fmt: skip


# --- answers ---


def clash(kind: versions.Kind, name: str, form: Form, faster: Changed) -> dict[str, Any]:
    """Who edited it meanwhile, and both texts."""
    with runtime().store.read() as conn:
        there = versions.draft(conn, kind, name)
    theirs = there.text if there is not None else ""
    diff = list(mapped.lines(versions.diff(theirs, form.text)))
    return {"said": faster.title, "there": there, "theirs": theirs, "lines": diff}


def _answer(name: str, form: Form, status: int = 200, **more: Any) -> Answer:
    """The whole page, or for htmx the piece that answers; a stale save is told at the text, not beside it."""
    told = {**EMPTY, **more}
    if not htmx():
        return Response(_page(name, form, **told), status)
    answer = Response(render_template("mappings/_answer.html", **_told(name, form, **told)))
    answer.headers["HX-Retarget"] = "#clash" if told["stale"] else "#tried" if told["tried"] else "#outcome"
    return answer


def _page(name: str, form: Form, **told: Any) -> str:
    return render_template("mappings/edit.html", **_told(name, form, **{**EMPTY, **told}))


def _told(name: str, form: Form, **told: Any) -> dict[str, Any]:
    """What the templates need: the form, the draft and the newest version that are there, where it is or could be used.

    Who has been told of a version that came meanwhile may publish after it; whose text is the draft may go on from it.
    """
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        draft, found = versions.draft(conn, "mapping", name), versions.history(conn, "mapping", name)
        users = [row.name for row in publishing.using(rt, conn, name)]
        others = [row.name for row in mapped.others(rt, users, mapped.connector(conn, form.text))]
        there = mapped.written(conn, draft) if draft is not None else None
        newest = mapped.told(conn, found[0]) if found else None
    if draft is not None and draft.text == form.text:
        form = replace(form, etag=draft.etag)
    if told["problem"] and found:
        form = replace(form, expect=found[0].number)
    return {"name": name, "form": form, "draft": there, "newest": newest, "users": users, "others": others, **told}
