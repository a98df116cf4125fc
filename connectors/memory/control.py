"""The memory desk's control door for tests: scripts of faults, quirks and webhooks, acts of people, effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from connectors.memory import wire
from connectors.memory.desk import Desk
from connectors.memory.rules import REWRITES, DeskError, Quirks
from connectors.simulators.faults import Faults
from connectors.simulators.loopback import Request, Response
from connectors.simulators.webhooks import Mood, Sender


class Control:
    """Answers what begins with ``/_control``; only there when the server is told so."""

    def __init__(self, desk: Desk, faults: Faults, sender: Sender | None) -> None:
        self._desk = desk
        self._faults = faults
        self._sender = sender

    def __call__(self, request: Request) -> Response:
        """One order; 400 with the reason where it makes no sense."""
        try:
            return Response.of(self._order(request.path.removeprefix("/_control/"), request))
        except (DeskError, ValueError, TypeError, KeyError) as no:
            return Response.of({"message": str(no)}, 400)

    def _order(self, what: str, request: Request) -> Any:
        match request.method, what:
            case "GET", "effects":
                return effects(self._desk)
            case "GET", "tickets":
                return [wire.ticket_document(each) for each in list(self._desk.tickets.values())]
            case "GET", "webhooks":
                return asdict(self._sender.tally) if self._sender else None
            case "GET", "faults":
                return {"requests": self._faults.requests, "met": self._faults.met}
            case "POST", "faults":
                self._faults.load(request.json())
            case "POST", "quirks":
                self._desk.quirks = quirks(request.json())
            case "POST", "webhooks" if self._sender:
                self._sender.mood = Mood(**request.json())
            case "POST", "flush" if self._sender:
                return self._sender.flush()
            case "POST", "act":
                return self._act(**request.json())
            case _:
                raise ValueError(f"there is no {request.method} {what}")
        return None

    def _act(self, actor: str, verb: str, **how: Any) -> Any:
        match verb:
            case "create":
                return wire.ticket_document(self._desk.create(actor, how["fields"]))
            case "update":
                return wire.ticket_document(self._desk.update(actor, how["id"], how["fields"]))
            case "comment":
                return wire.comment_document(self._desk.comment(actor, how["id"], how["text"], how["public"]))
            case "edit":
                return wire.comment_document(self._desk.edit(actor, how["id"], how["comment"], how["text"]))
            case "upload":
                data = how["text"].encode()
                return wire.upload_document(
                    self._desk.upload(actor, how["id"], how["name"], "text/plain", data, how["public"])
                )
            case "log":
                made = self._desk.log(actor, how["id"], how["minutes"], how["text"], self._desk.clock())
                return wire.worklog_document(made, how["id"])
            case "delete":
                return self._desk.delete(actor, how["id"])
        raise ValueError(f"there is no verb {verb}")


def quirks(document: Mapping[str, Any]) -> Quirks:
    """Quirks from JSON: ``rewrite`` names one of ``REWRITES`` per field, ``index_lag`` is in seconds."""
    given = dict(document)
    rewrite = {name: REWRITES[how] for name, how in given.pop("rewrite", {}).items()}
    edges = {name: set(to) for name, to in given.pop("edges", {}).items()}
    lag = timedelta(seconds=given.pop("index_lag", 0))
    return Quirks(rewrite=rewrite, ignore=set(given.pop("ignore", ())), edges=edges, index_lag=lag, **given)


def effects(desk: Desk) -> dict[str, Any]:
    """The counted effects as JSON: lists of [key parts..., count]."""
    counted = desk.effects()
    return {
        "created": sorted([ref, n] for ref, n in counted.created.items()),
        "comments": sorted([*key, n] for key, n in counted.comments.items()),
        "uploads": sorted([*key, n] for key, n in counted.uploads.items()),
        "worklogs": sorted([*key, n] for key, n in counted.worklogs.items()),
        "writes": sorted([*key, n] for key, n in counted.writes.items()),
    }
