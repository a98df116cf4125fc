"""What is said and sent on a ticket: who may read it, what leaves, and that a file is never shown in place."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from gateway.store.files import MAX_BYTES
from tests.api.support import Asking

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def upload(api: Asking, who: str, id: str, *files: tuple[bytes, str, str], **form: Any) -> Any:
    parts = [(io.BytesIO(data), name, mime) for data, name, mime in files]
    return api(
        who, "POST", f"tickets/{id}/attachments", data={"file": parts, **form}, content_type="multipart/form-data"
    )


def texts(api: Asking, who: str, id: str) -> list[str]:
    return [one["text"] for one in api.get(who, f"tickets/{id}/comments")["items"]]


def test_each_reader_sees_only_what_was_said_to_them(api: Asking) -> None:
    id = api.ticket(to="acme")
    api.post("agent", f"tickets/{id}/escalate", {"connection": "bolt", "reason": "help", "role": "helper"}, 200)
    for text, audience in (
        ("team", None), ("acme", ["provider:acme"]), ("bolt", ["provider:bolt"]), ("bob", ["requester"]),
        ("partners", ["partners"]), ("everyone", ["everyone"]),
    ):  # fmt: skip
        api.post("agent", f"tickets/{id}/comments", {"text": text, **({"audience": audience} if audience else {})})
    assert (
        texts(api, "agent", id) == texts(api, "auditor", id) == ["team", "acme", "bolt", "bob", "partners", "everyone"]
    )
    assert texts(api, "provider", id) == ["acme", "partners", "everyone"]
    assert texts(api, "other", id) == ["bolt", "partners", "everyone"]
    assert texts(api, "requester", id) == ["bob", "everyone"]
    for one in api.get("provider", f"tickets/{id}/comments")["items"]:
        assert set(one["audience"]) <= {"provider:acme", "requester"}
        assert {d["connection"] for d in one["deliveries"]} <= {"acme"}


def test_a_comment_goes_to_its_audience_and_says_what_became_of_it(api: Asking) -> None:
    id = api.ticket(to="acme")
    api.post("agent", f"tickets/{id}/comments", {"text": "between us"})
    sent = api.post("agent", f"tickets/{id}/comments", {"text": "dear acme", "audience": ["provider:acme"]})
    assert [d["state"] for d in sent["deliveries"]] == ["waiting"]
    api.world.run()
    assert [d["state"] for d in api.get("agent", f"tickets/{id}/comments")["items"][1]["deliveries"]] == ["sent"]
    record = api.get("agent", f"tickets/{id}/links")["items"][0]["remote_id"]
    said = [c.text for c in api.world.desks["acme"].get(record).comments]
    assert any("dear acme" in text for text in said) and not any("between us" in text for text in said)


def test_a_provider_speaks_for_itself_and_to_nobody_elses_ear(api: Asking) -> None:
    id = api.ticket(to="acme")
    api.post("agent", f"tickets/{id}/escalate", {"connection": "bolt", "reason": "help", "role": "helper"}, 200)
    said = api.post("provider", f"tickets/{id}/comments", {"text": "by acme"})
    assert said["author"] == "provider:acme" and said["audience"] == ["provider:acme"]
    assert (
        texts(api, "other", id) == [] and texts(api, "requester", id) == [] and texts(api, "agent", id) == ["by acme"]
    )
    for audience in (["provider:bolt"], ["partners"], ["everyone"], ["team"]):
        refused = api("provider", "POST", f"tickets/{id}/comments", {"text": "x", "audience": audience})
        assert refused.status_code == 422 and "bolt" not in refused.json["errors"][0].get("fix", "")
    shared = api.post("provider", f"tickets/{id}/comments", {"text": "dear Bob", "audience": ["requester"]})
    assert shared["audience"] == ["provider:acme", "requester"]
    assert texts(api, "requester", id) == ["dear Bob"]
    (heard,) = api.get("requester", f"tickets/{id}/comments")["items"]
    assert heard["author"] == "provider" and heard["author_name"] == ""


def test_what_a_requester_says_reaches_whoever_has_the_ticket(api: Asking) -> None:
    id = api.ticket(to="acme")
    said = api.post("requester", f"tickets/{id}/comments", {"text": "any news?"})
    assert said["author"] == "requester"
    assert texts(api, "provider", id) == ["any news?"] and texts(api, "requester", id) == ["any news?"]
    mine = api.ticket()
    api.post("requester", f"tickets/{mine}/comments", {"text": "hello"})
    assert api.get("agent", f"tickets/{mine}/comments")["items"][0]["audience"] == ["requester"]


def test_comments_come_in_pages(api: Asking) -> None:
    id = api.ticket()
    for n in range(5):
        api.post("agent", f"tickets/{id}/comments", {"text": str(n), "audience": ["requester"] if n % 2 else ["team"]})
    first = api.get("agent", f"tickets/{id}/comments?limit=2")
    rest = api.get("agent", f"tickets/{id}/comments?limit=5&after={first['next']}")
    assert [c["text"] for c in first["items"] + rest["items"]] == list("01234") and rest["next"] is None
    assert texts(api, "requester", id) == ["1", "3"]


def test_a_file_travels_and_comes_back_as_bytes(api: Asking) -> None:
    id = api.ticket(to="acme")
    data = bytes(range(256)) * 1000
    told = upload(api, "agent", id, (data, "../../étage/отчёт.pdf", "application/pdf"), audience="provider:acme")
    assert told.status_code == 201
    (file,) = told.json["items"]
    assert file["name"] == "отчёт.pdf" and file["size"] == len(data)
    assert file["sha256"] == hashlib.sha256(data).hexdigest()
    for who in ("agent", "provider"):
        got = api(who, "GET", f"tickets/{id}/attachments/{file['id']}")
        assert got.status_code == 200 and got.data == data
    assert "filename*=UTF-8''%D0%BE" in got.headers["Content-Disposition"]
    assert api("requester", "GET", f"tickets/{id}/attachments/{file['id']}").status_code == 404
    assert api("other", "GET", f"tickets/{id}/attachments/{file['id']}").status_code == 404
    api.world.run()
    record = api.get("agent", f"tickets/{id}/links")["items"][0]["remote_id"]
    assert [u.data for u in api.world.desks["acme"].get(record).uploads] == [data]


NASTY = (
    (EICAR, "eicar.com", "application/x-msdownload"),
    (b"<script>alert(1)</script>", "page.html", "text/html"),
    (b"<svg onload=alert(1)>", "a.svg", "image/svg+xml"),
    (b"x", 'a"b\r\nSet-Cookie: x=1', "text/plain"),
    (b"x", "CON", "nonsense"),
)


def test_nothing_is_ever_shown_in_place(api: Asking) -> None:
    id = api.ticket()
    for file in NASTY:
        told = upload(api, "agent", id, file)
        assert told.status_code == 201, told.json
        got = api("agent", "GET", f"tickets/{id}/attachments/{told.json['items'][0]['id']}")
        assert got.data == file[0] and got.headers["Content-Disposition"].startswith("attachment; ")
        assert got.headers["X-Content-Type-Options"] == "nosniff" and "Set-Cookie" not in got.headers
        assert got.headers["Content-Security-Policy"].startswith("sandbox")
        assert got.mimetype in ("application/octet-stream", "text/plain")


def test_a_file_of_more_than_25_mb_is_refused_and_leaves_nothing(api: Asking) -> None:
    id = api.ticket()
    refused = upload(api, "agent", id, (b"x" * (MAX_BYTES + 1), "big", "text/plain"))
    assert refused.status_code == 413 and refused.content_type == "application/problem+json"
    assert api.get("agent", f"tickets/{id}/attachments")["items"] == []
    folder = api.world.rt.config.home / "files"
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_form_has_files_and_nothing_unknown(api: Asking) -> None:
    id = api.ticket()
    assert upload(api, "agent", id).status_code == 422
    assert upload(api, "agent", id, (b"x", "a", "text/plain"), other="1").json["errors"][0]["field"] == "other"
    assert upload(api, "agent", id, (b"x", "a", "text/plain"), audience="all").status_code == 422
    assert api("agent", "POST", f"tickets/{id}/attachments", {"file": "x"}).status_code == 415


def test_the_same_form_with_the_same_key_is_stored_once(api: Asking) -> None:
    id = api.ticket()
    for data, status in ((b"one", 201), (b"one", 201), (b"two", 422)):
        parts = {"file": [(io.BytesIO(data), "a.txt", "text/plain")]}
        kind, key = "multipart/form-data", {"Idempotency-Key": "f"}
        got = api("agent", "POST", f"tickets/{id}/attachments", data=parts, content_type=kind, headers=key)
        assert got.status_code == status
    assert len(api.get("agent", f"tickets/{id}/attachments")["items"]) == 1


def test_time_worked(api: Asking) -> None:
    id = api.ticket(to="acme")
    body = {"minutes": 90, "text": "cables", "started_at": "2026-11-20T08:00:00Z"}
    told = api.post("agent", f"tickets/{id}/worklogs", body)
    assert (told["minutes"], told["started_at"]) == (90, "2026-11-20T08:00:00.000000Z")
    assert api.get("provider", f"tickets/{id}/worklogs")["items"] == []
    api.world.run()
    assert [w["text"] for w in api.get("provider", f"tickets/{id}/worklogs")["items"]] == ["cables"]
    assert api("agent", "POST", f"tickets/{id}/worklogs", {"minutes": 1.5}).status_code == 422
    assert api("provider", "POST", f"tickets/{id}/worklogs", {"minutes": 5}).status_code == 409
