"""Applications for tests that need many: making one takes longer than most of what is tried with it, so it is lent."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from flask import Flask

from connectors.simulators.loopback import Request, Response
from gateway.app import create_app
from gateway.inbox.webhooks import Door
from gateway.runtime import Runtime
from tests.databases import Maker

_lent: dict[str, Flask] = {}


@cache
def maker() -> Maker:
    """Prepared databases, copied from a template of this process."""
    return Maker("sqlite", Path(tempfile.mkdtemp(prefix="tandem-")), None)


def lent(name: str, runtime: Runtime) -> Flask:
    """The application of that name, from now on over ``runtime``."""
    app = _lent.get(name)
    if app is None:
        app = _lent[name] = create_app(runtime)
    app.extensions["tandem"], app.extensions["tandem.door"] = runtime, Door(runtime)
    app.extensions.pop("tandem.pairings", None)
    return app


def answered(app: Flask, request: Request) -> Response:
    """What an application says to a request of the loopback."""
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    got = app.test_client().open(request.target, method=request.method, headers=headers, data=request.body)
    kept = {name: value for name, value in got.headers.items() if name not in ("Content-Length", "Content-Type")}
    return Response(got.status_code, got.get_data(), got.content_type or "application/json", kept)
