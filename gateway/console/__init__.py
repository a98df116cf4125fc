"""The pages people work on: the desk's console at ``/``, the requester's portal at ``/portal``; HTML from the server.

``register(app)`` is all that ``gateway.app`` needs. A page reads through ``gateway.desk`` and changes through
``pipeline.change``, by the very road that a provider's webhook takes.
"""

from __future__ import annotations

from flask import Flask

from gateway.console import show, words
from gateway.console.parts import count_part
from gateway.console.views import (
    account,
    audit,
    connections,
    deadletters,
    files,
    mapping_editor,
    mappings,
    notices,
    policies,
    policy_editor,
    portal,
    ticket,
    tickets,
)
from gateway.console.web import dress, pages

__all__ = ["register"]

VIEWS = (
    account, audit, connections, deadletters, files, mapping_editor, mappings, notices, policies, policy_editor,
    portal, ticket, tickets,
)  # fmt: skip


def register(app: Flask) -> None:
    """Put the pages, their words and their filters into the application."""
    words.install(app)
    show.install(app)
    app.jinja_env.globals["count_part"] = count_part
    app.register_blueprint(pages)
    app.after_request(dress)
