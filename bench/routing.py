"""Who gets what? A real log sorted and routed, each decision replayed to the byte from what was stored of it.

The log is the one of ``bench.estimates``. Its incidents, as their first rows tell of them, go through the shipped
triage and routing policies, and through one that a month of the log would have led to: twelve rules, for the twelve
categories that had most, each to the group that most of them ended at. ``misrouted`` is the log's own share: incidents
that were passed on (``reassignment_count`` above 0). ``right at once`` is the share, of the incidents after that month,
that the first group also ended; beside it that of the rules. ``whatif``: the decisions of the twelve rules taken as
what was, tried once under the same policy and once under one that lacks a rule. Seconds are processor time.
"""

from __future__ import annotations

import csv
import lzma
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.estimates import found
from gateway import plain
from gateway.decide import routing, triage
from gateway.decide.conditions import inputs
from gateway.decide.decision import Decision
from gateway.decide.triage.policy import compile_triage
from gateway.insight.whatif import Past, compare
from mappings.loader import load
from mappings.loader import plain as bare

RULES = 12
LIMIT = 30.0
"""Seconds of processor time that routing the whole log by twelve rules may take."""

CHANNELS = {"Phone": "phone", "Self service": "portal", "Email": "mail", "IVR": "phone", "Direct opening": "api"}
LEVELS = {"1": "high", "2": "medium", "3": "low"}
POLICIES = Path(routing.__file__).parents[2] / "policies"


@dataclass(frozen=True)
class Scale:
    """The log's file, "" where it usually lies; of its incidents each ``every``-th."""

    log: str = ""
    every: int = 1


@dataclass(frozen=True, slots=True)
class Incident:
    """``fields`` and ``around`` as its first row tells them; the first group named and the last; ``opened`` in UTC."""

    opened: datetime
    fields: Mapping[str, Any]
    around: Mapping[str, Any]
    first: str
    last: str
    passed_on: bool


def read(path: Path) -> list[Incident]:
    """The incidents of a log (``.csv`` or ``.csv.xz``), in its order."""
    rows: dict[str, list[dict[str, str]]] = {}
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            rows.setdefault(row["number"], []).append(row)
    return [_incident(sorted(one, key=lambda row: int(row["sys_mod_count"]))) for one in rows.values()]


