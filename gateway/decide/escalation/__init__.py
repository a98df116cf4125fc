"""Where a ticket goes if nothing happens, and when: a ticket followed along its path of the escalation matrix.

``follow`` is asked at the end of every plan, and by the clock when ``wake_at`` has come. It acts on all that is
overdue, each thing once, however late, and says how late. Nothing is done twice: what was done is in the ticket's
ledger (``watch``), in the same transaction. Besides the signals of ``signals`` it takes ``breach`` (``after``: which
clock) and ``warm`` (``after``: the provider that gets the ticket when it has answered).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.decide.escalation.actions import Action, Notice, TellRequester, decision
from gateway.decide.escalation.look import Look
from gateway.decide.escalation.matrix import Matrix, Step
from gateway.decide.escalation.reading import compile_escalation
from gateway.decide.escalation.times import Calendars, Times, instant
from gateway.decide.escalation.watch import Watch, fold
from gateway.decide.sentence import Sentence
from gateway.decide.signals import Signal, View


@dataclass(frozen=True, slots=True)
class Watched:
    """``state``: what the ledger keeps; ``wake_at``: when the clock should ask again, UTC microseconds, later than now;
    None: only something that happens can change anything."""

    state: dict[str, Any]
    actions: tuple[Action, ...]
    wake_at: int | None


def follow(
    state: Mapping[str, Any], matrix: Matrix | None, calendars: Calendars | None, view: View, signals: Iterable[Signal]
) -> Watched:
    """One look at a ticket: what happened taken in, what is overdue done. ``matrix`` None: no policy is in force."""
    if matrix is None:
        return Watched(dict(state), (), None)
    return _look(state, matrix, Times(calendars), view, tuple(signals))


def replay(matrix: Matrix, inputs: Mapping[str, Any]) -> str:
    """The same decision again, as ``Decision.text``, from its inputs alone; ``number``: which action of a look."""
    view = View(**{**inputs["view"], "legs": {k: (v[0], v[1]) for k, v in inputs["view"]["legs"].items()}})
    signals = tuple(Signal(**one) for one in inputs["signals"])
    looked = _look(inputs["watch"], matrix, Times(None, inputs["times"]), view, signals)
    action = looked.actions[inputs["number"]]
    assert not isinstance(action, Notice | TellRequester)
    return decision(action, matrix.label).text()


def _look(state: Mapping[str, Any], matrix: Matrix, times: Times, view: View, signals: tuple[Signal, ...]) -> Watched:
    look = Look(matrix, times, view, Watch.read(state, view, signals))
    happened = fold(look.watch, matrix, view, signals)
    if not look.watch.ended:
        for one in happened:
            look.react(one)
        look.unheld()
        look.silence()
        look.path()
        look.idle()
    if not look.actions:
        return Watched(look.watch.kept(), (), look.wake_at())
    wake_at, inputs = look.wake_at(), _inputs(state, view, signals, times)
    actions = tuple(
        one if isinstance(one, Notice | TellRequester) else replace(one, inputs={**inputs, "number": number})
        for number, one in enumerate(look.actions)
    )
    return Watched(look.watch.kept(), actions, wake_at)


def _inputs(state: Mapping[str, Any], view: View, signals: tuple[Signal, ...], times: Times) -> dict[str, Any]:
    """All that a look depends on, plain as JSON."""
    return {
        "watch": dict(state),
        "view": {
            "as_of": view.as_of,
            "number": view.number,
            "fields": {name: view.fields.get(name) for name in ("status", "priority", "service", "assignee")},
            "holder": view.holder,
            "created_at": view.created_at,
            "legs": {name: list(leg) for name, leg in sorted(view.legs.items())},
        },
        "signals": [asdict(one) for one in signals],
        "times": times.told,
    }


ASKED = "%(to)s is asked to help and gets the ticket when it answers (%(rule)s)"
GIVEN = "%(to)s gets the ticket (%(rule)s)"
INFORMED = "%(roles)s will know (%(rule)s)"
SILENT = "if %(who)s has not answered by then, %(to)s gets the ticket"
UNTAKEN = "if nobody has taken it by then, %(roles)s will know"


@dataclass(frozen=True, slots=True)
class Explained:
    """``because``: why the one who has the ticket has it; ``following``: (when, what), what happens next if nobody does
    anything, in order; ``only_if``: what waits for something to happen first."""

    because: str
    following: tuple[tuple[int, str], ...]
    only_if: tuple[str, ...]

    def text(self) -> str:
        """In plain words, a line for each."""
        lines = [self.because, *(f"{instant(at)}: {what}" for at, what in self.following), *self.only_if]
        return "\n".join(lines if self.following or self.only_if else [*lines, "Nothing happens by itself after that."])


def explain(
    matrix: Matrix, view: View, at: int, state: Mapping[str, Any] | None = None, calendars: Calendars | None = None
) -> Explained:
    """Why this target, and what next, when. ``at``: the moment asked about; ``state``: the ledger's ``watch``."""
    view = replace(view, as_of=at)
    opened = (Signal("opened", view.created_at),) if not state else ()
    look = Look(matrix, Times(calendars), view, Watch.read(state or {}, view, opened))
    watch = look.watch
    if watch.ended:
        return Explained(f"The ticket is {view.status}: nobody is waited for.", (), ())
    following = [(one.due, _will(look, one.step)) for one in look.stands() if one.due is not None]
    if (due := look.silent_at()) is not None:
        who, step = watch.asked["who"], look.step(watch.asked["rule"])
        after = look.next_step(who)
        to = after.to if after else (step.otherwise if step else "") or matrix.fallback
        following.append((due, Sentence(SILENT, who=who, to=to)))
    if (due := look.idle_at()) is not None:
        following.append((due, Sentence(UNTAKEN, roles=matrix.unassigned_inform)))
    later = [f"{_will(look, one.step)}: {one.why}" for one in look.stands() if one.due is None and not _over(one.why)]
    return Explained(_because(look), tuple(sorted(following)), tuple(later))


def _because(look: Look) -> str:
    watch = look.watch
    path = f"its path is {look.row.name}" if look.row else "no path names its service and priority"
    step = look.step(watch.by)
    said = {
        "silence": "a provider did not answer in time",
        "nobody": "nobody had it",
        "": "the routing rules or a person gave it",
    }.get(watch.by, f"step {watch.by} gave it" + (f" ({step.because})" if step and step.because else ""))
    return f"{watch.holder} has the ticket since {instant(watch.since)}: {said}; {path}."


def _will(look: Look, step: Step) -> Sentence:
    if step.functional:
        return Sentence(ASKED if step.how == "warm" else GIVEN, to=step.to, rule=look.rule(step))
    return Sentence(INFORMED, roles=step.inform, rule=look.rule(step))


def _over(why: str) -> bool:
    return why.startswith(("done ", "the path ended")) or "had it already" in why


__all__ = ["Explained", "Watched", "compile_escalation", "explain", "follow", "replay"]
