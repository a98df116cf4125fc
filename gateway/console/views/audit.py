"""The audit trail: who did what and when, by subject, and whether it still verifies."""

from __future__ import annotations

from flask import render_template, request

from gateway.console import reading
from gateway.console.web import inner, me, needs, pages, runtime
from gateway.desk.read import find
from gateway.errors import NotFound
from gateway.journal.checkpoints import FILE, Keys, read_checkpoints
from gateway.journal.verify import Report, verify


@pages.get("/audit")
@needs("audit.read")
def audit() -> str:
    """The newest entries, of one subject where it is named."""
    return _page(None)


@pages.post("/audit/verify")
@needs("audit.read")
def verify_audit() -> str:
    """Check every chain, seal and checkpoint now."""
    rt = runtime()
    return _page(verify(rt.store, Keys.of(rt.config), read_checkpoints(rt.config.home / FILE), rt.now()))


def _page(report: Report | None) -> str:
    rt = runtime()
    asked = request.args.get("subject", "").strip()[:200]
    before = inner(request.args["before"], "entry") if request.args.get("before") else None
    with rt.store.read() as conn:
        entries, following = reading.trail(conn, _subject(asked), before)
    link = rt.ids.public(following) if following is not None else None
    return render_template("audit.html", entries=entries, following=link, subject=asked, report=report)


def _subject(asked: str) -> str:
    """A ticket may be named by its number; every other subject as it is."""
    if asked[:2].upper() != "T-":
        return asked
    with runtime().store.read() as conn:
        try:
            return f"ticket:{find(conn, runtime(), me(), asked).id}"
        except NotFound:
            return asked
