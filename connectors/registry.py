"""Finds a kind of desk and builds its connector: the one door through which the gateway reaches ``connectors``.

How the gateway uses it::

    session = Session(Egress.parse(settings.egress_allow))       # one per process; safe for all its threads
    desk = build(                                                 # one per connection and process; safe for all threads
        "redmine",                                                # or load(text), for a system added without code
        settings={"url": "https://redmine.example", ...},         # the connection's plain settings
        secrets={"key": "...", "webhook": "...", "webhook.previous": "..."},
        found=kept,                                               # what ``check`` found earlier, {} at first
        auth="api_key", verify="redmine7",                        # "" takes the manifest's first choice
    )
    ctx = Context(now, monotonic, session, log, deadline=monotonic() + 30, keep=keep)
    found = desk.check(ctx)                                       # store found.values and found.me with the connection

The functions: ``kinds() -> tuple[str, ...]``, ``manifest(kind) -> Manifest``, ``load(text, name) -> Manifest`` (raises
``BadManifest`` with line and column) and ``build(kind: str | Manifest, *, settings, secrets, found=None, auth="",
verify="", renewal=None) -> Connector`` (raises ``BadSettings``, a message per field). A kind whose folder has a
``connector.py`` (memory, mail) is built by its ``build(manifest, settings, secrets, found)`` instead of by the engine.

``keep(name, value)`` is called with ``secret.<name>`` (a rotated secret), ``token.access`` and ``token.until`` (a
sign-in, to be sealed like a secret) or ``found.<name>``, and returns when the value is durable. ``renewal`` makes a
context manager that holds the connection's sign-in lock among all processes and gives what was kept last.

Before it sends: ``desk.limits.in_flight`` permits, ``desk.slow_until()``, ``"comment" in desk.verbs``,
``desk.channels["note"].reaches`` (the verb checks it again), ``desk.cannot``. While polling: ``desk.feeds``. After a
write: ``receipt.read_back``; after ``Unknown``: ``desk.repeatable(verb)``, ``desk.visible_after``, ``apply_horizon``,
``desk.find``. When merging: ``desk.record_version_order`` and ``desk.newer``. For mappings: ``desk.catalogue()``.
"""

from __future__ import annotations
