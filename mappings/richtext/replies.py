"""What somebody wrote in an e-mail, apart from what they quoted and how they signed (Spanish, English, Russian).

Cautious: only what stands at the end is taken off, and never everything. The raw mail is kept elsewhere.
"""

from __future__ import annotations

import re

_INTRODUCTIONS = re.compile(
    r"(?:on\b.{4,120}\bwrote:|el\b.{4,120}\bescribió:|.{0,80}\d{4}.{0,80}(?:пишет|написал(?:а|\(а\))?):"
    r"|-{2,}\s*(?:original message|forwarded message|mensaje original|mensaje reenviado"
    r"|исходное сообщение|пересланное сообщение|пересылаемое сообщение)\s*-{2,}|_{20,})\s*",
    re.IGNORECASE,
).fullmatch
_HEADER = re.compile(r"(?:from|de|от|от кого):\s*\S.*", re.IGNORECASE).fullmatch
_NEXT_HEADER = re.compile(
    r"(?:sent|date|to|subject|cc|enviado(?: el)?|fecha|para|asunto|отправлено|дата|кому|тема|копия):.*", re.IGNORECASE
).fullmatch
_SENT_FROM = re.compile(
    r"(?:sent from my .{2,40}|get outlook for .{2,40}|enviado desde mi .{2,40}|obtener outlook para .{2,40}"
    r"|отправлено с (?:моего )?.{2,40}|отправлено из .{2,60})",
    re.IGNORECASE,
).fullmatch
_LONGEST = 400
"""Lines longer than this introduce nothing: they are prose."""


def reply(text: str) -> tuple[str, str]:
    """(what was written, what was taken off) of a plain text mail; the first is never empty unless the text is."""
    lines = text.split("\n")
    end = _signature_start(lines, len(lines))
    end = _quote_start(lines[:end])
    end = _signature_start(lines, end)
    kept = "\n".join(lines[:end]).rstrip()
    if not kept.strip():
        return text.strip("\n"), ""
    return kept, "\n".join(lines[end:]).strip("\n")


def _quote_start(lines: list[str]) -> int:
    """Where the quoted mail begins that goes on to the end; a quote in the middle was answered and stays."""
    for at, line in enumerate(lines):
        short = line.strip()
        if not short or len(short) > _LONGEST:
            continue
        if _INTRODUCTIONS(short) and _only_quotes(lines, at + 1, short):
            return at
        if _HEADER(short) and at + 1 < len(lines) and _NEXT_HEADER(lines[at + 1].strip()):
            return at
        two = f"{short} {lines[at + 1].strip()}" if at + 1 < len(lines) else ""
        if two and len(two) <= _LONGEST and _INTRODUCTIONS(two) and _only_quotes(lines, at + 2, two):
            return at
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].startswith(">")):
        at -= 1
    return at


def _only_quotes(lines: list[str], at: int, introduction: str) -> bool:
    """Whether nothing but quoted lines follows (an `Original message` line needs no signs at all)."""
    if introduction[0] in "-_":
        return True
    return all(not line.strip() or line.startswith(">") for line in lines[at:])


def _signature_start(lines: list[str], end: int) -> int:
    """Where a signature begins that ends there: after ``-- `` (RFC 3676), or one line a telephone adds."""
    for at in range(end - 1, max(-1, end - 12), -1):
        if lines[at].rstrip() == "--":
            return at
    last = end
    while last and not lines[last - 1].strip():
        last -= 1
    return last - 1 if last and _SENT_FROM(lines[last - 1].strip()) else end