def _incident(rows: list[dict[str, str]]) -> Incident:
    row = {name: "" if value == "?" else value for name, value in rows[0].items()}
    opened = datetime.strptime(row["opened_at"], "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
    fields = {
        "title": " ".join(filter(None, (row["category"], row["subcategory"], row["u_symptom"]))) or row["number"],
        "kind": "incident",
        "status": "new",
        "impact": LEVELS[row["impact"][0]],
        "urgency": LEVELS[row["urgency"][0]],
        "priority": f"P{row['priority'][0]}",
        "category": row["category"],
        "subcategory": row["subcategory"],
        "assets": [row["cmdb_ci"]] if row["cmdb_ci"] else [],
        "requester": {"name": row["caller_id"]},
    }
    around = {
        "channel": CHANNELS[row["contact_type"]],
        "requester": {"site": row["location"], "clientele": "employee"},
        "hour": opened.hour,
        "weekday": opened.isoweekday(),
    }
    groups = [one["assignment_group"] for one in rows if one["assignment_group"] != "?"]
    first, last = (groups[0], groups[-1]) if groups else ("", "")
    return Incident(opened, fields, around, first, last, any(int(one["reassignment_count"]) > 0 for one in rows))


def holder(group: str) -> str:
    """A group of the log as a team of ours."""
    return f"team:{group.lower().replace(' ', '-')}"


def learned(incidents: Iterable[Incident]) -> dict[str, Any]:
    """The policy that these incidents lead to, as a document."""
    ended: dict[str, Counter[str]] = {}
    for one in incidents:
        if one.last:
            ended.setdefault(str(one.fields["category"]), Counter())[one.last] += 1
    most = sorted(ended, key=lambda category: (-ended[category].total(), category))[:RULES]
    everybody = sum(ended.values(), Counter[str]())
    rules = [
        {
            "name": category,
            "when": f'category == "{category}"',
            "to": holder(ended[category].most_common(1)[0][0]),
            "because": "most of its kind ended there in the month before",
        }
        for category in most
    ]
    return {"policy": 1, "name": "routing", "rules": rules, "default": holder(everybody.most_common(1)[0][0])}


def shipped(name: str) -> Any:
    """The document of that name that comes with Tandem."""
    return bare(load((POLICIES / f"{name}.yaml").read_text(), name))


def run(scale: Scale) -> dict[str, Any]:
    """Measure; a JSON document. Raises SystemExit where the log is not on this machine."""
    began = time.process_time()
    incidents = read(found(scale.log))[:: scale.every]
    reading = time.process_time() - began
    month = [one for one in incidents if one.opened < datetime(2016, 4, 1, tzinfo=UTC)]
    later = [one for one in incidents if one.opened >= datetime(2016, 4, 1, tzinfo=UTC)]
    own = routing.compile_routing(shipped("routing"), label="shipped-routing@1")
    log = routing.compile_routing(learned(month), label="log@1")
    sorter = compile_triage(shipped("triage"), label="shipped-triage@1")
    seen = [inputs(one.fields, **one.around) for one in incidents]
    asked = [triage.intake(one, as_of=0) for one in seen]
    return {
        "incidents": len(incidents),
        "misrouted": _share(one.passed_on for one in incidents),
        "first_is_not_last": _share(one.first != one.last for one in incidents if one.first),
        "right_at_once": {
            "incidents": len(later),
            "log": _share(one.first == one.last for one in later if one.last),
            "rules": _share(
                routing.choose(log, inputs(one.fields, **one.around)).to == holder(one.last)
                for one in later
                if one.last
            ),
        },
        "triage": _measured(
            asked, lambda one: triage.triage(sorter, one).decision, lambda one: triage.replay(sorter, one)
        ),
        "shipped": _measured(seen, lambda one: routing.choose(own, one).decision, lambda one: routing.replay(own, one)),
        "rules": {
            "count": len(log.rules),
            **_measured(seen, lambda one: routing.choose(log, one).decision, lambda one: routing.replay(log, one)),
        },
        "whatif": whatif(incidents, seen, learned(month)),
        "seconds_reading": round(reading, 2),
    }


def whatif(incidents: list[Incident], seen: list[dict[str, Any]], document: Mapping[str, Any]) -> dict[str, Any]:
    """``same`` and ``changed``: how many decisions were made, are made again to the byte, and come to another outcome
    under the same policy, or under one without the first rule (``without``) that differs from its default."""
    began = time.process_time()
    rules, default = document["rules"], document["default"]
    gone = next((rule for rule in rules if rule["to"] != default), None)
    less = {**document, "rules": [rule for rule in rules if rule is not gone]}
    policy, draft = routing.compile_routing(document, label="log@1"), routing.compile_routing(less, label="draft")
    made = [plain.read(routing.choose(policy, one).decision.text()) for one in seen]
    past = [
        Past(number, str(one.fields["title"]), _at(one.opened), Decision(**then))
        for number, (one, then) in enumerate(zip(incidents, made, strict=True), 1)
    ]
    found: dict[str, Any] = {"without": gone["name"] if gone is not None else ""}
    for name, tried in (("same", policy), ("changed", draft)):
        report = compare(past, {"log@1": _decides(policy)}, _decides(tried), {})
        ways = Counter(f"{one.before} -> {one.after}" for one in report.changed)
        found[name] = {
            "decisions": report.decisions, "exact": report.exact, "changed": len(report.changed),
            "ways": dict(ways.most_common()),
        }  # fmt: skip
    return {**found, "seconds": round(time.process_time() - began, 2)}


def _decides(policy: routing.Policy) -> Callable[[Mapping[str, Any]], Decision]:
    return lambda inputs: routing.choose(policy, inputs).decision


def _at(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _share(found: Iterable[bool]) -> float:
    all = list(found)
    return round(sum(all) / len(all), 4) if all else 0.0


def _measured(
    seen: list[dict[str, Any]], decide: Callable[[Any], Decision], replay: Callable[[Any], str]
) -> dict[str, Any]:
    """Decide all, then decide each again from the text that would have been stored, and compare."""
    began = time.process_time()
    decisions = [decide(one) for one in seen]
    deciding = time.process_time() - began
    texts = [one.text() for one in decisions]
    began = time.process_time()
    equal = sum(replay(plain.read(text)["inputs"]) == text for text in texts)
    return {
        "decisions": len(decisions),
        "replayed_equal": equal,
        "seconds": round(deciding, 2),
        "seconds_replayed": round(time.process_time() - began, 2),
        "by_rule": dict(Counter(one.rule for one in decisions).most_common()),
        "outcomes": len({one.outcome for one in decisions}),
    }


def told(found: dict[str, Any]) -> str:
    """The figures in a few lines."""
    at_once = found["right_at_once"]
    lines = [
        f"{found['incidents']:,} incidents, {found['misrouted']:.1%} of them misrouted: passed on at least once",
        "",
    ]
    for name in ("triage", "shipped", "rules"):
        one = found[name]
        lines.append(
            f"{name:>8}: {one['decisions']:,} decisions in {one['seconds']:.1f} s, {one['replayed_equal']:,} replayed"
            f" equal in {one['seconds_replayed']:.1f} s; {one['outcomes']} outcomes"
        )
    same, other = found["whatif"]["same"], found["whatif"]["changed"]
    lines.append(
        f" what if: the same policy makes {same['exact']:,} of {same['decisions']:,} again to the byte and changes"
        f" {same['changed']:,}; without rule {found['whatif']['without']} {other['changed']:,} would go elsewhere"
    )
    lines += ["", f"right at once, of {at_once['incidents']:,}: {at_once['log']:.1%} in the log,"]
    lines[-1] += f" {at_once['rules']:.1%} by {found['rules']['count']} rules from its first month"
    return "\n".join(lines)
