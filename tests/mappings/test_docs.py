"""The page about the language: its examples are mappings that hold, its lists are the code's, its tests exist."""

import re
from pathlib import Path

import pytest

from mappings.codes import CODES
from mappings.prover import prove
from mappings.schema import RULE, TOP
from tests.mappings import support

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mappings.md").read_text()
EXAMPLES = re.findall(r"```yaml\n# extends (\w+)\n(.*?)```", PAGE, re.DOTALL)
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
TRANSFORMS = ("date", "join", "first", "spaces")


def test_the_page_has_an_example_for_each_construct() -> None:
    assert len(EXAMPLES) >= 18
    assert PAGE.count("```yaml") == len(EXAMPLES)


@pytest.mark.parametrize(("parent", "text"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_mapping_that_holds(parent: str, text: str) -> None:
    whole = f"mapping: 1\nname: acme\nextends: {parent}\n{text}"
    found = prove(whole, support.catalogue(parent), support.VOCABULARY, support.source(parent), name="acme")
    assert [str(told) for told in found.complaints if told.severity == "E"] == []


def test_an_example_that_says_something_else_is_noticed() -> None:
    parent, text = next(each for each in EXAMPLES if "gives: {status: pending_problem}" in each[1])
    wrong = text.replace("gives: {status: pending_problem}", "gives: {status: new}")
    whole = f"mapping: 1\nname: acme\nextends: {parent}\n{wrong}"
    found = prove(whole, support.catalogue(parent), support.VOCABULARY, support.source(parent), name="acme")
    assert [told.code for told in found.complaints if told.severity == "E"] == ["M007"]


def headings() -> str:
    return " ".join(re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("key", [*TOP, *RULE])
def test_every_key_of_the_language_has_its_place(key: str) -> None:
    in_table = any(f"`{key}`" in line or f"`{key}:" in line for line in PAGE.split("\n") if line.startswith("|"))
    assert key in headings() or in_table or key in ("field", "extends"), key


def test_every_transform_and_every_code_is_explained() -> None:
    assert all(f"`{name}`" in PAGE or f"`{{{name}: " in PAGE for name in TRANSFORMS)
    rows = dict(re.findall(r"^\| (M\d{3}) \| ([EW]) \|", PAGE, re.MULTILINE))
    assert rows == {code: known.severity for code, known in CODES.items()}


def test_every_promise_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (T\d) \|(.*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [f"T{at}" for at in range(1, 10)]
    assert all("`tests/" in row and re.search(r"\| M\d{3}", row) for _, row in rows)
    for path, name in NAMED:
        source = (ROOT / path).read_text()
        assert not name or f"def {name}(" in source, (path, name)


def test_every_code_a_promise_rests_on_is_a_code() -> None:
    rows = re.findall(r"^\| T\d \|(.*)$", PAGE, re.MULTILINE)
    promised = {code for row in rows for code in re.findall(r"M\d{3}", row)}
    assert promised <= CODES.keys()
    assert len(promised) >= 25
