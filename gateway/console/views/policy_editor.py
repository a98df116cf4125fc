"""The editor of one policy: its draft saved under an ETag, proved, tried on the past where it can be, and published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.console import mapped, policied
from gateway.console.fields import typed
from gateway.console.views.mapping_editor import EMPTY, Form, clash, given, go
from gateway.console.views.mappings import reason
from gateway.console.web import by, done, htmx, needs, pages, runtime
from gateway.console.words import gettext
from gateway.errors import Changed, Invalid, TandemError
from gateway.providers import policies, versions, whatif
from gateway.providers.documents import Mistakes

DAYS, MOST_DAYS = 91, 366
"""How far back a draft is tried: a quarter, and the most."""


@pages.get("/policies/<name>/edit")
@needs("policy.write")
def edit_policy(name: str) -> str:
    """The draft of a policy, its newest version, or what comes with Tandem."""
    with runtime().store.read() as conn:
        text, draft = policied.beginning(conn, name), versions.draft(conn, *policies.named(name))
        found = policies.history(conn, name)
    return _page(name, Form(text, draft.etag if draft else "", found[0].number if found else 0, days=DAYS))


@pages.post("/policies/<name>/edit")
@needs("policy.write")
def work_on_policy(name: str) -> Answer | str:
    """Save, check, try or publish what was typed; or throw the draft away."""
    days = typed("days", 4)
    form = replace(given(), days=min(max(int(days), 1), MOST_DAYS) if days.isdecimal() else DAYS)
    try:
        return _ACTS.get(request.form.get("do", ""), _check)(name, form)
    except Changed as faster:
        kind, key = policies.named(name)
        return _answer(name, form, faster.status, stale=clash(kind, key, form, faster))
    except Mistakes as wrong:
        checked = policied.checked(None, wrong.mistakes, (), form.text)
        return _answer(name, form, outcome="policies/_checked.html", checked=checked)
    except TandemError as refused:
        return _answer(name, form, refused.status, problem={**refused.problem(), "value": refused.value})


def _read(name: str, form: Form) -> policies.Draft:
    """The policy as it is typed. Raises Mistakes, and Invalid where it is another one."""
    with runtime().store.read() as conn:
        draft = policies.read(conn, form.text, name)
    if draft.name != name:
        raise Mistakes(name, [Invalid("this text is another policy", "name", draft.name, f"It has to be {name}.")])
    return draft


def _save(name: str, form: Form) -> Answer | str:
    kept = _kept(name, form)
    if not htmx():
        return done(gettext("Draft saved."), url_for("console.edit_policy", name=name))
    return _answer(name, kept, outcome="mappings/_saved.html")


def _kept(name: str, form: Form) -> Form:
    """The draft as it is typed. Raises Changed where somebody was faster."""
    kind, key = policies.named(name)
    with runtime().store.write() as conn:
        policied.beginning(conn, name)
        there = versions.draft(conn, kind, key)
        if there is not None and there.text == form.text:
            return replace(form, etag=there.etag)
        made = versions.save(conn, by(), kind, key, form.text, form.etag or None)
    return replace(form, etag=made.etag)


def _discard(name: str, form: Form) -> Answer | str:
    with runtime().store.write() as conn:
        versions.discard(conn, *policies.named(name), form.etag or None)
    return go(gettext("The draft was thrown away."), url_for("console.policy", name=name))


def _check(name: str, form: Form) -> Answer | str:
    draft = _read(name, form)
    with runtime().store.read() as conn:
        diff, changes = policies.compared(conn, draft)
    checked = policied.checked(draft, (), whatif.doubts(runtime(), draft), form.text)
    shown = {"changes": changes, "lines": list(mapped.lines(diff))}
    return _answer(name, form, outcome="policies/_checked.html", checked=checked, difference=shown)


def _preview(name: str, form: Form) -> Answer | str:
    report = whatif.preview(runtime(), _read(name, form), form.days)
    return _answer(name, form, tried=policied.tried(report, form.days))


def _publish(name: str, form: Form) -> Answer | str:
    why, draft = reason(), _read(name, form)
    with runtime().store.write() as conn:
        made = policies.publish(conn, by(), draft, why, form.expect)
    after = replace(form, etag="", expect=made.number, reason="")
    return _answer(name, after, outcome="policies/_published.html", made=made)


_ACTS: dict[str, Callable[[str, Form], Answer | str]] = {
    "save": _save, "over": _save, "check": _check, "preview": _preview, "publish": _publish, "discard": _discard,
}  # fmt: skip


# --- answers ---


def _answer(name: str, form: Form, status: int = 200, **more: Any) -> Answer:
    """The whole page, or for htmx the piece that answers; a stale save is told at the text, not beside it."""
    told = {**EMPTY, **more}
    if not htmx():
        return Response(_page(name, form, **told), status)
    answer = Response(render_template("policies/_answer.html", **_told(name, form, **told)))
    answer.headers["HX-Retarget"] = "#clash" if told["stale"] else "#tried" if told["tried"] else "#outcome"
    return answer


def _page(name: str, form: Form, **told: Any) -> str:
    return render_template("policies/edit.html", **_told(name, form, **{**EMPTY, **told}))


def _told(name: str, form: Form, **told: Any) -> dict[str, Any]:
    """What the templates need. Who has been told of a version that came meanwhile may publish after it; whose text is
    the draft may go on from it."""
    with runtime().store.read() as conn:
        draft, found = versions.draft(conn, *policies.named(name)), policies.history(conn, name)
        there = mapped.written(conn, draft) if draft is not None else None
        newest = mapped.told(conn, found[0]) if found else None
    if draft is not None and draft.text == form.text:
        form = replace(form, etag=draft.etag)
    if told["problem"] and found:
        form = replace(form, expect=found[0].number)
    again = url_for("console.edit_policy", name=name)
    return {"name": name, "form": form, "draft": there, "newest": newest, "again": again,
            "tries": name in whatif.DECIDES, **told}  # fmt: skip
