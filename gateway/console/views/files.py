"""Attachments, handed out so that no browser runs them: always a download, never a page of ours."""

from __future__ import annotations

from flask import Response, send_file

from gateway.console.web import inner, me, needs, pages, runtime
from gateway.desk import items
from gateway.desk.read import find
from gateway.desk.sight import sight
from gateway.errors import NotFound


@pages.get("/tickets/<ref>/files/<id>")
@needs("attachment.read")
def file(ref: str, id: str) -> Response:
    """The bytes of one attachment that this reader may have."""
    rt = runtime()
    with rt.store.read() as conn:
        ticket = find(conn, rt, me(), ref)
        row = items.file(conn, sight(conn, rt, me()), ticket.id, inner(id, "file"))
    if row is None or not row.key:
        raise NotFound("no such file", "file")
    try:
        stream = rt.files.open(row.key)
    except FileNotFoundError:
        raise NotFound("the file is not there any more", "file") from None
    answer = send_file(stream, "application/octet-stream", as_attachment=True, download_name=row.name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
