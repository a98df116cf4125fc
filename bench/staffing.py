"""How fast is a desk simulated? Ten runs of 16,700 contacts, beside what Erlang's formulas say of the same desk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gateway.insight import erlang
from gateway.insight.simulator import HOUR, Pool, Setting, exponential, simulate

HOURS, RATE, AGENTS, TALK = 83.5, 200, 14, 180.0


@dataclass(frozen=True)
class Scale:
    """How many runs."""

    rounds: int = 10


def run(scale: Scale) -> dict[str, Any]:
    """``{contacts, runs, seconds, answered: [simulated, half its interval, by formula], abandoned}``; ``seconds`` of
    one processor."""
    runs = max(scale.rounds, 2)
    load = erlang.load(RATE, HOUR, TALK)
    setting = Setting((Pool("desk", AGENTS),), {"": exponential(TALK)})
    began = time.process_time()
    patient = simulate(setting, RATE, HOURS, runs)
    seconds = time.process_time() - began
    hasty = Setting((Pool("desk", 9),), {"": exponential(TALK)}, exponential(TALK))
    gone = simulate(hasty, RATE, HOURS, runs)["abandoned"]
    answered = patient["answered"]
    return {
        "runs": runs,
        "contacts": round(RATE * HOURS),
        "seconds": round(seconds, 2),
        "answered": [answered.mean, answered.half, erlang.answered_within(load, AGENTS, TALK, 20)],
        "abandoned": [gone.mean, gone.half, erlang.gives_up(load, 9, TALK, TALK)],
    }


def told(measured: dict[str, Any]) -> str:
    """The figures for a person."""
    lines = [f"{measured['runs']} runs of {measured['contacts']} contacts: {measured['seconds']} s of one processor"]
    for name in ("answered", "abandoned"):
        mean, half, known = measured[name]
        lines.append(f"{name}: simulated {mean:.4f} ± {half:.4f}, by formula {known:.4f}")
    return "\n".join(lines)
