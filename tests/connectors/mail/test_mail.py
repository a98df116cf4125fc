"""What mail does besides the contract: threads, robots, bounces, loops, charsets, and answers that never come."""

from __future__ import annotations

import json
import logging
import re
import smtplib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import registry
from connectors.contract.rehearsal import ends, file_of
from connectors.errors import Gone, Refused, Retry, Unauthorized, Unknown
from connectors.mail.letters import Ends, Letter, compose
from connectors.simulators.mail import OURS, PAULA, THEIRS
from mappings.text import convert
from tests.connectors.mail.test_contract import TestMail as Bench

CASES = json.loads((Path(__file__).parent / "fixtures" / "autoreply_cases.json").read_text("utf-8"))["cases"]
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ENDS = Ends(OURS, THEIRS, ("provider.example",))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.setup_method()
    yield made
    made.teardown_method()


def letter(mail: EmailMessage | bytes) -> Letter:
    return Letter(1, NOW, mail if isinstance(mail, bytes) else mail.as_bytes(policy=policy.SMTP))


def expected(case: dict[str, Any]) -> bool:
    """What any of the desks in the table takes for automatic is; forwarded mail is a person's, as Redmine tests."""
    judged = [case[name] for name in ("rt", "zammad", "redmine", "rfc3834", "znuny") if name in case]
    return any(judged) and case.get("headers", {}).get("Auto-Submitted") != "auto-forwarded"


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case.get("headers", case.get("from"))))
def test_robots_are_told_from_people(case: dict[str, Any], bench: Bench) -> None:
    """Each makes neither a ticket nor a comment; what a person wrote makes both."""
    sim = bench.sim
    headers = {**case.get("headers", {}), **({"From": case["from"]} if "from" in case else {})}
    id = bench.new()
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    sim.post(sim.write("I am away.", "Out of office", headers=headers))  # type: ignore[attr-defined]
    answer = sim.post(sim.write("I am away.", "Re: VPN down", id, headers))  # type: ignore[attr-defined]
    changes = bench.desk.changed(bench.ctx(), "mails", cursor).changes
    mail = Letter(1, NOW, sim.boxes[OURS].mails[-1].raw)  # type: ignore[attr-defined]
    assert bool(mail.automatic()) == expected(case)
    taken = [] if expected(case) else [answer]
    assert [each.id for each in bench.record(id).comments] == taken
    assert len(changes) == 2 * len(taken) and (not taken or changes[1].record_id == id)


def test_what_is_not_taken_is_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.new()
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    robot = {"Auto-Submitted": "auto-replied"}
    bench.sim.post(bench.sim.write("Away.", "Re: VPN", headers=robot))  # type: ignore[attr-defined]
    stranger = {"From": "mallory@elsewhere.example"}
    bench.sim.post(bench.sim.write("Hello.", "[TDM-CONTRACT01] VPN", headers=stranger))  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING):
        assert bench.desk.changed(bench.ctx(), "mails", cursor).changes == ()
    assert "Auto-Submitted: auto-replied" in caplog.text
    assert "mallory@elsewhere.example does not speak for the provider" in caplog.text


def test_a_ticket_system_that_marks_its_mails_is_heard_where_an_admin_says_so(bench: Bench) -> None:
    id = bench.new()
    sim = bench.sim
    sim.post(sim.write("Fixed.", "Re: VPN down", id, {"Auto-Submitted": "auto-generated"}))  # type: ignore[attr-defined]
    sim.post(sim.write("Away.", "Re: VPN down", id, {"Auto-Submitted": "auto-replied"}))  # type: ignore[attr-defined]
    assert bench.record(id).comments == ()
    desk = bench.connect(settings={"machines": True})
    assert [each.text.strip() for each in desk.fetch(bench.ctx(), id).comments] == ["Fixed."]
    cursor = desk.changed(bench.ctx(), "mails", None).cursor
    sim.post(sim.write("Maintenance.", "A notice", headers={"Precedence": "bulk"}))  # type: ignore[attr-defined]
    assert desk.changed(bench.ctx(), "mails", cursor).changes == ()  # it begins no ticket all the same


def test_a_name_that_cannot_be_searched_for_stops_no_feed(bench: Bench) -> None:
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    head = f"From: {PAULA}\r\nMessage-ID: <\xe9@x>\r\nReferences: <{'y' * 2000}@x> <ü@x>\r\nSubject: x\r\n\r\nHello."
    bench.sim.deliver([OURS], head.encode())  # type: ignore[attr-defined]
    (change,) = bench.desk.changed(bench.ctx(), "mails", cursor).changes
    assert change.record_id.endswith("@no-id.invalid")


