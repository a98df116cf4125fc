"""Every code is raised by a broken mapping at the right place, and by its own check alone."""

import copy
from typing import Any

import pytest

from mappings.codes import CODES
from mappings.model import Complaint
from mappings.prover import CHECKS, Proof, drift, prove
from mappings.share import compile_share
from tests.mappings import support
from tests.mappings.broken import BROKEN, CATALOGUE, TEXT, Broken, Change, entry, top


def proof(edit: tuple[str, str] = ("", ""), change: Change | None = None, **more: Any) -> tuple[str, Proof]:
    assert edit[0] in TEXT
    text = TEXT.replace(*edit, 1) if edit[0] else TEXT
    doc = copy.deepcopy(CATALOGUE)
    if change is not None:
        change(doc)
    return text, prove(text, doc, support.VOCABULARY, name="desk", **more)


def broken(case: Broken, **more: Any) -> tuple[str, Proof]:
    text = TEXT
    for good, bad in (case.edit, case.also):
        assert good in text
        text = text.replace(good, bad, 1) if good else text
    doc = copy.deepcopy(CATALOGUE)
    if case.change is not None:
        case.change(doc)
    return text, prove(text, doc, support.VOCABULARY, name="desk", **more)


def pointed(text: str, told: Complaint) -> str:
    return text.splitlines()[told.line - 1][told.col - 1 :]


def test_the_good_mapping_has_no_complaint_at_all() -> None:
    assert proof()[1] == Proof([], 0)


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case.code}-{case.at}")
def test_each_code_is_raised_at_its_place(case: Broken) -> None:
    text, found = broken(case)
    matching = [told for told in found.complaints if told.code == case.code and case.cause in told.cause]
    assert matching, [str(told) for told in found.complaints]
    assert any(pointed(text, told).startswith(case.at) for told in matching), [pointed(text, told) for told in matching]
    for told in matching:
        assert told.severity == CODES[case.code].severity
        assert told.example
        assert told.fix
    assert found.holds == (CODES[case.code].severity == "W" and all(told.severity == "W" for told in found.complaints))


