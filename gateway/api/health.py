"""``/healthz`` this process answers, ``/readyz`` it can do its work, ``/metrics`` how the whole installation is doing.

Counts are read from the database, so that every process tells the same and none keeps files for it; labels are from
fixed sets and the admin's own connection names.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from gateway.api.base import authenticate
from gateway.desk.items import DELIVERY
from gateway.errors import Forbidden
from gateway.providers import health as connections
from gateway.providers.connection import STATES
from gateway.runtime import Runtime
from gateway.store import leases
from gateway.store.db import Road
from gateway.tickets.vocabulary import STATUSES
from gateway.workers import valkey
from gateway.workers.schedule import LEASE

EVERY = 1_000_000
"""Microseconds an answer about readiness and counts is good for: asking often costs nothing."""

signs = Blueprint("signs", __name__)
_lock = threading.Lock()


@signs.route("/healthz")
def alive() -> Response:
    """This process answers. It asks nobody."""
    return Response("ok\n", mimetype="text/plain")


@signs.route("/readyz")
def ready() -> tuple[Response, int]:
    """Whether webhooks can be stored and answered, with what else is worth knowing."""
    found = _remembered("tandem.ready", _look)
    return jsonify(found), 200 if found["ready"] else 503


def _look(rt: Runtime) -> dict[str, Any]:
    """``{ready, database, redis, oldest_due_lane_seconds, scheduler_seconds}``. Redis is a bell: without it work is
    found a little later, so it is told and does not count."""
    told: dict[str, Any] = {"ready": True, "database": "ok", "redis": _redis(rt)}
    try:
        leases.take(rt.store, "ready", rt.drain, 0.0)
        with rt.store.read() as conn:
            road, now = Road(conn, rt.store.dialect), rt.now()
            due = road.rows("select min(due_at) from lane where due_at is not null and due_at <= ?", now)[0][0]
            seen = road.rows("select until from lease where name = 'scheduler'")
        told["oldest_due_lane_seconds"] = None if due is None else (now - due) / 1e6
        told["scheduler_seconds"] = round(LEASE - (seen[0][0] - now) / 1e6, 1) if seen else None
    except Exception as error:
        if not (isinstance(error, SQLAlchemyError | OSError) or rt.store.broken(error)):
            raise
        told |= {"ready": False, "database": type(error).__name__}
    return told


def _redis(rt: Runtime) -> str:
    url = rt.config.redis_url
    return "ok" if url and valkey.answers(url) else "away"


# --- metrics ---


@signs.route("/metrics")
def metrics() -> Response:
    """Everything that is counted, for Prometheus: from this machine, or with a token that may read metrics."""
    if not _local() and not authenticate().may("metric.read"):
        raise Forbidden("your role does not allow this")
    body = _remembered("tandem.metrics", lambda rt: generate_latest(_registry(rt)))
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _local() -> bool:
    """Whether the one who asks sits on this machine, and no proxy stands between. Where one is counted, nobody does."""
    rt: Runtime = current_app.extensions["tandem"]
    if rt.config.trusted_proxies:
        return False
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"))
    return request.remote_addr in ("127.0.0.1", "::1") and not forwarded


def _registry(rt: Runtime) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counts(rt))
    return registry


class Counts(Collector):
    """Gauges over what is in the database."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def collect(self) -> Iterator[Metric]:
        with self._rt.store.read() as conn:
            road = Road(conn, self._rt.store.dialect)
            yield _by("tandem_tickets", "Tickets by status.", "status", STATUSES,
                      road.rows("select status, count(*) from ticket group by status"))  # fmt: skip
            for name, text, table in (
                ("tandem_deliveries", "Deliveries not yet through, by state.", "delivery"),
                ("tandem_arrivals", "Arrivals not yet worked on, by state.", "arrival"),
            ):
                sql = f"select state, count(*) from {table} where state = 0 or state in (2, 4) group by state"  # noqa: S608
                rows = [(DELIVERY[state], n) for state, n in road.rows(sql)]
                yield _by(name, text, "state", ("waiting", "dead", "held"), rows)
            yield from self._gauges(road)
            yield from self._connections(conn)

    def _gauges(self, road: Road) -> Iterator[Metric]:
        now = self._rt.now()
        for name, text, sql in _GAUGES:
            found = road.rows(sql, *([now] if "?" in sql else []))[0][0]
            value = float(found or 0)
            if name.endswith("_seconds"):
                value = max(0.0, (now - found) / 1e6) if found is not None else 0.0
            yield GaugeMetricFamily(name, text, value=value)

    @staticmethod
    def _connections(conn: Any) -> Iterator[Metric]:
        found = connections.everything(conn)
        up = GaugeMetricFamily("tandem_connection_up", "1: active, and its breaker closed.", labels=("connection",))
        state = GaugeMetricFamily(
            "tandem_connection_state", "1 for the state it is in.", labels=("connection", "state")
        )
        waits = GaugeMetricFamily("tandem_connection_waiting", "Deliveries that wait.", labels=("connection",))
        dead = GaugeMetricFamily("tandem_connection_dead", "Deliveries that need a person.", labels=("connection",))
        ok = GaugeMetricFamily(
            "tandem_connection_last_ok_timestamp_seconds",
            "The last call that went well, Unix time.",
            labels=("connection",),
        )
        for one in found:
            up.add_metric((one.name,), float(one.state == "active" and one.breaker in (None, "closed")))
            for word in STATES:
                state.add_metric((one.name, word), float(one.state == word))
            waits.add_metric((one.name,), one.waiting)
            dead.add_metric((one.name,), one.dead)
            ok.add_metric((one.name,), (one.last_ok_at or 0) / 1e6)
        yield from (up, state, waits, dead, ok)


_GAUGES = (
    ("tandem_lanes_due", "Lanes with something to do now.",
     "select count(*) from lane where due_at is not null and due_at <= ?"),
    ("tandem_oldest_due_lane_seconds", "How long the oldest of them has waited.",
     "select min(due_at) from lane where due_at is not null and due_at <= ?"),
    ("tandem_lanes_held", "Lanes that wait for a person.", "select count(*) from lane where held <> ''"),
    ("tandem_oldest_waiting_arrival_seconds", "How long the oldest arrival has waited.",
     "select min(received_at) from arrival where state = 0"),
    ("tandem_conflicts_open", "Open conflicts.", "select count(*) from conflict where state = 'open'"),
    ("tandem_notices_open", "Open notices.", "select count(*) from notice where state = 'open'"),
    ("tandem_attempts_unknown", "Writes of which nobody knows whether they arrived.",
     "select count(*) from attempt where outcome in ('unknown', 'ghost') and outcome = 'unknown'"),
    ("tandem_audit_unsealed", "Transactions whose audit entries wait for their seal.", "select count(*) from unsealed"),
)  # fmt: skip


def _by(name: str, text: str, label: str, words: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    found = dict(rows)
    for word in words:
        family.add_metric((word,), float(found.get(word, 0)))
    return family


def _remembered(name: str, make: Any) -> Any:
    """What ``make`` said less than a second ago, or says now; one at a time."""
    rt: Runtime = current_app.extensions["tandem"]
    with _lock:
        at, found = current_app.extensions.get(name, (0, None))
        if rt.now() - at > EVERY:
            found = make(rt)
            current_app.extensions[name] = (rt.now(), found)
        return found
