"""Random tickets through every shipped mapping: ``python -m tests.mappings.campaign --tickets 100000``.

Of each ticket three laws are asked: what was written, read and written again is the same (``w r w = w``); what was
written reads back as it was but for the losses that the prover names (``r w = id``); and no sequence of syncs, heals
and re-links, ours or another hub's, changes a value twice. Each seed decides everything about its ticket.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mappings import engine, text
from mappings.normal import normal_of
from mappings.prover import prove
from mappings.rich import formatted
from mappings.rules import Remote
from tests.mappings import support

Ticket = dict[str, Any]
NAMES = (*support.NAMES, *support.WORKED)
WORDS = (
    *(
        "VPN down",
        "e\u0301",
        "a, b",
        "under_score",
        "два слова",
        "☂ \t tab",
        "x" * 300,
        "two\nlines\n\n\nmore",
        " lead",
    ),
    *(
        "עברית 3/4",
        "👩‍💻 *bold* `code`",
        "<b>&amp;</b>",
        "- a\n- b",
        "> quoted",
        "h1. x",
        "|a|b|",
        "trail  ",
        "\r\ncr\rlf",
    ),
    *("", "_", ",", "a" * 41, "¿Señor? «sí»", "{code}x{code}", "https://x.example/a_b?c=1", "\u200b", "1.", "=" * 20),
)
PEOPLE = ("paula@acme.example", "ana@customer.example", "robin@desk.example")
MOVES = ("sync", "heal", "relink", "hub")


@dataclass(frozen=True)
class Subject:
    """A mapping with what its prover says is lost: values by field, and fields whose transform loses something."""

    mapping: engine.Mapping
    catalogue: Mapping[str, Any]
    values: frozenset[tuple[str, str]]
    fields: frozenset[str]

    @property
    def two_way(self) -> list[str]:
        return [name for name, rule in self.mapping.fields.items() if rule.direction == "both"]


@dataclass(frozen=True)
class Broken:
    """A ticket for which a law does not hold. ``law``: 1 to 3, in the order of the module's words."""

    name: str
    seed: int
    law: int
    field: str
    said: str


@cache
def subject(name: str) -> Subject:
    return of(support.source(name), support.catalogue(name), name)


def of(source: str, catalogue: Mapping[str, Any], name: str) -> Subject:
    """A mapping to try, compiled and proved."""
    told = prove(source, catalogue, support.VOCABULARY, name=name).complaints
    lost = [re.match(r"([\w.]+): (\w+) (?:goes to|comes back|is not)", c.cause) for c in told if c.code in LOSSES]
    transforms = [re.match(r"([\w.]+) loses ", c.cause) for c in told if c.code == "M041"]
    mapping = engine.compile_mapping(source, catalogue, support.VOCABULARY, None, name)
    values, fields = frozenset((m[1], m[2]) for m in lost if m), frozenset(m[1] for m in transforms if m)
    return Subject(mapping, catalogue, values, fields)


LOSSES = ("M033", "M041")


def ticket_of(chance: random.Random) -> Ticket:
    """A ticket with about two thirds of the vocabulary filled in."""
    return {name: value(chance, field) for name, field in support.VOCABULARY.items() if chance.random() < 0.65}


def value(chance: random.Random, field: Mapping[str, Any]) -> Any:
    """Some value of a field of ours, in its normal form."""
    kind = field["type"]
    if kind == "choice":
        return chance.choice(field["values"])
    if kind == "set":
        parts = [words(chance).strip() for _ in range(chance.randint(0, 4))]
        return normal_of(Remote("set", "set"))([part for part in parts if part])
    if kind == "person":
        return {"email": chance.choice(PEOPLE)}
    if kind == "datetime":
        day = f"{chance.randint(1990, 2090)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        return f"{day}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}Z"
    return normal_of(Remote("text", "text"))(words(chance)) or "x"


def words(chance: random.Random) -> str:
    return chance.choice(("", " ", "\n", "_")).join(chance.choices(WORDS, k=chance.randint(1, 3)))


def judge(name: str, one: Subject, seed: int) -> Iterator[Broken]:
    """What is wrong with one ticket."""
    chance = random.Random(f"{name} {seed}")
    ticket, mapping = ticket_of(chance), one.mapping
    first = written(mapping, ticket)
    there = first.fields
    if mapping.observe(there) != first.wires:
        yield Broken(name, seed, 1, "", "what is expected is not what is written")
    read = mapping.inward(there)[0]
    yield from _stable(name, one, seed, first, read)
    yield from _round(name, one, seed, ticket, first, read)
    yield from _once(name, one, seed, chance, ticket, first)


