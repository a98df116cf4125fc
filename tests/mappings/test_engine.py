"""What a compiled mapping answers (MAPPINGS.md section 2)."""

import json
from typing import Any

import pytest

from mappings.model import Attachments, Reading
from tests.mappings import support

RT, SERVICENOW, JSM = support.compiled("rt"), support.compiled("servicenow"), support.compiled("jsm")
CONNECTWISE, REDMINE = support.compiled("connectwise"), support.compiled("redmine")
PROVIDER, BOTH = frozenset({"provider"}), frozenset({"provider", "requester"})


# inward ---------------------------------------------------------------------------------------------------------------


def test_a_key_that_is_absent_was_not_observed_and_an_empty_one_is_empty() -> None:
    assert RT.observe({}) == {}
    assert RT.observe({"Due": None, "cfs:Asset Tag": None}) == {"due": None, "assets": []}
    assert RT.inward({"Due": None})[0] == {"due": None}


def test_observe_gives_normal_forms_of_every_direction() -> None:
    record = {
        "Subject": "Cafe\u0301 \r\n",
        "Priority": 80.0,
        "Requestor": {"email": "a@b.example", "id": "7"},
        "Status": "x",
    }
    assert RT.observe(record) == {"title": "Café", "priority": "80", "requester": "a@b.example", "status": "x"}


def test_wires_are_plain_json() -> None:
    wires = SERVICENOW.observe(
        {"state": 3, "hold_reason": "4", "assigned_to": {"email": "x@y.example"}, "due_date": None}
    )
    assert json.loads(json.dumps(wires)) == wires
    assert wires["status"] == ["3", "4"]


def test_a_leaf_higher_up_ignores_the_rest() -> None:
    stale, clean = {"state": "2", "hold_reason": "1"}, {"state": "2", "hold_reason": ""}
    assert SERVICENOW.observe(stale) == SERVICENOW.observe(clean) == {"status": ["2"]}


def test_reading_a_stored_path_needs_no_record() -> None:
    assert SERVICENOW.read("status", ["3", "1"], {}) == Reading("value", "pending_requester")
    assert SERVICENOW.read("status", ["3", ""], {}) == Reading("value", "pending_provider")
    assert SERVICENOW.read("status", ["3", "77"], {}).kind == "held"


def test_an_unmapped_value_is_held_with_their_word_for_it_and_the_rest_goes_on() -> None:
    values, held, notes = RT.inward({"Status": "waiting-vendor-2", "Subject": "x"})
    assert values == {"title": "x"}
    assert held == [("status", "waiting-vendor-2 in Status means nothing here yet")]
    assert notes == []


def test_unmapped_note_keeps_ours_and_says_so() -> None:
    values, held, notes = SERVICENOW.inward({"category": "facilities"})
    assert (values, held) == ({}, [])
    assert notes == [("category", "facilities in category means nothing here yet")]


def test_a_declared_nothing_is_said_inward_and_outward() -> None:
    mapping = support.desk("  impact: {field: impact, values: {High: high, Medium: medium, Low: []}, write: {low: []}}")
    assert mapping.read("impact", "l", {}) == Reading("note", said="impact is Low there, which means nothing here")
    out = mapping.write({"impact": "low"}, {}, False)
    assert (out.fields, out.notes, out.held) == ({}, ["impact: low has no counterpart there"], [])


def test_the_declared_default_is_taken_and_said() -> None:
    mapping = support.desk('  impact: {field: impact, values: {High: high, "*": low}}')
    assert mapping.read("impact", "zz", {}) == Reading("value", "low", "impact is zz there, taken as low")
    assert mapping.inward({"impact": "zz"})[0] == {"impact": "low"}
    assert mapping.inward({"impact": "zz"})[2] == [("impact", "impact is zz there, taken as low")]
    assert mapping.write({"impact": "low"}, {}, False).held[0][0] == "impact"


@pytest.mark.parametrize(("field", "record"), [("title", {"Subject": " \n"}), ("status", {"Status": None})])
def test_a_required_field_of_ours_never_becomes_empty(field: str, record: dict[str, Any]) -> None:
    values, held, notes = RT.inward(record)
    assert (values, held) == ({}, [])
    assert [name for name, _ in notes] == [field]


