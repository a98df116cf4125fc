"""What needs a person: deliveries and arrivals that went nowhere, and open conflicts; nothing of it is ever dropped."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, url_for
from werkzeug.wrappers import Response as Answer

from gateway.clock import iso
from gateway.console import reading
from gateway.console.parts import live, parts
from gateway.console.web import by, done, inner, needs, pages, runtime
from gateway.console.words import gettext
from gateway.desk import attention, lanes

DEAD = {"dead": "attention/_dead.html"}
CONFLICTS = {"conflicts": "attention/_conflicts.html"}


@pages.get("/dead-letters")
@needs("delivery.read")
def dead_letters() -> str:
    """Deliveries and arrivals that wait for a person."""
    found = _dead()
    return render_template("attention/dead.html", parts=parts(DEAD, **found), **found)


@pages.get("/dead-letters/live")
@needs("delivery.read")
def dead_letters_live() -> Response:
    """What changed among them."""
    return live(DEAD, **_dead())


def _dead() -> dict[str, Any]:
    rt = runtime()
    with rt.store.read() as conn:
        deliveries, arrivals = attention.deliveries(conn), attention.arrivals(conn)
        held, alarms = lanes.held(conn), reading.alarms(conn)
    found = {"deliveries": deliveries, "arrivals": arrivals, "lanes": held}
    return {**found, "alarms": alarms, "iso": iso, "public": rt.ids.public}


@pages.post("/dead-letters/deliveries/<id>/replay")
@needs("delivery.replay")
def replay_delivery(id: str) -> Answer:
    """Send it again, first in its lane."""
    rt = runtime()
    with rt.store.write() as conn:
        attention.replay_delivery(conn, by(), inner(id, "delivery"))
    rt.wake("deliver")
    return done(gettext("It is being sent again."), url_for("console.dead_letters"))


@pages.post("/dead-letters/lanes/<id>/release")
@needs("lane.release")
def release_lane(id: str) -> Answer:
    """Let what waits in it go on."""
    rt = runtime()
    with rt.store.write() as conn:
        lanes.release(conn, by(), inner(id, "lane"))
    rt.wake("deliver")
    return done(gettext("It goes on."), url_for("console.dead_letters"))


@pages.post("/dead-letters/arrivals/<id>/replay")
@needs("arrival.replay")
def replay_arrival(id: str) -> Answer:
    """Work on it again."""
    rt = runtime()
    with rt.store.write() as conn:
        attention.replay_arrival(conn, by(), inner(id, "arrival"))
    rt.wake("process")
    return done(gettext("It is being worked on again."), url_for("console.dead_letters"))


@pages.get("/conflicts")
@needs("conflict.read")
def conflicts() -> str:
    """Fields that both sides changed and a person decides."""
    found = _conflicts()
    return render_template("attention/conflicts.html", parts=parts(CONFLICTS, **found), **found)


@pages.get("/conflicts/live")
@needs("conflict.read")
def conflicts_live() -> Response:
    """What changed among them."""
    return live(CONFLICTS, **_conflicts())


def _conflicts() -> dict[str, Any]:
    rt = runtime()
    with rt.store.read() as conn:
        found, alarms = attention.conflicts(conn), reading.alarms(conn)
    return {"conflicts": found, "alarms": alarms, "iso": iso, "public": rt.ids.public}
