"""The web application: console, API, webhooks and signs of life behind one factory. Making it opens nothing.

The database is opened at the first request that needs it, once per process, so that a server may fork its workers
after importing ``wsgi``.
"""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import threading
from typing import Any

from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import api
from gateway.api import health, hooks, problems, strict
from gateway.api.problems import Refusal
from gateway.config import Config, trusted_proxies
from gateway.errors import ConfigError, Unavailable
from gateway.inbox.webhooks import Door
from gateway.runtime import Runtime
from gateway.store.files import MAX_BYTES
from gateway.workers.wake import Bell

MOST = 2 * MAX_BYTES
"""Bytes of any request; what takes less says so itself."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_NOTHING = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_ALONE = frozenset({None, "signs.alive", "api-docs.openapi_json", "console.static"})
"""What needs no database."""

_OPENING = threading.Lock()


class Json(DefaultJSONProvider):
    """Strict when it reads; text stays text when it writes."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return strict.loads(s if isinstance(s, bytes) else s.encode("utf-8", "surrogatepass"))


class Application(Flask):
    json_provider_class = Json


def create_app(runtime: Runtime | None = None) -> Flask:
    """The application. Without a ``runtime`` it opens the one of the environment when it is first needed."""
    app = Application("gateway", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=MOST, MAX_FORM_MEMORY_SIZE=1024 * 1024, MAX_FORM_PARTS=100, PROPAGATE_EXCEPTIONS=False,
        TRAP_HTTP_EXCEPTIONS=False,
    )  # fmt: skip
    app.url_map.strict_slashes = False
    if runtime is not None:
        _put(app, runtime)
    app.before_request(lambda: _begin(app))
    app.after_request(_guard)
    app.context_processor(lambda: {"csp_nonce": nonce})
    app.wsgi_app = hooks.Hooks(app.wsgi_app, lambda: _door(app))  # type: ignore[method-assign,assignment]
    proxies = trusted_proxies() if runtime is None else runtime.config.trusted_proxies
    if proxies:  # the last so many addresses of X-Forwarded-For are theirs; whatever stands before is anybody's word
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    problems.install(app)
    app.register_blueprint(health.signs)
    app.register_blueprint(hooks.hooks)
    api.register(app)
    if importlib.util.find_spec("gateway.console") is not None:
        console = importlib.import_module("gateway.console")
        if hasattr(console, "register"):
            console.register(app)
    return app


def nonce() -> str:
    """What the scripts and styles of this answer have to carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _begin(app: Flask) -> None:
    if "\0" in request.path or any("\0" in text for pair in request.args.items(multi=True) for text in pair):
        raise Refusal(400, "the address holds a NUL character")
    if request.endpoint not in _ALONE and "tandem" not in app.extensions:
        _open(app)


def _open(app: Flask) -> None:
    """Open the runtime of this process. Raises Unavailable while the database is away."""
    with _OPENING:
        if "tandem" in app.extensions:
            return
        config = Config.load(create=False)
        try:
            opened = Runtime.open(config, wake=Bell(config.redis_url).ring)
        except ConfigError:
            raise
        except Exception as error:
            app.logger.exception("the database cannot be opened")
            raise Unavailable("the database cannot be reached at the moment", fix="Try again in a moment.") from error
        _put(app, opened)


def _door(app: Flask) -> Door:
    if "tandem.door" not in app.extensions:
        _open(app)
    door: Door = app.extensions["tandem.door"]
    return door


def _put(app: Flask, runtime: Runtime) -> None:
    app.extensions["tandem.door"] = Door(runtime)
    app.extensions["tandem"] = runtime


def _guard(response: Response) -> Response:
    """Headers of every answer. What programs ask for loads nothing at all."""
    pages = request.blueprint == "console" or response.mimetype == "text/html"
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()) if pages else _NOTHING)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