def written(mapping: engine.Mapping, ticket: Ticket) -> engine.Outward:
    """A ticket as a new record, with what a create cannot set written after it."""
    first = mapping.write(ticket, {}, True)
    after = mapping.write({name: ticket[name] for name in first.later}, first.fields, False)
    first.fields |= after.fields
    first.wires |= after.wires
    first.comments += after.comments
    return first


def _stable(name: str, one: Subject, seed: int, first: Any, read: Ticket) -> Iterator[Broken]:
    again = one.mapping.write({f: read[f] for f in one.two_way if f in read}, first.fields, False).wires
    for field in one.two_way:
        if field in again and field in first.wires and again[field] != first.wires[field]:
            yield Broken(name, seed, 1, field, f"{first.wires[field]!r} became {again[field]!r}")


def _round(name: str, one: Subject, seed: int, ticket: Ticket, first: Any, read: Ticket) -> Iterator[Broken]:
    cut = {*first.comments, *(whole for _, whole in first.files)}
    for field in one.two_way:
        said = ticket.get(field)
        if field not in ticket or field in one.fields or field not in first.wires or said in ("", [], None):
            continue
        if isinstance(said, dict) or (isinstance(said, str) and (said in cut or (field, said) in one.values)):
            continue
        if read.get(field) != _as_kept(one, field, said):
            yield Broken(name, seed, 2, field, f"{said!r} came back as {read.get(field)!r}")


def _as_kept(one: Subject, field: str, said: Any) -> Any:
    """What the format of their field keeps of a plain text: no tabs, no control characters."""
    remote = one.mapping.fields[field].remote[0]
    entry = one.catalogue["fields"].get(remote, {})
    known = Remote(remote, entry.get("type", "text"), format=entry.get("format", "plain"))
    return text.write(text.read(said, "plain"), "plain") or None if formatted(known) else said


def _once(name: str, one: Subject, seed: int, chance: random.Random, ticket: Ticket, first: Any) -> Iterator[Broken]:
    """Both sides after each of some moves: ours changes at most once, to what was written of it; theirs not at all."""
    mapping, fields = one.mapping, [f for f in one.two_way if f in first.wires]
    ours, there = {f: ticket.get(f) for f in fields}, dict(first.fields)
    seen: dict[str, list[Any]] = {f: [ours[f]] for f in fields}
    for move in chance.choices(MOVES, k=6):
        if move in ("sync", "relink"):
            ours |= {f: v for f, v in mapping.inward(there)[0].items() if f in fields}
        if move in ("heal", "relink"):
            there |= mapping.write(ours, there, False).fields
        if move == "hub":  # another installation with this mapping adopts the record and writes what it made of it
            theirs = {f: v for f, v in mapping.inward(there)[0].items() if f in fields}
            there |= mapping.write(theirs, there, False).fields
        wires = mapping.observe(there)
        for f in fields:
            if ours[f] != seen[f][-1]:
                seen[f].append(ours[f])
            if len(seen[f]) > 2 or wires[f] != first.wires[f]:
                yield Broken(name, seed, 3, f, f"{move}: {seen[f]!r}, {first.wires[f]!r} became {wires[f]!r}")
                return


def run(work: tuple[str, int, int]) -> list[Broken]:
    """A stretch of seeds of one mapping; the first few that break a law."""
    name, start, count = work
    found: list[Broken] = []
    for seed in range(start, start + count):
        found += judge(name, subject(name), seed)
        if len(found) > 5:
            break
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mappings.campaign", description=__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(NAMES), help="these mappings")
    given = parser.parse_args(argv)
    failed = 0
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for name in given.only:
            began = time.monotonic()
            step = max(1, min(1_000, given.tickets))
            work = [
                (name, at, min(step, given.start + given.tickets - at))
                for at in range(given.start, given.start + given.tickets, step)
            ]
            broken = [each for found in pool.imap_unordered(run, work) for each in found]
            failed += len(broken)
            for each in broken[:10]:
                sys.stdout.write(f"{each}\n")
            took = time.monotonic() - began
            sys.stdout.write(f"{name}: {given.tickets:,} tickets, {len(broken)} broken, {took:.0f} s\n")
            sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
