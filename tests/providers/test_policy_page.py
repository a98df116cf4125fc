"""What ``docs/policies.md`` shows of each policy is one, and can be published."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.decide.language import Known
from gateway.providers.languages import LANGUAGES, compiled
from mappings.loader import load

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"
PROVIDERS = frozenset({"acme", "bolt"})
KNOWN = Known(frozenset({"service-desk", "network", "people"}), PROVIDERS, PROVIDERS)


def shown(title: str) -> str:
    """The indented examples of the section of that title, as one document."""
    section = PAGE.read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line.removeprefix("    ") for line in section.splitlines() if line.startswith("    ") or not line]
    text = "\n".join(lines)
    return text if "policy: 1" in text else f"policy: 1\nname: {title.lower()}\n{text}"


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_examples_of_each_section_are_one_policy_that_can_be_published(name: str) -> None:
    text = shown(name.capitalize())
    found, policy = compiled(load(text, "policies.md"), KNOWN)
    assert found == name and policy is not None
    assert len(re.findall(r"^ *\S", text, flags=re.MULTILINE)) > 8


def test_the_page_has_a_section_for_each_policy_and_tells_them_in_order() -> None:
    titles = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert titles == ["Calendars", "Conditions", "Triage", "Routing", "Targets", "Escalation", "Preview"]
