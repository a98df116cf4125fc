"""``tandem connection``: the systems of the providers, connected, checked, stopped and started."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway import pipeline
from gateway.clock import iso
from gateway.config import connectors, variable
from gateway.errors import NotFound, TandemError
from gateway.providers import admission, documents, health, nightly, outside, pairing
from gateway.providers.admission import Told
from gateway.providers.connection import set_state
from gateway.providers.documents import Draft, Mistakes, Outside
from gateway.providers.health import Health
from gateway.runtime import Runtime
from gateway.terminal import as_json, at, connection_id, me, reason, runtime, show_facts, show_json, show_table, text_of


@click.group(help="The systems of the providers.")
def command() -> None: ...


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--update", is_flag=True, help="Change the connection of that name instead of adding one.")
@click.option("--unchecked", is_flag=True, help="Do not ask the desk; the connection is stored, paused.")
@as_json
def add(file: Path, update: bool, unchecked: bool, as_json: bool) -> None:
    """Connect a system as the document FILE describes it."""
    outside.take(connectors())  # the document may name a kind of theirs
    draft = documents.read(text_of(file), file.name, beside(file))
    with runtime() as rt:
        id, told = (admission.change if update else admission.add)(rt, me(rt), draft, unchecked)
        with rt.store.read() as conn:
            now = health.of(conn, id)
        if as_json:
            said = {"told": public(told), "notes": list(draft.notes), "warnings": list(told.warnings)}
            show_json({**plain(rt, now), **said})
            return
    click.echo(f"connection {draft.name}: {'changed' if update else 'added'}, {now.state}")
    show_facts(facts(draft, told, now))


def beside(file: Path) -> Outside:
    """What a document may fetch here: the environment, and files by paths that begin at its own folder."""
    return Outside(variable, lambda path: (file.parent / path).read_text("utf-8"))


def facts(draft: Draft, told: Told, now: Health) -> list[tuple[str, Any]]:
    return [
        ("desk", told.remote),
        ("we are", ", ".join(told.me)),
        ("found", ", ".join(f"{name}: {value}" for name, value in told.values.items())),
        ("lists", ", ".join(f"{name} ({len(rows)})" for name, rows in told.lists.items())),
        ("webhooks", f"POST .../hooks/{draft.name}"),
        ("shared", f"as tandem policy show share:{draft.provider} says"),
        ("note", "\n".join(draft.notes)),
        ("warning", "\n".join(told.warnings)),
        ("next", f"tandem connection check {draft.name}, then resume" if now.state == "paused" else ""),
    ]


@command.command("list")
@as_json
def everything(as_json: bool) -> None:
    """List the connections and how they are doing."""
    with runtime() as rt, rt.store.read() as conn:
        found = health.everything(conn)
        if as_json:
            show_json([plain(rt, one) for one in found])
            return
    columns = ("name", "kind", "provider", "state", "breaker", "links", "waiting", "dead", "last poll", "last error")
    rows = [
        (one.name, one.kind, one.provider, stands(one), one.breaker, one.links, one.waiting, one.dead + one.unread,
         at(one.last_poll_at), one.last_error)
        for one in found
    ]  # fmt: skip
    show_table(columns, rows, "no connections; add one with: tandem connection add FILE")


def stands(one: Health) -> str:
    return f"{one.state}: {one.reason}" if one.reason else one.state


def plain(rt: Runtime, one: Health) -> dict[str, Any]:
    return {**asdict(one), "id": rt.ids.public(one.id)}


def public(told: Told) -> dict[str, Any]:
    lists = {name: len(rows) for name, rows in told.lists.items()}
    return {"me": list(told.me), "found": dict(told.values), "lists": lists, "remote": told.remote}


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@as_json
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Ask the desks who we are there, and keep what they tell; without a name, all.

    What changed there since the mapping at work was proved is said, too. Exit status 1 when one fails, or when
    something the mapping uses is gone."""
    told: list[dict[str, Any]] = []
    with runtime() as rt:
        for name in names or [row.name for row in rt.desks.rows()]:
            told.append({"name": name, **checked(rt, name)})
    if as_json:
        show_json(told)
    for one in told if not as_json else ():
        click.echo(
            f"{one['name']}: {one['said']}" if "said" in one else f"{one['name']}: good, we are {', '.join(one['me'])}"
        )
        for severity, sentence in one.get("changed", ()):
            click.echo(f"{one['name']}: {severity} M111 {sentence}")
    if not all(one["ok"] for one in told):
        raise SystemExit(1)


