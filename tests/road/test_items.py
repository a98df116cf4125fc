"""Comments, files and time spent: bound one to one, in their audience, once (ENGINE.md 4 and 8)."""

from __future__ import annotations

import pytest

from gateway.store.tables import DEAD, HELD, WITHDRAWN
from tests.road.conftest import Make
from tests.road.scene import Scene
from tests.road.test_lanes import replay

MINE, BOTH = ["provider:acme"], ["provider:acme", "requester"]


def texts(s: Scene, name: str = "acme") -> list[str]:
    return [c.text.removeprefix("Ana wrote:\n\n") for c in s.record(name).comments]


def parties(s: Scene, text: str) -> list[str]:
    sql = "select a.party from audience a join comment c on c.id = a.comment_id where c.body = ? order by a.party"
    return [row[0] for row in s.rows(sql, text)]


def test_our_words_go_to_exactly_whom_they_are_for(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    for audience in (["team"], MINE, BOTH, ["provider:globex"], ["partners"], ["everyone"]):
        s.wish("comment", ticket, text=f"for {'+'.join(audience)}", audience=audience)
    s.world.run()
    assert texts(s, "acme") == ["for provider:acme", "for provider:acme+requester", "for partners", "for everyone"]
    assert texts(s, "globex") == ["for provider:globex", "for partners", "for everyone"]
    assert [c.public for c in s.record("acme").comments] == [False, True, False, True]


def test_their_words_come_in_for_whom_they_said_them(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.desks["acme"].comment("tess", s.record("acme").id, "to all", True)
    s.desks["acme"].comment("tess", s.record("acme").id, "among us", False)
    s.sync()
    assert parties(s, "to all") == ["provider:acme", "requester"]
    assert parties(s, "among us") == ["provider:acme"]
    assert texts(s, "globex") == []


def test_our_own_comment_does_not_come_back_as_theirs(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("comment", ticket, text="hello", audience=MINE)
    s.world.run()
    s.sync()
    s.calm()
    assert s.rows("select body from comment") == [("hello",)]


@pytest.mark.parametrize("lost", ["commit_then_drop", "drop_before_commit", "late"])
@pytest.mark.parametrize("verb", ["comment", "attach"])
def test_what_had_no_answer_is_looked_for_before_it_is_said_again(scene: Make, verb: str, lost: str) -> None:
    s = scene()
    ticket = s.escalated()
    s.fault(lost, verb, steps=6)  # type: ignore[arg-type]
    if verb == "comment":
        s.wish("comment", ticket, text="hello", audience=MINE)
    else:
        s.wish("attach", ticket, files=[s.file("log.txt", b"42")], audience=MINE)
    s.work()
    for _ in range(10):
        s.wait(5)
        s.sync()
    s.calm()
    assert s.desks["acme"].effects().doubled("gateway") == []
    there = texts(s) if verb == "comment" else [u.name for u in s.record().uploads]
    assert there == (["hello"] if verb == "comment" else ["log.txt"])
    assert s.value("select count(*) from comment") == (1 if verb == "comment" else 0)


def test_the_same_words_twice_are_two_comments_though_an_answer_was_lost(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("comment", ticket, text="ping", audience=MINE)
    s.world.run()
    s.fault("drop_before_commit", "comment")
    s.wish("comment", ticket, text="ping", audience=MINE)
    s.work()
    s.calm()
    assert texts(s) == ["ping", "ping"]


def test_a_comment_changed_there_is_a_revision_and_nothing_is_written_back(scene: Make) -> None:
    s = scene()
    s.escalated()
    made = s.desks["acme"].comment("tess", s.record().id, "first words", True)
    s.sync()
    s.desks["acme"].edit("tess", s.record().id, made.id, "better words")
    s.sync()
    assert s.rows("select body from comment") == [("better words",)]
    assert s.value("select edited_at from comment") is not None
    assert s.calls().count("comment") == 0


def test_our_words_changed_there_stay_ours_here(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("comment", ticket, text="hello", audience=MINE)
    s.world.run()
    s.sync()
    s.desks["acme"].edit("gateway", s.record().id, s.record().comments[0].id, "hello, in their normal form")
    s.sync()
    assert s.rows("select body from comment") == [("hello",)]


def test_files_come_in_and_go_on_to_whom_they_are_for(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    s.wish("escalate", ticket, connection="globex", role="helper")
    s.world.run()
    s.desks["acme"].upload("tess", s.record("acme").id, "theirs.txt", "text/plain", b"theirs", True)
    s.wish("attach", ticket, files=[s.file("ours.txt", b"ours")], audience=["partners"])
    s.sync()
    assert s.rows("select name, state from attachment order by name") == [
        ("ours.txt", "stored"),
        ("theirs.txt", "stored"),
    ]
    (key,) = s.rows("select key from attachment where name = ?", "theirs.txt")[0]
    assert s.rt.files.open(key).read() == b"theirs"
    assert [(u.name, u.data) for u in s.record("globex").uploads] == [("ours.txt", b"ours")]
    assert [u.name for u in s.record("acme").uploads] == ["theirs.txt", "ours.txt"]


def test_a_file_that_the_policy_keeps_stays_and_that_is_said_there(scene: Make) -> None:
    s = scene()
    s.share(
        "acme", {"fields": ["title"], "audiences": ["provider"], "attachments": {"max": "1 MB", "types": ["image/*"]}}
    )
    ticket = s.escalated()
    s.wish("attach", ticket, files=[s.file("log.txt", b"42")], audience=MINE)
    s.calm()
    assert s.record().uploads == []
    assert any("log.txt" in text for text in texts(s))
    assert "unsupported" in [kind for kind, _ in s.notices()]


def test_time_spent_goes_out_once_and_is_held_when_no_answer_came(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.wish("worklog", ticket, minutes=5, text="one", started=None)
    s.world.run()
    assert [(w.text, w.minutes) for w in s.record().worklogs] == [("one", 5)]
    s.fault("drop_before_commit", "worklog")
    s.wish("worklog", ticket, minutes=6, text="two", started=None)
    s.world.run()
    s.calm()
    assert s.rows("select kind from delivery where state = ?", HELD) == [("worklog",)]
    assert len(s.record().worklogs) == 1, "never repeated without a person"
    s.wish("worklog", ticket, minutes=7, text="three", started=None)
    s.calm()
    assert [w.text for w in s.record().worklogs] == ["one", "three"], "and the lane goes on"


def test_their_time_spent_comes_in_once(scene: Make) -> None:
    s = scene()
    s.escalated()
    s.desks["acme"].log("tess", s.record().id, 30, "analysis", s.desks["acme"].clock())
    s.sync()
    s.sync()
    assert s.rows("select minutes, text, author from worklog") == [(30, "analysis", "provider:acme")]


def test_a_policy_made_narrower_withholds_at_the_last_moment(scene: Make) -> None:
    """What waits was planned under another policy; what leaves is decided when it leaves."""
    s = scene()
    ticket = s.escalated(description="secret plans")
    s.edit(ticket, title="secret title", urgency="high")
    s.wish("comment", ticket, text="for both", audience=BOTH)
    s.wish("worklog", ticket, minutes=5, text="secret hours", started=None)
    s.share("acme", {"fields": ["urgency"], "audiences": ["provider"], "worklogs": False})
    s.calm()
    record = s.record()
    assert (record.fields["title"], record.fields["urgency"]) == ("VPN down", "high")
    assert (record.comments, record.worklogs) == ([], [])
    states = dict(s.rows("select kind, state from delivery where kind in ('comment', 'worklog')"))
    assert states == {"comment": WITHDRAWN, "worklog": WITHDRAWN}
    assert ("unsaid", "title") in s.notices()


def test_without_a_policy_nothing_leaves(scene: Make) -> None:
    s = scene()
    s.share("acme", {"fields": []})
    ticket = s.world.create("secret", description="plans")
    s.wish("escalate", ticket, connection="acme")
    s.wish("comment", ticket, text="words", audience=MINE)
    s.calm()
    there = " ".join(str(t.fields) + str(t.comments) for t in s.desks["acme"].tickets.values())
    assert "secret" not in there and "plans" not in there and "words" not in there


def test_who_is_linked_later_reads_older_notes_only_when_they_are_chosen(scene: Make) -> None:
    s = scene(names=("acme", "globex"))
    ticket = s.escalated()
    for text in ("old and chosen", "old and kept"):
        s.wish("comment", ticket, text=text, audience=MINE)
    s.world.run()
    chosen = s.value("select id from comment where body = ?", "old and chosen")
    s.wish("escalate", ticket, connection="globex", role="helper", comments=[chosen])
    s.world.run()
    assert texts(s, "globex") == ["old and chosen"]
    assert parties(s, "old and chosen") == ["provider:acme", "provider:globex"]


def test_a_value_too_long_for_the_desk_is_cut_with_a_mark_and_said_whole(scene: Make) -> None:
    s = scene()
    title = "The VPN " + "very " * 60 + "much down"
    s.wish("escalate", s.world.create(title), connection="acme")
    s.calm()
    assert len(s.record().fields["title"]) <= 200
    assert any(title in text for text in texts(s))
    assert s.fields()["title"] == title, "the cut form is no change of theirs"


def test_a_dead_comment_is_replayed_once(scene: Make) -> None:
    s = scene()
    ticket = s.escalated()
    s.fault("refuse", "comment")
    s.wish("comment", ticket, text="hello", audience=MINE)
    s.world.run()
    assert s.rows("select kind from delivery where state = ?", DEAD) == [("comment",)]
    replay(s)
    s.calm()
    s.calm()
    assert texts(s) == ["hello"]
