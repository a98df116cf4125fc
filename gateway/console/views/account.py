"""Coming in and going out: sign-in, sign-out, the language, and where home is."""

from __future__ import annotations

from flask import Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.console.web import (
    COOKIE,
    LANGUAGE_COOKIE,
    form_fits,
    me,
    pages,
    runtime,
    safe_next,
    set_cookie,
)
from gateway.console.words import LANGUAGES
from gateway.errors import Busy, Forbidden, Unauthenticated, Unavailable
from gateway.people import sessions
from gateway.people.signin import Attempts
from gateway.people.signin import sign_in as let_in
from gateway.people.users import By

YEAR = 31_536_000  # seconds


@pages.get("/")
def home() -> Answer:
    """Where this role begins."""
    if me().may("console"):
        return redirect(url_for("console.tickets"))
    if me().may("portal"):
        return redirect(url_for("console.portal"))
    raise Forbidden("your account works through the API", fix="Ask an admin for a token.")


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Answer:
    """The form; whoever is signed in already goes on. One answer for every refusal: nobody learns which addresses have
    an account."""
    if request.method == "POST":
        return _sign_in()
    if g.session is not None:
        return redirect(safe_next(request.args.get("next")))
    return Response(render_template("sign_in.html", email="", refusal=None))


def _sign_in() -> Answer:
    email = request.form.get("email", "")
    try:
        if g.session is None and not form_fits():
            raise Forbidden("this page is too old", fix="Try again.")
        rt = runtime()
        cookie, _ = let_in(
            rt.store, _attempts(), By("", rt.key, rt.now()), email, request.form.get("password", ""),
            request.remote_addr or "", request.cookies.get(COOKIE),
        )  # fmt: skip
    except (Unauthenticated, Busy, Unavailable, Forbidden) as error:
        return Response(render_template("sign_in.html", email=email, refusal=error), error.status)
    response = redirect(safe_next(request.form.get("next")), 303)
    set_cookie(response, COOKIE, cookie)
    return response


def _attempts() -> Attempts:
    """The counter of tries of this process."""
    found: Attempts = current_app.extensions.setdefault("tandem.attempts", Attempts())
    return found


@pages.post("/sign-out")
def sign_out() -> Answer:
    """The session ends on the server; its cookie is worth nothing from then on."""
    with runtime().store.write() as conn:
        sessions.end(conn, request.cookies.get(COOKIE, ""))
    response = redirect(url_for("console.sign_in"), 303)
    response.delete_cookie(COOKIE, path="/")
    return response


@pages.post("/language", endpoint="language")
def choose_language() -> Answer:
    """Remember the language for this browser."""
    chosen = request.form.get("language", "")
    response = redirect(safe_next(request.form.get("next")), 303)
    if chosen in LANGUAGES:
        set_cookie(response, LANGUAGE_COOKIE, chosen, YEAR)
    return response
