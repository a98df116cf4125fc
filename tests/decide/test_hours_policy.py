"""What cannot be a ``calendars`` policy: every fault is told at its place, all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.decide.hours import compile_calendars
from gateway.decide.language import BadPolicy, Fault, Known
from tests.decide.hours_world import H, at, document

KNOWN = Known(frozenset({"moscow-desk", "network"}), frozenset({"acme"}), frozenset({"acme"}))


def faults(doc: dict[str, Any], known: Known | None = None) -> list[Fault]:
    with pytest.raises(BadPolicy) as caught:
        compile_calendars(doc, known)
    return list(caught.value.faults)


def put(doc: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split("/")
    here: Any = doc
    for key in way:
        here = here[int(key)] if isinstance(here, list) else here[key]
    if isinstance(here, list):
        here[int(last)] = value
    else:
        here[last] = value


RULE = "out_of_hours/rules"
WRONG: list[tuple[str, Any, str, str]] = [
    ("calendars/madrid/zone", "Europe/Madird", "calendars.madrid.zone", "no such time zone"),
    ("calendars/madrid/zone", "Europe", "calendars.madrid.zone", "no such time zone"),
    ("calendars/madrid/zone", "../../etc/passwd", "calendars.madrid.zone", "no such time zone"),
    ("calendars/madrid/hours", {"monday": "09:00-14:00, 13:00-18:00"}, "calendars.madrid.hours.monday", "overlap"),
    ("calendars/nights/hours", {"every day": "20:00-21:00 next day"}, "calendars.nights.hours.every day", "longer"),
    (
        "calendars/nights/hours",
        {"sunday": "22:00-09:00 next day", "monday": "08:00-12:00"},
        "calendars.nights.hours.monday",
        "overlap",
    ),
    ("calendars/madrid/hours", {"monday": "18:00-09:00"}, "calendars.madrid.hours.monday", "end before they begin"),
    ("calendars/madrid/hours", {"monday": "09:00-09:00"}, "calendars.madrid.hours.monday", "end before they begin"),
    ("calendars/madrid/hours", {"monday": "9 to 5"}, "calendars.madrid.hours.monday", "hours are expected"),
    ("calendars/madrid/hours", {"monday": "09:00-25:00"}, "calendars.madrid.hours.monday", "hours are expected"),
    ("calendars/madrid/hours", {"mon": "09:00-18:00"}, "calendars.madrid.hours.mon", "not days of the week"),
    (
        "calendars/madrid/hours",
        {"monday to friday": "09:00-18:00", "friday": "09:00-15:00"},
        "calendars.madrid.hours.friday",
        "friday has hours already",
    ),
    ("calendars/madrid/hours", {}, "calendars.madrid.hours", "never opens"),
    ("calendars/madrid/hours", "sometimes", "calendars.madrid.hours", "a table of keys is expected"),
    ("calendars/madrid/holidays", {"country": "XX"}, "calendars.madrid.holidays.country", "no such country"),
    ("calendars/madrid/holidays/subdivision", "ZZ", "calendars.madrid.holidays.subdivision", "no such part of ES"),
    ("calendars/madrid/holidays/categories", ["private"], "calendars.madrid.holidays.categories[0]", "no such kind"),
    ("calendars/madrid/closed/0", {"date": "02-30", "reason": "x"}, "calendars.madrid.closed[0].date", "a date is"),
    ("calendars/madrid/closed/0", {"date": "2026-12-01"}, "calendars.madrid.closed[0].reason", "is needed"),
    ("calendars/madrid/closed/1/to", "2026-12-01", "calendars.madrid.closed[1].to", "not within"),
    ("calendars/madrid/open/0/date", "2026-12-29", "calendars.madrid.open[0]", "closed as well"),
    ("calendars/madrid/open/0/hours", "14:00-10:00", "calendars.madrid.open[0].hours", "end before they begin"),
    ("calendars/madrid/text", "clsoed", "calendars.madrid.text", "no such text"),
    ("calendars/moscow/kept_by", ["desk"], "calendars.moscow.kept_by[0]", "two calendars"),
    ("calendars/moscow/kept_by", ["site:MADRID"], "calendars.moscow.kept_by[0]", "two calendars"),
    ("calendars/moscow/kept_by", ["everybody"], "calendars.moscow.kept_by[0]", "nobody who keeps hours"),
    ("calendars/moscow/kept_by", ["site:"], "calendars.moscow.kept_by[0]", "nobody who keeps hours"),
    ("calendars/moscow/kept_by", ["team:netwrok"], "calendars.moscow.kept_by[0]", "no such team"),
    ("calendars/nights/kept_by", ["provider:acne"], "calendars.nights.kept_by[0]", "no such provider"),
    ("default", "nowhere", "default", "no such calendar"),
    ("texts/closed", {"en": "Closed until {opens}", "es": "Cerrado: {opens}"}, "texts.closed.ru", "is needed"),
    ("texts/closed/es", "Cerrado.", "texts.closed.es", "does not say when it opens again"),
    ("texts/closed/es", "{abre} {opens}", "texts.closed.es", "nothing to be put in"),
    ("texts/closed/de", "{opens}", "texts.closed.de", "no such key"),
    ("out_of_hours/text", "nothing", "out_of_hours.text", "no such text"),
    ("rotations/desk/order", [], "rotations.desk.order", "nobody is in this rotation"),
    ("rotations/desk/order", ["anna"], "rotations.desk.order[0]", "no such person"),
    ("rotations/desk/zone", "Madrid", "rotations.desk.zone", "no such time zone"),
    ("rotations/desk/handover", "mondays", "rotations.desk.handover", "a weekday and a time"),
    ("rotations/desk/starts", "2026", "rotations.desk.starts", "a date is expected"),
    ("rotations/desk/weeks", "9", "rotations.desk.weeks", "no such number of weeks"),
    ("rotations/desk/quiet", {"every day": "22:00-07:00"}, "rotations.desk.quiet.every day", "end before they begin"),
    ("rotations/desk/overrides/0/to", "2026-11-24 08:00", "rotations.desk.overrides[0].to", "ends before it begins"),
    ("rotations/desk/overrides/0/from", "tomorrow", "rotations.desk.overrides[0].from", "a date and a time"),
    ("rotations/desk/overrides/0/person", "dora", "rotations.desk.overrides[0].person", "no such person"),
    ("people/ana/email", "ana", "people.ana.email", "not an e-mail address"),
    ("people/boris/zone", "Moskva", "people.boris.zone", "no such time zone"),
    (f"{RULE}/0/do", "ring", "out_of_hours.rules[0].do", "no such thing to do"),
    (f"{RULE}/0/rotation", "night", "out_of_hours.rules[0].rotation", "no such rotation"),
    (f"{RULE}/0/priorities", [], "out_of_hours.rules[0].priorities", "says for what"),
    (f"{RULE}/0/priorities", ["P0"], "out_of_hours.rules[0].priorities[0]", "no such priority"),
    (f"{RULE}/0/wakes", "yes", "out_of_hours.rules[0].wakes", "true or false"),
    (f"{RULE}/0/to", "provider:acme", "out_of_hours.rules[0].to", "belongs to do: hand over"),
    (f"{RULE}/1/name", "urgent calls", "out_of_hours.rules[1].name", "another rule has this name"),
    (f"{RULE}/2/to", "provider:acne", "out_of_hours.rules[2].to", "no such provider"),
    (f"{RULE}/2", {"name": "on", "do": "hand over"}, "out_of_hours.rules[2].to", "is needed"),
    (f"{RULE}/2", {"name": "first", "do": "wait"}, "out_of_hours.rules[3]", "never reached"),
    (f"{RULE}/0/holders", ["team:netwrok"], "out_of_hours.rules[0].holders[0]", "no such team"),
    ("policy", "2", "policy", "version 1"),
    ("name", "hours", "name", "not the name"),
    ("holidays", [], "holidays", "no such key"),
]


@pytest.mark.parametrize(("where", "value", "path", "said"), WRONG, ids=[f"{p}-{s}" for _, _, p, s in WRONG])
def test_a_fault_is_told_at_its_place(where: str, value: Any, path: str, said: str) -> None:
    doc = document()
    put(doc, where, value)
    told = faults(doc, KNOWN)
    assert [(fault.path, said in fault.title) for fault in told] == [(path, True)]
    assert told[0].fix


@pytest.mark.parametrize("key", ["default", "calendars", "texts", "out_of_hours"])
def test_what_is_needed(key: str) -> None:
    doc = document()
    del doc[key]
    assert key in [fault.path for fault in faults(doc) if fault.title == "is needed"]


def test_all_faults_are_told_at_once() -> None:
    doc = document()
    for where, value in (
        ("calendars/madrid/zone", "Nowhere"),
        ("calendars/moscow/hours", {"monday": "18:00-09:00"}),
        ("texts/closed", {}),
        ("rotations/desk/order", []),
        (f"{RULE}/3/do", "sleep"),
    ):
        put(doc, where, value)
    assert {fault.path for fault in faults(doc, KNOWN)} == {
        "calendars.madrid.zone",
        "calendars.moscow.hours.monday",
        *(f"texts.closed.{language}" for language in ("en", "es", "ru")),
        "rotations.desk.order",
        "out_of_hours.rules[3].do",
    }


@pytest.mark.parametrize("broken", [[], "hours", 3, None])
@pytest.mark.parametrize("key", ["calendars", "texts", "people", "rotations", "out_of_hours", "default"])
def test_nothing_of_the_wrong_kind_is_more_than_a_fault(key: str, broken: Any) -> None:
    doc = document() | {key: broken}
    if broken is None and key in ("people", "rotations"):
        doc["out_of_hours"] = {"text": "closed"}
        doc |= {"people": None, "rotations": None}
    assert faults(doc)


@pytest.mark.parametrize("broken", [[], {}, "x", 3, None, True, [[]], {"a": {}}, "2026-13-40", "99:99-00:00"])
def test_every_place_bears_any_value(broken: Any) -> None:
    def places(here: Any, way: str) -> list[str]:
        pairs = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        return [one for key, value in pairs for one in (f"{way}{key}", *places(value, f"{way}{key}/"))]

    for where in places(document(), ""):
        doc = document()
        put(doc, where, broken)
        try:
            compile_calendars(doc, KNOWN)
        except BadPolicy as bad:
            assert all(fault.title for fault in bad.faults)


@pytest.mark.parametrize(
    ("hours", "worked"),
    [
        ({"every day": "08:00-08:00 next day"}, 168),
        ({"every day": "00:00-12:00, 12:00-24:00"}, 168),
        ({"sunday": "22:00-06:00 next day", "monday": "06:00-07:00"}, 9),
        ({"saturday to monday": "09:00-10:00"}, 3),
        ("always", 168),
    ],
)
def test_hours_that_touch_do_not_overlap(hours: Any, worked: int) -> None:
    doc = document()
    put(doc, "calendars/nights/hours", hours)
    kept = compile_calendars(doc).of("provider:acme")
    assert kept.worked(at("2026-11-02 12:00"), at("2026-11-09 12:00")) == worked * H


def test_turns_of_several_weeks_and_of_a_day() -> None:
    doc = document()
    put(doc, "rotations/desk/overrides", [])
    put(doc, "rotations/desk/weeks", "2")
    turns = compile_calendars(doc)
    first = [turns.on_call("desk", at(f"2026-01-{day} 09:00")) for day in ("12", "19", "26")]
    assert [one.slug if one else "" for one in first] == ["ana", "ana", "boris"]
    del doc["rotations"]["desk"]["weeks"]
    put(doc, "rotations/desk/handover", "every day 18:00")
    turns = compile_calendars(doc)
    first = [turns.on_call("desk", at(f"2026-01-{day} 18:00")) for day in ("05", "06", "07")]
    assert [one.slug if one else "" for one in first] == ["", "ana", "boris"]


def test_stand_ins_may_be_written_in_any_order_and_not_at_once() -> None:
    doc = document()
    another = {"from": "2026-11-20 09:00", "to": "2026-11-21", "person": "carmen", "reason": "Ana is away"}
    doc["rotations"]["desk"]["overrides"].append(another)
    assert [one.reason for one in compile_calendars(doc).rotations["desk"].overrides] == [
        "Ana is away",
        "Boris is away",
    ]
    another["to"] = "2026-11-24 09:01"
    assert [fault.path for fault in faults(doc)] == ["rotations.desk.overrides[1]"]


def test_a_missing_city_is_guessed() -> None:
    doc = document()
    put(doc, "calendars/madrid/zone", "Madrid")
    assert faults(doc)[0].fix == "Did you mean Europe/Madrid?"


def test_a_provider_without_a_connection_is_only_noted() -> None:
    compile_calendars(document(), Known(KNOWN.teams, KNOWN.providers, frozenset()))


def test_a_calendar_that_its_own_holidays_close_for_ever_never_opens() -> None:
    doc = document()
    put(doc, "calendars/madrid/hours", {"monday": "09:00-10:00"})
    put(
        doc,
        "calendars/madrid/closed",
        [
            {"date": f"{m:02}-{d:02}", "reason": "x"}
            for m in range(1, 13)
            for d in range(1, (29, 30, 31)[m != 2 and 1 + (m not in (4, 6, 9, 11))] + 1)
        ],
    )
    put(doc, "calendars/madrid/open", [])
    assert [(f.path, f.title) for f in faults(doc)] == [("calendars.madrid.hours", "this calendar never opens")]
