"""A sentence in English that still knows its parts, so that whoever shows it can say it in another language."""

from __future__ import annotations

from collections.abc import Mapping

Part = str | tuple[str, ...]


class Sentence(str):
    """``text`` with its named places filled; several of a part are joined by ``and``."""

    text: str
    parts: Mapping[str, Part]

    __slots__ = ("parts", "text")

    def __new__(cls, text: str, **parts: Part) -> Sentence:
        filled = {name: part if isinstance(part, str) else " and ".join(part) for name, part in parts.items()}
        made = super().__new__(cls, text % filled)
        made.text, made.parts = text, parts
        return made
