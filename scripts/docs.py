"""Render the guides to build/docs and refuse a link between them that leads nowhere, to a page or to a heading."""

from __future__ import annotations

import html
import re
import sys
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>\n<main>{body}</main></html>\n'


def sources() -> list[Path]:
    return [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md")), *connector_pages()]


def connector_pages() -> list[Path]:
    return sorted((ROOT / "connectors").glob("*/README.md"))


def broken_links(page: Path) -> list[str]:
    """Relative targets of ``page`` that do not exist, pages or headings; web addresses are not asked."""
    found = LINK.findall(page.read_text(encoding="utf-8"))
    return [
        f"{target}#{part}".rstrip("#") for target, part in found if "://" not in target and lost(page, target, part)
    ]


def lost(page: Path, target: str, part: str) -> bool:
    there = page.parent / target if target else page
    return not there.exists() or bool(part and there.suffix == ".md" and part not in named(parsed(there)))


def parsed(page: Path) -> list[Token]:
    return MARKDOWN.parse(re.sub(r"\.md([)#])", r".html\1", page.read_text(encoding="utf-8")))


def named(tokens: list[Token]) -> list[str]:
    """Give each heading the name by which it is linked to, that of its words; all names."""
    names = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open":
            plain = "".join(one.content for one in words.children or ())
            names.append(re.sub(r"[^\w -]", "", plain.lower()).replace(" ", "-"))
            opening.attrSet("id", names[-1])
    return names


def render(page: Path, build: Path) -> None:
    tokens = parsed(page)
    named(tokens)
    target = build / page.relative_to(ROOT).with_suffix(".html")
    target.parent.mkdir(parents=True, exist_ok=True)
    title = next((words.content for one, words in pairwise(tokens) if one.tag == "h1"), page.stem)
    body = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    target.write_text(PAGE.format(title=html.escape(title), body=body), encoding="utf-8")


def main() -> int:
    pages = sources()
    broken = [f"{page.relative_to(ROOT)}: {target}" for page in pages for target in broken_links(page)]
    for page in pages:
        render(page, ROOT / "build" / "docs")
    print(*(f"leads nowhere: {line}" for line in broken), sep="\n", file=sys.stderr)
    print(f"docs: {len(pages)} pages in build/docs, {len(broken)} broken links")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