def test_a_subject_that_hides_a_line_break_is_answered_in_one_line(bench: Bench) -> None:
    head = f"From: {PAULA}\r\nMessage-ID: <h@x>\r\nSubject: =?utf-8?q?one=0D=0ABcc:_x?=\r\n\r\nHello."
    bench.sim.deliver([OURS], head.encode())  # type: ignore[attr-defined]
    bench.desk.comment(bench.ctx(), "h@x", "mail", "Thank you.", ["staff"])
    (mail,) = (each.mail for each in bench.sim.boxes[THEIRS].mails)  # type: ignore[attr-defined]
    assert mail["Subject"] == "Re: one Bcc: x" and mail["Bcc"] is None


def test_the_first_mail_says_whose_ticket_it_is(bench: Bench) -> None:
    id = bench.new(description="Error 809.")
    mail = bench.sim.boxes[THEIRS].mails[0].mail  # type: ignore[attr-defined]
    assert mail["Subject"] == "[TDM-CONTRACT01] VPN down ☂" and mail["Message-ID"] == f"<{id}>"
    assert (mail["From"], mail["To"], mail["X-Tandem-Loop"]) == (OURS, THEIRS, OURS)
    assert mail["Auto-Submitted"] is None and mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    record = bench.record(id)
    told = {"subject": "VPN down ☂", "description": "Error 809.", "reference": "TDM-CONTRACT01", "status": "open"}
    assert record.fields == told


def test_comments_and_files_stay_in_the_thread_and_go_to_the_provider_alone(bench: Bench) -> None:
    id = bench.new()
    said = bench.desk.comment(bench.ctx(), id, "mail", "We tried > that\n\n-- \nAlice", ["staff"])
    kept = bench.desk.attach(bench.ctx(), id, "mail", file_of("a.txt", b"abc"), ["staff"])
    mails = [each.mail for each in bench.sim.boxes[THEIRS].mails[1:]]  # type: ignore[attr-defined]
    assert all(mail["References"] == mail["In-Reply-To"] == f"<{id}>" for mail in mails)
    assert {str(mail["Subject"]) for mail in mails} == {"Re: [TDM-CONTRACT01] VPN down ☂"}
    assert {str(mail["To"]) for mail in mails} == {THEIRS} and not any(mail["Cc"] for mail in mails)
    record = bench.record(id)
    assert [(each.id, each.text, each.author) for each in record.comments] == [
        (said.id, "We tried > that\n\n-- \nAlice", OURS)
    ]
    assert [(each.id, each.name, each.channel) for each in record.files] == [(kept.id, "a.txt", "mail")]


def named(bench: Bench, id: str) -> dict[str, dict[str, str]]:
    """The ways in which an answer may name its ticket."""
    said = bench.desk.comment(bench.ctx(), id, "mail", "Any news?", ["staff"]).id
    return {
        "a reply to the first mail": {"In-Reply-To": f"<{id}>"},
        "a reply to a comment, without references": {"In-Reply-To": f"<{said}>"},
        "references alone": {"References": f"<x@provider.example> <{id}>\r\n <{said}>".replace("\r\n", "")},
        "the subject alone": {},
    }


@pytest.mark.parametrize("way", range(4))
def test_an_answer_finds_its_ticket(way: int, bench: Bench) -> None:
    id = bench.new()
    headers = list(named(bench, id).values())[way]
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    subject = "Fixed" if headers else "AW: [TDM-CONTRACT01] Fixed"
    mail = bench.sim.write("Works again.", subject, headers=headers)  # type: ignore[attr-defined]
    answer = bench.sim.post(mail)  # type: ignore[attr-defined]
    (change,) = bench.desk.changed(bench.ctx(), "mails", cursor).changes
    assert (change.record_id, change.author) == (id, PAULA)
    assert bench.record(id).comments[-1].id == answer


def test_an_answer_is_read_as_its_author_wrote_it_and_kept_as_it_came(bench: Bench) -> None:
    id = bench.new(description="Error 809.")
    bench.sim.say(id, "Works again.", False)
    (item,) = bench.record(id).comments
    assert "> Error 809." in item.text and item.format == "mail" and item.channel == "mail"
    assert convert(item.text, item.format, "plain") == "Works again."


