"""``tandem ticket``: a ticket made, looked at, handed to a provider and taken back, by the road everything takes."""

from __future__ import annotations

import sys
from typing import Any

import click

from gateway.decide.facts import Ticket
from gateway.desk import clocks
from gateway.desk.read import decisions, find, ticket_page
from gateway.errors import Invalid
from gateway.people import teams
from gateway.people.users import clean_email
from gateway.runtime import Runtime
from gateway.terminal import MYSELF, as_json, clean, runtime, short, show_facts, show_json, show_table, ticket_id, wish
from gateway.tickets.vocabulary import CATEGORIES, KINDS, LEVELS, document


@click.group(help="Tickets.")
def command() -> None: ...


@command.command()
@click.option("--title", required=True, help="In one line.")
@click.option("--description", default="", help="What is wrong or wanted; - reads it from the input.")
@click.option("--requester", default="", help="The e-mail address of whoever needs it.")
@click.option("--name", default="", help="The requester's name.")
@click.option("--kind", type=click.Choice(KINDS), help="Default: what triage finds.")
@click.option("--impact", type=click.Choice(LEVELS), default="medium", show_default=True)
@click.option("--urgency", type=click.Choice(LEVELS), default="medium", show_default=True)
@click.option("--category", type=click.Choice(CATEGORIES))
@click.option("--tag", "tags", multiple=True)
@click.option("--field", "more", multiple=True, metavar="NAME=VALUE", help="Any other field, like service=Payroll.")
@click.option("--holder", default="", help="team:SLUG or provider:SLUG, instead of what the routing rules say.")
@as_json
def create(title: str, description: str, requester: str, name: str, tags: tuple[str, ...], more: tuple[str, ...],
           holder: str, as_json: bool, **chosen: str | None) -> None:  # fmt: skip
    """Make a ticket; triage and the routing rules decide what it is and who gets it."""
    fields: dict[str, Any] = {"title": title, "description": said(description), **chosen, **dict(map(named, more))}
    if tags:
        fields["tags"] = sorted(set(tags))
    if requester:
        fields["requester"] = {"email": clean_email(requester), **({"name": name} if name else {})}
    given = {field: value for field, value in fields.items() if value}
    data = {"fields": given, "channel": "cli", **({"holder": holder} if holder else {})}
    with runtime() as rt:
        known_team(rt, holder, "--holder")
        tell(rt, wish(rt, "create", data), as_json, "made")


def known_team(rt: Runtime, holder: str, option: str) -> None:
    """Raises NotFound on a team that there is not, Invalid on what is none; a provider is looked for later."""
    if option == "--holder" and (not holder or holder.startswith("provider:")):
        return
    if holder and not holder.startswith("team:"):
        raise Invalid("not a team", option, holder, "Write team:SLUG.")
    with rt.store.read() as conn:
        teams.by_slug(conn, holder.removeprefix("team:") or "service-desk")