@pytest.mark.parametrize(
    "case",
    [case for case in BROKEN if case.code in CHECKS and not case.early],
    ids=lambda case: f"{case.code}-{case.at}",
)
def test_without_its_check_the_mistake_passes(case: Broken) -> None:
    _, found = broken(case, skip={case.code})
    assert case.code not in {told.code for told in found.complaints if case.cause in told.cause}


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_that_is_taken_out_is_missed(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each check there is a test above or below that fails without it."""
    monkeypatch.setattr("mappings.prover.CHECKS", {name: check for name, check in CHECKS.items() if name != code})
    if code == "M006":
        with pytest.raises(ValueError, match="unpack"):
            test_a_difference_that_is_none_is_told("  due: Due", "due", "fields.due.field is inherited")
    elif code in ("M090", "M091"):
        with pytest.raises((AssertionError, ValueError)):
            test_the_policy_withholds_fields_and_what_expressions_use()
    else:
        for case in [case for case in BROKEN if case.code == code and not case.early]:
            with pytest.raises(AssertionError):
                test_each_code_is_raised_at_its_place(case)
        assert any(case.code == code and not case.early for case in BROKEN)


def test_every_code_of_the_table_is_broken_by_some_mapping() -> None:
    elsewhere = {"M006", "M090", "M091", "M111"}
    assert {case.code for case in BROKEN} | elsewhere == set(CODES)
    assert len(BROKEN) >= 60


# the shipped, the inherited, the policy -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*support.NAMES, *support.WORKED])
def test_every_shipped_mapping_holds(name: str) -> None:
    found = prove(support.source(name), support.catalogue(name), support.VOCABULARY, name=name)
    assert found.holds, [str(told) for told in found.complaints]
    assert {told.code for told in found.complaints} <= {"M041", "M051", "M063", "M085"}


def acme(text: str, **more: Any) -> Proof:
    return prove(text, support.catalogue("rt"), support.VOCABULARY, support.source("rt"), name="acme-rt", **more)


def test_a_child_answers_for_what_it_touches_and_the_rest_is_counted() -> None:
    found = acme(support.source("acme-rt"))
    assert found.holds
    assert [(told.file, told.code, told.cause) for told in found.complaints] == [
        ("acme-rt", "M041", "status: pending_requester comes back as pending_provider")
    ]
    assert found.inherited == 3


@pytest.mark.parametrize(
    ("fields", "at", "cause"),
    [
        ("  due: Due", "due", "fields.due.field is inherited"),
        ("  status: {values: {open: in_progress}}", "open", "fields.status.values.open is inherited"),
        ("  service: null", "service", "fields.service is not inherited"),
    ],
)
def test_a_difference_that_is_none_is_told(fields: str, at: str, cause: str) -> None:
    text = f"mapping: 1\nname: acme-rt\nextends: rt\nfields:\n{fields}\n"
    (told,) = [told for told in acme(text).complaints if told.code == "M006"]
    assert told.severity == "W"
    assert cause in told.cause
    assert pointed(text, told).startswith(at)
    assert "M006" not in {told.code for told in acme(text, skip={"M006"}).complaints}


def test_the_policy_withholds_fields_and_what_expressions_use() -> None:
    policy = compile_share("share: 1\nprovider: acme\nfields: [title, subcategory]", support.VOCABULARY)
    text = TEXT.replace(
        "  subcategory: detail", "  subcategory: {field: detail, direction: out, expr: resolution_text, overlong: hold}"
    )
    found = prove(text, CATALOGUE, support.VOCABULARY, policy=policy, name="desk")
    (uses,) = [told for told in found.complaints if told.code == "M091"]
    assert "subcategory uses resolution_text, which acme's policy withholds" in uses.cause
    assert pointed(text, uses).startswith("resolution_text")
    withheld = {told.cause.split()[-1] for told in found.complaints if told.code == "M090"}
    assert {"description", "due", "requester"} <= withheld
    assert not {"title", "assignee", "subcategory"} & withheld
    quiet = prove(text, CATALOGUE, support.VOCABULARY, policy=policy, name="desk", skip={"M090", "M091"})
    assert not {"M090", "M091"} & {told.code for told in quiet.complaints}


def test_complaints_come_in_the_order_of_the_text() -> None:
    _, found = proof(("source: E-mail, cause: Fixed", ""), top("attachments", max=1))
    assert [told.line for told in found.complaints] == sorted(told.line for told in found.complaints)
    assert len(found.complaints) >= 3


def test_a_pass_runs_only_if_those_before_found_no_error() -> None:
    _, found = proof(("  tags: labels", "  tagz: labels"), entry("labels", max=1))
    assert {told.code for told in found.complaints} == {"M010"}


# M111 -----------------------------------------------------------------------------------------------------------------


def moved(change: Change) -> list[tuple[str, str, str]]:
    now = copy.deepcopy(CATALOGUE)
    change(now)
    found = drift(TEXT, CATALOGUE, now, support.VOCABULARY, name="desk")
    return [(told.severity, pointed(TEXT, told).split(":")[0].split("}")[0], told.cause) for told in found]


def test_nothing_changed_is_nothing_told() -> None:
    assert moved(lambda doc: None) == []


def test_a_value_that_appeared_is_a_warning_with_its_row() -> None:
    change = entry("state", values={**CATALOGUE["fields"]["state"]["values"], "9": "Waiting-Vendor-2"})
    assert moved(change) == [("W", "values", "Waiting-Vendor-2 appeared in state")]


def test_a_used_value_or_field_that_went_is_an_error() -> None:
    values = {id: label for id, label in CATALOGUE["fields"]["state"]["values"].items() if id != "3"}
    assert moved(entry("state", values=values)) == [("E", "pending_requester", "Waiting of state is gone there")]
    assert moved(lambda doc: doc["fields"].pop("due")) == [("E", "due", "due is gone there")]
    assert moved(lambda doc: doc["fields"].pop("source")) == [("E", "mapping", "source is gone there")]


def test_a_label_that_was_renamed_is_no_change() -> None:
    values = {**CATALOGUE["fields"]["state"]["values"], "3": "On hold"}
    assert moved(entry("state", values=values)) == []