def test_a_ticket_that_they_began_takes_our_comments_and_their_follow_ups(bench: Bench) -> None:
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    id = bench.sim.open_record("Your certificate")
    ours = bench.desk.comment(bench.ctx(), id, "mail", "Thank you.", ["staff"]).id
    headers = {"In-Reply-To": f"<{ours}>"}
    last = bench.sim.post(bench.sim.write("Done.", "Re: Your certificate", headers=headers))  # type: ignore[attr-defined]
    changes = bench.desk.changed(bench.ctx(), "mails", cursor).changes
    assert [each.record_id for each in changes] == [id] * 3
    record = bench.record(id)
    assert [each.id for each in record.comments] == [ours, last]
    assert record.fields == {"subject": "Your certificate", "description": "About Your certificate.", "reference": None}


def test_a_mail_of_ours_that_comes_back_is_no_answer(bench: Bench) -> None:
    """The same mail again counts once; one that another address sent on counts not at all."""
    id = bench.new()
    bench.desk.comment(bench.ctx(), id, "mail", "Any news?", ["staff"])
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    raw = bench.sim.boxes[THEIRS].mails[-1].raw  # type: ignore[attr-defined]
    bench.sim.deliver([OURS], raw)  # type: ignore[attr-defined]
    other = raw.replace(f"From: {OURS}".encode(), f"From: {PAULA}".encode())
    bench.sim.deliver([OURS], other.replace(b"Message-ID: <", b"Message-ID: <x"))  # type: ignore[attr-defined]
    assert [each.text for each in bench.record(id).comments] == ["Any news?"]
    changes = bench.desk.changed(bench.ctx(), "mails", cursor).changes
    assert {each.author for each in changes} == {OURS}


def test_a_first_mail_that_bounces_leaves_no_ticket_there(bench: Bench) -> None:
    id = bench.new()
    said = bench.desk.comment(bench.ctx(), id, "mail", "Any news?", ["staff"]).id
    assert said is not None
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    bench.sim.bounce(said)  # type: ignore[attr-defined]  # a comment alone: said in the log
    bench.sim.bounce(id, "4.4.1", "delayed")  # type: ignore[attr-defined]
    assert bench.record(id).state == "live"
    bench.sim.bounce(id)  # type: ignore[attr-defined]
    assert [each.record_id for each in bench.desk.changed(bench.ctx(), "mails", cursor).changes] == [id, id]
    record = bench.record(id)
    assert record.state == "gone" and [each.text for each in record.comments] == ["Any news?"]
    bench.sim.say(id, "It was here all the time.", False)
    assert bench.record(id).state == "live"


def test_a_lost_answer_is_looked_up_and_the_same_ticket_keeps_its_id(bench: Bench) -> None:
    sim = bench.sim
    for fault in ("commit_then_drop", "commit_then_status", "truncate_head"):
        ref = f"TDM-{fault.upper().replace('_', '-')}"
        sim.faults.plan(fault, method="POST")
        ends(Unknown, lambda ref=ref: bench.new("lost", ref))  # type: ignore[misc]
        (hit,) = bench.desk.find(bench.ctx(), ref)
        assert bench.new("lost", ref) == hit.id  # whoever sends it again sends the same mail


def test_nothing_left_where_the_way_to_the_dot_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "rcpt", broken)
    ends(Retry, bench.new)
    assert bench.sim.ids() == []


def test_lines_that_begin_with_a_dot_end_no_mail(bench: Bench) -> None:
    text = "one\n.\n..two\n.three"
    assert bench.record(bench.new(description=text)).fields["description"] == text


def test_the_end_of_the_session_takes_nothing_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = smtplib.SMTP.docmd

    def cut(self: smtplib.SMTP, cmd: str, args: str = "") -> tuple[int, bytes]:
        if cmd == "QUIT":
            raise smtplib.SMTPServerDisconnected("gone")
        return plain(self, cmd, args)

    monkeypatch.setattr(smtplib.SMTP, "docmd", cut)
    assert bench.new() and len(bench.sim.ids()) == 1


def test_refusals_of_the_server_are_told_apart(bench: Bench) -> None:
    desk = bench.connect(settings={"provider": "nobody@provider.example"})
    end = ends(Refused, lambda: desk.create(bench.ctx(), {"subject": "x"}, "TDM-X1", "k"))
    assert end.said == "5.1.1 no such mailbox"
    bench.sim.revoke()
    ends(Unauthorized, lambda: bench.desk.create(bench.ctx(), {"subject": "x"}, "TDM-X2", "k"))
    assert bench.sim.ids() == []


