"""The vendors' recorded answers, whole, where they lie beside the project: what is copied here is a part of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Outcome

WHOLE = Path(__file__).parents[3] / "shared" / "vendors" / "data"


def recordings(kind: str) -> dict[str, Any]:
    """All recorded answers of a kind, by name; skips the test where they are not at hand."""
    path = WHOLE / kind / "api_fixtures.json"
    if not path.is_file():
        pytest.skip(f"the recordings of {kind} are not beside the project")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def borne(call: Callable[[], object]) -> bool:
    """Whether an answer was read; an outcome is an end too, anything else that is raised fails."""
    try:
        call()
    except Outcome:
        return False
    return True
