"""Runs the contract of every shipped kind and writes down how it stands: ``python -m tests.connectors.matrix``.

``tandem connector matrix`` and docs/connectors.md show what was written. ``tests/connectors/test_matrix.py`` sees that
it is what a run gives.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.contract import Contract, table
from connectors.contract.run import Result, run

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "connectors/contract/results.json"
PAGE = ROOT / "docs/connectors.md"
HEAD = """# What each connector can do

From the last run of [the contract](connector-guide.md#the-contract): behind every *yes* stand tests that passed, behind
every *no* a sentence below. Written by `python -m tests.connectors.matrix`; `tandem connector matrix` shows the same.
"""


def contract(kind: str) -> type[Contract]:
    """The contract class of a kind's tests."""
    module = importlib.import_module(f"tests.connectors.{kind}.test_contract")
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Contract)]
    (mine,) = [each for each in found if each is not Contract and each.kind == kind]
    return mine


def held() -> list[str]:
    """The shipped kinds that have one."""
    return [kind for kind in registry.shipped() if (ROOT / f"tests/connectors/{kind}/test_contract.py").is_file()]


def tried(kind: str) -> dict[str, Any]:
    """One kind's run, as it is written down."""
    results = {one.test: [one.ended, one.why] for one in run(contract(kind))}
    return {"shown": "simulator", "results": results}


def page(found: Mapping[str, Any]) -> str:
    """The page for people."""
    rows = {
        kind: table.cells(Result(test, *ended) for test, ended in one["results"].items())
        for kind, one in sorted(found.items())
    }
    names = list(table.CAPABILITIES)
    lines = [HEAD, f"| | {' | '.join(names)} | shown by |", f"| --- |{' --- |' * (len(names) + 1)}"]
    for kind, cells in rows.items():
        link = f"[{registry.manifest(kind).name}](../connectors/{kind}/README.md)"
        lines.append(f"| {link} | {' | '.join(cells[name].mark for name in names)} | {table.shown(found[kind])} |")
    lines.append("\n## What they lack, and what happens instead")
    for kind in rows:
        lines.append(f"\n### {registry.manifest(kind).name}")
        cannot = registry.manifest(kind).part("cannot")
        lines += [f"- **{thing.replace('_', ' ')}**: {sentence}" for thing, sentence in sorted(cannot.items())]
        passed = sum(ended[0] == "passed" for ended in found[kind]["results"].values())
        lines.append(
            f"- {passed} of {len(found[kind]['results'])} tests passed; the others need what it does not have."
        )
        if live := found[kind].get("live"):
            lines.append(
                f"- On {live['instances']} real servers at once ({live['server']}, {live['date']}): "
                f"{len(live['passed'])} passed, {len(live['skipped'])} need what it does not have."
            )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Exit status 1 where a test failed; then nothing is written."""
    found = {kind: tried(kind) for kind in held()}
    failed = [
        (kind, test, *why) for kind, one in found.items() for test, why in one["results"].items() if why[0] == "failed"
    ]
    for one in failed:
        sys.stderr.write(" ".join(one) + "\n")
    if failed:
        return 1
    RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(table.joined(found)), encoding="utf-8")
    passed = (f"{kind} {sum(r[0] == 'passed' for r in one['results'].values())}" for kind, one in found.items())
    sys.stdout.write(", ".join(passed) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