def test_plain_goes_to_this_machine_alone_and_nowhere_unasked(bench: Bench) -> None:
    for port in (1, bench.sim.ports[1]):
        desk = bench.connect(settings={"imap_port": port, "imap_host": "127.0.0.1" if port == 1 else "192.0.2.1"})
        ends(Refused, lambda desk=desk: desk.fetch(bench.ctx(), "x@y"))  # type: ignore[misc]


def test_an_unverified_certificate_is_not_spoken_to(bench: Bench) -> None:
    """The servers here speak no TLS at all: the sign-in never leaves."""
    for security in ("tls", "starttls"):
        desk = bench.connect(settings={"imap_security": security, "smtp_security": security})
        before = len([each for each in bench.sim.asked if "LOGIN" in each.path])
        ends(Retry, lambda desk=desk: desk.check(bench.ctx()))  # type: ignore[misc]
        ends(Retry, lambda desk=desk: desk._post.check(bench.ctx(), OURS))  # type: ignore[misc]
        assert len([each for each in bench.sim.asked if "LOGIN" in each.path]) == before


def test_a_subject_is_one_line(bench: Bench) -> None:
    for title in ("VPN\r\nBcc: mallory@elsewhere.example", "VPN\nX: y"):
        ends(Refused, lambda title=title: bench.new(title))  # type: ignore[misc]
    assert bench.sim.ids() == []


def test_numbers_given_anew_are_read_again_and_a_mailbox_set_back_is_told(bench: Bench) -> None:
    id = bench.new()
    box = bench.sim.boxes[OURS]  # type: ignore[attr-defined]
    cursor = bench.desk.changed(bench.ctx(), "mails", None).cursor
    box.rebuild()
    page = bench.desk.changed(bench.ctx(), "mails", cursor)
    assert [each.record_id for each in page.changes] == [id] and not page.regressed
    box.following = 1
    assert bench.desk.changed(bench.ctx(), "mails", page.cursor).regressed


def test_a_mail_that_never_was_is_gone_and_our_own_on_its_way_is_not(bench: Bench) -> None:
    ends(Gone, lambda: bench.record("nothing@provider.example"))
    id = bench.new()
    bench.sim.boxes[OURS].mails.clear()  # type: ignore[attr-defined]
    ends(Retry, lambda: bench.record(id))


def body(kind: str, charset: str, data: bytes) -> bytes:
    head = f"From: {PAULA}\r\nTo: {OURS}\r\nMessage-ID: <b@provider.example>\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    return f"{head}Content-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode() + data


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-2022-jp", "日本語".encode("iso-2022-jp"), "日本語"),
        ("windows-1251", "Привет".encode("cp1251"), "Привет"),
        ("iso-8859-1", "it\x92s".encode("latin-1"), "it’s"),
        ("us-ascii", "señal".encode(), "señal"),
        ("no-such-charset", "señal".encode(), "señal"),
        ("utf-8", b"\xff\xfe bytes", "�� bytes"),
    ],
)
def test_texts_are_read_by_what_their_charset_means(charset: str, data: bytes, text: str) -> None:
    assert letter(body("text/plain", charset, data)).words() == (text, "mail")


def test_html_alone_is_read_and_its_active_parts_are_not() -> None:
    found = letter(body("text/html", "utf-8", b"<style>p{}</style><p>One</p><p>Two &amp; three</p>"))
    assert found.words()[1] == "html_mail"
    assert found.plainly() == "One\n\nTwo & three".replace("\n\n", "\n")