def test_an_empty_choice_is_empty_and_not_unmapped() -> None:
    assert SERVICENOW.inward({"close_code": None}) == ({"resolution_code": None}, [], [])


@pytest.mark.parametrize("wire", ["soon", "2026-13-99", "20261122T100000"])
def test_a_time_that_is_none_is_held(wire: str) -> None:
    mapping = support.desk("  due: due")
    assert mapping.inward({"due": "2026-11-22T10:00:59+01:00"})[0] == {"due": "2026-11-22T09:00:00Z"}
    kind = mapping.read("due", mapping.observe({"due": wire})["due"], {}).kind
    assert kind == ("value" if wire == "20261122T100000" else "held")


def test_the_table_of_the_context_is_the_one_that_speaks() -> None:
    assert CONNECTWISE.inward({"board": "2", "status": "33"})[0] == {"status": "in_progress"}
    assert CONNECTWISE.inward({"board": "1", "status": "33"})[1][0][0] == "status"


def test_every_value_with_a_flag_that_no_row_names() -> None:
    values = {"1": "Open", "5": {"label": "Done", "is": ["over"]}, "6": {"label": "No", "is": ["over"]}}
    change = {"fields": support.DESK["fields"] | {"state": {"type": "choice", "values": values}}}
    rule = "  status: {field: state, values: {Open: new, 'is:over': closed, No: cancelled}}"
    mapping = support.desk(rule, change=change)
    assert [mapping.read("status", id, {}).value for id in ("1", "5", "6")] == ["new", "closed", "cancelled"]


def test_a_field_without_an_inward_half_means_nothing() -> None:
    assert RT.read("priority", "80", {}) == Reading("note")
    assert RT.inward({"Priority": "80"}) == ({}, [], [])


def test_text_from_a_list_of_theirs_reads_as_its_label() -> None:
    values = SERVICENOW.inward({"assignment_group": "287ebd7da9fe198100f92cc8d1d2154e"})[0]
    assert values == {"custom.provider_group": "Network"}


# people ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "reading"),
    [
        ({"owner": {"id": "7", "email": "ana@x.example", "name": "Ana"}}, Reading("value", {"email": "ana@x.example"})),
        ({"owner": "ana@x.example"}, Reading("value", {"email": "ana@x.example"})),
        ({"owner": "176"}, Reading("value", {"email": "bo@x.example"})),
        ({"owner": {"id": "176", "name": "Bo"}}, Reading("value", {"email": "bo@x.example"})),
        ({"owner": {"id": "9", "name": "New Person"}}, Reading("note", said="New Person is nobody here")),
        ({"owner": "9"}, Reading("note", said="9 is nobody here")),
        ({"owner": None}, Reading("note")),
        ({"owner": ""}, Reading("note")),
        ({"owner": {}}, Reading("note")),
    ],
)
def test_a_person_is_a_hit_or_a_note_and_never_empty(record: dict[str, Any], reading: Reading) -> None:
    mapping = support.desk("  assignee: {field: owner, direction: in, match: email, values: {176: bo@x.example}}")
    assert mapping.read("assignee", mapping.observe(record)["assignee"], record) == reading


def test_people_outward_by_table_by_match_or_not_at_all() -> None:
    mapping = support.desk("  assignee: {field: owner, match: email, values: {176: bo@x.example}}")
    assert mapping.write({"assignee": {"email": "bo@x.example"}}, {}, False).fields == {"owner": {"id": "176"}}
    assert mapping.write({"assignee": {"email": "c@x.example", "name": "C"}}, {}, False).fields == {
        "owner": {"email": "c@x.example"}
    }
    unknown = mapping.write({"assignee": {"name": "Cy"}}, {}, False)
    assert (unknown.fields, unknown.notes) == ({}, ["assignee: Cy is unknown there"])
    assert mapping.write({"assignee": None}, {}, False).notes == ["assignee: nobody is not conveyed"]
    assert mapping.people == {"owner"}


