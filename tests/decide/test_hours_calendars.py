"""Who keeps which hours, who may be called outside of them and by which rule, and what requesters are told."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decide.hours import Calendars, Person, Rotation, choose, compile_calendars, replay
from gateway.decide.hours.page import pages
from gateway.decide.hours.zone import DAY
from gateway.decide.language import BadPolicy
from mappings.loader import load, plain
from tests.decide.hours_world import SHIPPED, H, at, document, example

NIGHT = "2026-11-20 02:00"  # Friday


@pytest.fixture(scope="module")
def calendars() -> Calendars:
    return example()


# --- whose hours ---


def test_a_requester_in_moscow_has_the_hours_of_moscow(calendars: Calendars) -> None:
    madrid, moscow = calendars.of("site:Madrid"), calendars.of("site:Moscow")
    assert (madrid.zone, moscow.zone) == ("Europe/Madrid", "Europe/Moscow")
    early = at("2026-11-20 08:30")  # 10:30 in Moscow
    assert (madrid.is_open(early), moscow.is_open(early)) == (False, True)
    unity_day = at("2026-11-04 12:00")
    assert (madrid.is_open(unity_day), moscow.is_open(unity_day)) == (True, False)
    assert calendars.of("site:moscow") is moscow


def test_who_keeps_no_calendar_has_the_default_one(calendars: Calendars) -> None:
    assert calendars.of("team:anybody") is calendars.of("site:") is calendars.of("desk")


def test_a_calendar_is_named_with_the_version_of_its_policy(calendars: Calendars) -> None:
    assert calendars.of("provider:acme").version == "calendars@3/nights"


def test_days_of_their_own(calendars: Calendars) -> None:
    desk = calendars.of("desk")
    assert desk.worked(at("2026-12-28 00:00"), at("2026-12-31 00:00")) == 0
    assert desk.reason(at("2026-12-29 12:00")) == "stocktaking"
    assert desk.worked(at("2026-12-19 00:00"), at("2026-12-21 00:00")) == 4 * H  # a Saturday
    assert [desk.is_open(at(f"{year}-05-15 10:00")) for year in (2025, 2026)] == [False, False]


# --- who may be called ---


def test_an_ordinary_ticket_at_night_calls_nobody_and_is_told_when_it_opens(calendars: Calendars) -> None:
    ruling = calendars.may_call("desk", "P3", at(NIGHT))
    assert (ruling.allowed, ruling.person, ruling.does, ruling.rule) == (False, None, "wait", "wait")
    assert ruling.opens == at("2026-11-20 09:00")
    told = calendars.told("desk", at(NIGHT), "en", "P3")
    assert told == "We are closed. We open again on Friday 20 November 2026, 09:00 (Madrid)."


def test_an_urgent_ticket_at_night_calls_who_is_on_call_and_nobody_else(calendars: Calendars) -> None:
    ruling = calendars.may_call("desk", "P1", at(NIGHT))
    assert ruling.person == calendars.on_call("desk", at(NIGHT))
    assert (ruling.allowed, ruling.does, ruling.rule) == (True, "call", "urgent calls")
    assert ruling.because == "the whole company stands still"
    assert "we call somebody now" in calendars.told("desk", at(NIGHT), "en", "P1")


def test_quiet_hours_are_kept_by_a_rule_that_does_not_wake(calendars: Calendars) -> None:
    evening, night = at("2026-11-26 19:00"), at("2026-11-26 23:00")
    assert calendars.may_call("desk", "P2", evening).rule == "evening calls"
    ruling = calendars.may_call("desk", "P2", night)
    assert (ruling.does, ruling.to, ruling.person) == ("hand over", "provider:acme", None)
    assert ruling.lost == (
        ("urgent calls", "it is for P1"),
        ("evening calls", "these are quiet hours in desk"),
    )


def test_quiet_hours_are_where_the_person_is(calendars: Calendars) -> None:
    desk = calendars.rotations["desk"]
    boris, ana = at("2026-11-26 20:30"), at("2026-11-19 20:30")
    assert [desk.on_call(boris), desk.on_call(ana)] == [calendars.rotations["desk"].people[n] for n in ("boris", "ana")]
    assert [desk.is_quiet(boris), desk.is_quiet(ana)] == [True, False]  # 22:30 in Moscow


def test_quiet_hours_are_those_of_the_weekday() -> None:
    doc = document()
    doc["rotations"]["desk"]["quiet"] = {"sunday": "10:00-02:00 next day", "friday": "10:00-12:00"}
    desk = compile_calendars(doc).rotations["desk"]
    quiet = [desk.is_quiet(at(f"2026-11-{day} {time}")) for day, time in ((20, "11:00"), (21, "11:00"), (22, "11:00"))]
    assert quiet == [True, False, True]
    assert [desk.is_quiet(at(f"2026-11-23 {time}")) for time in ("00:30", "11:00")] == [True, False]


def test_an_urgent_ticket_of_another_team_goes_to_the_provider_who_works_at_night(calendars: Calendars) -> None:
    three = at("2026-11-20 03:00")
    assert calendars.may_call("team:network", "P1", three).to == "provider:acme"
    assert calendars.may_call("team:network", "P4", three).does == "wait"
    assert "tiene su solicitud" in calendars.told("team:network", three, "es", "P1")
    assert "Estamos cerrados." in calendars.told("team:network", three, "es", "P4")


def test_a_provider_who_is_closed_too_gets_nothing(calendars: Calendars) -> None:
    noon = at("2026-11-21 12:00")  # Saturday
    ruling = calendars.may_call("team:network", "P1", noon)
    assert (ruling.does, ruling.rule) == ("wait", "wait")
    assert ("urgent nights", "provider:acme is closed, too") in ruling.lost


def test_nothing_is_handed_over_to_who_has_it() -> None:
    doc = document()
    doc["calendars"]["nights"]["hours"] = {"monday": "09:00-10:00"}
    doc["out_of_hours"]["rules"] = doc["out_of_hours"]["rules"][2:]
    ruling = compile_calendars(doc).may_call("provider:acme", "P1", at(NIGHT))
    assert ruling.lost == (("urgent nights", "provider:acme has it already"),)


def test_within_hours_nobody_needs_to_be_called(calendars: Calendars) -> None:
    noon = at("2026-11-20 12:00")
    ruling = calendars.may_call("desk", "P1", noon)
    assert (ruling.does, ruling.rule, ruling.allowed) == ("open", "open hours", False)
    assert calendars.told("desk", noon, "en", "P1") == ""


@given(st.sampled_from(("P1", "P2", "P3", "P4", "P5", "")), st.integers(at("2026-01-01 00:00"), at("2027-06-01 00:00")))
def test_without_a_rule_nobody_is_called(priority: str, now: int) -> None:
    doc = document()
    doc["out_of_hours"] = {"text": "closed"}
    ruling = compile_calendars(doc).may_call("desk", priority, now)
    assert not ruling.allowed
    assert ruling.rule in ("no rule", "open hours")


@given(st.sampled_from(("P1", "P2", "P3", "P4", "P5", "")), st.integers(at("2026-01-01 00:00"), at("2027-06-01 00:00")))
def test_only_the_priorities_that_a_rule_names_call_and_only_who_is_on_call(priority: str, now: int) -> None:
    calendars = example()
    ruling = calendars.may_call("desk", priority, now)
    if ruling.allowed:
        rule = next(one for one in calendars.rules if one.name == ruling.rule)
        assert priority in rule.priorities
        assert ruling.person == calendars.on_call("desk", now)
        assert rule.wakes or not calendars.rotations["desk"].is_quiet(now)
        assert not calendars.of("desk").is_open(now)


def test_before_the_first_turn_nobody_is_on_call_and_the_next_rule_is_tried(calendars: Calendars) -> None:
    before = at("2026-01-02 03:00")  # the first handover is on Monday the 12th
    assert calendars.on_call("desk", before) is None
    ruling = calendars.may_call("desk", "P1", before)
    assert (ruling.rule, ruling.lost) == (
        "urgent nights",
        (("urgent calls", "nobody is on call in desk"), ("evening calls", "it is for P2")),
    )


def test_a_ruling_is_plain_data(calendars: Calendars) -> None:
    told = json.loads(json.dumps(calendars.may_call("desk", "P2", at("2026-11-19 20:00")).plain()))
    assert told["person"]["email"] == "ana@example.org"
    assert (told["policy"], told["allowed"]) == ("calendars@3", True)
    assert told["lost"] == [["urgent calls", "it is for P1"]]


# --- turns ---


def names(rotation: Rotation, *instants: int) -> list[str]:
    return [person.slug if (person := rotation.on_call(now)) is not None else "" for now in instants]


def test_it_is_handed_over_at_the_microsecond_and_stand_ins_stand_in(calendars: Calendars) -> None:
    desk, first = calendars.rotations["desk"], at("2026-01-12 09:00")
    assert names(desk, first - 1, first, first + 7 * DAY - 1, first + 7 * DAY) == ["", "ana", "ana", "boris"]
    start, end = at("2026-11-24 09:00"), at("2026-11-25 09:00")
    assert names(desk, start - 1, start, end - 1, end) == ["boris", "carmen", "carmen", "boris"]
    stand_in = desk.stands_in(start)
    assert stand_in is not None
    assert (stand_in.person, stand_in.reason) == ("carmen", "Boris is away")
    assert desk.stands_in(end) is None


def rotation(zone: str, shown: str, days: int) -> Rotation:
    people = {slug: Person(slug, slug, f"{slug}@example.org") for slug in "abc"}
    return Rotation("r", ZoneInfo(zone), at(shown, "UTC"), days, ("a", "b", "c"), people)


def test_turns_are_handed_over_by_the_wall_clock_when_clocks_move() -> None:
    daily = rotation("Europe/Madrid", "2026-03-27 02:30", 1)  # on the 29th there is no 02:30, on 25 October two
    spring = at("2026-03-29 03:00")
    assert names(daily, spring - 1, spring) == ["b", "c"]
    autumn, again = at("2026-10-25 02:30"), at("2026-10-25 02:30", fold=1)
    before, after, second = names(daily, autumn - 1, autumn, again)
    assert (before, after, second) == (after_of(after, -1), after, after)


def after_of(slug: str, turns: int) -> str:
    return "abc"[("abc".index(slug) + turns) % 3]


@given(
    st.sampled_from(("Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu")),
    st.sampled_from((1, 7, 14)),
    st.integers(0, 400 * DAY),
)
def test_somebody_is_on_call_at_every_instant_and_turns_keep_their_order(zone: str, days: int, off: int) -> None:
    turns = rotation(zone, "2026-01-05 02:15", days)
    now = at("2026-01-05 02:15", zone) + off
    mine, later = names(turns, now, now + days * DAY + 2 * H)
    assert mine
    assert later in (after_of(mine, 1), after_of(mine, 2))
    assert names(turns, now + days * DAY - 2 * H)[0] in (mine, after_of(mine, 1))


# --- what requesters are told ---


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We are closed. We open again on Monday 23 November 2026, 09:00 (Madrid)."),
        ("es-MX", "Estamos cerrados. Volvemos a abrir: lunes 23 de noviembre de 2026, 09:00 (Madrid)."),
        ("ru", "Мы закрыты. Откроемся: понедельник, 23 ноября 2026 г., 09:00 (Мадрид)."),
        ("fi", "We are closed. We open again on Monday 23 November 2026, 09:00 (Madrid)."),
    ],
)
def test_the_written_policy_in_the_language_of_the_requester(calendars: Calendars, language: str, text: str) -> None:
    assert calendars.told("desk", at("2026-11-21 02:00"), language) == text


def test_the_opening_can_be_told_by_the_clock_of_the_requester(calendars: Calendars) -> None:
    told = calendars.told("desk", at("2026-11-21 02:00"), "ru", zone="Europe/Moscow")
    assert told == "Мы закрыты. Откроемся: понедельник, 23 ноября 2026 г., 11:00 (Москва)."


def test_a_calendar_may_have_a_text_of_its_own(calendars: Calendars) -> None:
    told = calendars.told("desk", at("2026-11-21 02:00"), "en", site="Moscow")
    week = "Monday–Friday 10:00–19:00 (Moscow)"
    assert told == f"The Moscow desk is closed until Monday 23 November 2026, 10:00 (Moscow). Its hours: {week}."


def test_a_requester_is_told_by_the_hours_of_the_own_site_and_what_the_rules_say_of_the_holder(
    calendars: Calendars,
) -> None:
    early = at("2026-11-20 08:30")  # 10:30 in Moscow
    assert calendars.told("desk", early, "en", "P4", site="Moscow") == ""
    assert "opens" not in (madrid := calendars.told("desk", early, "en", "P4", site="Madrid"))
    assert madrid == calendars.told("desk", early, "en", "P4", site="Nowhere")
    assert madrid == "We are closed. We open again on Friday 20 November 2026, 09:00 (Madrid)."
    night = calendars.told("desk", at(NIGHT), "en", "P1", site="Moscow")
    assert night.startswith(
        "We are closed until Friday 20 November 2026, 10:00 (Moscow), but for something this urgent"
    )
    holiday = at("2026-11-04 12:00")  # the desk is at work, but nobody is promised to Moscow
    assert calendars.told("desk", holiday, "ru", "P3", site="moscow").startswith("Служба в Москве закрыта.")
    assert calendars.support_hours("desk", "en", "Moscow") == "Monday–Friday 10:00–19:00 (Moscow)"


def test_the_first_team_is_the_desk(calendars: Calendars) -> None:
    assert calendars.of("team:service-desk") is calendars.of("desk")
    assert calendars.may_call("team:service-desk", "P1", at(NIGHT)).rule == "urgent calls"
    doc = document()
    doc["calendars"]["moscow"]["kept_by"] = ["team:service-desk"]
    with pytest.raises(BadPolicy, match="two calendars"):
        compile_calendars(doc)


def test_support_hours_in_words(calendars: Calendars) -> None:
    assert calendars.support_hours("desk", "en") == (
        "Monday–Thursday 09:00–14:00, 15:00–18:00; Friday 09:00–15:00 (Madrid)"
    )
    assert calendars.support_hours("provider:acme", "ru") == "понедельник–воскресенье 20:00–08:00 (Мадрид)"
    doc = document()
    doc["calendars"]["nights"]["hours"] = "always"
    assert compile_calendars(doc).support_hours("provider:acme", "es") == "las 24 horas, todos los días"


def test_the_page_of_support_hours_equals_what_is_in_force(calendars: Calendars) -> None:
    now = at("2026-12-18 20:00")  # Friday
    madrid, moscow, nights = pages(calendars, now, "es")
    assert (madrid.name, madrid.keepers, madrid.others) == ("madrid", ("desk", "site:madrid"), True)
    assert madrid.week == calendars.support_hours("desk", "es")
    assert madrid.text == calendars.told("desk", now, "es")
    assert (madrid.open, madrid.opens, nights.open, nights.opens) == (False, at("2026-12-19 10:00"), True, now)
    told = [(f"{one.day:%m-%d}", one.reason, one.hours) for one in madrid.special if one.day.year == 2026]
    assert told == [
        ("12-19", "the new till system goes live", "10:00–14:00"),
        ("12-25", "Christmas Day", ""),
        *((f"12-{day}", "stocktaking", "") for day in (28, 29, 30)),
    ]
    assert moscow.keepers == ("site:moscow", "team:moscow-desk")
    assert nights.special == ()
    for page in (madrid, moscow):
        closed = [one.day for one in page.special if not one.hours]
        hours = calendars.named[page.name]
        assert all(not hours.worked(*day_of(hours.zone, day)) for day in closed)


def day_of(zone: str, day: date) -> tuple[int, int]:
    return at(f"{day} 00:00", zone), at(f"{day} 23:59", zone)


# --- as shipped ---


def test_as_shipped_the_desk_has_office_hours_and_calls_nobody() -> None:
    document: Any = plain(load(SHIPPED.read_text(encoding="utf-8"), "calendars.yaml"))
    shipped = compile_calendars(document, label="shipped-calendars@1")
    assert shipped.of("desk").worked(at("2026-12-24 17:00"), at("2026-12-28 10:00")) == 2 * H
    for language in ("en", "es", "ru"):
        assert "09:00" in shipped.told("desk", at(NIGHT), language, "P1")
    rulings = [shipped.may_call("desk", priority, at(NIGHT)) for priority in ("P1", "P2", "P5")]
    assert [(one.allowed, one.rule) for one in rulings] == [
        (False, "urgent-waits"),
        (False, "others-wait"),
        (False, "others-wait"),
    ]


@given(
    st.sampled_from(("desk", "team:network", "provider:acme", "site:Moscow")),
    st.sampled_from(("P1", "P2", "P3", "")),
    st.integers(at("2026-01-01 00:00"), at("2027-06-01 00:00")),
    st.booleans(),
)
def test_a_decision_is_made_again_to_the_byte(who: str, priority: str, now: int, stays: bool) -> None:
    calendars, inputs = example(), {"holder": who, "priority": priority, "at": now, "stays": stays}
    ruling, made = choose(calendars, inputs)
    assert replay(calendars, json.loads(json.dumps(made.inputs))) == made.text()
    assert not (stays and ruling.to)
    assert made.outcome == {"call": f"call {ruling.person and ruling.person.name}", "hand over": ruling.to}.get(
        ruling.does, ruling.does
    )
