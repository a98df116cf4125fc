"""``tandem connector``: the kinds of systems Tandem speaks to, and manifests of one's own."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from connectors import registry
from connectors.contract import Contract, table
from connectors.contract.reasons import reason
from connectors.contract.run import Result, run, unfit
from connectors.manifest import BadManifest, Manifest, defined
from gateway.config import connectors
from gateway.errors import Invalid, NotFound
from gateway.providers import outside
from gateway.providers.documents import Mistakes
from gateway.terminal import as_json, show_facts, show_json, show_table

ALIKE = 3
"""As many tests that failed by one cause are told together."""


@click.group(help="The kinds of systems Tandem speaks to.")
def command() -> None: ...


@command.command("list")
@as_json
def everything(as_json: bool) -> None:
    """List the kinds that are shipped, and those that the configuration adds."""
    outside.take(connectors())
    found = [plain(registry.manifest(kind)) for kind in registry.kinds()]
    if as_json:
        show_json(found)
        return
    rows = [(one["kind"], one["name"], ", ".join(one["tested"]), ", ".join(one["cannot"])) for one in found]
    show_table(("kind", "name", "tried with", "cannot"), rows, "none")


@command.command()
@click.argument("manifest", metavar="KIND|FILE|FOLDER")
@as_json
def check(manifest: str, as_json: bool) -> None:
    """Check a manifest and show what it asks for and what it can do; no network.

    A folder with manifest.yaml may hold hooks.py and contract.py too: then the connector is tried against its own
    simulator by the contract that all connectors keep, and the exit status is 1 when it does not."""
    spec, contract = loaded(manifest)
    results = list(run(contract)) if contract is not None else []
    if as_json:
        show_json({**plain(spec), "contract": [asdict(one) for one in results]})
    else:
        tell(spec)
        tell_results(results)
        if contract is not None:
            counts = Counter(one.ended for one in results)
            said = ", ".join(f"{counts[ended]} {ended}" for ended in ("passed", "skipped", "failed"))
            click.echo(f"{spec.kind}: the contract of {len(results)} tests: {said}")
    if any(one.ended == "failed" for one in results):
        raise SystemExit(1)


def tell(spec: Manifest) -> None:
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


def tell_results(results: list[Result]) -> None:
    """What was skipped, then what failed; those that failed by one and the same cause together."""
    for one in results:
        if one.ended == "skipped":
            click.echo(f"skipped {one.number} {one.sentence}: {one.why}")
    causes: dict[str, list[Result]] = {}
    for one in results:
        if one.ended == "failed":
            causes.setdefault(one.why, []).append(one)
    for why, failed in causes.items():
        if len(failed) < ALIKE:
            for one in failed:
                click.echo(f"failed {one.number} {one.sentence}: {why}")
        else:
            click.echo(f"failed {len(failed)} tests alike: {why}")
            click.echo(f"       {' '.join(dict.fromkeys(one.number for one in failed))}")


@command.command()
@as_json
def matrix(as_json: bool) -> None:
    """Show what each shipped connector can do, and how that was shown, from the last run of the contract."""
    found = table.load()
    cells = {
        kind: table.cells(Result(test, *ended) for test, ended in one["results"].items()) for kind, one in found.items()
    }
    if as_json:
        show_json(
            {
                kind: {"shown": table.shown(found[kind]), "can": {name: asdict(cell) for name, cell in row.items()}}
                for kind, row in cells.items()
            }
        )
        return
    rows = [
        (kind, *(row[name].mark for name in table.CAPABILITIES), table.shown(found[kind]))
        for kind, row in sorted(cells.items())
    ]
    show_table(("kind", *table.CAPABILITIES, "shown by"), rows, "no run is recorded")


def loaded(where: str) -> tuple[Manifest, type[Contract] | None]:
    """A kind's manifest, a file's, or a folder's with its contract. Raises NotFound, Mistakes, Invalid."""
    outside.take(connectors())
    if where in registry.kinds():
        return registry.manifest(where), None
    path = Path(where)
    try:
        if path.is_dir():
            spec = registry.read(path)
            return spec, _contract(path, spec)
        return registry.load(path.read_text("utf-8"), path.name), None
    except (OSError, UnicodeDecodeError):
        fix = f"Name a file, a folder with manifest.yaml, or one of: {', '.join(registry.kinds())}."
        raise NotFound("neither a kind nor a manifest", "KIND|FILE|FOLDER", where, fix) from None
    except BadManifest as error:
        places = (line.partition(" ") for line in error.complaints)
        raise Mistakes(path.name, [Invalid(cause, place) for place, _, cause in places]) from None


def _contract(folder: Path, spec: Manifest) -> type[Contract] | None:
    """The contract that a folder's contract.py holds its connector to; None where there is no such file."""
    path = folder / "contract.py"
    if not path.is_file():
        return None
    found = [each for each in _executed(path).values() if isinstance(each, type) and each is not Contract]
    mine = [each for each in found if issubclass(each, Contract)]
    if len(mine) != 1:
        fix = "Write one class with Contract as its base; see docs/connector-guide.md."
        raise Invalid("one contract is expected", str(path), len(mine), fix)
    mine[0].folder = folder
    if slips := unfit(mine[0], spec):
        raise Mistakes(str(path), [Invalid(slip, mine[0].__name__) for slip in slips])
    return mine[0]


def _executed(path: Path) -> dict[str, Any]:
    """The names that a file defines; what lies beside it may be imported."""
    sys.path.insert(0, str(path.parent))
    try:
        return runpy.run_path(str(path))
    except Exception as error:
        fix = "It may import what lies beside it, connectors, and what PYTHONPATH names."
        raise Invalid(reason(error, path.parent), str(path), None, fix) from error
    finally:
        sys.path.remove(str(path.parent))


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
