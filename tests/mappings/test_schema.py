"""The closed language: what it does not have is refused with a code, a place and the nearest word."""

import pytest

from mappings.codes import CODES
from mappings.engine import compile_mapping
from mappings.model import Complaint, MappingError
from tests.mappings import support

GOOD = "  title: {field: title, overlong: comment}\n  status: {field: state, values: {Open: new, Done: resolved}}"


def one(fields: str, extra: str = "") -> Complaint:
    told = support.refused(fields, extra)
    assert len(told) == 1, [str(complaint) for complaint in told]
    return told[0]


def mark(told: Complaint, text: str) -> str:
    """The word the complaint points at."""
    return text.splitlines()[told.line - 1][told.col - 1 :]


def test_the_good_one_is_taken() -> None:
    assert support.refused(GOOD) == []


@pytest.mark.parametrize(
    ("fields", "extra", "code", "at", "fix"),
    [
        ("  title: {feild: title}", "", "M002", "feild", "did you mean 'field'?"),
        (GOOD, "comment: {}", "M002", "comment:", "did you mean 'comments'?"),
        (GOOD, "comments: {inwards: {}}", "M002", "inwards", "did you mean 'inward'?"),
        (GOOD, "examples: [{gives: {}, in: {}, form: x}]", "M002", "form", "one of"),
        ("  title: {field: title, direction: outward}", "", "M003", "outward", "did you mean 'out'?"),
        ("  title: {field: title, conflict: mine}", "", "M003", "mine", "one of: ask, newest, ours, theirs"),
        ("  title: {overlong: hold}", "", "M003", "title", "name the remote field"),
        ("  title: [a, b]", "", "M003", "[a", ""),
        ("  title: null", "", "M003", "null", "leave the key out"),
        ("  assets: {field: one, transform: first, expr: x, direction: in}", "", "M003", "expr", "one of them"),
        ("  status: {field: state, values: {}, transform: first}", "", "M003", "transform", "one of them"),
        ("  status: {field: state, direction: in, write: {new: Open}}", "", "M003", "write", "remove it"),
        ("  status: {field: state, direction: out, values: {Open: new}}", "", "M003", "values", "remove it"),
        ("  title: {field: title, direction: in, conflict: ask}", "", "M003", "conflict", "remove it"),
        ("  title: {field: title, avoid: [Open]}", "", "M003", "avoid", "remove it"),
        ("  title: {field: title, per: state}", "", "M003", "per", "give `values` by context"),
        ("  status: {field: state, values: {Open: {Working: new}}}", "", "M003", "{Working", ""),
        ("  status: {field: state, values: {Open: [new]}}", "", "M003", "[new", ""),
        (GOOD, "worklogs: always", "M003", "always", "one of: both, in, none, out"),
        (GOOD, "attachments: {max: huge}", "M003", "huge", "such as 10 MB"),
        (GOOD, "comments: {outward: {everyone: all}}", "M003", "everyone", "one of: provider"),
        (GOOD, "comments: {inward: {all: team}}", "M003", "team", "one of"),
        (GOOD, "examples: [{in: {}, out: {}, gives: {}}]", "M003", "{in", "one of them"),
        (GOOD, "examples: [{in: {}}]", "M003", "{in", "add `gives:`"),
        (GOOD, "defaults: {owner: {mail: x}}", "M002", "mail", "did you mean 'email'?"),
        ("  titel: title", "", "M010", "titel", "did you mean 'title'?"),
        (GOOD, "unsupported: {tagz: none}", "M010", "tagz", "did you mean 'tags'?"),
        ("  title: titel", "", "M011", "titel", "did you mean 'title'?"),
        ("  status: {field: [state, hold], values: {}}", "", "M011", "hold", "one of"),
        (GOOD, "defaults: {titel: x}", "M011", "titel", "did you mean 'title'?"),
        (GOOD, "comments: {reaches: {stuff: provider}}", "M011", "stuff", "did you mean 'staff'?"),
        (GOOD, "comments: {outward: {provider: stuff}}", "M011", "stuff", "did you mean 'staff'?"),
        (GOOD, "comments: {inward: {stuff: provider}}", "M011", "stuff", "did you mean 'staff'?"),
        (
            "  status: {field: state, values: {Open: pending_requestor}}",
            "",
            "M012",
            "pending_requestor",
            "pending_requester",
        ),
        ("  status: {field: state, values: {}, write: {clsoed: Done}}", "", "M012", "clsoed", "did you mean 'closed'?"),
        ("  status: {field: state, values: {Opne: new}}", "", "M013", "Opne", "did you mean 'Open'?"),
        ("  status: {field: state, values: {'is:over': closed}}", "", "M013", "'is:over'", ""),
        ("  status: {field: state, values: {}, write: {closed: Doen}}", "", "M013", "Doen", "did you mean 'Done'?"),
        ("  status: {field: state, values: {}, avoid: [Doen]}", "", "M013", "Doen", "did you mean 'Done'?"),
        (GOOD, "defaults: {impact: Hihg}", "M013", "Hihg", "did you mean 'High'?"),
        ("  status: {field: state, values: {Open: new, 1: closed}}", "", "M014", "1", ""),
        ("  due: {field: title}", "", "M020", "title", "a table or a transform"),
        ("  impact: {field: impact, direction: out}", "", "", "", ""),
        ("  assets: one", "", "M025", "one", "first"),
        ("  due: {field: day, transform: {date: '25:00'}}", "", "M022", "{date", "right parameters"),
        ("  due: {field: day, transform: {date: '18:00', zone: Mars/Base}}", "", "M022", "{date", ""),
        ("  due: {field: day, transform: {day: '18:00'}}", "", "M022", "{day", ""),
        ("  title: {field: body, expr: 'title + 1', direction: out}", "", "M100", "'title", ""),
        ("  title: {field: body, expr: '1 + 1', direction: out}", "", "M100", "'1", ""),
        ("  title: {field: body, expr: 'title'}", "", "M101", "expr", "`direction: in` or `out`"),
    ],
)
def test_each_mistake_has_its_code_place_and_fix(fields: str, extra: str, code: str, at: str, fix: str) -> None:
    if not code:
        assert support.refused(fields, extra) == []
        return
    told = one(fields, extra)
    assert told.code == code
    assert mark(told, support.desk_text(fields, extra)).startswith(at)
    assert fix in told.fix
    assert told.severity == CODES[code].severity