def test_somebody_unknown_there_is_named_in_the_text_of_the_create() -> None:
    out = RT.write({"title": "x", "description": "Error 809.", "requester": {"name": "Alice"}}, {}, True)
    assert out.fields == {"Subject": "x", "Content": "Error 809.\n\nRequester: Alice"}
    assert out.wires["description"] == out.fields["Content"]
    assert RT.write({"requester": {"name": "Alice"}}, {}, False).comments == []


def test_where_the_text_has_no_room_a_comment_names_them() -> None:
    mapping = support.desk(
        "  title: {field: title, overlong: hold}\n  requester: {field: owner, direction: out, match: email}"
    )
    out = mapping.write({"title": "x", "requester": {"name": "Alice"}}, {}, True)
    assert (out.fields, out.comments) == ({"title": "x"}, ["Requester: Alice"])


def test_a_required_person_is_filled_by_the_default() -> None:
    out = SERVICENOW.write({"title": "x", "requester": {"name": "Alice"}}, {}, True)
    assert out.fields["caller_id"] == {"email": "servicedesk@customer.example"}
    known = SERVICENOW.write({"title": "x", "requester": {"email": "alice@customer.example"}}, {}, True)
    assert known.fields["caller_id"] == {"email": "alice@customer.example"}


# outward --------------------------------------------------------------------------------------------------------------


def test_wires_are_what_will_be_observed() -> None:
    changes = {"title": "a ", "status": "closed", "assets": ["b", "a"], "due": "2026-11-22T10:00:00Z", "priority": "P2"}
    out = RT.write(changes, {"Status": "open"}, False)
    assert out.wires == RT.observe(out.fields)
    assert out.wires["assets"] == ["a", "b"]
    assert out.wires["status"] == "resolved"


def test_only_what_changed_is_written() -> None:
    assert RT.write({"due": None}, {"Subject": "x", "Status": "open"}, False).fields == {"Due": None}
    assert RT.write({}, {"Subject": "x"}, False).fields == {}


def test_an_empty_set_and_an_empty_text_are_written_as_such() -> None:
    assert RT.write({"assets": []}, {}, False).fields == {"cfs:Asset Tag": []}
    assert REDMINE.write({"assets": [], "description": ""}, {}, False).fields == {"custom:4": None, "description": None}


def test_an_empty_choice_is_not_conveyed() -> None:
    out = SERVICENOW.write({"resolution_code": None}, {}, False)
    assert (out.fields, out.notes) == ({}, ["resolution_code: empty is not conveyed"])


def test_what_no_value_of_theirs_means_is_held_never_guessed() -> None:
    mapping = support.desk("  status: {field: state, values: {Open: new, Working: in_progress, Waiting: in_progress}}")
    assert mapping.write({"status": "resolved"}, {}, False).held == [("status", "nothing there means resolved")]
    held = mapping.write({"status": "in_progress"}, {}, False).held
    assert held == [("status", "in_progress there is Working or Waiting: `write` names none")]


def test_a_value_they_may_show_and_we_may_never_write_is_no_target() -> None:
    entry = support.DESK["fields"]["state"] | {"read_only": ["9"]}
    fields = {"fields": support.DESK["fields"] | {"state": entry}}
    rule = "  status: {field: state, values: {Waiting: resolved, Done: resolved}}"
    assert support.desk(rule, change=fields).write({"status": "resolved"}, {}, False).fields == {"state": "3"}


@pytest.mark.parametrize(
    ("overlong", "fields", "comments", "files", "held"),
    [
        ("comment", {"title": "01234567890123456…"}, ["01234567890123456  xyz"], [], []),
        ("attach", {"title": "01234567890123456…"}, [], [("title.txt", "01234567890123456  xyz")], []),
        ("hold", {}, [], [], [("title", "longer than the 20 characters title takes")]),
    ],
)
def test_too_long_is_cut_with_the_whole_beside_it_or_held(
    overlong: str, fields: Any, comments: Any, files: Any, held: Any
) -> None:
    out = support.desk(f"  title: {{field: title, overlong: {overlong}}}").write(
        {"title": "01234567890123456  xyz"}, {}, False
    )
    assert (out.fields, out.comments, out.files, out.held) == (fields, comments, files, held)
    assert out.wires == fields


