"""Every number of the contract is tested: by the contract itself, or where docs/connector-guide.md says."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.contract import Contract
from connectors.contract.run import names

GUIDE = Path(__file__).parents[3] / "docs/connector-guide.md"
NUMBERS = {"M": 10, "A": 10, "W": 15, "R": 10, "U": 16, "I": 15, "F": 12, "H": 12}
ROW = re.compile(r"^\| ([A-Z]\d+) \|.*\|(.*)\|$", re.M)
SHOWN = re.compile(r"`(test_\w+)` in \[[^]]*\]\(([^)]*)\)")


def test_every_number_is_tested_by_the_contract_or_where_the_guide_says() -> None:
    listed = {f"{letter}{number}" for letter, most in NUMBERS.items() for number in range(1, most + 1)}
    words = [word for name in names(Contract) for word in name.split("_")]
    held = [f"{word[0].upper()}{int(word[1:])}" for word in words if re.fullmatch(r"[mawruifh]\d\d", word)]
    elsewhere = [number for number, _ in ROW.findall(GUIDE.read_text("utf-8"))]
    assert set(held) | set(elsewhere) == listed and not set(held) & set(elsewhere)


def test_what_the_guide_names_is_there() -> None:
    for number, shown in ROW.findall(GUIDE.read_text("utf-8")):
        found = SHOWN.findall(shown)
        assert found, number
        for test, path in found:
            assert f"def {test}(" in (GUIDE.parent / path).read_text("utf-8"), (number, test)