def test_a_mail_without_any_text_is_its_files() -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["Message-ID"] = PAULA, "<f@provider.example>"
    mail.add_attachment(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    inner = EmailMessage(policy=policy.SMTP)
    inner["Subject"] = "inside"
    inner.set_content("text inside")
    mail.add_attachment(inner)
    mail.add_attachment(b"x", maintype="image", subtype="png", filename="../../a\\b.png")
    found = letter(mail)
    assert found.words() == ("", "mail")
    assert [(name, mime) for name, mime, _ in found.files] == [
        ("winmail.dat", "application/ms-tnef"),
        ("part-2", "message/rfc822"),
        (".._.._a_b.png", "image/png"),
    ]
    assert b"text inside" in found.files[1][2]


@settings(deadline=None, max_examples=200)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=400),
)
@example("0 " + "\u0800" * 11 + " 0\xa0 \xa0", "")
@example("=?utf-8?q?x?=  two  blanks " + "and a long way " * 9, "")
@example("\U0001f4a9" * 99, "")
def test_what_we_write_is_read_as_it_was(title: str, text: str) -> None:
    mail = compose(ENDS, NOW, f"[TDM-1] {title}", text, id=ENDS.ticket("TDM-1"))
    found = letter(mail.as_bytes())
    assert found.id == ENDS.ticket("TDM-1") and found.ours(ENDS)
    assert found.said("Subject") == f"[TDM-1] {title}".strip()
    assert str(found.mail["Subject"]).strip() == f"[TDM-1] {title}".strip()
    assert found.words()[0].rstrip("\n") == text.rstrip("\n")
    head, _, body = mail.as_bytes().partition(b"\r\n\r\n")
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert all(len(line) < 999 for line in body.split(b"\r\n"))


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200))
@example("0 " + "\u0800" * 11 + " 0\xa0 \xa0x")
@example('=?utf-8?q?x?= "two  blanks"; filename=other.txt')
def test_a_files_name_is_read_as_it_was(name: str) -> None:
    """By us, and by a reader of RFC 2231 that is not ours; blanks at its ends alone are lost."""
    file = file_of(name, b"x")
    data = compose(ENDS, NOW, "x", "y", id=ENDS.ticket("TDM-1"), file=file).as_bytes()
    expected = re.sub(r"[/\\]", "_", name.strip())
    assert letter(data).files[0][0].strip() == (expected or "part-1")
    (part,) = (each for each in message_from_bytes(data).walk() if each.get_content_disposition() == "attachment")
    other = part.get_param("filename", "", "content-disposition")
    assert (other[2].encode("latin-1").decode(other[0]) if isinstance(other, tuple) else other).strip() == name.strip()


Broken = Callable[[], bytes]


@pytest.mark.parametrize(
    "head",
    [
        b"From: =?utf-8?b?////?= <x\r\n", b"Subject: \xff\xfe\r\n", b"Content-Type: multipart/mixed\r\n", b"\r\n",
        b"From: a@b, c@d\r\nContent-Type: text/plain; charset=\"\xff\"\r\n", b"Message-ID: no brackets\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x",
    ],
)  # fmt: skip
def test_mails_that_break_the_rules_break_nothing(head: bytes) -> None:
    found = letter(head + b"\r\nbody\r\n")
    assert found.id and found.answered() is not None and isinstance(found.files, list)
    assert all(each < "\ud800" or each > "\udfff" for each in found.said("Subject"))
    assert isinstance(found.words()[0], str)


def nested(levels: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))


@pytest.mark.parametrize(
    "body",
    [
        nested(5000),
        nested(1) + b"\r\nx\r\n--b0\r\n" * 200_000,
        nested(1) + b"Content-Disposition: attachment; filename=" + b'"' * 50_000 + b"\r\n\r\nx",
        nested(1) + b"Content-Disposition: attachment; filename=" + b'"\r\n ' * 50_000 + b"\r\n\r\nx",
    ],
    ids=["deep", "wide", "long", "folded"],
)
def test_a_mail_that_is_made_to_be_no_mail_is_said_to_be_there(body: bytes) -> None:
    head = f"From: {PAULA}\r\nMessage-ID: <bomb@provider.example>\r\nSubject: Re: VPN\r\n".encode()
    began = time.monotonic()
    found = letter(head + body)
    assert found.words()[0].startswith("This mail is made so") and found.files == []
    assert found.id == "bomb@provider.example" and found.sender == PAULA and not found.report
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("head", [b"From: " + b'"\\' * 100_000, b"Subject: " + b"=?utf-8?q?a?= " * 60_000])
def test_a_head_that_is_made_to_take_hours_is_read_at_once(head: bytes) -> None:
    began = time.monotonic()
    found = letter(head + b"\r\n\r\nx")
    assert found.sender == "" and len(found.said("Subject")) < 5000
    assert time.monotonic() - began < 2


def test_the_password_shows_nowhere(bench: Bench) -> None:
    desk = registry.build("mail", settings=bench.sim.settings, secrets={"password": "s3cret-s3cret"})
    assert "s3cret" not in repr(desk)
    assert "s3cret" not in ends(Unauthorized, lambda: desk.check(bench.ctx())).said