def said(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def named(text: str) -> tuple[str, Any]:
    """A field as NAME=VALUE; a set's elements are separated by commas. Raises Invalid."""
    field, sign, value = text.partition("=")
    known = document()
    if not sign or field not in known:
        raise Invalid("no such field", "--field", text, f"Write NAME=VALUE with one of: {', '.join(sorted(known))}.")
    if known[field]["type"] == "set":
        return field, sorted({part.strip() for part in value.split(",") if part.strip()})
    values = known[field].get("values")
    if values and value not in values:
        raise Invalid("no such value", field, value, f"One of: {', '.join(values)}.")
    return field, value


def tell(rt: Runtime, ticket: Ticket, as_json: bool, what: str) -> None:
    if as_json:
        known = {"id": rt.ids.public(ticket.id), "number": f"T-{ticket.number}", "holder": ticket.holder}
        show_json({**known, "status": ticket.fields["status"], "version": ticket.version})
    else:
        click.echo(f"T-{ticket.number}: {what}, with {ticket.holder}")


@command.command()
@click.argument("ticket")
@as_json
def show(ticket: str, as_json: bool) -> None:
    """Show TICKET (like T-1042): its fields, its records elsewhere, and both sides' story."""
    with runtime() as rt, rt.store.read() as conn:
        page = ticket_page(conn, rt, MYSELF, ticket_id(conn, rt, ticket))
    if as_json:
        show_json(page)
        return
    drawn(page)


@command.command()
@click.argument("ticket")
@as_json
def why(ticket: str, as_json: bool) -> None:
    """Say why TICKET is where it is, what is due on it by when, and what happens next by itself."""
    with runtime() as rt, rt.store.read() as conn:
        row = find(conn, rt, MYSELF, ticket_id(conn, rt, ticket))
        made, due = decisions(conn, rt, row.id), clocks.due(conn, rt, row)
    if as_json:
        show_json({"decisions": made, **due})
        return
    rows = [(short(one["at"]), one["kind"], one["words"]) for one in made]
    show_table(("when", "decided", "what and why"), rows, "nothing has been decided")
    running = [(one["words"], short(one["due_at"]) if one["due_at"] else "", one["rule"]) for one in due["clocks"]]
    show_table(("clock", "due", "rule"), running, "no targets are in force")
    steps = [(short(one["at"]), one["what"]) for one in due["next"]] + [("", what) for what in due["only_if"]]
    if due["because"]:
        click.echo(f"{due['because']}")
        show_table(("when", "what happens next by itself"), steps, "nothing happens by itself")


def drawn(page: dict[str, Any]) -> None:
    fields = page["fields"]
    click.echo(f"{page['number']}  {fields['title']}")
    facts = [(name, value) for name, value in fields.items() if name not in ("title", "description")]
    dates = [("created", short(page["created_at"])), ("changed", short(page["updated_at"]))]
    show_facts([("holder", page["holder"]), *facts, *dates])
    if fields.get("description"):
        click.echo(f"\n{fields['description']}\n")
    columns = ("connection", "role", "record", "status", "state", "lane", "waiting", "dead")
    rows = [[link["lane"]["held"] or link["lane"]["state"] if c == "lane" else link[NAMES.get(c, c)] for c in columns]
            for link in page["links"]]  # fmt: skip
    show_table(columns, rows, "no provider has seen this ticket")
    story = [(short(one["at"]), one["side"], one["actor"], *happened(one)) for one in page["timeline"]]
    show_table(("when", "side", "who", "what", "", "readers"), story, "nothing has happened yet")
    open_ones = [(one["kind"], one["field"], one["text"]) for one in page["notices"] if one["state"] == "open"]
    show_table(("notice", "field", "text"), open_ones, "")


NAMES = {"record": "number", "status": "leg_status"}
"""What the columns are called in the page."""


def happened(one: dict[str, Any]) -> tuple[str, str, str]:
    """(what, its text, who else reads it) of a line of the timeline."""
    readers = ", ".join(one.get("audience", ())) or "team"
    match one["kind"]:
        case "comment":
            return "comment", "(deleted)" if one["deleted"] else one["text"], readers
        case "file":
            return "file", f"{one['name']}, {one['size']} bytes", readers
        case "worklog":
            return "worklog", f"{one['minutes']} min. {one['text']}", ""
        case "delivery":
            words = ", ".join(one["fields"])
            return f"{one['what']} {one['state']}", f"{one['connection']} {words} {one['said']}".strip(), ""
    changes = one["changes"].items() if one["verb"] != "create" else ()
    told = [f"{field}: {brief(before)} -> {brief(after)}" for field, (before, after) in changes]
    return one["verb"], "; ".join([*told, *([one["reason"]] if one["reason"] else [])]), ""


def brief(value: Any) -> str:
    text = clean(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


@command.command()
@click.argument("ticket")
@click.option("--to", "connection", required=True, help="The connection, or the provider.")
@click.option("--reason", required=True, help="Why; the audit trail and the timeline say it.")
@click.option("--helper", is_flag=True, help="They help; whoever has the ticket keeps it.")
@as_json
def escalate(ticket: str, connection: str, reason: str, helper: bool, as_json: bool) -> None:
    """Hand TICKET to a provider."""
    data = {"connection": connection, "role": "helper" if helper else "holder"}
    with runtime() as rt:
        with rt.store.read() as conn:
            id = ticket_id(conn, rt, ticket)
        tell(rt, wish(rt, "escalate", data, reason, id), as_json, "escalated")


@command.command("take-back")
@click.argument("ticket")
@click.option("--reason", required=True, help="Why; the provider reads it.")
@click.option("--from", "connection", default="", help="This connection alone; default: every provider.")
@click.option("--to", "holder", default="", help="team:SLUG; default: the service desk.")
@as_json
def take_back(ticket: str, reason: str, connection: str, holder: str, as_json: bool) -> None:
    """Take TICKET back from its provider."""
    data = {**({"connection": connection} if connection else {}), **({"to": holder} if holder else {})}
    with runtime() as rt:
        known_team(rt, holder, "--to")
        with rt.store.read() as conn:
            id = ticket_id(conn, rt, ticket)
        tell(rt, wish(rt, "take_back", data, reason, id), as_json, "taken back")
