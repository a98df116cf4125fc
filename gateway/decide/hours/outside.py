"""The rest of the ``calendars`` policy, read: texts, people, rotations, and the rules for outside of hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.decide.hours import reading as read
from gateway.decide.hours.calendars import Rule
from gateway.decide.hours.days import Windows
from gateway.decide.hours.oncall import Override, Person, Rotation
from gateway.decide.hours.words import LANGUAGES, PLACES, places
from gateway.decide.hours.zone import DAY, EPOCH_DAY, instant
from gateway.decide.language import Reader, join
from gateway.tickets.vocabulary import PRIORITIES

_PERSON = ("name", "email", "phone", "zone")
_ROTATION = ("zone", "order", "starts", "handover", "weeks", "quiet", "overrides")
_TURNS = ("zone", "order", "starts", "handover")
_RULE = ("name", "priorities", "holders", "do", "rotation", "wakes", "to", "text", "because")
_DOES = ("call", "hand over", "wait")
_NEVER: tuple[Windows, ...] = ((),) * 7


def texts(r: Reader, value: Any, path: str) -> dict[str, dict[str, str]]:
    """Name -> language -> text. Each has every language, and says when it opens again."""
    made: dict[str, dict[str, str]] = {}
    for name, one in r.table(value, path, ()).items():
        table = r.table(one, join(path, name), LANGUAGES, LANGUAGES)
        made[name] = {}
        for language in (one for one in LANGUAGES if table.get(one) is not None):
            place = join(join(path, name), language)
            made[name][language] = text = r.text(table[language], place, 4000)
            for unknown in sorted({*places(text)} - {*PLACES}):
                r.fault(place, "nothing to be put in has this name", f"{{{unknown}}}", "There are {opens} and {hours}.")
            if text and "opens" not in places(text):
                r.fault(place, "does not say when it opens again", None, "Put {opens} where that should stand.")
    return made


def people(r: Reader, value: Any, path: str) -> dict[str, Person]:
    """Who can be called, by short name."""
    made: dict[str, Person] = {}
    for slug, one in r.table(value, path, ()).items():
        place = join(path, slug)
        table = r.table(one, place, _PERSON, ("name", "email"))
        said = {key: r.text(table[key], join(place, key), 200) for key in ("name", "email", "phone") if key in table}
        if said.get("email") and "@" not in said["email"]:
            r.fault(join(place, "email"), "not an e-mail address", said["email"], "Write name@example.org.")
        zone = read.zone(r, table["zone"], join(place, "zone")) if "zone" in table else ""
        made[slug] = Person(slug, said.get("name", ""), said.get("email", ""), said.get("phone", ""), zone)
    return made


def rotations(r: Reader, value: Any, path: str, called: Mapping[str, Person]) -> dict[str, Rotation | None]:
    """The rotations by name; None for one with a fault."""
    return {name: _rotation(r, name, one, join(path, name), called) for name, one in r.table(value, path, ()).items()}


def _rotation(r: Reader, name: str, value: Any, path: str, called: Mapping[str, Person]) -> Rotation | None:
    before = len(r.faults)
    table = r.table(value, path, _ROTATION, _TURNS)
    order = tuple(_person(r, one, place, called) for place, one in r.items(table.get("order"), join(path, "order")))
    if not order and isinstance(table.get("order"), list | tuple):
        r.fault(join(path, "order"), "nobody is in this rotation", None, "Name people in the order of their turns.")
    zone = read.zone(r, table["zone"], join(path, "zone")) if "zone" in table else ""
    first, days = _turns(r, table, path)
    quiet = read.week(r, table["quiet"], join(path, "quiet")) if "quiet" in table else _NEVER
    overrides = _overrides(r, table.get("overrides"), join(path, "overrides"), zone, called)
    if len(r.faults) > before:
        return None
    return Rotation(name, read.zone_info(zone), first, days, order, called, overrides, quiet)


def _person(r: Reader, value: Any, path: str, called: Mapping[str, Person]) -> str:
    if called:
        return r.one_of(value, path, called, "person")
    r.fault(path, "no such person", value, "Add this person to people.")
    return ""


def _turns(r: Reader, table: Mapping[str, Any], path: str) -> tuple[int, int]:
    """When the first turn begins, by the wall; and the days of a turn. It is the first handover from ``starts`` on."""
    if "starts" not in table or "handover" not in table:
        return 0, 1
    starts = read.day(r, table["starts"], join(path, "starts"))
    handover = read.handover(r, table["handover"], join(path, "handover"))
    weeks = r.one_of(str(table.get("weeks", "1")), join(path, "weeks"), ("1", "2", "3", "4"), "number of weeks") or "1"
    if starts is None or handover is None:
        return 0, 1
    weekday, time = handover
    if weekday is None and "weeks" in table:
        r.fault(join(path, "weeks"), "turns of a day have no weeks", None, "Leave it out.")
    ahead = 0 if weekday is None else (weekday - starts.weekday()) % 7
    return (starts.toordinal() + ahead - EPOCH_DAY) * DAY + time, 1 if weekday is None else 7 * int(weeks)


def _overrides(r: Reader, value: Any, path: str, zone: str, called: Mapping[str, Person]) -> tuple[Override, ...]:
    made: list[tuple[Override, str]] = []
    for place, one in r.items(value, path):
        table = r.table(one, place, ("from", "to", "person", "reason"), ("from", "to", "person", "reason"))
        if len(table) < 4:
            continue
        person = _person(r, table["person"], join(place, "person"), called)
        reason = r.text(table["reason"], join(place, "reason"), 200)
        first, last = (read.shown(r, table[key], join(place, key)) for key in ("from", "to"))
        if first is None or last is None:
            continue
        start, end = (instant(read.zone_info(zone), shown) for shown in (first, last))
        if end <= start:
            r.fault(join(place, "to"), "ends before it begins", table["to"], f"Write a moment after {table['from']}.")
        if any(start < other.end and other.start < end for other, _ in made):
            r.fault(place, "overlaps with another stand-in", table["from"], "Let one end before the next begins.")
        made.append((Override(start, end, person, reason), place))
    return tuple(one for one, _ in sorted(made, key=lambda pair: pair[0].start))


def rules(r: Reader, value: Any, path: str, turns: Collection[str], said: Collection[str]) -> tuple[Rule, ...]:
    """What is done outside of hours, in the order in which it is tried."""
    made: list[Rule] = []
    for place, one in r.items(value, path):
        table = r.table(one, place, _RULE, ("name", "do"))
        rule = _rule(r, table, place, turns, said)
        if any(rule.name == other.name for other in made):
            r.fault(join(place, "name"), "another rule has this name", rule.name, "Give each its own.")
        hiding = next((other for other in made if _hides(other, rule)), None)
        if hiding is not None:
            title = f"never reached: {hiding.name} already holds for all of these"
            r.fault(place, title, rule.name, f"Put it before {hiding.name}.")
        made.append(rule)
    return tuple(made)


def _rule(r: Reader, table: Mapping[str, Any], path: str, turns: Collection[str], said: Collection[str]) -> Rule:
    def listed(key: str) -> list[tuple[str, Any]]:
        return list(r.items(table.get(key), join(path, key)))

    def text(key: str, longest: int) -> str:
        return r.text(table[key], join(path, key), longest) if key in table else ""

    does = r.one_of(table["do"], join(path, "do"), _DOES, "thing to do") if "do" in table else ""
    _belongs(r, table, path, does)
    return Rule(
        name=text("name", 80),
        priorities=tuple(r.one_of(one, place, PRIORITIES, "priority") for place, one in listed("priorities")),
        holders=tuple(read.keeper(r, one, place) for place, one in listed("holders")),
        does=does,
        rotation=read.named(r, table.get("rotation"), join(path, "rotation"), turns, "rotation"),
        wakes=_wakes(r, table.get("wakes", False), join(path, "wakes")),
        to=r.holder(table["to"], join(path, "to")) if table.get("to") is not None else "",
        text=read.named(r, table.get("text"), join(path, "text"), said, "text"),
        because=text("because", 300) or f"rule {table.get('name', '')}",
    )


def _belongs(r: Reader, table: Mapping[str, Any], path: str, does: str) -> None:
    """Each key with what it is for; and nobody is called for anything whatever."""
    if does == "call" and not table.get("priorities"):
        r.fault(join(path, "priorities"), "a rule that calls somebody says for what", None, "Write priorities: [P1].")
    for key, goes_with in (("rotation", "call"), ("wakes", "call"), ("to", "hand over")):
        if does and does != goes_with and key in table:
            r.fault(join(path, key), f"belongs to do: {goes_with}", table[key], "Leave it out.")
        if does == goes_with and key != "wakes" and table.get(key) is None:
            r.fault(join(path, key), "is needed", None, "Add it.")


def _wakes(r: Reader, value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    r.fault(path, "true or false is expected", value, "Write true for a rule that may call in quiet hours.")
    return False


def _hides(first: Rule, later: Rule) -> bool:
    """Whether a rule that always holds for these leaves nothing to a later one."""
    return (
        first.does == "wait"
        and (not first.priorities or (bool(later.priorities) and {*later.priorities} <= {*first.priorities}))
        and (not first.holders or (bool(later.holders) and {*later.holders} <= {*first.holders}))
    )
