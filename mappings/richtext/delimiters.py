"""Marks written as characters around words (``*bold*``): which of them open, which close, which are just characters.

Shared by the formats that write so. A reader lists what it sees, pieces of text and runs of mark characters, and
``resolve`` pairs them: the nearest opener of the same size wins, what is left over is text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from mappings.richtext.tree import MARKS, Inline, Span, blank_ends, edges

Marks = Mapping[tuple[str, int], str]
"""(character, how many of it) -> mark of the tree."""

MAX_OPEN = 32
"""Openers kept waiting at once; older ones become text, which keeps the work linear."""


@dataclass(slots=True)
class Run:
    """A run of mark characters and what its neighbours let it do."""

    char: str
    count: int
    opens: bool
    closes: bool


@dataclass(slots=True)
class _Slot:
    """A place where a mark may begin (+) or end (-); nothing: the characters themselves."""

    raw: str
    mark: str = ""
    step: int = 0


def resolve(parts: Iterable[Inline | Run], marks: Marks) -> list[Inline]:
    """The parts with their marks, as spans of the tree (not yet canonical)."""
    slots: list[Inline | _Slot] = []
    found: list[Inline] = []
    waiting: list[tuple[str, int, _Slot]] = []
    for part in parts:
        if not isinstance(part, Run):
            slots.append(part)
            found.append(part)
            continue
        left = part.count
        if not part.opens and not part.closes:
            slots.append(Span(part.char * left))
            found.append(Span(part.char * left))
            continue
        while left:
            left -= _take(part, left, slots, waiting, marks)
        del waiting[:-MAX_OPEN]
    return found if len(found) == len(slots) else _marked(slots)


def _take(run: Run, left: int, slots: list[Inline | _Slot], waiting: list[tuple[str, int, _Slot]], marks: Marks) -> int:
    """Uses up part of a run as a closer, an opener or text; returns how many characters."""
    if run.closes:
        for at in range(len(waiting) - 1, -1, -1):
            char, size, opener = waiting[at]
            if char == run.char and size <= left:
                del waiting[at:]
                mark = marks[char, size]
                opener.mark, opener.step = mark, 1
                slots.append(_Slot(char * size, mark, -1))
                return size
    size = 2 if left > 1 and (run.char, 2) in marks else int((run.char, 1) in marks)
    if not size:
        slots.append(_Slot(run.char * left))
        return left
    slot = _Slot(run.char * size)
    slots.append(slot)
    if run.opens:
        waiting.append((run.char, size, slot))
    return size


def _marked(slots: list[Inline | _Slot]) -> list[Inline]:
    found: list[Inline] = []
    depth: dict[str, int] = {}
    marks = ""
    for slot in slots:
        if isinstance(slot, _Slot):
            if slot.step:
                depth[slot.mark] = depth.get(slot.mark, 0) + slot.step
                marks = "".join([mark for mark in MARKS if depth.get(mark, 0) > 0])
            else:
                found.append(Span(slot.raw, marks))
        elif marks and type(slot) is Span:
            found.append(Span(slot.text, slot.marks if slot.marks == "c" else _union(marks, slot.marks), slot.href))
        else:
            found.append(slot)
    return found


def _union(one: str, other: str) -> str:
    return "".join(sorted({*one, *other})) if other else one


def nested(runs: Iterable[Inline], order: str, wrap: Callable[[str, str], str], leaf: Callable[[Inline], str]) -> str:
    """Writes runs with each mark of ``order`` around the longest stretch that has it, outermost first."""
    parts = list(runs)
    present = {mark for part in parts if type(part) is Span for mark in part.marks}
    return _nested(parts, "".join(mark for mark in order if mark in present), wrap, leaf)


def _nested(runs: list[Inline], order: str, wrap: Callable[[str, str], str], leaf: Callable[[Inline], str]) -> str:
    if not order:
        return "".join(map(leaf, runs))
    mark, told = order[0], []
    for has, group in groupby(_trimmed(runs, mark), lambda part: _has(part, mark)):
        inner = _nested(list(group), order[1:], wrap, leaf)
        told.append(wrap(mark, inner) if has else inner)
    return "".join(told)


def _trimmed(runs: list[Inline], mark: str) -> Iterator[Inline]:
    """No stretch of the mark begins or ends with blanks, where a link cut it in two."""
    for has, group in groupby(runs, lambda part: _has(part, mark)):
        stretch = list(group)
        if has and any(isinstance(part, Span) and blank_ends(part.text) for part in (stretch[0], stretch[-1])):
            yield from edges([part for part in stretch if isinstance(part, Span)], mark)
        else:
            yield from stretch


def _has(part: Inline, mark: str) -> bool:
    return isinstance(part, Span) and mark in part.marks
