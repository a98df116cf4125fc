"""What a manifest cannot say of ConnectWise: an update is a JSON Patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.rest import Rest


class Hooks:
    """The step ``encode`` of this kind."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def encode(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One operation a field; the path has no leading slash, and null empties."""
        return [{"op": "replace", "path": name, "value": value} for name, value in document.items()]
