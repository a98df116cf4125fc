"""A second contact about what is open is linked and counted, unless a person says it is another matter."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import plain
from gateway.decide.objection import Objection
from gateway.decide.triage import distinct, replay, triage
from gateway.decide.triage.words import alike, plainly, sentences, subject
from tests.decide.shipped import asked, other
from tests.decide.test_triage import SHIPPED, sorted_out

OPEN = [other(1001, "VPN drops every ten minutes", "network"), other(1002, "New chair")]


@pytest.mark.parametrize(
    "title",
    [
        "VPN drops every ten minutes",
        "Re: VPN drops every ten minutes",
        "FW: RE: [EXTERNAL] vpn still drops every 10 minutes",
        "The VPN drops again every ten minutes!",
    ],
)
def test_the_same_subject_again_belongs_to_the_open_ticket(title: str) -> None:
    found = sorted_out(title, others=OPEN)
    assert found.duplicate_of is not None
    assert (found.duplicate_of.number, found.duplicate_of.id, found.duplicate_of.rule) == (1001, 10010, "same subject")
    assert (found.decision.outcome, found.decision.rule) == ("chaser", "same subject")
    assert found.decision.otherwise == "it would be an incident"
    assert [one.kind for one in found.answers] == ["chaser"] and "T-1001" in found.answers[0].text


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Any news about the VPN?", 1001),
        ("Any update on #1002?", 1002),
        ("What is the status of T-1001", 1001),
        ("¿Hay novedades de la VPN?", 1001),
        ("Есть новости по VPN?", 1001),
    ],
)
def test_who_asks_how_it_stands_is_a_status_chaser(title: str, number: int) -> None:
    found = sorted_out(title, others=OPEN)
    assert found.duplicate_of is not None
    assert (found.duplicate_of.number, found.decision.rule) == (number, "status chaser")


def test_a_chaser_that_names_nothing_belongs_to_the_only_open_ticket() -> None:
    assert sorted_out("Any news?", others=OPEN[:1]).duplicate_of is not None
    assert sorted_out("Any news?", others=OPEN).duplicate_of is None
    assert sorted_out("Any news?").duplicate_of is None


def test_the_same_category_asks_for_less() -> None:
    near = "VPN drops in the train"
    assert 0.4 <= alike(near, OPEN[0].title) < 0.6
    assert sorted_out(near, category="network", others=OPEN).duplicate_of is not None
    assert sorted_out(near, category="software", others=OPEN).duplicate_of is None


def test_another_matter_an_old_ticket_or_an_import_is_none() -> None:
    assert sorted_out("Printer is broken", others=OPEN).duplicate_of is None
    old = [other(1001, "VPN drops every ten minutes", hours_ago=15 * 24)]
    assert sorted_out("VPN drops every ten minutes", others=old).duplicate_of is None
    assert sorted_out("VPN drops every ten minutes", others=OPEN, channel="connection:acme").duplicate_of is None
    assert sorted_out("VPN drops every ten minutes", others=OPEN, requester=None).duplicate_of is None


def test_a_person_says_that_it_is_another_matter_and_that_holds() -> None:
    with pytest.raises(Objection, match="a reason is needed"):
        distinct({}, "agent:ana", "")
    held = distinct({}, "agent:ana", "another site")
    found = sorted_out("VPN drops every ten minutes", others=OPEN, held=held)
    assert (found.duplicate_of, found.decision.outcome) == (None, "incident")
    assert ["repeats", "a person said that it is another matter: another site"] in found.decision.lost


# --- words ---


def test_texts_are_compared_without_case_accents_and_apostrophes() -> None:
    assert plainly("Contraseña CAÍDA can't ёлка") == "contrasena caida cant елка"
    said = sentences("It won't start. Почему?\nNo sé")
    assert [one.text for one in said] == ["it wont start", "почему", "no se"]


@pytest.mark.parametrize("text", ["!" * 7000 + "x", "..x" * 2500, "[a" * 3000, "reset " * 1300, " " * 7000 + "x"])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    sorted_out("x", text, others=OPEN)
    assert time.process_time() - began < 0.1


def test_what_mail_programs_put_before_a_subject_is_no_part_of_it() -> None:
    assert subject("Re: [EXTERNAL] AW: Fwd: VPN drops") == subject("VPN drops") == {"vpn", "drops"}
    assert subject("RE: ") == subject("") == set()


WORDS = st.text(string.ascii_letters + "éñяжё :.#+*?¿'\n", max_size=60)


@given(WORDS, WORDS)
def test_likeness_is_symmetric_and_whole_only_for_the_same(one: str, two: str) -> None:
    assert alike(one, two) == alike(two, one)
    assert 0 <= alike(one, two) <= 1
    assert alike(one, one) in (0.0, 1.0)


@given(
    WORDS,
    WORDS,
    st.sampled_from(["", "incident", "request", "problem"]),
    st.sampled_from(["agent", "requester", "provider"]),
    st.booleans(),
    WORDS,
)
def test_triage_is_total_and_replays_to_the_byte(
    title: str, text: str, kind: str, by: str, known: bool, reason: str
) -> None:
    facts = asked(title, text, kind=kind, by=by, known=known, reason=reason, others=OPEN, channel="mail")
    found = triage(SHIPPED, facts)
    assert found.kind in ("incident", "request", "problem")
    assert found.decision.outcome in ("incident", "request", "problem", "out_of_scope", "chaser", "unverified")
    assert found.decision.because
    assert replay(SHIPPED, plain.read(plain.canonical(facts))) == found.decision.text()