def test_exactly_as_long_as_it_may_be_is_not_cut() -> None:
    out = support.desk("  title: {field: title, overlong: hold}").write({"title": "x" * 20}, {}, False)
    assert out.fields == {"title": "x" * 20}


def test_an_element_longer_than_it_may_be_is_held() -> None:
    held = support.desk("  tags: labels").write({"tags": ["ok", "much too long"]}, {}, False).held
    assert held == [("tags", "'much too long' is longer than the 8 characters labels takes")]


def test_what_is_set_at_creation_alone_is_not_written_later() -> None:
    out = RT.write({"description": "new text"}, {}, False)
    assert (out.fields, out.notes) == ({}, ["description: Content is set at creation, and not after"])


def test_what_creation_cannot_set_is_left_for_later() -> None:
    entry = support.DESK["fields"]["state"] | {"write": "update"}
    change = {"fields": support.DESK["fields"] | {"state": entry}}
    mapping = support.desk("  status: {field: state, values: {Open: new, Done: resolved}}", change=change)
    created = mapping.write({"status": "resolved"}, {}, True)
    assert (created.fields, created.later) == ({}, ["status"])
    assert mapping.write({"status": "resolved"}, {}, False).fields == {"state": "9"}


def test_a_field_with_expressions_follows_its_inputs() -> None:
    mapping = support.desk(
        "  description: {field: body, direction: out, expr: 'title + \" / \" + custom_provider_group'}"
    )
    assert mapping.fields["description"].uses == ("title", "custom.provider_group")
    ticket = {"title": "VPN", "custom.provider_group": "Network", "impact": "high"}
    assert mapping.write({"title": "VPN"}, {}, False, ticket).fields == {"body": "VPN / Network"}
    assert mapping.write({"impact": "high"}, {}, False, ticket).fields == {}


def test_an_expression_that_fails_holds_its_field() -> None:
    mapping = support.desk("  description: {field: body, direction: out, expr: 'requester.email'}")
    out = mapping.write({"requester": {"name": "A"}}, {}, False, {"requester": {"name": "A"}})
    assert (out.fields, [name for name, _ in out.held]) == ({}, ["description"])


def test_an_inward_expression_reads_the_record_and_must_give_a_word_of_ours() -> None:
    source = '  impact: {field: one, direction: in, expr: \'record["one"] == "1" ? "high" : record["one"]\'}'
    mapping = support.desk(source)
    assert mapping.inward({"one": "1"})[0] == {"impact": "high"}
    assert mapping.inward({"one": "2"})[1] == [("impact", "the expression gives '2', which is no impact")]
    absent = support.desk("  category: {field: one, direction: in, expr: 'record[\"nope\"]'}")
    assert absent.inward({"one": "2"})[1][0][0] == "category"


# defaults -------------------------------------------------------------------------------------------------------------


def test_defaults_fill_what_a_status_requires_and_ours_leaves_empty() -> None:
    out = SERVICENOW.write({"status": "resolved"}, {"state": "2"}, False)
    assert out.fields == {
        "state": "6", "close_code": "Solution provided", "close_notes": "Resolved; see the comments."
    }  # fmt: skip
    assert out.wires["resolution_code"] == "Solution provided"
    assert out.wires["resolution_text"] == "Resolved; see the comments."


def test_defaults_never_overwrite_what_is_there_or_owed() -> None:
    on = {"state": "2", "close_code": "Duplicate", "close_notes": "as T-7"}
    assert SERVICENOW.write({"status": "resolved"}, on, False).fields == {"state": "6"}
    out = SERVICENOW.write(
        {"status": "resolved", "resolution_code": "workaround", "resolution_text": "restart"}, {}, False
    )
    assert out.fields["close_code"] == "Workaround provided"
    assert out.fields["close_notes"] == "restart"


def test_clearing_what_the_status_there_requires_writes_the_default() -> None:
    out = SERVICENOW.write({"resolution_text": None}, {"state": "6", "close_notes": "x"}, False)
    assert out.fields == {"close_notes": "Resolved; see the comments."}


