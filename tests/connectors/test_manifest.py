"""The loader and the closed schema: what is no manifest is refused, with line and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors import registry
from connectors.manifest import BadManifest, load
from connectors.yamltext import BadYaml
from connectors.yamltext import load as read_yaml
from tests.connectors.support import DESKLY


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: &x 1", (1, 4), "anchors"),
        ("a: 1\nb: *a", (2, 4), "aliases"),
        ("a: !!int 1", (1, 4), "tags"),
        ("a: !mine {}", (1, 4), "tags"),
        ("a: 1\nb: 2\na: 3", (3, 1), "twice"),
        ("a: {b: 1, b: 2}", (1, 11), "twice"),
        ("? [a]\n: b", (1, 3), "key"),
        ("a: 1\n---\nb: 2", (3, 1), "second document"),
        ("[" * 20_000, (1, 13), "deeper"),
        ("a: " + "{a: " * 13 + "}" * 13, (1, 48), "deeper"),
        ("x" * 65_000, (1, 1), "longer"),
        ("a:\n\tb: 1", (2, 1), "token"),
        ("a: \x00", (1, 1), "character"),
        ("", (1, 1), "nothing"),
    ],
)
def test_yaml_that_is_not_read(text: str, place: tuple[int, int], words: str) -> None:
    with pytest.raises(BadYaml, match=words) as caught:
        read_yaml(text)
    assert caught.value.place == place


def test_the_core_schema_and_nothing_more() -> None:
    text = "on: yes\nno: off\n1: 2026-01-01\nt: 1:30\nf: 1.5\no: 010\nn: null\ne:\nb: true\ni: -7\nq: '7'\nh: 0x1f"
    assert read_yaml(text).value == {
        "on": "yes",
        "no": "off",
        "1": "2026-01-01",
        "t": "1:30",
        "f": "1.5",
        "o": 10,
        "n": None,
        "e": None,
        "b": True,
        "i": -7,
        "q": "7",
        "h": "0x1f",
    }


@pytest.mark.parametrize("kind", registry.kinds())
def test_every_shipped_manifest_loads(kind: str) -> None:
    manifest = registry.manifest(kind)
    assert manifest.kind == kind
    assert re.fullmatch(r"[0-9a-f]{64}", manifest.sha256)


def test_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        registry.manifest("nobody")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("record:\n", "recrod:\n", r":14:1 unknown key 'recrod' \(did you mean record\?\)"),
        ("manifest: 1", "manifest: 2", "is none of: 1"),
        ("type: rich", "type: ritch", r"did you mean rich\?"),
        ("send: GET /me", "send: FETCH /me", "write METHOD /path"),
        ('"GET /tickets/{id}"', '"GET /tickets/{ids}"', r"{ids} is no name here \(did you mean id\?\)"),
        ('"{settings.team}"', '"{settings.teem}"', r"did you mean settings\.team\?"),
        ('"{ref}"', '"{ref"', "after { comes a name"),
        ("items: data", "items: 'data['", r"\[ without \]"),
        ("overlap: 5m", "overlap: soon", "no duration"),
        ("kind: time", "kind: tyme", r"did you mean time\?"),
        ("  attach: ", "  attachh: ", "'attach' is neither defined nor explained"),
        ('  person: "Persons', '  fetch_more: "a"\n  person: "Persons', None),
        ("reference: partner_ref", "reference: partner", "is no field"),
        ("partner_ref: {max: 80}", "partner_ref: {max: 30}", "hold 40 characters"),
        ("partner_ref: {max: 80}", "partner_ref: {max: 80, write: none, read: a}", "writable"),
        ("reaches: [staff],  ", "reaches: [requester],", "own staff"),
        ("reaches: [staff],  ", "reaches: [staff, requester],", "internal_comment"),
        ('"true": note', '"true": nope', "is no channel"),
        ("cannot:\n", 'cannot:\n  find: "no"\n', "is defined, so it cannot stand under cannot"),
        ('/api"', '/api?key={secret.token}"', "a secret may not stand in a URL"),
        ("status:   {", "state:   {", "the status field 'status' is not in the catalogue"),
        ("limits: {in_flight: 2}", "limits: {in_flight: 2}\nhooks: [items]", "has no method 'items'"),
        ("limits: {in_flight: 2}", "limits: {in_flight: 2}\nhooks: [anything]", "is none of"),
        ("{type: rich}", "{type: rich, live: words}", "is no list"),
        ("{type: rich}", "{type: rich, at: b, read: b}", "either at, or read and write"),
        ("{type: rich}", "{type: rich, required_when: {nothing: [a]}}", "is no field"),
        ("token: {headers", "token: {basic: [a, b], headers", "one of basic, headers, token"),
        ('"GET /tickets/{id}", record: ""}', '"GET /tickets/{id}"}', "the key 'record' is missing"),
        ("  record_id: ticket.id", "  record_id: a\n  event: {at: b, values: {c: deleted}}", "'deleted' is none of"),
        ("body: {team:", "form: {a: b}, body: {team:", "one of body, form, multipart, bytes"),
    ],
)
def test_complaints(old: str, new: str, complaint: str | None) -> None:
    assert old in DESKLY
    text = DESKLY.replace(old, new)
    if complaint is None:
        load(text)
        return
    with pytest.raises(BadManifest, match=complaint) as caught:
        load(text, "deskly.yaml")
    assert all(re.match(r"deskly\.yaml:\d+:\d+ ", line) for line in caught.value.complaints)


def test_a_secret_may_not_stand_in_a_query_either() -> None:
    text = DESKLY.replace('query: {partner_ref: "{ref}"}', 'query: {partner_ref: "{ref}", key: "{secret.token}"}')
    with pytest.raises(BadManifest, match="a secret may not stand in a URL"):
        load(text)


def test_every_complaint_comes_at_once() -> None:
    text = DESKLY.replace("type: rich", "type: ritch").replace("kind: time", "kind: tyme")
    with pytest.raises(BadManifest) as caught:
        load(text)
    assert len(caught.value.complaints) == 2


def test_hooks_that_are_not_listed() -> None:
    class Hooks:
        def items(self) -> None: ...

    with pytest.raises(BadManifest, match="not listed"):
        load(DESKLY, hooks=Hooks)


def test_each_kind_has_its_readme_and_tests() -> None:
    root = Path(__file__).parents[2]
    for kind in set(registry.kinds()) - {"memory"}:
        assert (root / "connectors" / kind / "README.md").is_file(), kind
        assert list((root / "tests/connectors" / kind).glob("test_*.py")), kind
