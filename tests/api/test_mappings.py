"""Mappings through the API: drafts under ETags, proofs, versions, canaries and the way back."""

from __future__ import annotations

from typing import Any

from tests.api.support import ROLES, Asking

TOWN = "mapping: 1\nname: town\nextends: memory\n"
OTHER = TOWN + (
    "fields: {status: {values: {vendor: in_progress},"
    " write: {in_progress: working, pending_provider: waiting, pending_problem: waiting}}}\n"
)
FIRST = {"reason": "a beginning", "text": TOWN, "connections": ["acme"]}


def begun(api: Asking, text: str = TOWN) -> str:
    """The ETag of a draft of town."""
    return str(api.post("admin", "mappings", {"text": text})["etag"])


def published(api: Asking, body: dict[str, Any]) -> Any:
    return api.post("admin", "mappings/town/publish", body)


def test_a_draft_is_begun_edited_under_its_etag_and_published(api: Asking) -> None:
    etag = begun(api)
    answer = api("agent", "GET", "mappings/town/draft")
    assert (answer.json["text"], answer.json["author"], answer.headers["ETag"]) == (TOWN, "the admin", f'"{etag}"')
    (mine,) = [one for one in api.get("agent", "mappings")["items"] if one["name"] == "town"]
    assert (mine["version"], mine["draft"], mine["id"]) == (None, True, None)
    headers = {"If-Match": f'"{etag}"'}
    saved = api("admin", "PUT", "mappings/town/draft", {"text": OTHER}, headers=headers)
    assert saved.status_code == 200 and saved.json["etag"] != etag
    for stale in (headers, {}):
        answer = api("admin", "PUT", "mappings/town/draft", {"text": TOWN}, headers=stale)
        assert answer.status_code == 412 and "the admin has edited the draft of town" in answer.json["title"]
    assert api("admin", "DELETE", "mappings/town/draft", headers=headers).status_code == 412
    made = published(api, {"reason": "x", "accept": ["M041:status"], "connections": ["acme"]})
    assert (made["version"]["name"], made["version"]["version"], made["connections"]) == ("town", 1, ["acme"])
    assert api("admin", "GET", "mappings/town/draft").status_code == 404
    again = api("admin", "PUT", "mappings/town/draft", {"text": TOWN})
    assert again.status_code == 200
    headers = {"If-Match": again.headers["ETag"]}
    assert api("admin", "DELETE", "mappings/town/draft", headers=headers).status_code == 204


def test_a_mapping_is_begun_once_and_never_by_a_shipped_name(api: Asking) -> None:
    begun(api)
    assert api("admin", "POST", "mappings", {"text": TOWN}).status_code == 412
    published(api, FIRST)
    assert api("admin", "POST", "mappings", {"text": OTHER}).status_code == 409
    assert api("admin", "PUT", "mappings/memory/draft", {"text": TOWN}).status_code == 409
    assert api("admin", "PUT", "mappings/nothing/draft", {"text": TOWN}).status_code == 404
    for wrong in ("mapping: 1\nname: No Slug\n", "mapping: 1\n", "a: [", "x"):
        assert api("admin", "POST", "mappings", {"text": wrong}).status_code == 422
    other = api("admin", "POST", "mappings/town/publish", {**FIRST, "text": TOWN.replace("town", "city")})
    assert other.status_code == 422 and "another name" in other.get_data(as_text=True)


def test_a_proof_says_every_line_and_what_would_have_to_be_accepted(api: Asking) -> None:
    good = api.post("admin", "mappings/prove", {"text": OTHER, "connections": ["acme"]}, 200)
    assert (good["ok"], good["name"], good["connections"]) == (True, "town", ["acme"])
    assert good["warnings"] == ["M041:status"] and len(good["hash"]) == 64
    assert {one["name"] for one in good["complaints"] if one["severity"] == "W"} == {"M041:status"}
    wrong = api.post("admin", "mappings/prove", {"text": TOWN + "feilds: {}\n"}, 200)
    (one,) = wrong["complaints"]
    assert (wrong["ok"], one["code"], one["line"], one["severity"]) == (False, "M002", 4, "E")
    assert api.post("admin", "mappings/prove", {"text": "a: ["}, 200)["complaints"][0]["code"] == "M001"
    for text, said in ((TOWN.replace("extends: memory", "extends: nobody"), "no such mapping"),):
        answer = api("admin", "POST", "mappings/prove", {"text": text})
        assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    answer = api("admin", "POST", "mappings/prove", {"text": TOWN, "connections": ["zed"]})
    assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "connections"


