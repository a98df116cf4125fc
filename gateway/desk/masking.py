"""Personal data out of what is kept as an example: the same word always becomes the same other word.

Letters become letters of the same script and case, digits digits, everything else stays, so a text keeps its length and
its shape. Addresses, people and IP addresses get made-up ones. A ``Mask`` holds for one file; another key masks
otherwise, so that nobody finds a name by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

DOMAIN = "masked.example"
_MAIL = r"[^\s<>@,;:\"'()\[\]]+@[^\s<>@,;:\"'()\[\]]+\.[^\W\d_]{2,}"
_IPV4 = r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
_IPV6 = r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}(?![\w:])"
_TAG = r"</?[A-Za-z][^<>]*>"
_PARTS = re.compile(f"(?P<mail>{_MAIL})|(?P<ip>{_IPV4})|(?P<ip6>{_IPV6})|(?P<word>\\w+)")
_MARKED = re.compile(f"(?P<tag>{_TAG})|(?P<mark>&\\w+;)|{_PARTS.pattern}")
_SCRIPTS = (
    *("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    *("абвгдежзийклмнопрстуфхцчшщъыьэюя", "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"),
    *("áéíóúñüäöàèçêß", "ÁÉÍÓÚÑÜÄÖÀÈÇÊ"),
    *("αβγδεζηθικλμνξοπρστυφχψω", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"),
    "0123456789",
)
_CLASSES = {letter: letters for letters in _SCRIPTS for letter in letters}


class Mask:
    """The masks of one file; ``key`` is secret bytes. Numbers of people count up as they are first met."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._people: dict[str, int] = {}
        self._addresses: dict[str, str] = {}

    def text(self, value: str, marked: bool = False) -> str:
        """Free text; of ``marked`` (HTML) text the tags stay, without their attributes."""
        return (_MARKED if marked else _PARTS).sub(self._part, value)

    def mail(self, address: str) -> str:
        """Another address, the same one for every spelling of this one."""
        return f"person{self._number(address)}@{DOMAIN}"

    def person(self, value: Mapping[str, Any], keep: frozenset[str] = frozenset()) -> dict[str, Any]:
        """A person with made-up attributes; those in ``keep`` (a table names them) stay."""
        who = str(value.get("email") or value.get("login") or value.get("id") or value.get("name") or "")
        number = self._number(who)
        made: dict[str, Callable[[str], str]] = {
            "email": lambda address: f"person{number}@{DOMAIN}",
            "login": lambda login: f"person{number}",
            "name": lambda name: f"Person {number}",
        }
        return {
            key: part if not isinstance(part, str) or part in keep else made.get(key, self.who)(part)
            for key, part in value.items()
        }

    def who(self, value: str) -> str:
        """What names a person, in one text: an address, a login or an id."""
        return self.mail(value) if "@" in value else self._word(value)

    def name(self, value: str) -> str:
        """A file's name: its ending stays."""
        stem, dot, ending = value.rpartition(".")
        return f"{self.text(stem)}.{ending}" if dot and stem and len(ending) <= 5 else self.text(value)

    def tree(self, value: Any) -> Any:
        """A document tree (ADF): its texts masked, its addresses gone, everything else as it is."""
        if isinstance(value, list):
            return [self.tree(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {key: self._leaf(key, each) for key, each in value.items()}

    def _leaf(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value) if key in ("text", "href", "url", "title", "alt", "id", "localId") else value
        return self.tree(value)

    def _number(self, who: str) -> int:
        return self._people.setdefault(who.strip().casefold(), len(self._people) + 1)

    def _part(self, found: re.Match[str]) -> str:
        whole = found[0]
        match found.lastgroup:
            case "mail":
                return self.mail(whole)
            case "ip":
                return self._addresses.setdefault(whole, f"192.0.2.{(len(self._addresses) + 1) % 256}")
            case "ip6":
                return self._addresses.setdefault(whole, f"2001:db8::{len(self._addresses) + 1:x}")
            case "tag":
                name = re.match(r"</?[A-Za-z][\w-]*", whole)
                return f"{name[0] if name else whole[:1]}{'/' if whole.endswith('/>') else ''}>"
            case "mark":
                return whole
        return self._word(whole)

    def _word(self, word: str) -> str:
        """Another word of the same length; ``VPN`` and ``vpn`` become the same one, each in its own case."""
        stream = hmac.new(self._key, word.casefold().encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        while len(stream) < len(word):
            stream += hmac.new(self._key, stream, hashlib.sha256).digest()
        return "".join(map(_other, word, stream))


def _other(letter: str, chance: int) -> str:
    """Another letter of the same kind; what is neither letter nor digit stays."""
    letters = _CLASSES.get(letter)
    if letters is None:
        if not letter.isalpha():
            return "0" if letter.isnumeric() else letter
        letters = "X" if letter.isupper() else "x"
    return letters[(letters.find(letter) + 1 + chance % max(len(letters) - 1, 1)) % len(letters)]
