"""One look at a ticket on its path: what signals came to, then all that is overdue, each thing once.

At most one action of a look passes the ticket on; a ticket that is overdue twice goes its way in two looks.
"""

from __future__ import annotations

from gateway.decide.escalation import steps as steps
from gateway.decide.escalation.actions import Action, HandOver, Inform, Promote, TakeBack, TellRequester
from gateway.decide.escalation.matrix import Matrix, Step, Wait
from gateway.decide.escalation.steps import Stand
from gateway.decide.escalation.times import Times, instant, lasting, late
from gateway.decide.escalation.watch import Happened, Watch
from gateway.decide.signals import View

NOBODY = ("", "nobody")


class Look:
    """One look: collects actions and keeps the watch true to them. At most one of them passes the ticket on."""

    def __init__(self, matrix: Matrix, times: Times, view: View, watch: Watch) -> None:
        self.matrix, self.times, self.view, self.watch = matrix, times, view, watch
        self.row = matrix.row(str(view.fields.get("service") or ""), view.priority)
        self.actions: list[Action] = []
        self.passed = False
        name = self.row.name if self.row is not None else ""
        if name != watch.path:
            watch.path, watch.on_path = name, view.as_of if watch.path else watch.opened
        if watch.asked and self.ended(watch.asked["who"]):  # somebody has taken it away meanwhile
            watch.asked = {}

    # -- what just happened --

    def react(self, one: Happened) -> None:
        if one.kind == "promote":
            because = f"{one.who} was asked to help and has answered"
            self.actions.append(Promote(one.who, because, one.why, f"{self.watch.holder} would still have it"))
            self.watch.pass_to(one.who, one.at, one.why)
            self.watch.answered, self.watch.asked, self.passed = one.at, {}, True
        elif one.kind == "returned" and self.matrix.returned == "next":
            self.next_after(one)
        elif one.kind == "deadlock":
            self.inform(self.matrix.deadlock_inform, f"stuck: {one.why}", "deadlock")
        if one.why and one.who == "stuck":
            told = self.watch.told["still"]
            text = "Thank you for telling us. " + (
                f"Those responsible have known since {instant(told)} that this does not move on."
                if one.kind == "again"
                else "Those responsible for the service have been informed that this does not move on."
            )
            self.actions.append(TellRequester(text, "deadlock"))

    def next_after(self, one: Happened) -> None:
        """Given back: the next of its path gets it, where there is one."""
        step = self.next_step(one.who)
        if step is not None and not self.passed:
            self.hand(step, f"{one.who} gave it back without work", "the team that had it before would have it", one.at)

    # -- what is overdue --

    def unheld(self) -> None:
        """A ticket that nobody has is found at the next look."""
        who = self.view.holder
        nobody = who in NOBODY or (who.startswith("provider:") and self.ended(who))
        if self.passed or not nobody or self.watch.holder != who:
            return
        said = "nobody has this ticket" if who in NOBODY else f"{who} has this ticket and no record of it"
        self.actions.append(HandOver(self.matrix.fallback, "cold", said, "nobody", "nobody would have it"))
        self.watch.pass_to(self.matrix.fallback, self.view.as_of, "nobody")
        self.passed = True

    def silence(self) -> None:
        """A provider that was asked and does not answer loses the ticket to the next of the path."""
        due = self.silent_at()
        if due is None or due > self.view.as_of:
            return
        asked, now = self.watch.asked, self.view.as_of
        who, step = asked["who"], self.step(asked["rule"])
        patience = self.patience(step)
        said = f"{who} has not answered within {lasting(patience.length)}{late(due, now)}"
        holds = self.watch.holder == who
        self.watch.asked = {}
        following = self.next_step(who)
        if following is not None:
            self.hand(following, said, f"{who} would be waited for", due, ends=who, cold=holds)
            return
        to = (step.otherwise if step else "") or self.matrix.fallback
        otherwise = f"{who} would be waited for"
        self.watch.late("silence", due, now)
        self.actions.append(TakeBack(to if holds else self.watch.holder, who, said, "silence", otherwise, self.lost()))
        if holds:
            self.watch.pass_to(to, now, "silence")
            self.passed = True

    def path(self) -> None:
        """Every step of the path that is due, in the order of their times."""
        while self.row is not None:
            stands = self.stands()
            due = [s for s in stands if s.due is not None and s.due <= self.view.as_of]
            due = [s for s in due if not (s.step.functional and self.passed)]
            if not due:
                return
            self.act(min(due, key=lambda s: s.due or 0), stands)

    def act(self, one: Stand, stands: list[Stand]) -> None:
        step, now, due = one.step, self.view.as_of, one.due or 0
        since = steps.SINCE_WORDS.get(step.since) or f"since {step.since.removeprefix('breach:')} was missed"
        when = f"{lasting(step.wait.length)} {since}" if step.wait.length else f"at once {since}"
        because = f"{step.because or self.rule(step)}: {when}{late(due, now)}"
        if step.functional:
            lost = tuple((self.rule(s.step), s.why) for s in stands if s.step is not step)
            otherwise = f"{self.watch.holder} would still have it"
            self.hand(step, because, otherwise, due, lost=lost, fails=step.since == "unacknowledged")
        else:
            self.watch.acted(self.rule(step), due, now)
            self.inform(step.inform, f"{step.text or 'This ticket needs you'} ({because})", self.rule(step))

    def idle(self) -> None:
        """Nobody works on it in the team that has it."""
        due = self.idle_at()
        if due is None or due > self.view.as_of:
            return
        self.watch.unassigned = self.view.as_of
        self.watch.late("unassigned", due, self.view.as_of)
        text = f"nobody in {self.watch.holder} has taken this ticket{late(due, self.view.as_of)}"
        self.inform(self.matrix.unassigned_inform, text, "unassigned")

    # -- acting --

    def hand(
        self, step: Step, because: str, otherwise: str, due: int, lost: tuple[tuple[str, str], ...] = (),
        ends: str = "", cold: bool = False, fails: bool = False,
    ) -> None:  # fmt: skip
        """The ticket goes on to who a step names; ``fails``: a holder that was silent loses its link."""
        watch, now, rule = self.watch, self.view.as_of, self.rule(step)
        silent = fails and watch.holder.startswith("provider:") and not watch.answered
        ends = ends or (watch.holder if silent else "")
        how = "cold" if cold or ends == watch.holder else step.how
        instead = step.otherwise or self.matrix.fallback
        self.actions.append(HandOver(step.to, how, because, rule, otherwise, ends, instead, lost or self.lost()))
        watch.acted(rule, due, now)
        watch.handed = [rule, now]
        if how == "warm":
            watch.ask(step.to, now, rule, "warm")
        else:
            watch.pass_to(step.to, now, rule)
        self.passed = True

    def inform(self, roles: tuple[str, ...], text: str, rule: str) -> None:
        named = [self.matrix.roles[name] for name in roles]
        turns = [self.times.on_call(one.on_call, self.view.as_of) for one in named if one.on_call]
        people = dict.fromkeys(person for one in named for person in (*one.users, *one.email))
        called = tuple(person for person in dict.fromkeys(turns) if person)
        self.actions.append(Inform(roles, text, rule, (*called, *people), lost=self.lost()))

    # -- asking --

    def ended(self, who: str) -> bool:
        """Whether a provider has no part in this ticket (any more)."""
        return self.view.legs.get(who.removeprefix("provider:"), ("ended", ""))[0] == "ended"

    def rule(self, step: Step) -> str:
        return f"{self.row.name if self.row else ''}/{step.name}"

    def step(self, rule: str) -> Step | None:
        return next((one for one in (self.row.steps if self.row else ()) if self.rule(one) == rule), None)

    def patience(self, step: Step | None) -> Wait:
        return step.acknowledge if step is not None and step.acknowledge is not None else self.matrix.acknowledge

    def next_step(self, but: str) -> Step | None:
        """The next hand-over of the path to somebody who was neither holder nor asked in this episode."""
        been = {*self.watch.had, *self.watch.tried, but}
        path = self.row.steps if self.row is not None else ()
        return next((one for one in path if one.functional and one.to not in been), None)

    def stands(self) -> list[Stand]:
        return steps.stands(self.row, self.watch, self.times) if self.row else []

    def lost(self) -> tuple[tuple[str, str], ...]:
        return tuple((self.rule(one.step), one.why) for one in self.stands() if one.why)

    def silent_at(self) -> int | None:
        asked = self.watch.asked
        if not asked:
            return None
        patience = self.patience(self.step(asked["rule"]))
        return self.times.due(patience, asked["who"], asked["at"], self.watch.pauses) if patience.length else None

    def idle_at(self) -> int | None:
        watch, wait = self.watch, self.matrix.unassigned
        taken = watch.unassigned or watch.answered or self.view.fields.get("assignee")
        if not wait.length or taken or not watch.holder.startswith("team:"):
            return None
        return self.times.due(wait, watch.holder, watch.since, watch.pauses)

    def wake_at(self) -> int | None:
        """The next moment at which anything is due."""
        if self.watch.ended:
            return None
        asked = (self.silent_at(), self.idle_at(), *(one.due for one in self.stands()))
        due = [at for at in asked if at is not None]
        return max(min(due), self.view.as_of + 1) if due else None
