"""What a preview tells: what differs, the worst first; who would see what; rows in use; what is left apart."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.preview.surprises import KINDS
from gateway.providers.documents import Mistakes
from tests.preview.support import changed, draft, previewed
from tests.road.conftest import Make
from tests.road.scene import Scene

STATUS = "write: {new: open, in_progress: working, pending_provider: vendor, resolved: done, closed: closed}"


def worked(s: Scene, *statuses: str) -> int:
    ticket = s.escalated()
    for status in statuses:
        s.desks["acme"].update("tess", s.record().id, {"status": status})
        s.calm()
    return ticket


def kinds(report: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in report["surprises"]]


def test_a_closed_ticket_is_the_worst_of_these(scene: Make) -> None:
    s = scene()
    worked(s, "working", "done")
    report = previewed(s, changed(status=f"{{values: {{working: pending_provider, done: closed}}, {STATUS}}}"))
    assert kinds(report) == ["closes", "ours"]
    assert [one["rank"] for one in report["surprises"]] == [3, 8]
    first = report["surprises"][0]
    assert first["link"] == "acme"
    assert first["ticket"] == "T-1001"
    (field,) = first["fields"]
    assert field == {
        "field": "status", "side": "ours", "link": None, "before": "resolved", "after": "closed",
        "because": "acme@draft:5:48 fields.status.values.done",
    }  # fmt: skip
    assert first["plan"]["before"] != first["plan"]["after"]
    assert report["counts"]["acme"]["closes"] == {"before": 0, "after": 1}
    assert report["counts"]["acme"]["resolves"] == {"before": 1, "after": 0}
    assert report["plans"]["changed"] == 2
    assert report["plans"]["tickets"] == 1
    assert report["drift"] == {"status": 1}
    assert report["rows"]["status"] == {
        "open": report["rows"]["status"]["open"], "working": 1, "waiting": 0, "vendor": 0, "done": 1, "closed": 0,
        "rejected": 0,
    }  # fmt: skip


def test_a_value_that_means_nothing_any_more_is_held(scene: Make) -> None:
    s = scene()
    worked(s, "working")
    report = previewed(s, changed(status=f"{{values: {{working: null}}, {STATUS}}}"))
    assert kinds(report) == ["holds"]
    assert report["surprises"][0]["holds"] == ["status"]
    assert report["plans"]["held"] == 1
    assert report["plans"]["changed"] == 0
    assert report["unmapped"] == {"status": {"working": 1}}
    assert report["counts"]["acme"]["holds"] == {"before": 0, "after": 1}


def test_who_would_see_a_comment(scene: Make) -> None:
    """A note of theirs is read as one for everybody, and one of ours goes out by the public channel."""
    s = scene()
    ticket = s.escalated()
    s.wish("comment", ticket, text="only you", audience=["provider:acme"])
    s.desks["acme"].comment("tess", s.record().id, "between us", False)
    s.calm()
    inward = previewed(s, changed(comments="{inward: {note: provider+requester}}"))
    assert kinds(inward)[0] == "seen_by_more"
    (item,) = inward["surprises"][0]["comments"]
    assert item["before"]["seen_by"] == ["acme"]
    assert item["after"]["seen_by"] == ["acme", "requester"]
    assert inward["errors"] > 0, "the prover does not let this one be published"
    silent = previewed(s, changed(comments="{outward: {provider: ignore}}"))
    assert kinds(silent) == ["theirs"]
    id = s.value("select min(id) from comment")
    assert silent["surprises"][0]["comments"][0]["item"] in (f"comment:{s.rt.ids.public(id)}", "comment:new:1")
    assert silent["surprises"][0]["comments"][0]["before"] == {"channel": "note", "seen_by": ["acme"]}
    assert silent["surprises"][0]["comments"][0]["after"] == {"channel": "", "seen_by": []}


def test_what_would_be_written_there(scene: Make) -> None:
    """The plan is the same, the words on the wire are not."""
    s = scene()
    s.escalated(impact="high", urgency="high")
    report = previewed(s, changed(priority="{direction: out, write: {P1: 2, P2: 2, P3: 3, P4: 4, P5: 5}}"))
    one = report["surprises"][0]
    assert one["kind"] == "theirs"
    assert one["plan"]["before"] == one["plan"]["after"]
    assert one["fields"][0] == {
        "field": "priority", "side": "theirs", "link": "acme", "before": "1", "after": "2",
        "because": one["fields"][0]["because"],
    }  # fmt: skip
    assert "fields.priority.write" in one["fields"][0]["because"]


def test_a_field_that_is_not_ours_to_change_any_more(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.edit(ticket, title="ours")
    report = previewed(s, changed(title="{direction: in, overlong: null}"))
    assert report["surprises"][0]["refused"] == "title is kept by acme while it has the ticket"


def test_the_seldomest_row_comes_first(scene: Make) -> None:
    s = scene()
    worked(s, "working", "waiting", "working", "waiting", "working", "vendor")
    values = "working: pending_problem, waiting: pending_problem, vendor: pending_requester"
    report = previewed(s, changed(status=f"{{values: {{{values}}}, {STATUS}}}"))
    rows = report["rows"]["status"]
    assert (rows["working"], rows["waiting"], rows["vendor"]) == (3, 2, 1)
    told = [one["fields"][0]["because"].rpartition(".")[2] for one in report["surprises"] if one["fields"]]
    assert told[0] == "vendor"
    assert told.index("waiting") < told.index("working")


def test_at_most_ten_are_shown(scene: Make) -> None:
    s = scene()
    for _ in range(12):
        worked(s)
    report = previewed(s, changed(priority="{direction: out, write: {P1: 1, P2: 2, P3: 1, P4: 4, P5: 5}}"))
    assert report["plans"]["changed"] == 12
    assert len(report["surprises"]) == 10


def test_only_the_connections_own_links_have_the_draft(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated("acme")
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.calm()
    s.edit(ticket, impact="high", urgency="high")
    s.calm()
    text = changed(priority="{direction: out, write: {P1: 2, P2: 2, P3: 3, P4: 4, P5: 5}}")
    report = previewed(s, text, "globex")
    wires = [field for one in report["surprises"] for field in one["fields"] if field["side"] == "theirs"]
    assert {field["link"] for field in wires} == {"globex"}
    assert set(report["counts"]) == {"acme", "globex"}
    acme = report["counts"]["acme"]
    assert all(count["before"] == count["after"] for count in acme.values())


def test_a_draft_that_cannot_be_read_is_refused_with_its_place(scene: Make) -> None:
    s = scene()
    with pytest.raises(Mistakes) as caught:
        draft(s.rt, changed(status="{values: {working: busy}}"))
    assert "M012" in str(caught.value)
    assert ":5:" in str(caught.value)


def test_ranks_are_those_of_the_specification() -> None:
    assert KINDS == (
        "seen_by_more", "creates", "closes", "reopens", "clears", "holds", "more_writes", "ours", "theirs", "text",
    )  # fmt: skip