def test_what_is_not_accepted_or_not_right_is_not_published(api: Asking) -> None:
    body = {**FIRST, "text": OTHER}
    answer = api("admin", "POST", "mappings/town/publish", body)
    assert answer.status_code == 422
    assert {one["title"][:11] for one in answer.json["errors"]} == {"M041 status"}
    assert "accept M041:status" in answer.json["errors"][0]["fix"]
    wrong = OTHER.replace("in_progress: working", "in_progress: wroking")
    answer = api("admin", "POST", "mappings/town/publish", {**body, "text": wrong, "accept": ["all"]})
    assert answer.status_code == 422 and answer.json["errors"][0]["title"].startswith("M013")
    assert published(api, {**body, "accept": ["M041"]})["version"]["accepted"] == ["M041:status"]
    answer = api("admin", "POST", "mappings/town/publish", {**FIRST, "expect": 0})
    assert answer.status_code == 409 and "the admin has published town@1 meanwhile" in answer.json["title"]


def test_a_canary_and_the_way_back_with_all_links_counted(api: Asking) -> None:
    for number in range(6):
        api.ticket(f"T {number}", to="acme")
    api.ticket("other", to="bolt")
    first = published(api, FIRST)
    assert (first["moved"], first["there"], first["left"], first["failed"]) == (6, 0, 0, [])
    second = published(api, {"reason": "try", "text": OTHER, "accept": ["all"], "percent": 50})
    assert second["moved"] + second["left"] == 6
    versions = api.get("agent", "mappings/town")["items"]
    assert [(one["version"], one["links"], one["connections"]) for one in versions] == [
        (2, second["moved"], []), (1, second["left"], ["acme"]),
    ]  # fmt: skip
    whole = api.post("admin", "mappings/town/canary", {"percent": 100, "reason": "it is good"}, 200)
    assert (whole["moved"], whole["there"]) == (second["left"], second["moved"])
    assert api("admin", "POST", "mappings/town/canary", {"percent": 10}).status_code == 409
    back = api.post("admin", "mappings/town/rollback", {"version": 1, "reason": "it is not"})
    assert (back["version"]["version"], back["version"]["links"], back["moved"]) == (3, 6, 6)
    assert api.get("agent", "mappings/town/3")["text"] == TOWN
    assert '"name":"town"' in api.get("agent", "mappings/town/3")["effective"]
    entries = api.get("auditor", "audit?subject=mapping:town")["items"]
    assert sorted(one["verb"] for one in entries) == ["canary", "published", "published", "published"]
    assert api.get("agent", "mappings/memory")["items"][0]["connections"] == ["bolt"]


def test_differences_are_shown_between_any_two(api: Asking) -> None:
    published(api, FIRST)
    etag = api("admin", "PUT", "mappings/town/draft", {"text": OTHER})
    assert etag.status_code == 200
    found = api.get("agent", "mappings/town/diff")
    assert (found["before"], found["after"], found["changes"]) == ("town@1", "draft", ["status: values, write"])
    assert "+fields: {status" in found["diff"]
    published(api, {"reason": "x", "accept": ["all"]})
    assert api.get("agent", "mappings/town/diff")["after"] == "town@2"
    same = api.get("agent", "mappings/town/diff?version=1&against=1")
    assert (same["diff"], same["changes"]) == ("", [])
    first = api.get("agent", "mappings/town/diff?version=1")
    assert (first["before"], first["changes"]) == (None, ["there is none yet"])
    assert api("agent", "GET", "mappings/town/diff?version=9").status_code == 404


def test_only_an_admin_changes_anything(api: Asking) -> None:
    begun(api)
    tries = [
        ("POST", "mappings", {"text": TOWN}), ("PUT", "mappings/town/draft", {"text": TOWN}),
        ("DELETE", "mappings/town/draft", None), ("POST", "mappings/prove", {"text": TOWN}),
        ("POST", "mappings/town/publish", FIRST), ("POST", "mappings/town/canary", {"percent": 1}),
        ("POST", "mappings/town/rollback", {"version": 1, "reason": "x"}),
        ("POST", "policies/prove", {"text": "x"}),
        ("POST", "policies/share:acme/rollback", {"version": 1, "reason": "x"}),
    ]  # fmt: skip
    for who in ROLES[1:]:
        assert {api(who, method, path, body).status_code for method, path, body in tries} == {403}
    assert "town" in [one["name"] for one in api.get("auditor", "mappings")["items"]]
