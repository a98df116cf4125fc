"""Atlassian Document Format at the border: inside, its tree travels as JSON text; on the wire it is the tree itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text(document: Mapping[str, Any]) -> str:
    """A tree as the text that fields and comments hold; equal trees are equal texts."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def tree(written: str) -> dict[str, Any]:
    """The tree of such a text; words that are no tree become its paragraphs, line by line."""
    if written.startswith("{"):
        try:
            found = json.loads(written)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.get("type") == "doc":
            return found
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in written.split("\n\n")]}


def _paragraph(written: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(written.split("\n")):
        content += [{"type": "hardBreak"}] if number else []
        content += [{"type": "text", "text": line}] if line else []
    return {"type": "paragraph", "content": content}


def words(node: Mapping[str, Any]) -> str:
    """What a tree says, its marks left out."""
    if node.get("type") in ("text", "hardBreak"):
        return str(node.get("text", "\n"))
    between = "\n\n" if node.get("type") == "doc" else ""
    return between.join(words(each) for each in node.get("content", ()))
