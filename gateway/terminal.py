"""What the commands share: the runtime, tables and JSON on the output, tickets and ids as a person types them.

Tables are as wide as the terminal, or as their content where the output is no terminal. What remotes wrote is shown
without the control characters that would let it act on a terminal.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from gateway import pipeline
from gateway.clock import now_us, utc
from gateway.config import Config
from gateway.decide.commands import Objection
from gateway.decide.facts import Command
from gateway.decide.facts import Ticket as Canonical
from gateway.desk.read import find
from gateway.errors import Conflict, Invalid, NotFound, TandemError
from gateway.people.principal import Principal
from gateway.people.users import By
from gateway.runtime import Runtime
from gateway.store.opened import opened
from gateway.workers.wake import Bell

ACTOR = "cli"
MYSELF = Principal(ACTOR, "admin", "Service desk")
"""Who the command line is: whoever may run it holds the database and its key."""

WIDE = 400
"""Columns of an output that is no terminal: nothing is cut there."""

as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
reason = click.option("--reason", default="", help="Why; it stands in the audit trail.")


@contextmanager
def runtime() -> Iterator[Runtime]:
    """The runtime of this installation; its ``wake`` rings the workers. Raises ConfigError."""
    config = Config.load(create=False)
    with opened(config):
        rt = Runtime.open(config, wake=Bell(config.redis_url).ring)
    try:
        yield rt
    finally:
        rt.close()


def me(rt: Runtime) -> By:
    """The command line as the one who acts, now."""
    return By(ACTOR, rt.key, now_us())


def wish(rt: Runtime, what: str, data: dict[str, Any], why: str = "", ticket: int | None = None) -> Canonical:
    """Carry out what a person wants; the ticket afterwards. Raises Conflict, Invalid."""
    try:
        done = pipeline.change(rt, Command(what, MYSELF.id, data, why, MYSELF.name), ticket)
    except Objection as no:
        raise objection(no) from None
    found = done.named[-1].ticket
    if found is None:
        raise Invalid("nothing came of it", "ticket")
    return found


def objection(no: Objection) -> TandemError:
    """A plan's refusal as an error that a person reads."""
    kind = Conflict if no.conflict else Invalid
    return kind(no.text, no.field or None, no.value, f"{no.fix[:1].upper()}{no.fix[1:]}." if no.fix else None)


def ticket_id(conn: Connection, rt: Runtime, text: str) -> int:
    """The ticket behind ``T-1042``, ``1042`` or a public id. Raises NotFound."""
    return int(find(conn, rt, MYSELF, f"T-{text}" if text.isdecimal() else text).id)


def text_of(path: Path) -> str:
    """What is in a file. Raises Invalid where it is not text."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Invalid(f"cannot be read: {said}", "FILE", str(path)) from None


def inner(rt: Runtime, text: str, what: str) -> int:
    """The integer behind a public id. Raises NotFound."""
    id = rt.ids.inner(text)
    if id is None:
        raise NotFound(f"no such {what}", what, text, f"See: tandem {what} list")
    return id


def connection_id(rt: Runtime, name: str) -> int:
    """The id of a connection. Raises NotFound."""
    id = rt.desks.id_of(name)
    if id is None:
        raise NotFound("no such connection", "connection", name, "See: tandem connection list")
    return id


def show_json(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Rows under their column names; ``empty`` says what it means that there are none, and may be nothing."""
    if not rows:
        if empty:
            click.echo(empty)
        return
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    draw(table)


def show_facts(facts: Sequence[tuple[str, Any]]) -> None:
    """Names and values below one another; what is empty is left out."""
    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        if value not in (None, "", [], {}):
            grid.add_row(Text(name, style="bold"), Text(clean(value)))
    draw(grid)


def draw(table: Table) -> None:
    out = io.StringIO()
    console = Console(
        file=out,
        width=shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE,
        force_terminal=sys.stdout.isatty(),
        legacy_windows=False,
    )
    console.print(table)
    click.echo("\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines()))


def clean(value: Any) -> str:
    """A cell's text: no control characters but line ends, and a dash for nothing."""
    match value:
        case None | "" | []:
            return "-"
        case {"email": str() as email}:
            text = f"{value['name']} <{email}>" if value.get("name") else email
        case str():
            text = value
        case [*parts] if all(isinstance(part, str) for part in parts):
            text = ", ".join(parts)
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def at(us: int | None) -> str:
    """A moment for people: UTC, to the second."""
    return utc(us).strftime("%Y-%m-%d %H:%M:%S") if us is not None else ""


def short(iso: str | None) -> str:
    """A moment as the read model tells it, to the second."""
    return f"{iso[:10]} {iso[11:19]}" if iso else ""
