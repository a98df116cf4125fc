"""Policies: what is in force, who put it there and why, what differs, and the way back."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template
from werkzeug.wrappers import Response as Answer

from gateway.console import mapped, policied
from gateway.console.fields import typed
from gateway.console.views.mappings import chosen, reason
from gateway.console.web import by, done, needs, pages, runtime
from gateway.console.words import gettext
from gateway.errors import Invalid, TandemError
from gateway.providers import policies
from gateway.providers.documents import Mistakes


@pages.get("/policies", endpoint="policies")
@needs("policy.read")
def every_policy() -> str:
    """The policies that decide, and what each provider may see."""
    with runtime().store.read() as conn:
        found = policied.overview(conn)
    decide, share = [one for one in found if one["decides"]], [one for one in found if not one["decides"]]
    return render_template("policies/list.html", decide=decide, share=share)


@pages.get("/policies/<name>")
@needs("policy.read")
def policy(name: str) -> str:
    """One policy: its versions, and what differs between two of them."""
    return _page(name)


@pages.get("/policies/<name>/<int:version>")
@needs("policy.read")
def policy_version(name: str, version: int) -> str:
    """The text of one version."""
    with runtime().store.read() as conn:
        one = policies.version(conn, name, version)
        told = mapped.told(conn, one)
    return render_template("policies/version.html", name=name, one=told, text=one.text)


def _page(name: str, problem: dict[str, Any] | None = None) -> str:
    with runtime().store.read() as conn:
        page = policied.history(conn, name)
        known = [str(one["version"]) for one in page["versions"]]
        choices = (["draft"] if page["draft"] or not known else []) + known
        after = chosen("after", choices, choices[0])
        older = choices[choices.index(after) + 1 :]
        before = chosen("before", ["", *choices], older[0] if older else "")
        difference = policied.compared(conn, name, before, after)
    return render_template("policies/page.html", page=page, choices=choices, difference=difference, problem=problem)


@pages.post("/policies/<name>/rollback")
@needs("policy.write")
def roll_policy_back(name: str) -> Answer | str:
    """Put an earlier version in force again, as the next one."""
    number = typed("version", 9)
    if not number.isdecimal():
        raise Invalid("which version?", "version", number)
    try:
        with runtime().store.write() as conn:
            before = policies.version(conn, name, int(number))
            made = policies.publish(conn, by(), policies.read(conn, before.text, before.label), reason())
    except Mistakes as wrong:
        return Response(
            _page(name, {**wrong.problem(), "mistakes": [str(one) for one in wrong.mistakes]}), wrong.status
        )
    except TandemError as refused:
        return Response(_page(name, refused.problem()), refused.status)
    return done(gettext("%(label)s is in force.") % {"label": made.label}, f"/policies/{name}")
