"""``tandem connector``: the kinds of systems Tandem speaks to, and manifests of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connectors import registry
from connectors.manifest import BadManifest, Manifest, defined
from gateway.errors import Invalid, NotFound
from gateway.providers.documents import Mistakes
from gateway.terminal import as_json, show_facts, show_json, show_table


@click.group(help="The kinds of systems Tandem speaks to.")
def command() -> None: ...


@command.command("list")
@as_json
def everything(as_json: bool) -> None:
    """List the kinds that are shipped."""
    found = [plain(registry.manifest(kind)) for kind in registry.kinds()]
    if as_json:
        show_json(found)
        return
    rows = [(one["kind"], one["name"], ", ".join(one["tested"]), ", ".join(one["cannot"])) for one in found]
    show_table(("kind", "name", "tried with", "cannot"), rows, "none")


@command.command()
@click.argument("manifest", metavar="KIND|FILE")
@as_json
def check(manifest: str, as_json: bool) -> None:
    """Check a manifest and show what it asks for and what it can do; no network."""
    spec = loaded(manifest)
    if as_json:
        show_json(plain(spec))
        return
    told = plain(spec)
    click.echo(f"{spec.kind}: a good manifest, {spec.name}")
    show_facts([(name, ", ".join(told[name])) for name in ("verbs", "feeds", "auth", "verify", "reads", "hooks")])
    columns = ("fill in", "type", "what", "needed")
    rows = [(e["name"], e["type"], e["label"], "yes" if e["required"] else "no") for e in told["form"]]
    show_table(columns, rows, "nothing to fill in")
    show_table(
        ("channel", "reaches"), [(name, ", ".join(who)) for name, who in told["channels"].items()], "no channels"
    )
    show_table(("cannot", "instead"), list(told["cannot"].items()), "")


def loaded(where: str) -> Manifest:
    """A shipped kind's manifest, or a file's. Raises NotFound, Mistakes."""
    if where in registry.kinds():
        return registry.manifest(where)
    path = Path(where)
    try:
        return registry.load(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError):
        fix = f"Name a file, or one of: {', '.join(registry.kinds())}."
        raise NotFound("neither a kind nor a file", "KIND|FILE", where, fix) from None
    except BadManifest as error:
        places = (line.partition(" ") for line in error.complaints)
        raise Mistakes(path.name, [Invalid(cause, place) for place, _, cause in places]) from None


def plain(spec: Manifest) -> dict[str, Any]:
    """What a manifest says, for whoever fills in a connection."""
    form = [
        {"name": e.name, "type": e.type, "label": e.label, "required": e.required, "secret": e.secret}
        for e in registry.form(spec)
    ]
    return {
        "kind": spec.kind,
        "name": spec.name,
        "tested": list(spec.part("tested") or ()),
        "verbs": sorted(defined(spec.doc)),
        "feeds": list(spec.part("changed")),
        "auth": list(spec.part("auth")),
        "verify": list(spec.part("webhook", "verify")),
        "reads": list(spec.part("fields")),
        "channels": {name: list(channel["reaches"]) for name, channel in spec.part("channels").items()},
        "form": form,
        "hooks": list(spec.part("hooks") or ()),
        "cannot": dict(spec.part("cannot")),
    }
