"""Mappings: what there is, who published which version and why, what differs, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.console import mapped
from gateway.console.fields import typed
from gateway.console.web import by, done, needs, pages, runtime
from gateway.console.words import gettext, ngettext
from gateway.errors import Conflict, Invalid, TandemError
from gateway.providers import publishing, versions
from gateway.providers.documents import Mistakes
from gateway.providers.publishing import Moved


@pages.get("/mappings")
@needs("mapping.read")
def mappings() -> str:
    """Every mapping, ours first."""
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        found = mapped.overview(rt, conn)
    own, shipped = [one for one in found if not one["shipped"]], [one for one in found if one["shipped"]]
    return render_template("mappings/list.html", own=own, shipped=shipped)


@pages.get("/mappings/<name>")
@needs("mapping.read")
def mapping(name: str) -> str:
    """One mapping: its versions, and what differs between two of them."""
    return _page(name)


@pages.get("/mappings/<name>/<int:version>")
@needs("mapping.read")
def mapping_version(name: str, version: int) -> str:
    """The text of one version."""
    with runtime().store.read() as conn:
        one = versions.find(conn, "mapping", name, version)
        told = mapped.told(conn, one)
    return render_template("mappings/version.html", name=name, one=told, text=one.text)


def _page(name: str, result: dict[str, Any] | None = None) -> str:
    rt = runtime()
    rt.desks.load()
    with rt.store.read() as conn:
        page = mapped.history(rt, conn, name)
        known = [str(one["version"]) for one in page["versions"]]
        choices = (["draft"] if page["draft"] else []) + known
        after = chosen("after", choices, choices[0])
        older = choices[choices.index(after) + 1 :]
        before = chosen("before", ["", *choices], older[0] if older else "")
        difference = mapped.compared(conn, name, before, after)
    return render_template("mappings/page.html", page=page, choices=choices, difference=difference, result=result)


def chosen(name: str, choices: list[str], otherwise: str) -> str:
    """What the address asks for, if it may."""
    given = request.args.get(name)
    return given if given in choices else otherwise


# --- begun ---


@pages.get("/new-mapping")
@needs("mapping.write")
def new_mapping() -> str:
    """A name, and which mapping it is to go on from."""
    return _begin({"name": "", "extends": request.args.get("extends", "")})


@pages.post("/new-mapping")
@needs("mapping.write")
def begin_mapping() -> Answer:
    """Keep the beginning of a child mapping as a draft, and open it."""
    form = {"name": typed("name", 60), "extends": typed("extends", 60)}
    try:
        with runtime().store.write() as conn:
            versions.find(conn, "mapping", form["extends"])
            if versions.history(conn, "mapping", form["name"]):
                raise Conflict("there is a mapping of this name", "name", fix="Give yours another name.")
            text = f"mapping: 1\nname: {form['name']}\nextends: {form['extends']}\n"
            versions.save(conn, by(), "mapping", form["name"], text, None)
    except TandemError as refused:
        return Response(_begin(form, refused.problem()), refused.status)
    return redirect(url_for("console.edit_mapping", name=form["name"]), 303)


def _begin(form: dict[str, str], problem: dict[str, Any] | None = None) -> str:
    with runtime().store.read() as conn:
        known = [one.name for one in versions.newest_of_each(conn, "mapping")]
    return render_template("mappings/new.html", form=form, known=known, problem=problem)


# --- moved between versions ---


@pages.post("/mappings/<name>/rollback")
@needs("mapping.write")
def roll_mapping_back(name: str) -> Answer | str:
    """Put an earlier version in force again, as the next one, for all links."""
    number = typed("version", 9)
    if not number.isdecimal():
        raise Invalid("which version?", "version", number)
    return _moving(name, lambda: publishing.rollback(runtime(), by(), name, int(number), reason(), PATIENCE))


@pages.post("/mappings/<name>/canary")
@needs("mapping.write")
def widen_canary(name: str) -> Answer | str:
    """Let a share of the links have the newest version, at the connections that use the mapping and those ticked."""
    also = request.form.getlist("connections")[:50]
    return _moving(name, lambda: publishing.canary(runtime(), by(), name, percent(), reason(), also, PATIENCE))


PATIENCE = 5.0
"""Seconds that links are waited for which are being written to."""


def reason() -> str:
    """Why; it stands in the audit trail. Raises Invalid."""
    text = typed("reason", 500)
    if not text:
        raise Invalid("say why", "reason", fix="It stands in the audit trail.")
    return text


def percent() -> int:
    """The share of the links. Raises Invalid."""
    text = typed("percent", 4) or "100"
    if not text.isdecimal() or int(text) > 100:
        raise Invalid("a share of the links, in percent", "percent", text, "From 0 to 100.")
    return int(text)


def _moving(name: str, move: Callable[[], Moved]) -> Answer | str:
    runtime().desks.load()
    try:
        moved = move()
    except Mistakes as wrong:
        problem = {**wrong.problem(), "mistakes": [str(one) for one in wrong.mistakes]}
        return Response(_page(name, {"problem": problem}), wrong.status)
    except TandemError as refused:
        return Response(_page(name, {"problem": refused.problem()}), refused.status)
    if moved.failed:
        return _page(name, {"moved": mapped.moved(moved)})
    return done(said(moved), url_for("console.mapping", name=name))


def said(moved: Moved) -> str:
    """What became of the links, in one sentence."""
    links = ngettext("%(num)d ticket moved", "%(num)d tickets moved", moved.moved) % {"num": moved.moved}
    words = {"label": moved.version.label, "links": links, "percent": moved.percent, "left": moved.left}
    if moved.percent == 100:
        return gettext("%(label)s is in force: %(links)s.") % words
    return gettext("%(label)s is tried on %(percent)d %% of the tickets: %(links)s, %(left)d left as they are.") % words
