"""Render the guides to build/docs and refuse a link between them that leads nowhere."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>\n<main>{body}</main></html>\n'


def sources() -> list[Path]:
    return [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md")), *connector_pages()]


def connector_pages() -> list[Path]:
    return sorted((ROOT / "connectors").glob("*/README.md"))


def broken_links(page: Path) -> list[str]:
    """Relative targets of ``page`` that do not exist; web addresses are not asked."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    return [target for target in targets if "://" not in target and not (page.parent / target).exists()]


def render(page: Path, build: Path) -> None:
    text = page.read_text(encoding="utf-8")
    target = build / page.relative_to(ROOT).with_suffix(".html")
    target.parent.mkdir(parents=True, exist_ok=True)
    title = next((line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")), page.stem)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(re.sub(r"\.md([)#])", r".html\1", text))
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
