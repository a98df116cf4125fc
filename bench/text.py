"""Each of the six text formats into each other: processor milliseconds for 10 kB, of a ticket as people write them and
of one in which nearly every word is marked up.

Both are written in every format from one tree, whose words differ from block to block. The yardstick of the same run is
Markdown into HTML by markdown-it-py, which has fewer formats, no tree of ours and no caps.
"""

from __future__ import annotations

import gc
import itertools
import json
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from markdown_it import MarkdownIt

from mappings import text
from mappings.richtext.tree import Document

TARGET = 5.0
"""Milliseconds for a conversion of 10 kB."""

SIZE = 10_000
FORMATS = sorted(text.READERS)
PHRASE = (
    "the VPN drops every ten minutes since Monday's update see file_name.txt & the log Сначала я перезагрузил ноутбук "
    "пробовал снова не помогло ошибка 809 se corta la conexión también mañana urgente por favor"
)


@dataclass(frozen=True)
class Scale:
    """How often each conversion is timed; the best of ``rounds`` counts."""

    rounds: int = 30


def prose(word: Iterator[str]) -> str:
    """One stretch as people write it."""
    some = iter(lambda: " ".join(next(word) for _ in range(9)), "")
    return (
        f"<p>{next(some)}, {next(some)}: {next(some)} <a href='https://kb.example/a_b?c=1'>{next(word)}</a>.</p>"
        f"<p>{next(some)}. {next(some)}!</p><ul><li>{next(some)} <b>{next(word)}</b></li><li>{next(some)}</li></ul>"
        f"<blockquote><p>{next(some)} {next(some)}</p></blockquote><pre>{next(some)} |\n  {next(some)}</pre>"
    )


def dense(word: Iterator[str]) -> str:
    """One stretch with a mark, a cell or an item at every few words."""
    w = iter(lambda: next(word).replace("&", "&amp;"), "")
    return (
        f"<p>{next(w)} <b>{next(w)}</b>, {next(w)} <i>{next(w)}</i> <code>{next(w)}</code> "
        f"(<a href='https://kb.example/a_b?c=1'>{next(w)} 809</a>); <s>{next(w)}</s> *{next(w)}* one.</p>"
        f"<ul><li>{next(w)} <b>{next(w)}</b> {next(w)}</li><li>{next(w)}:<ol><li>{next(w)} <i>{next(w)}</i></li>"
        f"<li>{next(w)} {next(w)}</li></ol></li></ul><table><tr><th>{next(w)}</th><th>{next(w)}</th></tr><tr>"
        f"<td>{next(w)} | a</td><td><b>{next(w)}</b></td></tr></table><blockquote><p>{next(w)} <i>{next(w)}</i></p>"
        f"</blockquote><h3>{next(w)}</h3><pre>{next(w)}: *{next(w)}*</pre>"
    )


KINDS: dict[str, Callable[[Iterator[str]], str]] = {"prose": prose, "dense": dense}


def samples(kind: str) -> dict[str, Any]:
    """10 kB of one kind in each format, cut at a block."""
    word = itertools.cycle(PHRASE.split())
    tree = text.read("".join(KINDS[kind](word) for _ in range(120)), "html")
    return {form: text.write(tree[: _blocks(tree, form)], form) for form in FORMATS}


def _blocks(tree: Document, form: str) -> int:
    """How many blocks make 10 kB."""
    return 1 + bisect_left(range(1, len(tree)), SIZE, key=lambda many: size(text.write(tree[:many], form)))


def size(written: Any) -> int:
    return len(written) if isinstance(written, str) else len(json.dumps(written, ensure_ascii=False))


def run(scale: Scale) -> dict[str, Any]:
    """Measure; a JSON document: milliseconds by kind, source and target."""
    found: dict[str, Any] = {"target_ms": TARGET, "size": SIZE, "kinds": {}, "yardstick_ms": {}}
    peer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for kind in KINDS:
        given = samples(kind)
        gc.collect()
        found["kinds"][kind] = {source: _row(source, given[source], scale) for source in FORMATS}
        found["yardstick_ms"][kind] = best(partial(peer.render, given["markdown"]), scale)
    rows = [ms for kind in found["kinds"].values() for row in kind.values() for ms in row.values()]
    found["slowest_ms"], found["within"] = max(rows), sum(ms < TARGET for ms in rows)
    found["pairs"] = len(rows)
    return found


def _row(source: str, given: Any, scale: Scale) -> dict[str, float]:
    return {target: best(partial(text.convert, given, source, target), scale) for target in FORMATS}


def best(act: Callable[[], object], scale: Scale) -> float:
    """Milliseconds of processor time, the least of several."""
    took = []
    for _ in range(scale.rounds):
        began = time.process_time()
        act()
        took.append(time.process_time() - began)
    return round(min(took) * 1000, 3)


def told(found: dict[str, Any]) -> str:
    """The figures as tables, a row for each source."""
    lines = []
    for kind, rows in found["kinds"].items():
        lines += [f"{kind}: milliseconds for {found['size']:,} characters into", ""]
        lines += [f"{'':>10}" + "".join(f"{target:>10}" for target in FORMATS)]
        lines += [
            f"{source:>10}" + "".join(f"{row[target]:10.2f}" for target in FORMATS) for source, row in rows.items()
        ]
        lines += ["", f"markdown-it-py, Markdown into HTML: {found['yardstick_ms'][kind]:.2f}", ""]
    lines += [
        f"{found['within']} of {found['pairs']} under {found['target_ms']:.0f} ms; slowest {found['slowest_ms']:.2f}"
    ]
    return "\n".join(lines)