@pytest.mark.parametrize("line", ["mapping: 2", "mapping: one"])
def test_the_language_version_is_one(line: str) -> None:
    with pytest.raises(MappingError, match="M003 language version"):
        compile_mapping(support.desk_text(GOOD).replace("mapping: 1", line), support.DESK, support.VOCABULARY)


def test_a_complaint_reads_as_one_line() -> None:
    told = one("  title: titel")
    assert str(told).startswith("mapping:6:10 E M011 desk has no field 'titel' / e.g. ")
    assert str(told).endswith(" / did you mean 'title'?")


def test_a_mapping_for_another_connector_is_refused() -> None:
    with pytest.raises(MappingError, match="M003 a mapping for rt, the catalogue is jsm's"):
        compile_mapping(support.source("rt"), {"connector": "jsm"}, support.VOCABULARY)


def test_extends_needs_a_parent_that_extends_nothing() -> None:
    text = support.source("acme-rt")
    with pytest.raises(MappingError, match="M005 `extends: rt` names nothing published"):
        compile_mapping(text, support.catalogue("rt"), support.VOCABULARY)
    with pytest.raises(MappingError, match="M005 rt extends something itself"):
        compile_mapping(text, support.catalogue("rt"), support.VOCABULARY, text)


def test_a_complaint_about_inherited_text_points_into_the_parent() -> None:
    parent = support.source("rt").replace("stalled: pending_requester", "staled: pending_requester")
    with pytest.raises(MappingError) as caught:
        compile_mapping("mapping: 1\nname: a\nextends: rt\n", support.catalogue("rt"), support.VOCABULARY, parent, "a")
    (told,) = caught.value.complaints
    assert (told.file, told.code) == ("rt", "M013")
    assert "staled" in parent.splitlines()[told.line - 1]
