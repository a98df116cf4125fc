"""The door of every page: who is signed in, what they may do, and that an unsafe request comes from a page of ours.

A session's CSRF token has to come with every unsafe request, as a field or (htmx) as a header; where the browser says
from where the request comes, that has to be here too. Signing in has no session yet: its form carries a token bound to
a cookie of its own.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import quote, unquote, urlsplit

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.decide.commands import Objection
from gateway.errors import Forbidden, NotFound, TandemError
from gateway.people import sessions
from gateway.people.principal import Principal
from gateway.people.sessions import Session
from gateway.people.users import By
from gateway.runtime import Runtime

COOKIE = "tandem_session"
FORM_COOKIE = "tandem_form"
LANGUAGE_COOKIE = "tandem_language"
SAID_COOKIE = "tandem_said"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"console.static", "console.sign_in", "console.language"})
"""What needs no session."""

SHARED = OPEN | {"console.home", "console.sign_out", "console.file"}
"""What every role may ask for; the portal has addresses of its own, and all others are the desk's."""

pages = Blueprint(
    "console", __name__, template_folder="templates", static_folder="static", static_url_path="/static/console"
)

P = ParamSpec("P")
View = Callable[P, Any]


def runtime() -> Runtime:
    found: Runtime = current_app.extensions["tandem"]
    return found


def me() -> Principal:
    """Who is signed in."""
    session: Session = g.session
    return session.principal


def by() -> By:
    """Who changes something, and when, for the quiet parts."""
    rt = runtime()
    return By(me().id, rt.key, rt.now())


def needs(action: str) -> Callable[[View[P]], View[P]]:
    """A view that only a role with this permission reaches. Raises Forbidden."""

    def wrap(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            allow(action)
            return view(*args, **kwargs)

        return guarded

    return wrap


def allow(action: str) -> None:
    """Raises Forbidden when the role of who is signed in does not allow this."""
    if not me().may(action):
        raise Forbidden("your role does not allow this", fix="Ask an admin for a role that may.")


def inner(public: str, what: str) -> int:
    """The inner id behind one of ours in a URL or a form. Raises NotFound."""
    id = runtime().ids.inner(public)
    if id is None:
        raise NotFound(f"no such {what}", what)
    return id


# --- before and after each request ---


@pages.before_request
def enter() -> Answer | None:
    """Find the session; turn away what has none, and an unsafe request that is not from a page of ours."""
    g.session = None
    if request.endpoint == "console.static":
        return None
    rt = runtime()
    g.session = sessions.find(rt.store, request.cookies.get(COOKIE), rt.now())
    if request.method not in SAFE:
        _from_here()
        if g.session is not None and not g.session.csrf_fits(given_token()):
            raise Forbidden("this page is too old or not ours", "csrf", fix="Reload it and try again.")
    if g.session is None:
        return None if request.endpoint in OPEN else _turn_away()
    if request.endpoint not in SHARED and not (request.endpoint or "").startswith("console.portal"):
        allow("console")
    return None


def _from_here() -> None:
    """Refuse what the browser says comes from elsewhere. Behind a proxy only the host is known for sure."""
    said = request.headers.get("Origin") or request.headers.get("Referer")
    if said is not None and urlsplit(said).netloc != request.host:
        raise Forbidden("this request comes from another site", "origin", fix="Open Tandem and do it there.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("this request comes from another site", "origin", fix="Open Tandem and do it there.")


def _turn_away() -> Answer:
    if htmx():
        return Response(render_template("refusal.html", problem=_signed_out()), 401)
    return redirect(url_for("console.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else None))


def _signed_out() -> dict[str, Any]:
    return {"title": "You are signed out.", "sign_in": True}


@pages.after_request
def private(response: Response) -> Response:
    """Pages belong to one person; the files they load belong to everybody, and never change under the same address."""
    if request.endpoint == "console.static":
        if "v" in request.args and response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Vary"] = "Cookie, HX-Request"
        if g.get("form_cookie") and request.cookies.get(FORM_COOKIE) != g.form_cookie:
            set_cookie(response, FORM_COOKIE, g.form_cookie)
        if g.get("told"):
            response.delete_cookie(SAID_COOKIE, path="/")
    return response


# --- tokens of forms ---


def given_token() -> str:
    return request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")


def csrf() -> str:
    """The token for this page's forms."""
    if g.get("session") is not None:
        return str(g.session.csrf)
    return _signed(_form_cookie())


def form_fits() -> bool:
    """Whether the sign-in form was given out with the cookie that came with it."""
    cookie = request.cookies.get(FORM_COOKIE, "")
    return bool(cookie) and hmac.compare_digest(_signed(cookie).encode(), given_token().encode("utf-8", "replace"))


def _form_cookie() -> str:
    if "form_cookie" not in g:
        g.form_cookie = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    return str(g.form_cookie)


def _signed(cookie: str) -> str:
    return hmac.new(runtime().config.key("session"), b"form:" + cookie.encode("utf-8", "replace"), "sha256").hexdigest()


def set_cookie(response: Answer, name: str, value: str, lasts: int | None = None) -> None:
    """A cookie no script reads; over TLS it never leaves without."""
    response.set_cookie(name, value, max_age=lasts, httponly=True, samesite="Lax", secure=request.is_secure, path="/")


# --- answers ---


def htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


_HERE = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def safe_next(text: str | None) -> str:
    """Where to go after signing in: a path of ours, or home."""
    return text if text and len(text) < 2000 and _HERE.fullmatch(text) else url_for("console.home")


def done(say: str, back: str) -> Answer:
    """The answer to a change: for htmx a sign to close, clear and look again; else the page it came from."""
    if htmx():
        return Response("", 204, {"HX-Trigger": json.dumps({"tandem:done": {"say": say}})})
    response = redirect(back, 303)
    set_cookie(response, SAID_COOKIE, quote(say[:300]), 20)
    return response


def said() -> str:
    """What the change before this page has to say, once."""
    g.told = SAID_COOKIE in request.cookies
    return unquote(request.cookies.get(SAID_COOKIE, ""))[:300]


def dress(response: Response) -> Response:
    """Give a person the page of an error that has no page of its own (no such address, too many bytes, a failure)."""
    if response.mimetype != "application/problem+json" or request.path.startswith(("/api", "/hooks", "/healthz")):
        return response
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html" and not htmx():
        return response
    told = json.loads(response.get_data())
    page = Response(render_template("refusal.html" if htmx() else "alone.html", problem=told), response.status_code)
    page.headers.extend((name, value) for name, value in response.headers if name in ("Allow", "Retry-After"))
    return page


def problem_page(
    title: str,
    status: int,
    field: str | None = None,
    value: object = None,
    fix: str | None = None,
    reasoned: bool = False,
) -> Response:
    """A refusal, as a page or as a piece of one. ``reasoned``: with a reason it is done all the same."""
    shown = None if value is None or isinstance(value, dict | list) else str(value)[:200]
    problem = {"title": title, "field": field, "value": shown, "fix": fix, "status": status, "reasoned": reasoned}
    template = "refusal.html" if htmx() else "problem.html"
    return Response(render_template(template, problem=problem), status)


@pages.errorhandler(TandemError)
def refused(error: TandemError) -> Response:
    return problem_page(error.title, error.status, error.field, None, error.fix)


@pages.errorhandler(Objection)
def objected(error: Objection) -> Response:
    return problem_page(error.text, 409 if error.conflict else 422, error.field, error.value, error.fix)