def test_unmapped_defaults_go_with_the_create_alone() -> None:
    assert SERVICENOW.write({"title": "x"}, {}, True).fields["contact_type"] == "email"
    assert "contact_type" not in SERVICENOW.write({"title": "x"}, {}, False).fields
    assert CONNECTWISE.write({"title": "x"}, {}, True).fields == {
        "summary": "x", "board": "1", "source": "12"
    }  # fmt: skip


# workflow -------------------------------------------------------------------------------------------------------------


def test_the_way_to_a_status_and_what_is_seen_on_it() -> None:
    out = JSM.write({"status": "resolved"}, {"status": "10104"}, False)
    assert (out.path, out.passing, out.wires["status"]) == (["3", "5"], ["3"], "5")
    assert out.hops == [{"status": "3"}]


def test_what_a_status_on_the_way_requires_is_written_with_it() -> None:
    change = {
        "workflow": {"start": "1", "edges": {"1": ["9"], "9": ["3"]}},
        "fields": {**support.DESK["fields"], "why": {"type": "text", "required": ["9"]}},
    }
    rules = "  title: title\n  status: {field: state, values: {Open: new, Done: resolved, Waiting: closed}}"
    made = support.desk(rules, "defaults: {why: done with}", change=change)
    out = made.write({"status": "closed", "title": "x"}, {"state": "1"}, False)
    assert out.path == ["9", "3"]
    assert out.hops == [{"state": "9", "why": "done with"}]
    assert out.fields == {"state": "3", "title": "x", "why": "done with"}


def test_no_way_is_held_with_both_ends_named() -> None:
    out = SERVICENOW.write({"status": "in_progress", "title": "x"}, {"state": "7"}, False)
    assert out.held == [("status", "from Closed there is no way to In Progress")]
    assert (out.fields, out.path) == ({"short_description": "x"}, [])


def test_never_through_what_is_avoided_nor_through_the_end_to_a_living_status() -> None:
    avoided = {"1": ["2", "3"], "2": ["9"], "3": ["9"]}
    rule = (
        "  status: {field: state, values: {Open: new, Working: in_progress, Waiting: pending_requester, Done: resolved}"
    )
    change = {"workflow": {"start": "1", "edges": avoided}}
    assert support.desk(rule + "}", change=change).write({"status": "resolved"}, {"state": "1"}, False).path == [
        "2",
        "9",
    ]
    shy = support.desk(rule + ", avoid: [Working]}", change=change)
    assert shy.write({"status": "resolved"}, {"state": "1"}, False).path == ["3", "9"]
    over = {"workflow": {"start": "1", "edges": {"1": ["9"], "9": ["2"]}}}
    assert support.desk(rule + "}", change=over).write({"status": "in_progress"}, {"state": "1"}, False).path == []
    assert support.desk(rule + "}", change=over).write({"status": "in_progress"}, {"state": "9"}, False).path == ["2"]


def test_at_most_as_many_hops_as_the_catalogue_says() -> None:
    rule = "  status: {field: state, values: {1: new, 2: in_progress, 3: pending_requester, 9: resolved}}"
    line = {"1": ["2"], "2": ["3"], "3": ["9"]}
    for hops, way in ((3, ["2", "3", "9"]), (2, [])):
        change = {"workflow": {"start": "1", "hops": hops, "edges": line}}
        assert support.desk(rule, change=change).write({"status": "resolved"}, {"state": "1"}, False).path == way


def test_no_path_at_a_create_nor_when_already_there() -> None:
    assert RT.write({"title": "x", "status": "closed"}, {}, True).path == []
    out = SERVICENOW.write({"status": "pending_problem"}, {"state": "3", "hold_reason": "1"}, False)
    assert (out.fields, out.path) == ({"state": "3", "hold_reason": "3"}, [])


# comments, files, identity --------------------------------------------------------------------------------------------


def test_channels_by_exact_audience() -> None:
    assert RT.channel_out(PROVIDER) == "comment"
    assert RT.channel_out(BOTH) == "correspond"
    assert RT.channel_out(frozenset()) is None
    assert RT.channel_out(frozenset({"requester"})) is None


