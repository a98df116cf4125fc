"""Replays a real ServiceNow incident log on the loopback desk, row by row, each as a signed webhook.

The log is the "Incident management process enriched event log" (Amaral, Fantinato, Peres, 2018; UCI ML Repository
no. 498, doi 10.24432/C57S4H, CC BY 4.0): 36 columns, one row per update, day-first times, ``?`` for missing.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from pathlib import Path

from connectors.simulators.servicenow import ServiceNow
from connectors.simulators.servicenow_rules import BLANK, CATEGORIES, CODES

STATES: Mapping[str, tuple[str, str]] = {
    "New": ("1", ""),
    "Active": ("2", ""),
    "Awaiting User Info": ("3", "1"),
    "Awaiting Evidence": ("3", "1"),
    "Awaiting Problem": ("3", "3"),
    "Awaiting Vendor": ("3", "4"),
    "Resolved": ("6", ""),
    "Closed": ("7", ""),
    "-100": ("-100", ""),
}
"""The log's states as (state, hold_reason); -100 is what five of its rows really hold."""

CHANNELS = {
    "Phone": "phone",
    "Self service": "self-service",
    "Email": "email",
    "IVR": "ivr",
    "Direct opening": "direct",
}
OVER = frozenset({"6", "7"})


@dataclass(frozen=True)
class Step:
    """One row of the log as the table shows it: ``row`` is the whole incident after that update."""

    at: str
    number: str
    sys_id: str
    row: Mapping[str, str]


class Replay:
    """Applies a log's steps to ``desk`` in order of time, each incident's in order of ``sys_mod_count``.

    ``sys_updated_on`` is the log's own time, never going back, so that changed-since means what it says.
    """

    def __init__(self, desk: ServiceNow, rows: Iterable[Mapping[str, str]]) -> None:
        self._desk = desk
        self._people: dict[str, str] = {}
        histories: dict[str, list[Mapping[str, str]]] = {}
        for row in rows:
            histories.setdefault(row["number"], []).append(row)
        lanes = [self._history(each) for each in histories.values()]
        self.steps: list[Step] = list(merge(*lanes, key=lambda step: step.at))
        self.done = 0

    def step(self) -> Step | None:
        """Applies the next row and offers its webhook; None when the log is at its end."""
        if self.done == len(self.steps):
            return None
        step = self.steps[self.done]
        self.done += 1
        with self._desk.lock:
            table = self._desk.tables["incident"]
            operation = "update" if step.sys_id in table else "insert"
            table[step.sys_id] = dict(step.row)
            self._desk.report(operation, step.row)
        return step

    def run(self) -> int:
        """Applies the rest; gives how many rows that were."""
        before = self.done
        while self.step() is not None:
            continue
        return self.done - before

    def final(self) -> dict[str, Mapping[str, str]]:
        """Each incident's last row, by number."""
        return {step.number: step.row for step in self.steps}

    def _history(self, rows: list[Mapping[str, str]]) -> list[Step]:
        steps: list[Step] = []
        at = ""
        for row in sorted(rows, key=lambda each: int(each["sys_mod_count"])):
            at = max(at, moment(row["sys_updated_at"]))
            steps.append(self._step(row, at))
        return steps

    def _step(self, row: Mapping[str, str], at: str) -> Step:
        number = row["number"]
        sys_id = hashlib.md5(number.encode(), usedforsecurity=False).hexdigest()
        state, hold = STATES[row["incident_state"]]
        values = {
            **BLANK,
            "sys_id": sys_id,
            "number": number,
            "short_description": " / ".join(
                known(row[name]) or "-" for name in ("category", "subcategory", "u_symptom")
            ),
            "state": state,
            "hold_reason": hold,
            **{name: row[name][:1] for name in ("impact", "urgency", "priority")},
            "category": list(CATEGORIES)[digits(row["category"]) % len(CATEGORIES)],
            "u_category": known(row["category"]),
            "u_symptom": known(row["u_symptom"]),
            "close_code": CODES[digits(row["closed_code"]) % len(CODES)] if state in OVER else "",
            "close_notes": f"Closed with {known(row['closed_code']) or 'no code'}" if state in OVER else "",
            "contact_type": CHANNELS.get(row["contact_type"], ""),
            "caller_id": self._person(row["caller_id"]),
            "assigned_to": self._person(row["assigned_to"]),
            **{name: known(row[name]) for name in ("active", "reassignment_count", "reopen_count", "made_sla")},
            **{name: known(row[name]) for name in ("subcategory", "location", "cmdb_ci", "assignment_group", "vendor")},
            **{name: known(row[name]) for name in ("problem_id", "rfc", "caused_by", "resolved_by")},
            "opened_at": moment(row["opened_at"]),
            **{name: moment(row[name]) if state in OVER else "" for name in ("resolved_at", "closed_at")},
            "sys_created_on": moment(row["sys_created_at"]) or moment(row["opened_at"]),
            "sys_created_by": known(row["sys_created_by"]),
            "sys_updated_on": at,
            "sys_updated_by": known(row["sys_updated_by"]),
            "sys_mod_count": row["sys_mod_count"],
        }
        return Step(at, number, sys_id, values)

    def _person(self, name: str) -> str:
        full = known(name)
        if full and full not in self._people:
            login = full.lower().replace(" ", ".")
            self._people[full] = self._desk.user(login, f"{login}@example.com", full)
        return self._people.get(full, "")


def read(path: Path, holding: str = "") -> list[dict[str, str]]:
    """The rows of a log (``.csv`` or ``.csv.xz``); with ``holding``, only of incidents that ever held that state."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    wanted = {row["number"] for row in rows if holding in ("", row["incident_state"])}
    return [row for row in rows if row["number"] in wanted]


def known(text: str) -> str:
    """The value, with single spaces; empty where the log has ``?``."""
    return "" if text == "?" else " ".join(text.split())


def digits(text: str) -> int:
    """The number in an anonymised name, 0 where there is none."""
    return int("".join(each for each in text if each.isdecimal()) or 0)


def moment(text: str) -> str:
    """A day-first time of the log as the table writes it."""
    return datetime.strptime(text, "%d/%m/%Y %H:%M").strftime("%Y-%m-%d %H:%M:%S") if text != "?" else ""  # noqa: DTZ007