def checked(rt: Runtime, name: str) -> dict[str, Any]:
    id = connection_id(rt, name)
    try:
        found: dict[str, Any] = {"ok": True, **public(admission.check(rt, id))}
    except Mistakes as error:  # it was asked, and has what the mapping does not fit
        found = {"ok": False, "said": str(error), "problem": error.problem()}
    except TandemError as error:
        return {"ok": False, "said": str(error), "problem": error.problem()}
    changed = nightly.ask(rt, id).told
    return {**found, "ok": found["ok"] and all(severity != "E" for severity, _ in changed), "changed": list(changed)}


@command.command()
@click.argument("name")
@reason
def pause(name: str, reason: str) -> None:
    """Stop sending and polling; what is owed waits, what comes in is still stored."""
    turn(name, "paused", reason or "paused by hand")


@command.command()
@click.argument("name")
def resume(name: str) -> None:
    """Go on sending and polling, also after new credentials or a restored desk."""
    turn(name, "active", "")


def turn(name: str, state: str, why: str) -> None:
    with runtime() as rt:
        by = me(rt)
        id = connection_id(rt, name)
        with rt.store.write() as conn:
            changed = set_state(conn, rt.key, id, state, why, by.actor)
        if changed and state == "active":
            rt.wake("deliver")
            rt.wake("tick")
    click.echo(f"{name}: {state}" if changed else f"{name}: was {state} already")


@command.command()
@click.argument("name")
@as_json
def poll(name: str, as_json: bool) -> None:
    """Ask a desk now for what has changed there. Exit status 1 when it cannot be asked."""
    with runtime() as rt:
        id = connection_id(rt, name)
        with rt.store.read() as conn:
            before = health.of(conn, id)
        if before.state != "active":
            raise NotFound(f"the connection is {before.state}", "connection", name, f"tandem connection resume {name}")
        began = rt.now()
        new = pipeline.poll(rt, id)
        with rt.store.read() as conn:
            after = health.of(conn, id)
    failed = after.state != "active" or (after.last_error_at or 0) >= began
    said = after.reason if after.state != "active" else after.last_error
    if as_json:
        show_json({"name": name, "new": new, "ok": not failed, "said": said if failed else ""})
    else:
        click.echo(f"{name}: {said}" if failed else f"{name}: {new} new")
    if failed:
        raise SystemExit(1)


_SIDE = (
    click.option("--url", required=True, help="The address at which the other side reaches this Tandem."),
    click.option("--provider", default="", help="Whom the other side stands for, as a slug; default: the name."),
    click.option("--provider-name", default="", help="The same, for people to read."),
)


def side(view: Any) -> Any:
    for option in _SIDE:
        view = option(view)
    return view


@command.command()
@click.argument("name")
@side
@as_json
def pair(name: str, url: str, provider: str, provider_name: str, as_json: bool) -> None:
    """Make a code by which another Tandem connects itself with this one, as the connection NAME here.

    It is shown once, good once and for 15 minutes. Whoever has it may bring tickets here: send it as you would a
    password. There: tandem connection join CODE."""
    with runtime() as rt:
        wanted = pairing.Side(name, url, provider or name, provider_name or provider or name)
        offer = pairing.offer(rt, me(rt), wanted)
    if as_json:
        show_json({"code": offer.code, "name": name, "expires_at": iso(offer.expires_at)})
        return
    click.echo(offer.code)
    show_facts([("good until", at(offer.expires_at)), ("there", "tandem connection join CODE --name NAME --url URL")])


@command.command()
@click.argument("code")
@click.option("--name", required=True, help="What the connection is called here.")
@side
@as_json
def join(code: str, name: str, url: str, provider: str, provider_name: str, as_json: bool) -> None:
    """Connect this Tandem with the one that made CODE, in both directions. Exit status 1 where that side, or this one,
    stays paused."""
    with runtime() as rt:
        wanted = pairing.Side(name, url, provider or name, provider_name or provider or name)
        joined = pairing.join(rt, me(rt), code, wanted)
    if as_json:
        show_json(asdict(joined))
    else:
        click.echo(f"connection {name}: {joined.state}")
        show_facts([
            ("desk", joined.url), ("there", f"{joined.there}: {joined.their_state}"), ("note", joined.said),
            ("shared", f"as tandem policy show share:{provider or name} says"),
        ])  # fmt: skip
    if {joined.state, joined.their_state} != {"active"}:
        raise SystemExit(1)