def test_a_channel_that_reaches_beyond_the_audience_is_never_given() -> None:
    rules = "  title: {field: title, overlong: hold}"
    wide = support.desk(rules, "comments: {outward: {provider: all, provider+requester: all}}")
    assert (wide.channel_out(PROVIDER), wide.channel_out(BOTH)) == (None, "all")
    told = support.desk(rules, "comments: {reaches: {staff: provider+requester}, outward: {provider: staff}}")
    assert told.channel_out(PROVIDER) is None


def test_audiences_by_channel() -> None:
    mapping = support.desk(
        "  title: {field: title, overlong: hold}", "comments: {inward: {all: provider+requester, staff: ignore}}"
    )
    assert mapping.audience_in("all") == BOTH
    assert mapping.audience_in("staff") is None
    assert mapping.audience_in("a channel of tomorrow") == PROVIDER


def test_attachments_and_worklogs_travel_only_when_stated() -> None:
    assert SERVICENOW.attachments == Attachments("both", 25_000_000, ("*/*",), BOTH)
    assert JSM.attachments.types == ("image/*", "text/*", "application/pdf")
    assert RT.attachments.reaches is None
    assert (RT.worklogs, SERVICENOW.worklogs) == ("in", "none")
    assert support.desk("  title: {field: title, overlong: hold}").attachments.direction == "none"


def test_policies_default_to_the_owner() -> None:
    assert RT.fields["title"].policy == "ours"
    assert RT.fields["status"].policy == "theirs"
    asking = support.desk("  title: {field: title, overlong: hold, conflict: ask}")
    assert asking.fields["title"].policy == "ask"


def test_the_effective_document_is_in_ids_and_its_hash_is_the_identity() -> None:
    document = REDMINE.document
    assert document["fields"]["status"]["values"]["5"] == "closed"
    assert SERVICENOW.document["fields"]["status"]["values"]["3"]["4"] == "pending_provider"
    assert SERVICENOW.document["fields"]["status"]["write"]["pending_problem"] == ["3", "3"]
    assert JSM.document["fields"]["status"]["avoid"] == ["10104"]
    assert JSM.document["defaults"]["project"] == "10008"
    assert json.loads(json.dumps(document)) == document
    assert len(REDMINE.hash) == 64


def test_comments_examples_and_layout_do_not_change_the_hash_and_a_row_does() -> None:
    def hashed(text: str) -> str:
        return support.compile_mapping(text, support.catalogue("rt"), support.VOCABULARY).hash

    text = support.source("rt")
    assert hashed(text) == RT.hash
    assert hashed(text.replace("# what each of THEIR values means to us", "").split("examples:")[0]) == RT.hash
    assert hashed(text.replace("due: Due", "due: {field: Due}")) == RT.hash
    assert hashed(text.replace("stalled: pending_requester", "stalled: pending_provider")) != RT.hash


def test_a_renamed_label_breaks_nothing_that_is_stored_by_id() -> None:
    renamed = support.catalogue("servicenow")
    renamed["fields"]["state"]["values"]["6"] = "Solved"
    text = support.source("servicenow").replace("Resolved: resolved", "Solved: resolved")
    assert support.compile_mapping(text, renamed, support.VOCABULARY).hash == SERVICENOW.hash


def test_a_child_states_only_its_differences() -> None:
    child = support.compiled("acme-rt")
    assert "impact" not in child.fields
    assert child.unsupported["impact"] == "Acme's RT has no such field"
    assert child.read("status", "stalled", {}).value == "pending_provider"
    assert child.write({"status": "pending_requester"}, {}, False).fields == {"Status": "stalled"}
    assert child.write({"status": "pending_provider"}, {}, False).fields == {"Status": "stalled"}
    assert child.fields["title"] == RT.fields["title"]


def test_what_a_record_must_keep_for_a_mapping() -> None:
    assert {"board", "status", "externalXRef"} - CONNECTWISE.reads == {"externalXRef"}
    assert SERVICENOW.reads >= {"state", "hold_reason", "close_code", "contact_type"}
