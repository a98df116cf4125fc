"""Bodies of every kind as they reach the desk: JSON, form, multipart, bytes; streamed, never longer than announced."""

from __future__ import annotations

import hashlib
import io
import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.base import File, Item
from connectors.errors import Refused, Retry, Unknown
from connectors.prepare import Stream
from connectors.simulators.loopback import Request, Response
from tests.connectors.support import DESKLY, Scripted, context, deskly, serving


def file(content: bytes, name: str = "a.txt", mime: str = "text/plain", size: int | None = None) -> File:
    digest = hashlib.sha256(content).hexdigest()
    return File(name, mime, len(content) if size is None else size, digest, lambda: io.BytesIO(content))


def attaching(call: str) -> str:
    text = DESKLY.replace('  attach: "Deskly takes no files: a note names the file and its size."\n', "")
    return text.replace("note:  {reaches: [staff],", f"note:  {{reaches: [staff], attach: {call},")


MULTIPART = attaching(
    '{send: "POST /tickets/{id}/files", take: {id: id},'
    ' multipart: {file: "{file}", internal: true, meta: {name: "{file.name}"}}}'
)
BYTES = attaching(
    '{send: "POST /tickets/{id}/files", query: {name: "{file.name}"}, bytes: "{file.type}", take: {id: id}}'
)
FORM = DESKLY.replace(
    'body: {text: "{text}", internal: true}', 'form: {text: "{text}", options: {internal: true, at: "{id}"}}'
)
CONTENTS = [b"", b"\x00", b"hello", bytes(range(256)) * 9000, "ключ 🚀".encode()]


def parts(request: Request) -> dict[str, Any]:
    raw = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
    message = BytesParser(policy=HTTP).parsebytes(raw)
    return {str(p.get_param("name", header="content-disposition")): p for p in message.iter_parts()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", CONTENTS, ids=len)
@pytest.mark.parametrize("name", ["a.txt", 'q"uote.txt', "line\r\nbreak: x", "ключ 🚀.png", "../../etc/passwd"])
def test_multipart(content: bytes, name: str) -> None:
    with serving({"id": 9}) as desk:
        receipt = deskly(desk.url, MULTIPART).attach(context(desk.port), "7", "note", file(content, name), ["staff"])
        found = parts(desk.asked[0])
    assert receipt.id == "9"
    assert set(found) == {"file", "internal", "meta"}
    assert found["file"].get_payload(decode=True) == content
    assert json.loads(found["meta"].get_payload(decode=True)) == {"name": name}
    assert found["internal"].get_payload().strip() == "true"


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_bytes(content: bytes) -> None:
    with serving({"id": 9}) as desk:
        sent = file(content, "ключ & 🚀.bin", "image/png")
        deskly(desk.url, BYTES).attach(context(desk.port), "7", "note", sent, ["staff"])
        request = desk.asked[0]
    assert (request.body, request.headers["content-type"]) == (content, "image/png")
    assert request.query == {"name": "ключ & 🚀.bin"}
    assert request.headers["content-length"] == str(len(content))


def test_a_form_sends_a_tree_inside_as_json() -> None:
    with serving({"id": 9}) as desk:
        deskly(desk.url, FORM).comment(context(desk.port), "7", "note", "a & b=ü", ["staff"])
        form = parse_qs(desk.asked[0].body.decode())
        assert desk.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert form["text"] == ["a & b=ü"]
    assert json.loads(form["options"][0]) == {"internal": True, "at": "7"}


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_that_is_not_as_long_as_announced_is_not_a_success(size: int) -> None:
    with serving({"id": 9}) as desk, pytest.raises(Unknown):
        sent = file(b"hello", size=size)
        deskly(desk.url, BYTES).attach(context(desk.port, seconds=2), "7", "note", sent, ["staff"])


def test_a_file_over_the_limit_is_not_sent() -> None:
    text = BYTES.replace("errors: {", "attachments: {max: 4, shown_with: record}\nerrors: {")
    with serving({"id": 9}) as desk:
        with pytest.raises(Refused, match="4 bytes"):
            deskly(desk.url, text).attach(context(desk.port), "7", "note", file(b"hello"), ["staff"])
        assert not desk.asked


def test_a_content_type_cannot_add_a_header() -> None:
    with serving({"id": 9}) as desk:
        for text in (MULTIPART, BYTES):
            with pytest.raises(Refused):
                bad = file(b"x", mime="text/plain\r\nX-Evil: 1")
                deskly(desk.url, text).attach(context(desk.port), "7", "note", bad, ["staff"])
        assert not desk.asked


def test_text_that_is_no_unicode_is_refused() -> None:
    with serving({"id": 9}) as desk:
        with pytest.raises(Refused):
            deskly(desk.url).comment(context(desk.port), "7", "note", "\ud800", ["staff"])
        assert not desk.asked


def test_a_stream_closes_what_it_opened() -> None:
    opened = [io.BytesIO(b"ab"), io.BytesIO(b"c")]
    stream = Stream([lambda: opened[0], lambda: opened[1]], 3)
    assert len(stream) == 3
    assert b"".join(iter(lambda: stream.read(2), b"")) == b"abc"
    assert all(each.closed for each in opened)


def test_a_broken_answer_while_a_refusal_of_a_file_is_read() -> None:
    text = DESKLY.replace('  file: "Deskly has no files to read."\n', "").replace(
        "  find:   {", '  file: {send: "GET /files/{file}", reply: bytes}\n  find:   {'
    )
    with Scripted(lambda request: Response.of({"message": "x" * 1000}, 404)) as desk:
        desk.faults.plan("truncate_body", size=10)
        with pytest.raises(Retry):
            list(deskly(desk.url, text).file(context(desk.port), Item("1", "7", None, None, "note")))
